/tmp/wt/qemu/daemon/obj/pool_lock.o: /tmp/wt/qemu/daemon/pool_lock.c \
 /tmp/wt/qemu/daemon/clock.h /tmp/wt/qemu/daemon/pool_lock.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/pool_lock.h:
