/tmp/wt/qemu/daemon/obj/facts.o: /tmp/wt/qemu/daemon/facts.c \
 /tmp/wt/qemu/daemon/facts.h /tmp/wt/qemu/daemon/fqdn.h \
 /tmp/wt/qemu/daemon/osrelease.h /tmp/wt/qemu/daemon/utf.h
/tmp/wt/qemu/daemon/facts.h:
/tmp/wt/qemu/daemon/fqdn.h:
/tmp/wt/qemu/daemon/osrelease.h:
/tmp/wt/qemu/daemon/utf.h:
