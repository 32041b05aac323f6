/tmp/wt/qemu/daemon/obj/main.o: /tmp/wt/qemu/daemon/main.c \
 /tmp/wt/qemu/daemon/facts.h /tmp/wt/qemu/daemon/ip_cache.h \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/ip_change.h \
 /tmp/wt/qemu/daemon/ip_plan.h /tmp/wt/qemu/daemon/ip_describe.h \
 /tmp/wt/qemu/daemon/ip_system.h /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/loop.h /tmp/wt/qemu/daemon/device.h \
 /tmp/wt/qemu/daemon/transport.h /tmp/wt/qemu/daemon/proto.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp.h /tmp/wt/qemu/daemon/service.h \
 /tmp/wt/qemu/daemon/net_cache.h /tmp/wt/qemu/daemon/net_watch.h \
 /tmp/wt/qemu/daemon/store.h /tmp/wt/qemu/daemon/pool.h \
 /tmp/wt/qemu/daemon/pool_file.h /tmp/wt/qemu/daemon/pool_lock.h \
 /tmp/wt/qemu/daemon/pool_index.h /tmp/wt/qemu/daemon/pool_journal.h
/tmp/wt/qemu/daemon/facts.h:
/tmp/wt/qemu/daemon/ip_cache.h:
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/ip_change.h:
/tmp/wt/qemu/daemon/ip_plan.h:
/tmp/wt/qemu/daemon/ip_describe.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/loop.h:
/tmp/wt/qemu/daemon/device.h:
/tmp/wt/qemu/daemon/transport.h:
/tmp/wt/qemu/daemon/proto.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp.h:
/tmp/wt/qemu/daemon/service.h:
/tmp/wt/qemu/daemon/net_cache.h:
/tmp/wt/qemu/daemon/net_watch.h:
/tmp/wt/qemu/daemon/store.h:
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
