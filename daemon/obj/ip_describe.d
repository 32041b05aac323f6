/tmp/wt/qemu/daemon/obj/ip_describe.o: /tmp/wt/qemu/daemon/ip_describe.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_describe.h \
 /tmp/wt/qemu/daemon/ip_manager.h /tmp/wt/qemu/daemon/ip_plan.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_query.h /tmp/wt/qemu/daemon/ip_system.h \
 /tmp/wt/qemu/daemon/ip_wire.h /tmp/wt/qemu/daemon/printable.h \
 /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_describe.h:
/tmp/wt/qemu/daemon/ip_manager.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_query.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/printable.h:
/tmp/wt/qemu/daemon/rtnl.h:
