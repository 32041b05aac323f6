/tmp/wt/qemu/daemon/obj/transport_stock.o: \
 /tmp/wt/qemu/daemon/transport_stock.c /tmp/wt/qemu/daemon/clock.h \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/transport.h \
 /tmp/wt/qemu/daemon/proto.h /tmp/wt/qemu/daemon/../uapi/hv_kvp.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/utf.h \
 /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/transport.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/utf.h:
/tmp/wt/qemu/daemon/wire.h:
