/tmp/wt/qemu/daemon/obj/ip_record.o: /tmp/wt/qemu/daemon/ip_record.c \
 /tmp/wt/qemu/daemon/ip_file.h /tmp/wt/qemu/daemon/ip_record.h \
 /tmp/wt/qemu/daemon/ip_plan.h /tmp/wt/qemu/daemon/adapter.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h \
 /tmp/wt/qemu/daemon/ip_system.h
/tmp/wt/qemu/daemon/ip_file.h:
/tmp/wt/qemu/daemon/ip_record.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_system.h:
