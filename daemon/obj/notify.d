/tmp/wt/qemu/daemon/obj/notify.o: /tmp/wt/qemu/daemon/notify.c \
 /tmp/wt/qemu/daemon/notify.h
/tmp/wt/qemu/daemon/notify.h:
