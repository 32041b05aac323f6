# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# TAP for shell tests: sourced.

tap_count=0
tap_failed=0

# check NAME COMMAND...: passes if the command does; prints what it says if it fails, and its time if that is long.
check()
{
	local name=$1 said started=$SECONDS
	shift
	tap_count=$((tap_count + 1))
	if said=$("$@" 2>&1); then
		[ $((SECONDS - started)) -lt 3 ] || echo "# took $((SECONDS - started)) s"
		echo "ok $tap_count - $name"
	else
		printf '%s\n' "$said" | tail -n 20 | cut -c 1-500 | sed 's/^/# /'
		echo "not ok $tap_count - $name"
		tap_failed=1
	fi
}

# skip NAME WHY
skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# check_with PROGRAM NAME COMMAND...: skipped where the program is not there.
check_with()
{
	local program=$1
	shift
	if command -v "$program" >/dev/null; then
		check "$@"
	else
		skip "$1" "there is no $program here"
	fi
}

# slow_test NAME: skips it, and ends the program, unless HVKVP_ALL=1 and it can be done here.
slow_test()
{
	if [ "${HVKVP_ALL:-0}" = 0 ]; then
		skip "$1" "minutes of work: 'make check-all' runs it"
		tap_end
	fi
	needs_roots "$1"
}

# needs_roots NAME
needs_roots()
{
	if [ "$(id -u)" -ne 0 ] || ! command -v mmdebstrap >/dev/null; then
		skip "$1" "needs root, and mmdebstrap (apt-get install mmdebstrap)"
		tap_end
	fi
}

# same WHAT GOT WANTED
same()
{
	[ "$2" = "$3" ] || { echo "$1: got '$2', wanted '$3'"; return 1; }
}

# has TEXT PART
has()
{
	case $1 in
	*"$2"*) ;;
	*) echo "'$2' is not in: $1"; return 1 ;;
	esac
}

# bail WHY: nothing more can be told.
bail()
{
	echo "Bail out! $*"
	exit 1
}

tap_end()
{
	echo "1..$tap_count"
	exit $tap_failed
}
