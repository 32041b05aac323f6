/tmp/wt/qemu/daemon/obj/ip_cache.o: /tmp/wt/qemu/daemon/ip_cache.c \
 /tmp/wt/qemu/daemon/ip_cache.h /tmp/wt/qemu/daemon/adapter.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_read.h /tmp/wt/qemu/daemon/ip_system.h \
 /tmp/wt/qemu/daemon/net_watch.h /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/ip_cache.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_read.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/net_watch.h:
/tmp/wt/qemu/daemon/rtnl.h:
