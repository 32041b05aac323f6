/tmp/wt/qemu/daemon/obj/printable.o: /tmp/wt/qemu/daemon/printable.c \
 /tmp/wt/qemu/daemon/printable.h
/tmp/wt/qemu/daemon/printable.h:
