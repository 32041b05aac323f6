/tmp/wt/qemu/daemon/obj/ip_text.o: /tmp/wt/qemu/daemon/ip_text.c \
 /tmp/wt/qemu/daemon/ip_list.h /tmp/wt/qemu/daemon/ip_wire.h \
 /tmp/wt/qemu/daemon/ip.h /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h
/tmp/wt/qemu/daemon/ip_list.h:
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
