/tmp/wt/qemu/daemon/obj/net.o: /tmp/wt/qemu/daemon/net.c \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/net.h \
 /tmp/wt/qemu/daemon/rtnl.h /tmp/wt/qemu/daemon/rtnl_address.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/net.h:
/tmp/wt/qemu/daemon/rtnl.h:
/tmp/wt/qemu/daemon/rtnl_address.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
