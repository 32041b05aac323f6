/tmp/wt/qemu/daemon/obj/adapter.o: /tmp/wt/qemu/daemon/adapter.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_system.h \
 /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_system.h:
/tmp/wt/qemu/daemon/rtnl.h:
