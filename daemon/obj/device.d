/tmp/wt/qemu/daemon/obj/device.o: /tmp/wt/qemu/daemon/device.c \
 /tmp/wt/qemu/daemon/device.h /tmp/wt/qemu/daemon/transport.h \
 /tmp/wt/qemu/daemon/proto.h /tmp/wt/qemu/daemon/../uapi/hv_kvp.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/device.h:
/tmp/wt/qemu/daemon/transport.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
