/tmp/wt/qemu/daemon/obj/ip_dns_set.o: /tmp/wt/qemu/daemon/ip_dns_set.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/clock.h \
 /tmp/wt/qemu/daemon/ip_dns.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/ip_file.h \
 /tmp/wt/qemu/daemon/ip_manager.h /tmp/wt/qemu/daemon/ip_plan.h \
 /tmp/wt/qemu/daemon/ip_system.h /tmp/wt/qemu/daemon/run.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/ip_dns.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_file.h:
/tmp/wt/qemu/daemon/ip_manager.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/run.h:
