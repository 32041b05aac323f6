# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Packages of any Debian suite, without touching this machine's own lists: sourced by the programs
# of tests that download some. They set $cache (a folder) and $suite, and have say() and die().
# shellcheck disable=SC2154 # those two

# The machine's own Debian archive, whatever its host: lines of "base-uri suite".
machine_archives()
{
	# shellcheck disable=SC2016 # the names in $() are apt's
	apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(RELEASE) $(COMPONENT) $(ORIGIN)' \
		'Created-By: Packages' |
		awk '$4 == "main" { print $1, ($3 != "" ? $3 : $2) }' | sort -u
}

# The suite of this machine, by its code name.
own_suite()
{
	# shellcheck source=/dev/null
	(. /etc/os-release && printf %s "${VERSION_CODENAME:?}")
}

# write_sources SUITE FILE: SUITE and SUITE-security from the archives that this machine uses.
write_sources()
{
	local own base security options=
	own=$(own_suite)
	base=$(machine_archives | awk -v s="$own" '$2 == s { print $1; exit }')
	security=$(machine_archives | awk -v s="$own-security" '$2 == s { print $1; exit }')
	[ -n "$base" ] || die "apt has no source for '$own main' on this machine: add Debian's archive to /etc/apt/sources.list"
	if [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
		options='[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] '
	fi
	{
		printf 'deb %s%s %s main\n' "$options" "$base" "$1"
		case $1 in
		*-backports | sid) ;;
		*) [ -z "$security" ] || printf 'deb %s%s %s-security main\n' "$options" "$security" "$1" ;;
		esac
	} >"$2"
}

# Run an apt tool on the private lists of $suite; the system's stay as they are.
private_apt()
{
	local tool=$1 home=$cache/apt/$suite
	shift
	"$tool" -q -o Dir::Etc::SourceList="$home/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$home/state" -o Dir::State::Lists="$home/lists" \
		-o Dir::State::Status="$home/status" -o Dir::Cache="$home/cache" \
		-o APT::Default-Release= -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Languages=none -o Acquire::Retries=3 "$@" </dev/null
}

# update_lists PACKAGE: fresh lists of $suite, which must have PACKAGE.
update_lists()
{
	local home=$cache/apt/$suite
	mkdir -p "$home"/{lists/partial,cache/archives/partial,state}
	: >"$home/status"
	write_sources "$suite" "$home/sources.list"
	say "reading the package lists of $suite"
	private_apt apt-get update >"$home/update.log" 2>&1 ||
		die "apt-get update failed, see $home/update.log"
	# A mirror without the suite is only a warning to apt.
	private_apt apt-cache show "$1" >/dev/null 2>&1 ||
		die "$suite has no $1 on this machine's mirror, see $home/update.log"
}

# depends PACKAGE PATTERN: the first dependency of PACKAGE that matches.
depends()
{
	private_apt apt-cache depends --important "$1" |
		awk -v want="$2" '$1 == "Depends:" && $2 ~ want { print $2; exit }'
}

# version_of PACKAGE: the newest in $suite.
version_of()
{
	private_apt apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'
}

# Two programs may want the same suite, and its lists, at once: lock_suite ... unlock_suite.
lock_suite()
{
	mkdir -p "$cache/apt"
	exec 8>"$cache/apt/$suite.lock"
	flock 8
}

unlock_suite()
{
	flock -u 8
}
