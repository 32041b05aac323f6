/tmp/wt/qemu/daemon/obj/fqdn.o: /tmp/wt/qemu/daemon/fqdn.c \
 /tmp/wt/qemu/daemon/fqdn.h
/tmp/wt/qemu/daemon/fqdn.h:
