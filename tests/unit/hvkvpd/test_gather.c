// SPDX-License-Identifier: GPL-2.0-only
/*
 * Site facts beside the requests: what is published, and when.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "c/tap.h"
#include "hvkvpd/site.h"
#include "support/scratch.h"
#include "util/clock.h"

/* A machine under load has this long for each step. */
#define PATIENCE_MS 120000

static struct site site;

static const char *value(const char *key)
{
	int i = site_facts_find(&site.facts, key);

	return i < 0 ? "(none)" : site.facts.record[i]->value;
}

static void work(uint64_t end_ms)
{
	struct pollfd ready = { .fd = site.epoll_fd, .events = POLLIN };

	if (poll(&ready, 1, clock_left(end_ms)) > 0)
		site_event(&site);
}

/* Let the site work until a fact has this value. */
static bool becomes(const char *key, const char *text)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;

	while (strcmp(value(key), text) && clock_left(end_ms))
		work(end_ms);
	return CHECK_TEXT(value(key), text);
}

/* Let the site work until it wants to run the programs once more after this run. */
static bool wants_another_run(void)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;

	while (!site.programs.again && clock_left(end_ms))
		work(end_ms);
	return CHECK(site.programs.again);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[300];

	snprintf(path, sizeof(path), "facts.d/%s", name);
	scratch_write("new", text, strlen(text));
	chmod(scratch_path("new"), mode);
	CHECK_INT(rename(scratch_path("new"), scratch_path(path)), 0);
}

static void begin(bool directory, unsigned int interval_s)
{
	scratch_begin();
	mkdir(scratch_path("state"), 0755);
	if (directory)
		mkdir(scratch_path("facts.d"), 0755);
	site_init(&site, scratch_path("state"));
	site_configure(&site, scratch_path("facts.d"), interval_s);
}

static void end(void)
{
	site_exit(&site);
	scratch_end();
}

static void changes(void)
{
	begin(true, 0);
	put("One", "1", 0644);
	becomes("One", "1");
	put("One", "2", 0644);
	becomes("One", "2");
	/* Written in place, and by another mode. */
	scratch_write("facts.d/One", "3", 1);
	becomes("One", "3");
	chmod(scratch_path("facts.d/One"), 0666);
	becomes("One", "(none)");
	chmod(scratch_path("facts.d/One"), 0644);
	becomes("One", "3");
	put("Two", "#!/bin/sh\necho two\n", 0755);
	becomes("Two", "two");
	unlink(scratch_path("facts.d/One"));
	becomes("One", "(none)");
	CHECK_TEXT(value("Two"), "two");
	end();
}

static void directory_comes_and_goes(void)
{
	begin(false, 0);
	CHECK_INT(site.files.pid, 0);
	mkdir(scratch_path("facts.d"), 0755);
	put("One", "1", 0644);
	becomes("One", "1");
	CHECK_INT(rename(scratch_path("facts.d"), scratch_path("away")), 0);
	becomes("One", "(none)");
	mkdir(scratch_path("facts.d"), 0755);
	put("One", "2", 0644);
	becomes("One", "2");
	/* Nothing is to be seen of what is elsewhere now. */
	end();

	/* Several folders are missing, and a file is in the way. */
	scratch_begin();
	site_init(&site, scratch_path("state"));
	scratch_write("a", "", 0);
	site_configure(&site, scratch_path("a/b/c"), 0);
	unlink(scratch_path("a"));
	mkdir(scratch_path("a"), 0755);
	mkdir(scratch_path("a/b"), 0755);
	mkdir(scratch_path("a/b/c"), 0755);
	scratch_write("a/b/c/One", "1", 1);
	becomes("One", "1");
	end();
}

/* The directory, or a folder above it, is a link: then that counts, too. */
static void links(void)
{
	scratch_begin();
	mkdir(scratch_path("state"), 0755);
	mkdir(scratch_path("old"), 0755);
	mkdir(scratch_path("old/facts"), 0755);
	scratch_write("old/facts/One", "old", 3);
	mkdir(scratch_path("new"), 0755);
	mkdir(scratch_path("new/facts"), 0755);
	scratch_write("new/facts/One", "new", 3);
	CHECK_INT(symlink("old", scratch_path("folder")), 0);
	CHECK_INT(symlink("folder/facts", scratch_path("facts.d")), 0);
	site_init(&site, scratch_path("state"));
	site_configure(&site, scratch_path("facts.d"), 0);
	becomes("One", "old");
	scratch_write("old/facts/One", "changed", 7);
	becomes("One", "changed");
	/* Both switched, each in one step. */
	CHECK_INT(symlink("new", scratch_path("next")), 0);
	CHECK_INT(rename(scratch_path("next"), scratch_path("folder")), 0);
	becomes("One", "new");
	CHECK_INT(symlink("old/facts", scratch_path("next")), 0);
	CHECK_INT(rename(scratch_path("next"), scratch_path("facts.d")), 0);
	becomes("One", "changed");
	/* What it leads to is renamed, and comes again. */
	CHECK_INT(rename(scratch_path("old"), scratch_path("away")), 0);
	becomes("One", "(none)");
	mkdir(scratch_path("old"), 0755);
	CHECK_INT(rename(scratch_path("new/facts"), scratch_path("old/facts")), 0);
	becomes("One", "new");
	unlink(scratch_path("facts.d"));
	becomes("One", "(none)");
	/* To nothing, which comes later. */
	CHECK_INT(symlink("later", scratch_path("facts.d")), 0);
	mkdir(scratch_path("later"), 0755);
	scratch_write("later/One", "later", 5);
	becomes("One", "later");
	end();
}

/* A program that does not end holds up neither the caller nor the files. */
static void slow_program(void)
{
	char text[200];
	int go;

	begin(false, 0);
	CHECK_INT(mkfifo(scratch_path("go"), 0600), 0);
	/* For both directions: neither end waits for the other. */
	go = open(scratch_path("go"), O_RDWR | O_CLOEXEC);
	mkdir(scratch_path("facts.d"), 0755);
	put("File", "1", 0644);
	snprintf(text, sizeof(text), "#!/bin/sh\nread -r line <%s\necho \"$line\"\n", scratch_path("go"));
	site.limit_ms = PATIENCE_MS;
	put("Slow", text, 0755);
	becomes("File", "1");
	CHECK(site.programs.pid > 0);
	CHECK_TEXT(value("Slow"), "(none)");
	/* Files do not wait for it, and neither do those that go or become unusable. */
	put("Gone", "1", 0644);
	put("File", "2", 0644);
	becomes("File", "2");
	becomes("Gone", "1");
	unlink(scratch_path("facts.d/Gone"));
	becomes("Gone", "(none)");
	chmod(scratch_path("facts.d/File"), 0666);
	becomes("File", "(none)");
	chmod(scratch_path("facts.d/File"), 0644);
	becomes("File", "2");
	CHECK_TEXT(value("Slow"), "(none)");
	/* The programs run again, since the directory has changed meanwhile. */
	wants_another_run();
	CHECK_INT(write(go, "slow\n", 5), 5);
	becomes("Slow", "slow");
	/* The old value stays while the program runs again. */
	CHECK_TEXT(value("Slow"), "slow");
	CHECK_INT(write(go, "again\n", 6), 6);
	becomes("Slow", "again");
	/* Nor does one program wait for the next. */
	put("Early", "#!/bin/sh\necho early\n", 0755);
	becomes("Early", "early");
	/* A program that is gone has no value, whatever it would still say. */
	unlink(scratch_path("facts.d/Slow"));
	becomes("Slow", "(none)");
	close(go);
	end();
}

/* What a program says that is used no longer is nobody's value. */
static void another_program(void)
{
	char text[200];
	int go;

	begin(true, 0);
	CHECK_INT(mkfifo(scratch_path("go"), 0600), 0);
	go = open(scratch_path("go"), O_RDWR | O_CLOEXEC);
	site.limit_ms = PATIENCE_MS;
	snprintf(text, sizeof(text), "#!/bin/sh\nread -r line <%s\necho \"$line\"\n", scratch_path("go"));
	/* Removed; later one of the same name comes. */
	put("Name", "#!/bin/sh\necho first\n", 0755);
	becomes("Name", "first");
	unlink(scratch_path("facts.d/Name"));
	becomes("Name", "(none)");
	put("File", "1", 0644);
	put("Name", text, 0755);
	becomes("File", "1");
	CHECK_TEXT(value("Name"), "(none)");
	/* A file meanwhile, while the program runs. */
	put("Name", "text", 0644);
	becomes("Name", "text");
	put("Name", "#!/bin/sh\necho third\n", 0755);
	becomes("Name", "(none)");
	CHECK_INT(write(go, "second\n", 7), 7);
	becomes("Name", "third");
	/* Another directory: at once, whatever runs. */
	put("Other", text, 0755);
	put("File", "2", 0644);
	becomes("File", "2");
	mkdir(scratch_path("next.d"), 0755);
	scratch_write("next.d/Other", "next", 4);
	site_configure(&site, scratch_path("next.d"), 0);
	CHECK_TEXT(value("Name"), "(none)");
	becomes("Other", "next");
	CHECK_INT(site.programs.pid, 0);
	site_configure(&site, "", 1);
	CHECK_TEXT(value("Other"), "(none)");
	CHECK_INT(site.files.pid, 0);
	close(go);
	end();
}

/* Let the site work until nothing is left to do, for much longer than it waits for another change. */
static void quiet(void)
{
	struct pollfd ready = { .fd = site.epoll_fd, .events = POLLIN };

	while (poll(&ready, 1, 1000) > 0)
		site_event(&site);
	CHECK_INT(site.settle_ms, 0);
}

/* When the timer expires, milliseconds. */
static long timer_ms(void)
{
	struct itimerspec when;

	timerfd_gettime(site.timer_fd, &when);
	return when.it_value.tv_sec * 1000 + when.it_value.tv_nsec / 1000000;
}

/* The process that runs the programs is killed: that is tried again later, and changes are not held up. */
static void killed_reader(void)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;
	char text[200];
	int go;

	begin(true, 0);
	CHECK_INT(mkfifo(scratch_path("go"), 0600), 0);
	go = open(scratch_path("go"), O_RDWR | O_CLOEXEC);
	site.limit_ms = PATIENCE_MS;
	snprintf(text, sizeof(text), "#!/bin/sh\nread -r line <%s\necho \"$line\"\n", scratch_path("go"));
	put("Slow", text, 0755);
	put("File", "1", 0644);
	for (int changed = 0; changed < 2; changed++) {
		quiet();
		CHECK(site.programs.pid > 0);
		if (changed)
			put("File", "2", 0644);
		while (changed && !site.settle_ms && clock_left(end_ms))
			work(end_ms);
		site.programs.again = false;
		kill(site.programs.pid, SIGKILL);
		while (site.programs.pid > 0 && (!changed || site.settle_ms) && clock_left(end_ms))
			work(end_ms);
		CHECK_TEXT(value("File"), "1");
		CHECK(timer_ms() > 0);
		CHECK((timer_ms() > 5000) == !changed);
		/* The program itself goes on, and another one is started at once for the second round. */
		CHECK_INT(write(go, "end\n", 4), 4);
		if (!changed)
			site_configure(&site, scratch_path("facts.d"), 0);
	}
	becomes("File", "2");
	CHECK_INT(write(go, "end\n", 4), 4);
	close(go);
	end();
}

/* A file that can be no fact starts nothing: a program may write it. */
static void no_fact(void)
{
	begin(true, 0);
	put("One", "1", 0644);
	becomes("One", "1");
	quiet();
	put(".hidden", "x", 0644);
	put("One~", "x", 0644);
	work(clock_ms() + PATIENCE_MS);
	CHECK_INT(site.settle_ms, 0);
	put("Two", "2", 0644);
	work(clock_ms() + PATIENCE_MS);
	CHECK(site.settle_ms);
	end();
}

/* How many processes have this file open? */
static int users(const char *path)
{
	char real[PATH_MAX], entry[PATH_MAX], target[PATH_MAX];
	struct dirent *process;
	DIR *all = opendir("/proc");
	int count = 0;

	CHECK(realpath(path, real));
	while (all && (process = readdir(all))) {
		ssize_t n;

		/* Where the test has its ends, and the shell its script. */
		snprintf(entry, sizeof(entry), "/proc/%s/fd/0", process->d_name);
		n = readlink(entry, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = 0;
		count += !strcmp(target, real);
	}
	if (all)
		closedir(all);
	return count;
}

/* The program that runs, and what it has started, end with the daemon. */
static void ends_with_the_daemon(void)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;
	char text[300];
	int go;

	begin(true, 0);
	CHECK_INT(mkfifo(scratch_path("go"), 0600), 0);
	go = open(scratch_path("go"), O_RDWR | O_CLOEXEC);
	site.limit_ms = PATIENCE_MS;
	snprintf(text, sizeof(text), "#!/bin/sh\nsh -c 'read -r line' <%s & exec sh -c 'read -r line' <%s\n",
		 scratch_path("go"), scratch_path("go"));
	put("Slow", text, 0755);
	while (users(scratch_path("go")) < 1 && clock_left(end_ms))
		work(clock_ms() + 10);
	CHECK(users(scratch_path("go")) >= 1);
	site_exit(&site);
	for (int i = 0; i < 1000 && users(scratch_path("go")); i++)
		usleep(10000);	/* sleep: it polls for the end of the processes, with a limit */
	CHECK_INT(users(scratch_path("go")), 0);
	close(go);
	scratch_end();
}

/* Somebody writes all the time: then the directory is read all the same. */
static void never_quiet(void)
{
	uint64_t end_ms = clock_ms() + PATIENCE_MS;
	char text[16];
	int i = 0;

	begin(true, 0);
	for (int gap_ms = 0; gap_ms <= 50; gap_ms += 50) {
		put("One", "0", 0644);
		becomes("One", "0");
		while (!strcmp(value("One"), "0") && clock_left(end_ms)) {
			uint64_t next_ms = clock_ms() + gap_ms;

			snprintf(text, sizeof(text), "%d", ++i);
			put("One", text, 0644);
			do
				work(next_ms);
			while (clock_left(next_ms));
		}
		CHECK(strcmp(value("One"), "0"));
	}
	end();
}

/* What is wrong is logged once, and not each time that something else changes. */
static void logs_once(void)
{
	begin(true, 0);
	put("Bad", "x", 0666);
	put("One", "1", 0644);
	becomes("One", "1");
	CHECK_INT(scratch_log_count("facts.d/Bad"), 1);
	put("One", "2", 0644);
	becomes("One", "2");
	CHECK_INT(scratch_log_count("facts.d/Bad"), 1);
	/* Again after a reload. */
	site_configure(&site, scratch_path("facts.d"), 0);
	put("One", "3", 0644);
	becomes("One", "3");
	CHECK_INT(scratch_log_count("facts.d/Bad"), 2);
	/* Another reason is news. */
	unlink(scratch_path("facts.d/Bad"));
	CHECK_INT(symlink("/etc/passwd", scratch_path("facts.d/Bad")), 0);
	put("One", "4", 0644);
	becomes("One", "4");
	CHECK_INT(scratch_log_count("facts.d/Bad"), 3);
	end();
}

static void runs_again(void)
{
	char text[200];

	begin(true, 0);
	snprintf(text, sizeof(text), "#!/bin/sh\necho x >>%s\nwc -l <%s\n", scratch_path("runs"),
		 scratch_path("runs"));
	put("Runs", text, 0755);
	becomes("Runs", "1");
	/* At a reload. */
	site_configure(&site, scratch_path("facts.d"), 0);
	becomes("Runs", "2");
	/* At an interval. */
	site_configure(&site, scratch_path("facts.d"), 1);
	becomes("Runs", "3");
	becomes("Runs", "4");
	becomes("Runs", "5");
	/* Not any more, and neither are the facts there. */
	site_configure(&site, "", 0);
	becomes("Runs", "(none)");
	end();
}

static void saved(void)
{
	struct site_facts other = { 0 };

	begin(true, 0);
	put("One", "1", 0644);
	becomes("One", "1");
	CHECK_INT(site_facts_load(&other, scratch_path("state/facts")), 0);
	CHECK_INT(other.count, 1);
	site_facts_clear(&other);
	site_exit(&site);
	CHECK_INT(access(scratch_path("state/facts"), F_OK), -1);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "a file, a program, a mode: each change is seen", changes },
	{ "the directory comes and goes", directory_comes_and_goes },
	{ "the directory is a link, or below one", links },
	{ "a slow program holds up nothing", slow_program },
	{ "a program that is used no longer has no value", another_program },
	{ "the process that runs programs is killed", killed_reader },
	{ "what can be no fact starts nothing", no_fact },
	{ "a program ends with the daemon", ends_with_the_daemon },
	{ "a directory that is never quiet is read", never_quiet },
	{ "what is wrong is logged once", logs_once },
	{ "programs run again at a reload and at the interval", runs_again },
	{ "what other programs get", saved },
};

TAP_MAIN("gather", cases)
