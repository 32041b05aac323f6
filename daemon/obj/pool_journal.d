/tmp/wt/qemu/daemon/obj/pool_journal.o: \
 /tmp/wt/qemu/daemon/pool_journal.c /tmp/wt/qemu/daemon/pool_journal.h \
 /tmp/wt/qemu/daemon/pool_file.h /tmp/wt/qemu/daemon/pool_lock.h \
 /tmp/wt/qemu/daemon/pool_journal_format.h \
 /tmp/wt/qemu/daemon/pool_recover.h
/tmp/wt/qemu/daemon/pool_journal.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/pool_journal_format.h:
/tmp/wt/qemu/daemon/pool_recover.h:
