/tmp/wt/qemu/daemon/obj/net_watch.o: /tmp/wt/qemu/daemon/net_watch.c \
 /tmp/wt/qemu/daemon/clock.h /tmp/wt/qemu/daemon/log.h \
 /tmp/wt/qemu/daemon/net_watch.h
/tmp/wt/qemu/daemon/clock.h:
/tmp/wt/qemu/daemon/log.h:
/tmp/wt/qemu/daemon/net_watch.h:
