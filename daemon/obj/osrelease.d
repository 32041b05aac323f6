/tmp/wt/qemu/daemon/obj/osrelease.o: /tmp/wt/qemu/daemon/osrelease.c \
 /tmp/wt/qemu/daemon/osrelease.h
/tmp/wt/qemu/daemon/osrelease.h:
