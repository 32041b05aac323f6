// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp watch: none of many changes is missed, whoever makes them.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/store.h"
#include "support/child.h"
#include "support/emulator.h"
#include "support/scratch.h"

static struct child child, other;
static struct store store;
static char text[1 << 20];

static void begin(void)
{
	scratch_begin();
	CHECK_INT(store_init(&store, scratch_dir), 0);
}

static void end(void)
{
	store_exit(&store);
	scratch_end();
}

/* A program that appends a line to the file "seen", and does something more. */
static const char *program(const char *line, const char *more)
{
	char script[1024];

	snprintf(script, sizeof(script), "#!/bin/sh\necho \"%s\" >>'%s'\n%s\n", line,
		 scratch_path("seen"), more);
	scratch_write("program", script, strlen(script));
	chmod(scratch_path("program"), 0755);
	scratch_write("seen", "", 0);
	return scratch_path("program");
}

static void watch(const char *const *options)
{
	const char *argv[16] = { "hvkvp", "-s", scratch_dir, "watch" };
	int argc = 4;

	while (*options)
		argv[argc++] = *options++;
	child_start(&child, argv);
	CHECK(child_says(&child, "hvkvp: watching ", 1));
}

#define WATCH(...) watch((const char *const[]){ __VA_ARGS__, NULL })

static int lines_seen(void)
{
	int lines = 0;
	size_t len = scratch_read("seen", text, sizeof(text) - 1);

	text[len] = 0;
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	return lines;
}

/* Wait until so many lines are there. Return: false after 15 s. */
static bool seen(int lines)
{
	for (int i = 0; i < 1500; i++) {
		if (lines_seen() >= lines)
			return true;
		usleep(10000);	/* sleep: polls */
	}
	return false;
}

static void stop(void)
{
	kill(child.pid, 15);
	CHECK_INT(child_end(&child), 128 + 15);
}

static void variables(void)
{
	begin();
	CHECK_INT(pool_set(&store.pools[0], "before", "0"), 1);
	pool_checkpoint(&store.pools[0]);
	setenv("HVKVP_OLD", "of the user", 1);
	WATCH("--exec", program("$HVKVP_EVENT,$HVKVP_POOL,$HVKVP_KEY,${HVKVP_OLD-none},${HVKVP_NEW-none},${HVKVP_SOURCE-none}", ""),
	      "--initial", "-t", "3600");
	unsetenv("HVKVP_OLD");
	CHECK(seen(1));
	CHECK_INT(pool_set(&store.pools[0], "k", "1"), 1);
	store.changes.source = CHANGE_BY_HOST;
	CHECK_INT(pool_set(&store.pools[0], "k", "a b"), 0);
	CHECK_INT(pool_set(&store.pools[0], "k", "a b"), 0);	/* no change */
	CHECK_INT(pool_delete(&store.pools[0], "k"), 0);
	pool_checkpoint(&store.pools[0]);
	CHECK_INT(child_run(&other, "hvkvp", "-s", scratch_dir, "set", "guest", "x", "y"), 0);
	/* Another program, which notes nothing. */
	store.pools[3].changes = NULL;
	CHECK_INT(pool_set(&store.pools[3], "HostName", "h"), 1);
	pool_checkpoint(&store.pools[3]);
	CHECK(seen(6));
	CHECK_TEXT(text, "initial,external,before,none,0,none\n"
			 "set,external,k,none,1,guest\n"
			 "set,external,k,1,a b,host\n"
			 "del,external,k,a b,none,host\n"
			 "set,guest,x,none,y,guest\n"
			 "set,parameter,HostName,none,h,other\n");
	stop();
	end();
}

static void storm(void)
{
	char want[128], key[32];
	const char *at = text;

	begin();
	WATCH("--exec", program("$HVKVP_EVENT $HVKVP_KEY $HVKVP_NEW", ""), "external");
	for (int i = 0; i < 500; i++) {
		snprintf(key, sizeof(key), "k%d", i % 3);
		CHECK_INT(pool_set(&store.pools[0], key, "short-lived"), 1);
		CHECK_INT(pool_delete(&store.pools[0], key), 0);
	}
	pool_checkpoint(&store.pools[0]);
	CHECK(seen(1000));
	for (int i = 0; i < 500; i++) {
		snprintf(want, sizeof(want), "set k%d short-lived\ndel k%d \n", i % 3, i % 3);
		if (!CHECK(!strncmp(at, want, strlen(want))))
			break;
		at += strlen(want);
	}
	CHECK_TEXT(at, "");
	stop();
	end();
}

/* Our own changes and those of a program that writes to the file itself, at the same time. */
static void mixed(void)
{
	struct store foreign;
	char key[32];

	begin();
	CHECK_INT(store_init(&foreign, scratch_dir), 0);
	foreign.pools[0].changes = NULL;
	WATCH("external");
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "o%d", i);
		CHECK_INT(pool_set(&store.pools[0], key, "x"), 1);
		pool_checkpoint(&store.pools[0]);
		snprintf(key, sizeof(key), "f%d", i);
		CHECK_INT(pool_set(&foreign.pools[0], key, "x"), 1);
		pool_checkpoint(&foreign.pools[0]);
	}
	CHECK(child_prints(&child, "set\texternal\t", 200));
	CHECK(child_prints(&child, "set\texternal\to", 100));
	CHECK(child_prints(&child, "set\texternal\tf", 100));
	/* Each of them once. */
	CHECK_INT(pool_set(&store.pools[0], "end", "1"), 1);
	pool_checkpoint(&store.pools[0]);
	CHECK(child_prints(&child, "set\texternal\tend", 1));
	stop();
	CHECK(strstr(child.out, "end\t1\n"));
	CHECK_INT(strlen(child.out), 90 * 2 * strlen("set\texternal\tf99\tx\n") +
				     10 * 2 * strlen("set\texternal\tf9\tx\n") +
				     strlen("set\texternal\tend\t1\n"));
	store_exit(&foreign);
	end();
}

static void keys(void)
{
	begin();
	CHECK_INT(pool_set(&store.pools[1], "a", "0"), 1);
	CHECK_INT(pool_set(&store.pools[1], "c", "0"), 1);
	pool_checkpoint(&store.pools[1]);
	WATCH("--initial", "guest", "a", "b");
	CHECK_INT(pool_set(&store.pools[1], "c", "1"), 0);
	CHECK_INT(pool_set(&store.pools[1], "b", "1"), 1);
	pool_checkpoint(&store.pools[1]);
	CHECK(child_prints(&child, "set\tguest\tb\t1\n", 1));
	stop();
	CHECK_TEXT(child.out, "initial\tguest\ta\t0\nset\tguest\tb\t1\n");
	end();
}

/* A program that fails is reported; what comes after it is run. */
static void failures(void)
{
	begin();
	WATCH("--exec", program("$HVKVP_KEY", "[ $HVKVP_KEY != bad ] || exit 3"));
	CHECK_INT(pool_set(&store.pools[1], "bad", "1"), 1);
	CHECK_INT(pool_set(&store.pools[1], "good", "1"), 1);
	pool_checkpoint(&store.pools[1]);
	CHECK(seen(2));
	CHECK(child_says(&child, "program: exit code 3 (HVKVP_EVENT=set HVKVP_POOL=guest)", 1));
	stop();
	CHECK_INT(child_run(&child, "hvkvp", "-s", scratch_dir, "watch", "--exec", ""), 2);
	CHECK_INT(child_run(&child, "hvkvp", "-s", scratch_dir, "-j", "watch", "--exec", "x"), 2);
	CHECK_INT(child_run(&child, "hvkvp", "-s", scratch_dir, "list", "--exec", "x"), 2);
	end();
}

static void no_program(void)
{
	if (!emulator_spawns())
		return;
	begin();
	WATCH("--exec", scratch_path("program"));
	CHECK_INT(pool_set(&store.pools[1], "none", "1"), 1);
	CHECK(child_says(&child, "program: cannot be run: No such file or directory", 1));
	stop();
	end();
}

/* What came in before the time limit is not dropped at it. */
static void limit(void)
{
	begin();
	scratch_write("seen", "", 0);
	WATCH("--exec", program("$HVKVP_KEY", "sleep 0.1"), "-t", "1");	/* sleep: it hangs */
	for (int i = 0; i < 20; i++)
		CHECK(pool_set(&store.pools[1], "k", i % 2 ? "1" : "2") >= 0);
	CHECK_INT(child_end(&child), 0);
	CHECK_INT(lines_seen(), 20);
	end();
}

/* The program of hvkvp-hooks.service. */
static void hooks(void)
{
	static const struct {
		const char *name;
		int mode;
		const char *does;
	} files[] = {
		{ "20-last", 0755, "echo 20 $HVKVP_EVENT $HVKVP_KEY >>seen" },
		{ "10-first", 0755, "echo 10 $HVKVP_NEW >>seen; exit 7" },
	/* sleep: a program that is slower than the changes come in */
		{ "15-hangs", 0755, "exec sleep 60" },
		{ "16-of-others", 0757, "echo 16 >>seen" },
		{ "17-is-data", 0644, "echo 17 >>seen" },
		{ "18-old~", 0755, "echo 18 >>seen" },
		{ "19-old.dpkg-dist", 0755, "echo 19 >>seen" },
	};
	char path[512], script[256];

	begin();
	mkdir(scratch_path("hooks"), 0755);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "hooks/%s", files[i].name);
		snprintf(script, sizeof(script), "#!/bin/sh\ncd '%s'\n%s\n", scratch_dir,
			 files[i].does);
		scratch_write(path, script, strlen(script));
		chmod(scratch_path(path), files[i].mode);
	}
	snprintf(path, sizeof(path), "%s/hvkvp-hooks", getenv("HVKVP_SYSTEM"));
	setenv("HOOKS", scratch_path("hooks"), 1);
	setenv("HOOK_TIMEOUT", "0.5", 1);
	WATCH("--exec", path);
	CHECK_INT(pool_set(&store.pools[1], "k", "v"), 1);
	pool_checkpoint(&store.pools[1]);
	CHECK(seen(2));
	CHECK_TEXT(text, "10 v\n20 set k\n");
	CHECK(child_says(&child, "hooks/10-first: exit code 7\n", 1));
	CHECK(child_says(&child, "hooks/15-hangs: exit code 124\n", 1));
	CHECK(child_says(&child, "hooks/16-of-others: must be owned by root", 1));
	stop();
	end();
}

static const struct tap_case cases[] = {
	{ "--exec runs the program with the change in its environment", variables },
	{ "1,000 changes of keys that vanish at once: none is missed", storm },
	{ "changes by other programs are seen once, also between our own", mixed },
	{ "only the keys that are named, with what is there at the start", keys },
	{ "a program that fails is reported, and the next change is run", failures },
	{ "a program that is not there is reported", no_program },
	{ "hvkvp-hooks runs what can be run, in order, and ends what hangs", hooks },
	{ "what came in before the time limit is run", limit },
};

TAP_MAIN("watch", cases)
