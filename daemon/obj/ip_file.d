/tmp/wt/qemu/daemon/obj/ip_file.o: /tmp/wt/qemu/daemon/ip_file.c \
 /tmp/wt/qemu/daemon/ip_file.h /tmp/wt/qemu/daemon/log.h
/tmp/wt/qemu/daemon/ip_file.h:
/tmp/wt/qemu/daemon/log.h:
