/tmp/wt/qemu/daemon/obj/ip_dns.o: /tmp/wt/qemu/daemon/ip_dns.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_dns.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_system.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_dns.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_system.h:
