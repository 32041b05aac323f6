/tmp/wt/qemu/daemon/obj/ip_snapshot.o: /tmp/wt/qemu/daemon/ip_snapshot.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/ip_link.h \
 /tmp/wt/qemu/daemon/ip_snapshot.h /tmp/wt/qemu/daemon/rtnl.h \
 /tmp/wt/qemu/daemon/rtnl_address.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_link.h:
/tmp/wt/qemu/daemon/ip_snapshot.h:
/tmp/wt/qemu/daemon/rtnl.h:
/tmp/wt/qemu/daemon/rtnl_address.h:
