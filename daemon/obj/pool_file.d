/tmp/wt/qemu/daemon/obj/pool_file.o: /tmp/wt/qemu/daemon/pool_file.c \
 /tmp/wt/qemu/daemon/pool_file.h /tmp/wt/qemu/daemon/pool_lock.h
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
