// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state directory, with and without a place for it.
 */
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/scratch.h"
#include "util/paths.h"

static void creates(void)
{
	scratch_begin();
	CHECK_TEXT(paths_state_dir(scratch_path("usual"), scratch_path("fallback"), true),
		   scratch_path("usual"));
	CHECK(!access(scratch_path("usual"), W_OK));
	CHECK(access(scratch_path("fallback"), F_OK));
	scratch_end();
}

static void only_looks(void)
{
	scratch_begin();
	CHECK_TEXT(paths_state_dir(scratch_path("usual"), scratch_path("fallback"), false),
		   scratch_path("usual"));
	CHECK(access(scratch_path("usual"), F_OK));
	mkdir(scratch_path("fallback"), 0755);
	CHECK_TEXT(paths_state_dir(scratch_path("usual"), scratch_path("fallback"), false),
		   scratch_path("fallback"));
	mkdir(scratch_path("usual"), 0755);
	CHECK_TEXT(paths_state_dir(scratch_path("usual"), scratch_path("fallback"), false),
		   scratch_path("usual"));
	scratch_end();
}

static void read_only(void)
{
	const char *usual, *fallback;

	if (unshare(CLONE_NEWNS) || mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		tap_skip("mounting needs root");
		return;
	}
	scratch_begin();
	mkdir(scratch_path("ro"), 0755);
	CHECK_INT(mount("none", scratch_path("ro"), "tmpfs", 0, NULL), 0);
	usual = scratch_path("ro/usual");
	fallback = scratch_path("fallback");
	mkdir(scratch_path("ro/there"), 0755);
	CHECK_INT(mount("none", scratch_path("ro"), NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	CHECK_TEXT(paths_state_dir(usual, fallback, true), fallback);
	CHECK(!access(fallback, W_OK));
	CHECK_TEXT(paths_state_dir(usual, fallback, false), fallback);
	/* What is there is served, if only for reading. */
	CHECK_TEXT(paths_state_dir(scratch_path("ro/there"), fallback, true),
		   scratch_path("ro/there"));
	CHECK_INT(umount(scratch_path("ro")), 0);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "the daemon creates the usual directory", creates },
	{ "the command creates nothing, and finds the directory that is there", only_looks },
	{ "a read-only file system without the directory: the fallback", read_only },
};

TAP_MAIN("paths", cases)
