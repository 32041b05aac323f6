/tmp/wt/qemu/daemon/obj/ip_dhcp.o: /tmp/wt/qemu/daemon/ip_dhcp.c \
 /tmp/wt/qemu/daemon/adapter.h /tmp/wt/qemu/daemon/ip_dhcp.h \
 /tmp/wt/qemu/daemon/ip_system.h
/tmp/wt/qemu/daemon/adapter.h:
/tmp/wt/qemu/daemon/ip_dhcp.h:
/tmp/wt/qemu/daemon/ip_system.h:
