/tmp/wt/qemu/daemon/obj/transport_uapi.o: \
 /tmp/wt/qemu/daemon/transport_uapi.c \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp.h /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/transport.h /tmp/wt/qemu/daemon/proto.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/transport.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
