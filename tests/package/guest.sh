# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034,SC2154 # what tap.sh reads; what fetch-kernel says
#
# Debian roots that are changed for one test, and booted in the test host: sourced.
#
#	own_mounts "$0" "$@"          # first: what is mounted from here on ends with the program
#	overlay boot-12               # $root: the Debian root "boot-12" of ./roots; changes are gone at the end
#	inside apt-get ...            # run in it
#	with_kernel 6.1               # its modules for KVP, hv_kvp among them where DKMS puts it; the guest boots it
#	deb_of trixie PACKAGE         # $root/debs: a package of that suite, not installed
#	bootable                      # the test host's agent as a service, and nothing else to wait for
#	pack "$image"                 # all of it as an initramfs, out of which the guest runs
#	boot_guest "$image" FILE.lua [WORD...]   # a TAP line for each case; WORDs are for tests/vm/run
#	tap_end
#
# FILE.lua begins as boot.lua does, with more patience than for other guests: one of 240 MB of packages
# takes 30 to 100 s to come up without hardware virtualization.

package=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$package/../.." && pwd)

# shellcheck source=tap.sh
. "$package/tap.sh"

own_mounts()
{
	[ "${HVKVP_OWN_MOUNTS:-}" = yes ] || HVKVP_OWN_MOUNTS=yes exec unshare -m "$@"
	mount --make-rprivate /
	scratch=$(mktemp -d)
	# The mounts are gone with the namespace; this is the empty folder under them.
	trap 'umount -R -l "$scratch" 2>/dev/null; rmdir "$scratch"' EXIT
	mount -t tmpfs tmpfs "$scratch"
}

# overlay NAME: sets $root.
overlay()
{
	local lower
	lower=$("$package/root" "$1") || bail "the Debian root '$1' cannot be made"
	mkdir "$scratch"/{upper,work,root}
	root=$scratch/root
	mount -t overlay overlay -o "lowerdir=$lower,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
	mount -t proc proc "$root/proc"
	mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
}

inside()
{
	nice chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# files FOLDER: what installing and removing must leave as it was, as ./path. Caches, logs and the
# package database may change; DKMS makes its signing key once for all modules.
files()
{
	(cd "$1" && find . -xdev \( -path ./proc -o -path ./dev -o -path ./run -o -path ./tmp -o -path ./root -o -path ./debs \
		-o -path ./var/lib/dpkg -o -path ./var/cache -o -path ./var/log -o -path ./var/lib/apt \
		-o -path ./var/lib/systemd -o -path './var/lib/dkms/mok.*' \) \
		-prune -o \( -type f -o -type l \) -print | grep -v '/modules\.[a-z.]*$' | sort)
}

# tree_sources [FOLDER...]: what a clone has of what is installed, and of these, as it is now, as a tar archive.
tree_sources()
{
	(cd "$top" && git ls-files -z -- Makefile Kbuild dkms.conf COPYING daemon docs driver uapi debian "$@" |
		while IFS= read -r -d '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
		tar -c --null -T -)
}

# packages: those in build/deb are there, and no older than the tree.
packages()
{
	# Programs that need them may run side by side.
	mkdir -p "$top/build"
	exec 7>"$top/build/packages.lock"
	flock 7
	packages_are_new || check "make deb" "$package/build-deb"
	flock -u 7
}

packages_are_new()
{
	local deb newest
	newest=$(cd "$top" && git ls-files -z -- daemon debian docs uapi Makefile tests/{host,vm,lib,e2e} | xargs -0 ls -t 2>/dev/null | head -n 1)
	deb=$(compgen -G "$top/build/deb/hvkvpd_*_amd64.deb") && [ "$deb" -nt "$top/$newest" ]
}

# check_units NAME SKIPPED COMMAND...: the TAP that the command makes of all unit tests of the tree. Every program runs
# and no case fails; skipped are those of SKIPPED, "CASE # SKIP WHY" one a line, each of them, and for that reason.
check_units()
{
	local name=$1 skipped=$2 one failed=$tap_failed
	shift 2
	tap_failed=0
	check "$name" units_pass "$skipped" "$@"
	[ $tap_failed = 0 ] || return
	tap_failed=$failed
	while IFS= read -r one; do
		[ -z "$one" ] || skip "$name: ${one%% # SKIP *}" "${one##* # SKIP }"
	done <<<"$skipped"
}

units_pass()
{
	local skipped=$1 said=$scratch/said
	shift
	"$@" >"$said" 2>&1
	grep -e '^not ok' -e '^# .*\.c:' -e rror: "$said" | head -n 15
	echo "passed: $(grep '^ok' "$said" | grep -vc '# SKIP')"
	! grep '^not ok' "$said" >/dev/null &&
		same "skipped" "$(sed -n 's/^ok [0-9]* - \(.* # SKIP .*\)/\1/p' "$said" | sort)" "$(sort <<<"$skipped")" &&
		same "cases" "$(grep -c '^ok' "$said")" "$(awk -F. '/^1\.\./ { n += $3 } END { print n }' "$said")" &&
		same "programs" "$(grep -c '^1\.\.' "$said")" "$(find "$top/tests/unit" -name 'test_*.c' -not -path '*/build/*' | wc -l)"
}

# kernel_of NAME: KERNEL_RELEASE, KDIR, MODULES_DIR, KERNEL_ROOT.
kernel_of()
{
	local said
	said=$("$top/tests/vm/fetch-kernel" "$1") || bail "kernel $1 cannot be fetched"
	eval "$said"
}

# deb_of SUITE PACKAGE
deb_of()
{
	(
		say() { echo "# $*" >&2; }
		die() { say "$@"; exit 1; }
		# shellcheck source=../lib/apt.sh
		. "$package/../lib/apt.sh"
		# shellcheck source=../lib/cache.sh
		. "$package/../lib/cache.sh"
		suite=$1
		open_cache package
		mkdir -p "$root/debs"
		cd "$root/debs" || exit
		lock_suite
		update_lists "$2"
		private_apt apt-get download "$2"
	) || bail "the package $2 of $1 cannot be downloaded"
}

# stock_modules NAME...: out of the kernel's own.
stock_modules()
{
	local name
	mkdir -p "$root/lib/modules/$KERNEL_RELEASE/kernel"
	for name; do
		find "$MODULES_DIR" -name "$name.ko*" -exec cp -t "$root/lib/modules/$KERNEL_RELEASE/kernel" {} +
	done
	cp "$MODULES_DIR"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$KERNEL_RELEASE"
	inside depmod "$KERNEL_RELEASE"
}

with_kernel()
{
	kernel_of "$1"
	mkdir -p "$root/lib/modules/$KERNEL_RELEASE/updates/dkms"
	cp "$(python_of_tree "tree.build_module(kernel.fetch('$1'))")" "$root/lib/modules/$KERNEL_RELEASE/updates/dkms"
	make -s -C "$top/daemon/system" install-module-files DESTDIR="$root"
	stock_modules hv_vmbus hv_utils ptp pps_core
}

# python_of_tree EXPRESSION: what the Python in tests/lib makes of it.
python_of_tree()
{
	python3 -c "
import sys
sys.path.insert(0, sys.argv[1])
from lib import build, kernel, tree
print($1)" "$top/tests"
}

bootable()
{
	cp "$(python_of_tree "build.static_program('guest/agent.c')")" "$root/sbin/agent"
	cat >"$root/lib/systemd/system/agent.service" <<-'UNIT'
		[Unit]
		Description=The test host's agent
		[Service]
		ExecStart=/sbin/agent /dev/ttyS1 300
		Restart=always
		[Install]
		WantedBy=multi-user.target
	UNIT
	inside systemctl -q enable agent.service
	inside systemctl -q mask getty.target systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer \
		e2scrub_all.timer dpkg-db-backup.timer serial-getty@ttyS0.service
	echo kvpguest >"$root/etc/hostname"
	ln -sf /etc/machine-id "$root/var/lib/dbus/machine-id"
	# Nothing is to be mounted or checked: the root is the initramfs itself.
	: >"$root/etc/fstab"
	rm -rf "$root"/usr/share/{doc,man,locale} "$root"/var/{cache,lib}/apt "$root/usr/lib/x86_64-linux-gnu/gconv"
	ln -sf lib/systemd/systemd "$root/init"
}

# pack FILE: $root as a cpio archive.
pack()
{
	mkdir -p "${1%/*}"
	(cd "$root" && find . -xdev -print0 | cpio --null -o -H newc --quiet) >"$1.$$" && mv "$1.$$" "$1"
}

# boot_guest IMAGE FILE.lua [WORD...]
boot_guest()
{
	local image=$1 file=$2
	shift 2
	boot_own "$(basename "$image" .cpio)" "$file" --initrd "$image" --kernel "$KERNEL_NAME" \
		--load none --no-start "$@"
}

# boot_own NAME FILE.lua WORD...: what WORDs for tests/vm/run say, with the guest's usual programs; logs in NAME.
boot_own()
{
	talk_to_guest "$@" && return
	# Seen once: both emulated processors idle, early in systemd, for ever.
	# Nothing of ours runs before the bus is there; FILE.lua begins with bus.wait_version().
	echo "# the guest did not get as far as its VMBus: it is booted once more"
	talk_to_guest "$@" || check "the guest makes contact" false
}

# Fails if the guest made no contact at all; everything else is told by TAP.
talk_to_guest()
{
	local name=$1 file=$2 line ended=no
	shift 2
	while IFS= read -r line; do
		case $line in
		'ok '*) tap_count=$((tap_count + 1)) ;;
		'not ok '*) tap_count=$((tap_count + 1)) tap_failed=1 ;;
		ended) ended=yes; continue ;;
		silent) return 1 ;;
		esac
		printf '%s\n' "$line"
	done < <(python3 "$top/tests/vm/run" --time 900 --logs "$top/build/logs/$name" "$@" "$file" -- \
		--mem "${guest_mem:-1024}" | python3 -c '
import json, sys
for line in sys.stdin:
    event = json.loads(line) if line.startswith("{") else {}
    if event.get("event") == "case":
        why = event.get("why")
        if event["name"] == "the script" and why and "did not make contact" in why:
            print("silent", flush=True)
            break
        if why:
            print("# " + why.replace("\n", "\n# "))
        # Nothing here is for a peer, and no case may be passed over.
        print("ok" if event["result"] == "pass" else "not ok", "-", event["name"], flush=True)
    elif event.get("event") == "say":
        print("# " + event["text"].replace("\n", "\n# "), flush=True)
    elif event.get("event") == "end":
        print("ended")
')
	check "${file##*/}: the conversation comes to its end" [ $ended = yes ]
}
