/tmp/wt/qemu/daemon/obj/packet.o: /tmp/wt/qemu/daemon/packet.c \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/ip_wire.h /tmp/wt/qemu/daemon/packet.h \
 /tmp/wt/qemu/daemon/proto.h /tmp/wt/qemu/daemon/store.h \
 /tmp/wt/qemu/daemon/pool.h /tmp/wt/qemu/daemon/pool_file.h \
 /tmp/wt/qemu/daemon/pool_lock.h /tmp/wt/qemu/daemon/pool_index.h \
 /tmp/wt/qemu/daemon/pool_journal.h /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/ip_wire.h:
/tmp/wt/qemu/daemon/packet.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/store.h:
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/wire.h:
