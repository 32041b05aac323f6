/tmp/wt/qemu/daemon/obj/log.o: /tmp/wt/qemu/daemon/log.c \
 /tmp/wt/qemu/daemon/log.h
/tmp/wt/qemu/daemon/log.h:
