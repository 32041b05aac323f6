# SPDX-License-Identifier: GPL-2.0-only
#
# make            builds ./hv_kvp.ko for the running kernel; needs nothing but its headers
# make help       names the rest

KERNELRELEASE ?= $(shell uname -r)
# KERNEL_SRC is what Yocto and others call it.
KDIR          ?= $(or $(KERNEL_SRC),/lib/modules/$(KERNELRELEASE)/build)
DESTDIR       ?=
PREFIX        ?= $(or $(prefix),/usr)
PYTHON        ?= python3

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"$$/\1/p' dkms.conf)
DKMS_SOURCE := $(DESTDIR)/usr/src/hv_kvp-$(VERSION)
# The release of the headers, which need not be that of the running kernel.
RELEASE = $(or $(shell sed -n 's/^.define UTS_RELEASE "\(.*\)"/\1/p' \
	$(KDIR)/include/generated/utsrelease.h 2>/dev/null),$(KERNELRELEASE))
MODULE_FILE = $(DESTDIR)/lib/modules/$(RELEASE)/updates/hv_kvp.ko

# $(call owner,FILE,COMMANDS): runs them where a package owns FILE, with its name in $$owner.
owner = if owner=$$(dpkg-query -S $(1) 2>/dev/null || rpm -qf $(1) 2>/dev/null); then owner=$${owner%%:*}; $(2); fi

.PHONY: all module modules modules_install daemon host check check-all coverage lint demo bench bench-store bench-service size fuzz packages clean distclean help
.PHONY: install install-module install-user uninstall uninstall-module uninstall-user
.PHONY: install-hvhost uninstall-hvhost
.PHONY: dkms-source dkms-install dkms-remove deb

all: module

help:
	@echo 'Build:'
	@echo '  make [module]     ./hv_kvp.ko for the running kernel, or for KDIR=<kernel build folder>'
	@echo '  make daemon       daemon/build/hvkvpd and daemon/build/hvkvp'
	@echo '                    JANSSON=no, MANAGERS=..., STATIC=1, SINGLE=1, O=DIR: parts left out, linked statically,'
	@echo '                    both programs in one, built elsewhere; see the top of daemon/Makefile. Installing: initramfs= and dracut= leave the hooks out'
	@echo '  make host         tests/host/hvhost, the test host'
	@echo '  make deb          Debian packages, into build/deb; ARCH=arm64: for arm64, into build/deb-arm64;'
	@echo '                    SUITE=13 or sid: built in that suite, into build/deb-13 or build/deb-sid'
	@echo 'Install (into this system, or under DESTDIR= and PREFIX=/usr):'
	@echo '  make install      install-module (for one kernel) and install-user (daemon, command, unit, manuals)'
	@echo '  make dkms-install the module for this and every later kernel, instead of install-module'
	@echo '  make install-hvhost  the test host as a tool of its own: hvhost run --tree ~/linux heartbeat'
	@echo '  make uninstall    removes all but the pools; dkms-remove what dkms-install made'
	@echo 'Clean:'
	@echo '  make clean        removes what was built; distclean also the logs and the machine images'
	@echo 'Try (as root on Debian 12 or 13; both install missing Debian packages first):'
	@echo '  make demo         boots a guest in the test host and shows a conversation'
	@echo '  make check        unit tests and the end-to-end cases'
	@echo '                    CHECK="--only PATTERN", "--list", "--keep-logs", ...: see tests/run --help'
	@echo '                    HVKVP_DEBUG=1 also builds the debug kernel and runs its jobs'
	@echo '  make bench-store  what the pool store alone costs, from 10 to 10,000 keys'
	@echo '  make bench-service  the daemon against a service that answers at once, without a guest'
	@echo '  make size         stripped sizes, libraries and memory of the daemon, the command, the library'
	@echo '  make fuzz         the fuzzers, FUZZ_TIME=600 seconds each'
	@echo '  make check-all    that, and the rest: every kernel, and the life of the packages'
	@echo '  make coverage     lines and branches of the driver that the jobs on the debug kernel run'
	@echo '  make bench        our pair against the stock pair in one guest: medians, ratios, the part of the'
	@echo '                    driver; pools of 10 to 10,000 keys; draws docs/bench.svg (BENCH_SVG=FILE)'
	@echo '  make lint         compilers with all warnings, sparse, checkpatch and the like'

# Type information of a module is made by pahole, which not every machine with headers has.
BTF = $(if $(shell command -v pahole),,CONFIG_DEBUG_INFO_BTF_MODULES=)

# The kernel's makefiles build where the sources are.
module: $(KDIR)/Makefile
ifneq ($(words [$(CURDIR)]),1)
	@echo "make: the path '$(CURDIR)' has a blank, which the kernel's makefiles cannot handle" >&2
	@exit 1
endif
	@[ -w . ] || { echo "make: $(CURDIR) cannot be written, and the module is built there: copy the tree" >&2; exit 1; }
	$(if $(BTF),@echo 'make: there is no pahole: the module has no BTF type information')
	$(MAKE) -C $(KDIR) M=$(CURDIR) $(BTF) modules

# As kbuild calls them.
modules: module

modules_install: $(KDIR)/Makefile
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_DIR=updates modules_install

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

# HVKVP_STARTED: the time of installing packages is in the table of the stages, too.
run_check = started=$$(date +%s); tests/vm/install-packages && HVKVP_STARTED=$$started $(PYTHON) tests/run $(CHECK)

check:
	@$(run_check)

check-all:
	@export HVKVP_ALL=1; $(run_check)

coverage: packages
	@$(PYTHON) tests/cover $(COVER)

lint: packages
	@$(PYTHON) tests/lint $(LINT_ARGS)

fuzz: packages
	$(MAKE) -C tests/fuzz fuzz

bench-store bench-service: packages
	@$(MAKE) -s --no-print-directory -C tests/bench $(@:bench-%=%)

size: packages
	@tests/bench/size

demo: packages
	@$(PYTHON) tests/demo $(DEMO)

BENCH_SVG ?= docs/bench.svg
BENCH_DIR ?= build/bench
bench_events = build/logs/demo-$(1)/demo/stdout

# What the test host reports of both runs is kept in BENCH_DIR: "tests/bench/plot BENCH_DIR FILE" draws it again, and
# "tests/bench/table BENCH_DIR..." prints the rows of the README, of one run or several.
bench: packages
	@tests/vm/install-packages tests/bench/packages
	@rm -rf $(BENCH_DIR) && mkdir -p $(BENCH_DIR)
	@tests/bench/beside $(BENCH_DIR)/beside.json $(PYTHON) tests/demo $(DEMO) tests/bench/pair.lua && cp $(call bench_events,pair) $(BENCH_DIR)/pair.json
	@$(PYTHON) tests/demo $(DEMO) tests/bench/keys.lua && cp $(call bench_events,keys) $(BENCH_DIR)/keys.json
	@$(PYTHON) tests/bench/plot $(BENCH_DIR) $(BENCH_SVG)
	@$(PYTHON) tests/bench/table $(BENCH_DIR)
	@$(MAKE) -s --no-print-directory -C tests/bench service

install: install-module install-user
	$(if $(DESTDIR),,@echo 'installed. With systemd: systemctl enable --now hvkvpd; then hvkvp-driver take.' \
		'update-initramfs -u (or dracut --force): KVP from the end of the initramfs on')

# The kernel's own rule: it signs, strips and compresses as that kernel is configured. It runs depmod
# only where System.map lies beside the headers, which Debian's packages do not have.
install-module: module
ifneq ($(words [$(DESTDIR)]),1)
	@echo "make: DESTDIR '$(DESTDIR)' has a blank, which the kernel's makefiles cannot handle" >&2
	@exit 1
endif
	$(MAKE) -C $(KDIR) M=$(CURDIR) INSTALL_MOD_PATH=$(DESTDIR) INSTALL_MOD_DIR=updates \
		DEPMOD=: modules_install
	$(if $(DESTDIR),,depmod $(RELEASE))
	$(MAKE) -C daemon/system install-module-files

install-user: daemon
	$(if $(DESTDIR),,@$(call owner,/usr/sbin/hvkvpd,echo "make: warning: the package $$owner is installed too" \
		"and owns /usr/sbin/hvkvpd; remove one of the two" >&2))
	$(MAKE) -C daemon/system install install-library
	$(if $(DESTDIR),,@test -d /run/systemd/system && systemctl daemon-reload && udevadm control --reload || :)

# A call for each unit: systemctl disables none of several if one of them fails.
disable_units = [ ! -d /run/systemd/system ] || for unit in hvkvpd hvkvp-hooks hvkvp-credentials; do \
	systemctl disable --now $$unit.service || echo "make: $$unit.service could not be disabled, see above" >&2; done

uninstall: uninstall-user uninstall-module

# The file goes before the module: the host offers the device again when the module leaves it, and udev would
# load the file again.
uninstall-module:
	rm -f "$(MODULE_FILE)"* "$(DESTDIR)/etc/modprobe.d/hv_kvp-given-back.conf"
	$(if $(DESTDIR),,depmod $(RELEASE))
	$(if $(DESTDIR),,-[ ! -d /sys/bus/vmbus/drivers/hv_kvp ] || { daemon/system/hvkvp-driver --runtime give; rmmod hv_kvp; })
	$(MAKE) -C daemon/system uninstall-module-files

uninstall-user:
	$(if $(DESTDIR),,@$(disable_units))
	$(if $(DESTDIR),,-! said=$$(hvkvp list 2>&1 >/dev/null) || echo "$$said" | grep 'reading it as it is' || \
		for log in /var/lib/hyperv/.kvp_pool_[0-4].journal /var/lib/hyperv/ip.lock; do \
			[ ! -e "$$log" ] || flock -n "$$log" rm -f "$$log" || echo "$$log is in use and stays" >&2; done)
	$(MAKE) -C daemon/system uninstall uninstall-library
	$(if $(DESTDIR),,-[ ! -d /run/systemd/system ] || systemctl daemon-reload)

install-hvhost:
	$(MAKE) -f tests/host/install.mk install

uninstall-hvhost:
	$(MAKE) -f tests/host/install.mk uninstall

# All that building the module takes, and nothing else.
dkms-source:
	rm -rf "$(DKMS_SOURCE)"
	install -d "$(DKMS_SOURCE)/driver" "$(DKMS_SOURCE)/uapi"
	install -m 644 dkms.conf Kbuild "$(DKMS_SOURCE)"
	install -m 644 driver/*.[ch] "$(DKMS_SOURCE)/driver"
	install -m 644 uapi/*.h "$(DKMS_SOURCE)/uapi"

dkms-install: dkms-remove dkms-source
	dkms install hv_kvp/$(VERSION) -k $(KERNELRELEASE)
	$(MAKE) -C daemon/system install-module-files

dkms-remove:
	@$(call owner,$(DKMS_SOURCE)/dkms.conf,echo "make: the package $$owner owns $(DKMS_SOURCE): apt purge $$owner" >&2; exit 1)
	@command -v dkms >/dev/null || { echo 'make: there is no dkms here (Debian: apt-get install dkms)' >&2; exit 1; }
	if [ -n "$$(dkms status hv_kvp/$(VERSION))" ]; then dkms remove hv_kvp/$(VERSION) --all; fi
	rm -rf "$(DKMS_SOURCE)"
	$(MAKE) -C daemon/system uninstall-module-files

deb:
	@tests/package/build-deb $(if $(SUITE),--suite $(SUITE)) $(ARCH)

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
