/tmp/wt/qemu/daemon/obj/ip_change.o: /tmp/wt/qemu/daemon/ip_change.c \
 /tmp/wt/qemu/daemon/clock.h /tmp/wt/qemu/daemon/ip_apply.h \
 /tmp/wt/qemu/daemon/ip_plan.h /tmp/wt/qemu/daemon/adapter.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_change.h /tmp/wt/qemu/daemon/ip_dns.h \
 /tmp/wt/qemu/daemon/ip_file.h /tmp/wt/qemu/daemon/ip_manager.h \
 /tmp/wt/qemu/daemon/ip_query.h /tmp/wt/qemu/daemon/ip_record.h \
 /tmp/wt/qemu/daemon/ip_site.h /tmp/wt/qemu/daemon/ip_snapshot.h \
 /tmp/wt/qemu/daemon/ip_system.h /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/ip_apply.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_change.h:
/tmp/wt/qemu/daemon/ip_dns.h:
/tmp/wt/qemu/daemon/ip_file.h:
/tmp/wt/qemu/daemon/ip_manager.h:
/tmp/wt/qemu/daemon/ip_query.h:
/tmp/wt/qemu/daemon/ip_record.h:
/tmp/wt/qemu/daemon/ip_site.h:
/tmp/wt/qemu/daemon/ip_snapshot.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/rtnl.h:
