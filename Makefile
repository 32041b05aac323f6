# SPDX-License-Identifier: GPL-2.0-only
#
# make            builds ./hv_kvp.ko for the running kernel; needs nothing but its headers
# make help       names the rest

KERNELRELEASE ?= $(shell uname -r)
KDIR          ?= /lib/modules/$(KERNELRELEASE)/build
DESTDIR       ?=
PREFIX        ?= /usr
PYTHON        ?= python3

.PHONY: all module daemon host check check-all lint demo bench packages install clean distclean help

all: module

help:
	@echo 'Build:'
	@echo '  make [module]     ./hv_kvp.ko for the running kernel, or for KDIR=<kernel build folder>'
	@echo '  make daemon       daemon/hvkvpd and daemon/hvkvp'
	@echo '  make host         tests/host/hvhost, the test host'
	@echo '  make install      module, daemon and command into this system, or under DESTDIR='
	@echo '  make clean        removes what was built; distclean also the logs and the machine images'
	@echo 'Try (as root on Debian 12; both install missing Debian packages first):'
	@echo '  make demo         boots a guest in the test host and shows a conversation'
	@echo '  make check        unit tests and the end-to-end cases'
	@echo '                    CHECK="--only PATTERN", "--list", "--keep-logs", ...: see tests/run --help'
	@echo '  make check-all    the same after building the debug kernel, which takes 20 minutes once'
	@echo '  make bench        our pair against the stock pair in one guest: medians and ratios'
	@echo '  make lint         compilers with all warnings, sparse, checkpatch and the like'

module: $(KDIR)/Makefile
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

$(KDIR)/Makefile:
	@echo "make: there are no kernel headers in $(KDIR)" >&2
	@echo "      install them (Debian: apt-get install linux-headers-$(KERNELRELEASE))," >&2
	@echo "      or name another kernel's build folder: make module KDIR=/path/to/headers" >&2
	@exit 1

daemon:
	$(MAKE) -C daemon

host:
	$(MAKE) -C tests/host

packages:
	@tests/vm/install-packages

check: packages
	@$(PYTHON) tests/run $(CHECK)

check-all: packages
	@tests/vm/build-kernel debug >/dev/null
	@$(PYTHON) tests/run $(CHECK)

lint: packages
	@$(PYTHON) tests/lint $(LINT)

demo: packages
	@$(PYTHON) tests/demo $(DEMO)

bench: packages
	@$(PYTHON) tests/demo tests/bench/pair.lua

install: module daemon
	install -D -m 644 hv_kvp.ko $(DESTDIR)/lib/modules/$(KERNELRELEASE)/updates/hv_kvp.ko
	install -D -m 755 daemon/hvkvpd $(DESTDIR)$(PREFIX)/sbin/hvkvpd
	install -D -m 755 daemon/hvkvp $(DESTDIR)$(PREFIX)/bin/hvkvp
	$(if $(DESTDIR),,depmod $(KERNELRELEASE))

# Without headers there is no kbuild to clean up after itself.
clean:
	@find . -path ./.git -prune -o -path ./build -prune -o -path ./tests -prune -o -path ./daemon -prune -o \
		\( -name '*.o' -o -name '*.ko' -o -name '*.mod' -o -name '*.mod.c' -o -name '.*.cmd' \
		   -o -name modules.order -o -name Module.symvers \) -exec rm -f {} +
	$(if $(wildcard daemon/Makefile),$(MAKE) -C daemon clean)
	$(if $(wildcard tests/host/Makefile),$(MAKE) -C tests/host clean)
	rm -rf build/module build/vm build/*.cpio

distclean: clean
	rm -rf build
