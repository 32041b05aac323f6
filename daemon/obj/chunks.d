/tmp/wt/qemu/daemon/obj/chunks.o: /tmp/wt/qemu/daemon/chunks.c \
 /tmp/wt/qemu/daemon/chunks.h
/tmp/wt/qemu/daemon/chunks.h:
