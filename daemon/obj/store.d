/tmp/wt/qemu/daemon/obj/store.o: /tmp/wt/qemu/daemon/store.c \
 /tmp/wt/qemu/daemon/log.h /tmp/wt/qemu/daemon/store.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/pool.h \
 /tmp/wt/qemu/daemon/pool_file.h /tmp/wt/qemu/daemon/pool_lock.h \
 /tmp/wt/qemu/daemon/pool_index.h /tmp/wt/qemu/daemon/pool_journal.h
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/store.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
