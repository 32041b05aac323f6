/tmp/wt/qemu/daemon/obj/ip_plan.o: /tmp/wt/qemu/daemon/ip_plan.c \
 /tmp/wt/qemu/daemon/ip_plan.h /tmp/wt/qemu/daemon/adapter.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
