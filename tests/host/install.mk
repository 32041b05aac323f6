# SPDX-License-Identifier: GPL-2.0-only
#
# Installs and removes the test host with what it needs outside of this tree: the command hvhost, the library
# and the case files, the runner, the programs inside the machines. Used by the top Makefile and debian/rules.
# The folder has the layout of the tree, with the programs that are built there in "prebuilt" (tests/lib/build.py).

DESTDIR   ?=
PREFIX    ?= /usr
bindir    ?= $(PREFIX)/bin
hvhostdir ?= $(PREFIX)/lib/hvhost
mandir    ?= $(PREFIX)/share/man
docdir    ?= $(PREFIX)/share/doc/hvhost
CC        ?= gcc

# Relative, since the path may have blanks.
here  := $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
tests := $(patsubst %/host,%,$(here))
to    := $(DESTDIR)$(hvhostdir)
# Programs inside the machines, below tests/vm.
inside := guest/agent level1/relay level1/tsc
built  := $(inside:%=$(here)/build/inside/%)

data := $(patsubst $(tests)/%,%,$(wildcard $(tests)/lib/*.py $(tests)/lib/*.sh $(tests)/e2e/*.lua $(tests)/host/lua/*.lua \
	$(tests)/host/wireshark/*.lua)) vm/kernels
programs := vm/run vm/fetch-kernel vm/build-kernel vm/fetch-qemu vm/capture-cases vm/symbols vm/guest/init vm/guest/end \
	vm/guest/kvp-service vm/level1/init

.PHONY: all install uninstall
all: $(built)
	$(MAKE) -C $(here)

$(built): $(here)/build/inside/%: $(tests)/vm/%.c $(tests)/vm/port.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -g -Wall -Wextra -static -o $@ $<

install: all
	install -d "$(DESTDIR)$(bindir)" "$(to)/prebuilt"
	install -D -m 755 $(here)/hvhost "$(to)/tests/host/hvhost"
	install -m 755 $(built) "$(to)/prebuilt"
	$(foreach file,$(data),install -D -m 644 $(tests)/$(file) "$(to)/tests/$(file)" &&) :
	$(foreach file,$(programs),install -D -m 755 $(tests)/$(file) "$(to)/tests/$(file)" &&) :
	sed -e 's#@HVHOSTDIR@#$(hvhostdir)#' $(here)/hvhost.in >"$(DESTDIR)$(bindir)/hvhost"
	chmod 755 "$(DESTDIR)$(bindir)/hvhost"
	install -D -m 644 $(here)/hvhost.1 "$(DESTDIR)$(mandir)/man1/hvhost.1"
	install -D -m 644 $(here)/README.md "$(DESTDIR)$(docdir)/cases.md"
	install -D -m 644 $(tests)/../docs/testing-ic.md "$(DESTDIR)$(docdir)/testing-ic.md"

uninstall:
	rm -rf "$(to)" "$(DESTDIR)$(docdir)"
	rm -f "$(DESTDIR)$(bindir)/hvhost" "$(DESTDIR)$(mandir)/man1/hvhost.1"
