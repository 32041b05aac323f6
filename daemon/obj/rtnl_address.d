/tmp/wt/qemu/daemon/obj/rtnl_address.o: \
 /tmp/wt/qemu/daemon/rtnl_address.c /tmp/wt/qemu/daemon/rtnl_address.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/rtnl_address.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
