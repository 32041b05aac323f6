/tmp/wt/qemu/daemon/obj/net_cache.o: /tmp/wt/qemu/daemon/net_cache.c \
 /tmp/wt/qemu/daemon/net.h /tmp/wt/qemu/daemon/net_cache.h \
 /tmp/wt/qemu/daemon/net_watch.h
/tmp/wt/qemu/daemon/net.h:
/tmp/wt/qemu/daemon/net_cache.h:
/tmp/wt/qemu/daemon/net_watch.h:
