/tmp/wt/qemu/daemon/obj/utf.o: /tmp/wt/qemu/daemon/utf.c \
 /tmp/wt/qemu/daemon/utf.h
/tmp/wt/qemu/daemon/utf.h:
