/tmp/wt/qemu/daemon/obj/ip_list.o: /tmp/wt/qemu/daemon/ip_list.c \
 /tmp/wt/qemu/daemon/ip_list.h
/tmp/wt/qemu/daemon/ip_list.h:
