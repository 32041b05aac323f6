/tmp/wt/qemu/daemon/obj/rtnl.o: /tmp/wt/qemu/daemon/rtnl.c \
 /tmp/wt/qemu/daemon/rtnl.h
/tmp/wt/qemu/daemon/rtnl.h:
