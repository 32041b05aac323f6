/tmp/wt/qemu/daemon/obj/ip_query.o: /tmp/wt/qemu/daemon/ip_query.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_dhcp.h \
 /tmp/wt/qemu/daemon/ip_dns.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/ip_query.h \
 /tmp/wt/qemu/daemon/ip_read.h /tmp/wt/qemu/daemon/ip_record.h \
 /tmp/wt/qemu/daemon/ip_plan.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_dhcp.h:
/tmp/wt/qemu/daemon/ip_dns.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_query.h:
/tmp/wt/qemu/daemon/ip_read.h:
/tmp/wt/qemu/daemon/ip_record.h:
/tmp/wt/qemu/daemon/ip_plan.h:
