// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whatever makes the path of a pool lead to another file is reported.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/names.h"
#include "support/scratch.h"

static struct pool_names names;
static struct pool_name name;

static void rearm(struct notifier *notifier)
{
	(void)notifier;
}

/* As the loop does. */
static void look(struct notifier *notifier)
{
	struct pollfd one = { .fd = notifier->fd, .events = notifier->events };

	if (notifier->fd >= 0 && poll(&one, 1, 0) > 0)
		notifier->pending = true;
}

/* Does the name that is known still lead to its file? */
static bool same(void)
{
	struct timespec now = name.at;

	look(&names.notifier);
	look(&names.mounts);
	return pool_names_same(&names, &name, &now);
}

/* A directory three levels deep is watched, and a name in it known. */
static void begin(void)
{
	scratch_begin();
	mkdir(scratch_path("above"), 0755);
	mkdir(scratch_path("above/next"), 0755);
	mkdir(scratch_path("above/next/pools"), 0755);
	scratch_write("above/next/pools/pool", "x", 1);
	pool_names_init(&names, scratch_path("above/next/pools"));
	names.notifier.rearm = rearm;
	names.mounts.rearm = rearm;
	name = (struct pool_name){ .known = true, .changes = pool_names_changes(&names) };
	clock_gettime(CLOCK_REALTIME, &name.at);
	CHECK(same());
}

static void end(void)
{
	pool_names_exit(&names);
	scratch_end();
}

static void directory(void)
{
	begin();
	scratch_write("above/next/pools/pool", "xy", 2);
	CHECK(same());
	rename(scratch_path("above/next/pools/pool"), scratch_path("above/next/pools/other"));
	CHECK(!same());
	end();
}

static void above(void)
{
	static const char *const moved[] = { "above/next/pools", "above/next", "above" };

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		begin();
		CHECK_INT(rename(scratch_path(moved[i]), scratch_path("away")), 0);
		CHECK(!same());
		end();
	}
}

static void mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		tap_skip("a mount namespace needs root");
		return;
	}
	begin();
	CHECK_INT(mount("none", scratch_path("above/next"), "tmpfs", 0, NULL), 0);
	CHECK(!same());
	name.changes = pool_names_changes(&names);
	CHECK(same());
	CHECK_INT(umount(scratch_path("above/next")), 0);
	CHECK(!same());
	end();
}

/* Replaced, removed while it has another name, and one that leads to the other. */
static void links(void)
{
	for (int i = 0; i < 3; i++) {
		begin();
		pool_names_exit(&names);
		CHECK_INT(mkdir(scratch_path("other"), 0755), 0);
		CHECK_INT(symlink("next", scratch_path("above/link")), 0);
		CHECK_INT(symlink(scratch_path("above/link"), scratch_path("first")), 0);
		CHECK_INT(link(scratch_path("above/link"), scratch_path("again")), 0);
		pool_names_init(&names, scratch_path("first/pools"));
		names.notifier.rearm = rearm;
		names.mounts.rearm = rearm;
		name.changes = pool_names_changes(&names);
		CHECK(same());
		scratch_write("above/unrelated", "x", 1);
		scratch_write("above/next/pools/pool", "xy", 2);
		CHECK(same());
		if (i == 0) {
			CHECK_INT(symlink("other", scratch_path("new")), 0);
			CHECK_INT(rename(scratch_path("new"), scratch_path("above/link")), 0);
		} else if (i == 1) {
			CHECK_INT(unlink(scratch_path("above/link")), 0);
		} else {
			CHECK_INT(rename(scratch_path("first"), scratch_path("second")), 0);
		}
		CHECK(!same());
		end();
	}
}

static void relative(void)
{
	begin();
	pool_names_exit(&names);
	pool_names_init(&names, ".");
	CHECK_INT(names.notifier.fd, -1);
	CHECK(scratch_logged("pool files are looked for at each request"));
	end();
}

static void times(void)
{
	struct timespec now;

	begin();
	now = name.at;
	now.tv_sec += 2;
	CHECK(!pool_names_same(&names, &name, &now));
	/* The clock was set back. */
	now.tv_sec -= 4;
	CHECK(!pool_names_same(&names, &name, &now));
	end();
}

static const struct tap_case cases[] = {
	{ "a renamed pool file is reported, a written one is not", directory },
	{ "a directory that is moved away is reported, at each level", above },
	{ "a mount over a directory above is reported, and its end", mounts },
	{ "a symbolic link that leads to the directory is watched", links },
	{ "a directory at a relative path is not watched", relative },
	{ "what is known counts for a second", times },
};

TAP_MAIN("names", cases)
