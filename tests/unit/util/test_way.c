// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is on the way of a path, and which of its changes are told.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/scratch.h"
#include "util/way.h"

static int fd = -1;
static char end_of_way[PATH_MAX];

/* Watch by a new instance. */
static int watch(const char *path)
{
	if (fd >= 0)
		close(fd);
	fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	end_of_way[0] = 0;
	return way_watch(fd, path, end_of_way, sizeof(end_of_way));
}

static bool told(void)
{
	char events[4096];
	bool any = false;

	while (read(fd, events, sizeof(events)) > 0)
		any = true;
	return any;
}

static void link_to(const char *target, const char *name)
{
	CHECK_INT(symlink(target, scratch_path(name)), 0);
}

static void begin(void)
{
	scratch_begin();
	mkdir(scratch_path("a"), 0755);
	mkdir(scratch_path("a/b"), 0755);
	scratch_write("a/b/file", "x", 1);
	link_to("b", "a/link");
	link_to("a/./link/../link//file", "relative");
	link_to(scratch_path("a/link"), "absolute");
	link_to("absolute/file", "chain");
}

static void finish(void)
{
	close(fd);
	fd = -1;
	scratch_end();
}

/* Where realpath(3) ends, there it ends as well. */
static void resolves(void)
{
	static const char *const names[] = {
		"", "a/b/file", "a//b/../b/./file", "relative", "absolute", "absolute/", "chain",
		"absolute/../../chain", "../../../../../../..", "../../../../tmp",
	};

	begin();
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char real[PATH_MAX];

		CHECK(realpath(scratch_path(names[i]), real) != NULL);
		CHECK_INT(watch(scratch_path(names[i])), 0);
		CHECK_TEXT(end_of_way, real);
	}
	CHECK_INT(watch("/"), 0);
	CHECK_TEXT(end_of_way, "/");
	CHECK_INT(way_watch(fd, scratch_path("chain"), NULL, 0), 0);
	finish();
}

static void missing(void)
{
	static const struct {
		const char *path, *end;
	} all[] = {
		{ "none", "none" }, { "none/deep/er", "none" }, { "dangling", "a/b/none" },
		{ "dangling/deep", "a/b/none" }, { "relative/deep", "a/b/file" },
		{ "relative/", "a/b/file" }, { "relative/../file", "a/b/file" },
	};

	begin();
	link_to("absolute/none", "dangling");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		CHECK_INT(watch(scratch_path(all[i].path)), 1);
		CHECK_TEXT(end_of_way, scratch_path(all[i].end));
		CHECK(access(scratch_path(all[i].path), F_OK));
	}
	finish();
}

static void errors(void)
{
	char name[16], target[16], small[4], *too_long = calloc(1, PATH_MAX + 1);

	begin();
	link_to("round", "round");
	CHECK_INT(watch(scratch_path("round")), -ELOOP);
	/* As many as the kernel follows, and one more. */
	link_to("a", "link0");
	for (int i = 1; i <= 40; i++) {
		snprintf(target, sizeof(target), "link%d", i - 1);
		snprintf(name, sizeof(name), "link%d", i);
		link_to(target, name);
	}
	CHECK(!access(scratch_path("link39"), F_OK) && access(scratch_path("link40"), F_OK));
	CHECK_INT(watch(scratch_path("link39")), 0);
	CHECK_INT(watch(scratch_path("link40")), -ELOOP);
	CHECK_INT(watch("relative"), -EINVAL);
	CHECK_INT(watch(""), -EINVAL);
	memset(too_long, '/', PATH_MAX);
	CHECK_INT(watch(too_long), -ENAMETOOLONG);
	CHECK_INT(way_watch(fd, scratch_path("a"), small, sizeof(small)), -ENAMETOOLONG);
	CHECK_INT(way_watch(-1, scratch_path("a"), NULL, 0), -EBADF);
	free(too_long);
	finish();
}

static void tells(void)
{
	static const char *const moved[] = { "chain", "absolute", "a/link", "a/b", "a", "a/b/file" };

	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		begin();
		CHECK_INT(watch(scratch_path("chain")), 0);
		/* Nothing of these is on the way. */
		scratch_write("a/other", "x", 1);
		scratch_write("a/b/other", "x", 1);
		scratch_write("a/b/file", "xy", 2);
		unlink(scratch_path("a/b/other"));
		rename(scratch_path("a/other"), scratch_path("a/b/other"));
		unlink(scratch_path("relative"));
		CHECK(!told());
		CHECK_INT(rename(scratch_path(moved[i]), scratch_path("away")), 0);
		CHECK(told());
		finish();
	}
	begin();
	/* A link that is replaced, and one that loses one of its names. */
	link_to("a", "new");
	CHECK_INT(watch(scratch_path("chain")), 0);
	CHECK_INT(rename(scratch_path("new"), scratch_path("absolute")), 0);
	CHECK(told());
	CHECK_INT(link(scratch_path("a/link"), scratch_path("second")), 0);
	CHECK_INT(watch(scratch_path("a/link")), 0);
	CHECK_INT(unlink(scratch_path("a/link")), 0);
	CHECK(told());
	finish();
}

/* Another watch of a thing on the way stays. */
static void adds(void)
{
	begin();
	watch("/");
	CHECK(inotify_add_watch(fd, scratch_path("a/b"), IN_CREATE) > 0);
	CHECK_INT(way_watch(fd, scratch_path("chain"), NULL, 0), 0);
	scratch_write("a/b/other", "x", 1);
	CHECK(told());
	rename(scratch_path("a/b"), scratch_path("away"));
	CHECK(told());
	finish();
}

static const struct tap_case cases[] = {
	{ "a path is resolved as the kernel does", resolves },
	{ "the first thing that is missing", missing },
	{ "too many links, paths that are relative or too long", errors },
	{ "what is renamed or replaced on the way is told, and nothing else", tells },
	{ "a watch that was there before stays", adds },
};

TAP_MAIN("way", cases)
