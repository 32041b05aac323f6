/tmp/wt/qemu/daemon/obj/wire.o: /tmp/wt/qemu/daemon/wire.c \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/utf.h \
 /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/utf.h:
/tmp/wt/qemu/daemon/wire.h:
