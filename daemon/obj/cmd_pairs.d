/tmp/wt/qemu/daemon/obj/cmd_pairs.o: /tmp/wt/qemu/daemon/cmd_pairs.c \
 /tmp/wt/qemu/daemon/chunks.h /tmp/wt/qemu/daemon/command.h \
 /tmp/wt/qemu/daemon/facts.h /tmp/wt/qemu/daemon/store.h \
 /tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h /tmp/wt/qemu/daemon/pool.h \
 /tmp/wt/qemu/daemon/pool_file.h /tmp/wt/qemu/daemon/pool_lock.h \
 /tmp/wt/qemu/daemon/pool_index.h /tmp/wt/qemu/daemon/pool_journal.h \
 /tmp/wt/qemu/daemon/wire.h /tmp/wt/qemu/daemon/printable.h
/tmp/wt/qemu/daemon/chunks.h:
/tmp/wt/qemu/daemon/command.h:
/tmp/wt/qemu/daemon/facts.h:
/tmp/wt/qemu/daemon/store.h:
/tmp/wt/qemu/daemon/../uapi/hv_kvp_msg.h:
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/wire.h:
/tmp/wt/qemu/daemon/printable.h:
