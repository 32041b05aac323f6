/tmp/wt/qemu/daemon/obj/ip_serve.o: /tmp/wt/qemu/daemon/ip_serve.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_cache.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_change.h /tmp/wt/qemu/daemon/ip_plan.h \
 /tmp/wt/qemu/daemon/ip_query.h /tmp/wt/qemu/daemon/ip_serve.h \
 /tmp/wt/qemu/daemon/ip_system.h /tmp/wt/qemu/daemon/ip_wire.h \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_cache.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_change.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/ip_query.h:
/tmp/wt/qemu/daemon/ip_serve.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/rtnl.h:
