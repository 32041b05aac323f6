/tmp/wt/qemu/daemon/obj/pool_recover.o: \
 /tmp/wt/qemu/daemon/pool_recover.c /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/pool_journal.h /tmp/wt/qemu/daemon/pool_file.h \
 /tmp/wt/qemu/daemon/pool_lock.h /tmp/wt/qemu/daemon/pool_recover.h \
 /tmp/wt/qemu/daemon/pool_journal_format.h
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_recover.h:
/tmp/wt/qemu/daemon/pool_journal_format.h:
