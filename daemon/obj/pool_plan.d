/tmp/wt/qemu/daemon/obj/pool_plan.o: /tmp/wt/qemu/daemon/pool_plan.c \
 /tmp/wt/qemu/daemon/pool.h /tmp/wt/qemu/daemon/pool_file.h \
 /tmp/wt/qemu/daemon/pool_lock.h /tmp/wt/qemu/daemon/pool_index.h \
 /tmp/wt/qemu/daemon/pool_journal.h /tmp/wt/qemu/daemon/pool_plan.h
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/pool_plan.h:
