// SPDX-License-Identifier: GPL-2.0-only
/*
 * The watcher of directories: whatever replaces them is noticed, and nothing has to be looked at
 * from time to time.
 */
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "client/watcher.h"
#include "support/scratch.h"

static struct watcher watcher;

static void make_dir(const char *name)
{
	CHECK_INT(mkdir(scratch_path(name), 0755), 0);
}

/* Begin to watch a/b/state, or what else. */
static void begin(const char *name)
{
	static char path[256];

	scratch_begin();
	make_dir("a");
	make_dir("a/b");
	make_dir("a/b/state");
	strcpy(path, scratch_path(name));
	CHECK_INT(watcher_init(&watcher, path, NULL), 0);
	CHECK_INT(watcher_wait_ms(&watcher), -1);
}

static void end(void)
{
	watcher_exit(&watcher);
	scratch_end();
}

/* The watcher wakes up until it reports a change, without a time limit of its own. */
static bool noticed(void)
{
	struct pollfd poll_fd = { .fd = watcher.fd, .events = POLLIN };
	bool changed = false;

	/* Others may change what is above the scratch directory: that wakes it up, and is no change. */
	while (!changed) {
		if (!CHECK_INT(watcher_wait_ms(&watcher), -1) ||
		    !CHECK_INT(poll(&poll_fd, 1, 60000), 1))
			return false;
		changed = watcher_take(&watcher);
	}
	while (poll(&poll_fd, 1, 0) > 0)
		watcher_take(&watcher);
	return CHECK_INT(watcher_wait_ms(&watcher), -1);
}

/* What is in the directory is noticed: the right one is watched. */
static void watches(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/file", name);
	fd = open(scratch_path(path), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(fd >= 0);
	close(fd);
	CHECK(noticed());
	CHECK_INT(unlink(scratch_path(path)), 0);
	CHECK(noticed());
}

static void idle(void)
{
	begin("a/b/state");
	CHECK(!watcher_take(&watcher));
	/* Others that come and go beside the way are no change. */
	make_dir("a/b/other");
	make_dir("a/other");
	CHECK_INT(rmdir(scratch_path("a/other")), 0);
	CHECK(!watcher_take(&watcher));
	CHECK_INT(watcher_wait_ms(&watcher), -1);
	watches("a/b/state");
	end();
}

static void replaced(void)
{
	begin("a/b/state");
	make_dir("next");
	CHECK_INT(rename(scratch_path("a/b/state"), scratch_path("old")), 0);
	CHECK_INT(rename(scratch_path("next"), scratch_path("a/b/state")), 0);
	CHECK(noticed());
	watches("a/b/state");
	/* Over an empty one. */
	make_dir("next");
	CHECK_INT(rename(scratch_path("next"), scratch_path("a/b/state")), 0);
	CHECK(noticed());
	watches("a/b/state");
	end();
}

static void replaced_above(void)
{
	begin("a/b/state");
	make_dir("next");
	make_dir("next/b");
	make_dir("next/b/state");
	CHECK_INT(rename(scratch_path("a"), scratch_path("old")), 0);
	CHECK(noticed());
	CHECK_INT(rename(scratch_path("next"), scratch_path("a")), 0);
	CHECK(noticed());
	watches("a/b/state");
	end();
}

/* A process that has it as its working directory keeps the old inode. */
static void removed(void)
{
	int held, parent;

	begin("a/b/state");
	held = open(scratch_path("a/b/state"), O_PATH | O_CLOEXEC);
	parent = open(scratch_path("a/b"), O_PATH | O_CLOEXEC);
	CHECK_INT(rmdir(scratch_path("a/b/state")), 0);
	CHECK(noticed());
	/* What happens above a missing directory is no change of it. */
	CHECK_INT(rmdir(scratch_path("a/b")), 0);
	watcher_take(&watcher);
	make_dir("a/b");
	make_dir("a/b/state");
	CHECK(noticed());
	watches("a/b/state");
	CHECK_INT(rmdir(scratch_path("a/b/state")), 0);
	CHECK_INT(rmdir(scratch_path("a/b")), 0);
	CHECK_INT(rmdir(scratch_path("a")), 0);
	watcher_take(&watcher);
	make_dir("a");
	watcher_take(&watcher);
	make_dir("a/b");
	watcher_take(&watcher);
	make_dir("a/b/state");
	CHECK(noticed());
	watches("a/b/state");
	close(held);
	close(parent);
	end();
}

static void missing(void)
{
	begin("a/b/not/there");
	make_dir("a/b/not");
	watcher_take(&watcher);
	make_dir("a/b/not/there");
	CHECK(noticed());
	watches("a/b/not/there");
	end();
}

static void links(void)
{
	begin("link/state");
	CHECK_INT(symlink("a/b", scratch_path("link")), 0);
	CHECK(noticed());
	watches("a/b/state");
	make_dir("c");
	make_dir("c/state");
	CHECK_INT(symlink(scratch_path("c"), scratch_path("next")), 0);
	CHECK_INT(rename(scratch_path("next"), scratch_path("link")), 0);
	CHECK(noticed());
	watches("c/state");
	/* The target of the link is on the way, too. */
	CHECK_INT(rename(scratch_path("c"), scratch_path("d")), 0);
	CHECK(noticed());
	CHECK_INT(rename(scratch_path("d"), scratch_path("c")), 0);
	CHECK(noticed());
	watches("c/state");
	/* A loop leads nowhere: that is looked at. */
	CHECK_INT(unlink(scratch_path("link")), 0);
	CHECK_INT(symlink("link", scratch_path("link")), 0);
	watcher_take(&watcher);
	CHECK(watcher_wait_ms(&watcher) > 0);
	end();
}

/* A mount gives no event in a directory. The last case: the program has mounts of its own then. */
static void mounts(void)
{
	if ((unshare(CLONE_NEWNS) && unshare(CLONE_NEWUSER | CLONE_NEWNS)) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		tap_skip("mounts of its own are not allowed here");
		return;
	}
	begin("a/b/state");
	REQUIRE(!mount("none", scratch_path("a/b"), "tmpfs", 0, NULL));
	CHECK(noticed());	/* it is not there any more */
	make_dir("a/b/state");
	CHECK(noticed());
	watches("a/b/state");
	CHECK_INT(umount2(scratch_path("a/b"), MNT_DETACH), 0);
	CHECK(noticed());
	watches("a/b/state");
	end();
}

static const struct tap_case cases[] = {
	{ "an idle watcher has nothing to look at", idle },
	{ "another directory in its place", replaced },
	{ "another one in place of one above", replaced_above },
	{ "removed while it is in use, and made again, with those above", removed },
	{ "made later, one after the other", missing },
	{ "symbolic links on the way", links },
	{ "something is mounted over it", mounts },
};

TAP_MAIN("watcher", cases)
