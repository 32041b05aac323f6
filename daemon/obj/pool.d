/tmp/wt/qemu/daemon/obj/pool.o: /tmp/wt/qemu/daemon/pool.c \
 /tmp/wt/qemu/daemon/clock.h /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/pool.h /tmp/wt/qemu/daemon/pool_file.h \
 /tmp/wt/qemu/daemon/pool_lock.h /tmp/wt/qemu/daemon/pool_index.h \
 /tmp/wt/qemu/daemon/pool_journal.h /tmp/wt/qemu/daemon/pool_plan.h \
 /tmp/wt/qemu/daemon/utf.h /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/pool.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/pool_plan.h:
/tmp/wt/qemu/daemon/utf.h:
/tmp/wt/qemu/daemon/wire.h:
