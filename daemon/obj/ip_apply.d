/tmp/wt/qemu/daemon/obj/ip_apply.o: /tmp/wt/qemu/daemon/ip_apply.c \
 /tmp/wt/qemu/daemon/clock.h /tmp/wt/qemu/daemon/ip_apply.h \
 /tmp/wt/qemu/daemon/ip_plan.h /tmp/wt/qemu/daemon/adapter.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_link.h /tmp/wt/qemu/daemon/ip_snapshot.h \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/rtnl.h \
 /tmp/wt/qemu/daemon/rtnl_address.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/ip_apply.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_link.h:
/tmp/wt/qemu/daemon/ip_snapshot.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/rtnl.h:
/tmp/wt/qemu/daemon/rtnl_address.h:
