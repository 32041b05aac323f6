/tmp/wt/qemu/daemon/obj/ip_binary.o: /tmp/wt/qemu/daemon/ip_binary.c \
 /tmp/wt/qemu/daemon/ip_wire.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/wire.h:
