/tmp/wt/qemu/daemon/obj/pool_index.o: /tmp/wt/qemu/daemon/pool_index.c \
 /tmp/wt/qemu/daemon/pool_index.h /tmp/wt/qemu/daemon/pool_file.h \
 /tmp/wt/qemu/daemon/pool_lock.h /tmp/wt/qemu/daemon/utf.h \
 /tmp/wt/qemu/daemon/wire.h
/tmp/wt/qemu/daemon/pool_index.h:
/tmp/wt/qemu/daemon/pool_file.h:
/tmp/wt/qemu/daemon/pool_lock.h:
/tmp/wt/qemu/daemon/utf.h:
/tmp/wt/qemu/daemon/wire.h:
