/tmp/wt/qemu/daemon/obj/run.o: /tmp/wt/qemu/daemon/run.c \
 /tmp/wt/qemu/daemon/run.h
/tmp/wt/qemu/daemon/run.h:
