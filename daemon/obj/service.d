/tmp/wt/qemu/daemon/obj/service.o: /tmp/wt/qemu/daemon/service.c \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/service.h \
 /tmp/wt/qemu/daemon/facts.h /tmp/wt/qemu/daemon/proto.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/transport.h
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/service.h:
/tmp/wt/qemu/daemon/facts.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/transport.h:
