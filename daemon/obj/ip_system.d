/tmp/wt/qemu/daemon/obj/ip_system.o: /tmp/wt/qemu/daemon/ip_system.c \
 /tmp/wt/qemu/daemon/ip_system.h
/tmp/wt/qemu/daemon/ip_system.h:
