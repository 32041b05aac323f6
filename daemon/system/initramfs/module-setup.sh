#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# dracut module: KVP in the initramfs, for programs there that wait for a key (hvkvp wait).
# Off unless /etc/default/hvkvpd has INITRAMFS=yes, or dracut is run with --add hvkvp.

check()
{
	# shellcheck source=/dev/null
	(. "${dracutsysrootdir:-}/etc/default/hvkvpd" && [ "$INITRAMFS" = yes ]) 2>/dev/null || return 255
}

depends()
{
	echo base
}

installkernel()
{
	# All drivers that this kernel has, loaded here or not.
	hostonly='' instmods hv_vmbus hv_kvp hv_utils
}

install()
{
	inst_multiple /usr/sbin/hvkvpd /usr/bin/hvkvp
	# What the administrator forbids to the host is forbidden here, too.
	inst_multiple -o /etc/hvkvpd.conf /etc/hvkvpd.conf.d/*.conf
	# shellcheck disable=SC2154 # dracut's
	inst_hook pre-trigger 50 "$moddir/hvkvp-start.sh"
	# shellcheck disable=SC2154
	inst_hook pre-pivot 50 "$moddir/hvkvp-stop.sh"
}
