# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# shellcheck disable=SC2034 # for those who source it
# The cache, for the programs that fill it: sourced. lib/cache.py is its counterpart in Python. They
# have say() and die(). Everything is made beside its place and renamed into it.

cache=${HVKVP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hvkvp}

# open_cache FOLDER: creates it in the cache; $cache is absolute from then on.
open_cache()
{
	mkdir -p "$cache/$1"
	cache=$(cd "$cache" && pwd)
}

# lock_entry ENTRY SECONDS: one program at a time makes it. The lock ends with the program.
lock_entry()
{
	exec 9>"$1.lock"
	flock -n 9 && return
	say "another run is making it, waiting (at most $(($2 / 60)) minutes)"
	flock -w "$2" 9 || die "gave up waiting for $1.lock"
}

# publish ENTRY: ENTRY.new is whole, and takes the place of an older one.
publish()
{
	rm -rf --one-file-system "$1"
	mv "$1.new" "$1"
}
