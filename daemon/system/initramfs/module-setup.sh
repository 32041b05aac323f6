#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# dracut module: KVP from the moment at which the root file system is mounted. With INITRAMFS=yes in /etc/default/hvkvpd
# also before, for programs in the initramfs that wait for a key (hvkvp wait); INITRAMFS=no leaves it out.

setting()
{
	# shellcheck source=/dev/null
	(INITRAMFS=; . "${dracutsysrootdir:-}/etc/default/hvkvpd"; echo "$INITRAMFS") 2>/dev/null
}

check()
{
	[ "$(setting)" != no ] || return 255
	# An image for this machine alone, which is no guest of Hyper-V.
	# shellcheck disable=SC2154 # dracut's
	[ -z "$hostonly" ] || [ -d /sys/bus/vmbus ] || return 255
}

depends()
{
	echo base
}

installkernel()
{
	[ "$(setting)" = yes ] || return 0
	# All drivers that this kernel has, loaded here or not.
	hostonly='' instmods hv_vmbus hv_kvp hv_utils
}

install()
{
	# shellcheck disable=SC2154
	inst_hook pre-pivot 50 "$moddir/hvkvp-hand-over.sh"
	inst_multiple chroot mkdir modprobe sleep
	[ "$(setting)" = yes ] || return 0
	inst_multiple /usr/sbin/hvkvpd /usr/bin/hvkvp
	# What the administrator forbids to the host is forbidden here, too.
	inst_multiple -o /etc/hvkvpd.conf /etc/hvkvpd.conf.d/*.conf
	# The facts are about the system; /etc/os-release of the image is about dracut.
	for file in /etc/os-release /usr/lib/os-release; do
		[ -e "${dracutsysrootdir:-}$file" ] || continue
		# shellcheck disable=SC2154
		mkdir -p "$initdir/usr/lib/hvkvpd"
		cat "${dracutsysrootdir:-}$file" >"$initdir/usr/lib/hvkvpd/os-release"
		break
	done
	# shellcheck disable=SC2154
	inst_hook pre-trigger 50 "$moddir/hvkvp-start.sh"
}
