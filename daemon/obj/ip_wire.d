/tmp/wt/qemu/daemon/obj/ip_wire.o: /tmp/wt/qemu/daemon/ip_wire.c \
 /tmp/wt/qemu/daemon/ip_wire.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/utf.h
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/utf.h:
