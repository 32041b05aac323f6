#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Write a C file that holds each Lua file named on the command line.
set -eu
echo '#include "script/lua_files.h"'
names=
for file in "$@"; do
	name=$(basename "$file" .lua)
	names="$names $name"
	echo "static const unsigned char lua_${name}[] = {"
	od -An -v -tx1 "$file" | sed 's/ \([0-9a-f][0-9a-f]\)/0x\1,/g'
	echo "};"
done
echo 'const struct lua_file lua_files[] = {'
for name in $names; do
	echo "	{ \"$name\", (const char *)lua_${name}, sizeof(lua_${name}) },"
done
echo '	{ 0, 0, 0 },'
echo '};'
