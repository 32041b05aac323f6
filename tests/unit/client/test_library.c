// SPDX-License-Identifier: GPL-2.0-only
/*
 * libhvkvp, as its users call it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "client/hvkvp.h"
#include "pool/file.h"
#include "support/scratch.h"
#include "util/log.h"

#define GUEST HVKVP_POOL_GUEST

static struct hvkvp *kvp;
static const char *value;

static void begin(void)
{
	scratch_begin();
	CHECK_INT(hvkvp_open(&kvp, scratch_dir), 0);
}

static void end(void)
{
	hvkvp_close(kvp);
	scratch_end();
}

static int join(void *data, const char *key, const char *text)
{
	char *out = data;

	sprintf(out + strlen(out), "%s=%s;", key, text);
	return !strcmp(key, "stop") ? 42 : 0;
}

static void pairs(void)
{
	char all[256] = "";

	begin();
	CHECK_INT(hvkvp_get(kvp, GUEST, "a", &value), -ENOENT);
	CHECK(!value && strstr(hvkvp_error(kvp), ".kvp_pool_1: no key \"a\""));
	CHECK_INT(hvkvp_set(kvp, GUEST, "a", "1"), 1);
	CHECK_TEXT(hvkvp_error(kvp), "");
	CHECK_INT(hvkvp_set(kvp, GUEST, "a", "2"), 0);
	CHECK_INT(hvkvp_set(kvp, GUEST, "stop", "\xe2\x82\xac"), 1);
	CHECK_INT(hvkvp_set(kvp, GUEST, "b", ""), 1);
	CHECK_INT(hvkvp_get(kvp, GUEST, "a", &value), 0);
	CHECK_TEXT(value, "2");
	CHECK_INT(hvkvp_each(kvp, GUEST, join, all), 42);
	CHECK_TEXT(all, "a=2;stop=\xe2\x82\xac;");
	CHECK_INT(hvkvp_delete(kvp, GUEST, "stop"), 0);
	CHECK_INT(hvkvp_delete(kvp, GUEST, "stop"), -ENOENT);
	all[0] = 0;
	CHECK_INT(hvkvp_each(kvp, GUEST, join, all), 0);
	CHECK_TEXT(all, "a=2;b=;");
	end();
}

static void refusals(void)
{
	char longest[600];
	struct hvkvp *none;

	begin();
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = 0;
	CHECK_INT(hvkvp_set(kvp, GUEST, "", "x"), -EINVAL);
	CHECK_TEXT(hvkvp_error(kvp), "the key is empty");
	CHECK_INT(hvkvp_set(kvp, GUEST, longest, "x"), -EMSGSIZE);
	CHECK_INT(hvkvp_set(kvp, GUEST, "k", "\xff"), -EILSEQ);
	CHECK_INT(hvkvp_set(kvp, HVKVP_POOL_AUTO, "k", "v"), -EINVAL);
	CHECK(strstr(hvkvp_error(kvp), "pool auto is not stored"));
	CHECK_INT(hvkvp_get(kvp, 5, "k", &value), -EINVAL);
	CHECK_INT(hvkvp_get(kvp, -1, "k", &value), -EINVAL);
	CHECK(strstr(hvkvp_error(kvp), "no such pool: -1"));
	CHECK_INT(hvkvp_open(&none, ""), -EINVAL);
	CHECK(!none);
	CHECK_INT(hvkvp_pool("guest"), 1);
	CHECK_INT(hvkvp_pool("3"), 3);
	CHECK_INT(hvkvp_pool("other"), -EINVAL);
	CHECK_TEXT(hvkvp_pool_name(0), "external");
	CHECK(!hvkvp_pool_name(-1) && !hvkvp_pool_name(5));
	end();
	scratch_begin();
	scratch_write("file", "", 0);
	CHECK_INT(hvkvp_open(&kvp, scratch_path("file")), 0);
	CHECK(hvkvp_set(kvp, GUEST, "k", "v") < 0);
	CHECK(strstr(hvkvp_error(kvp), "/file/.kvp_pool_1"));
	end();
}

static void transactions(void)
{
	struct hvkvp_transaction *change;

	begin();
	CHECK_INT(hvkvp_set(kvp, GUEST, "a", "1"), 1);
	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_transaction_expect(change, "a", "1"), 0);
	CHECK_INT(hvkvp_transaction_expect(change, "b", NULL), 0);
	CHECK_INT(hvkvp_transaction_set(change, "b", "2"), 0);
	CHECK_INT(hvkvp_transaction_delete(change, "a"), 0);
	CHECK_INT(hvkvp_commit(change), 0);
	CHECK_INT(hvkvp_get(kvp, GUEST, "a", &value), -ENOENT);
	CHECK_INT(hvkvp_get(kvp, GUEST, "b", &value), 0);

	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_transaction_set(change, "c", "3"), 0);
	CHECK_INT(hvkvp_transaction_expect(change, "b", "other"), 0);
	CHECK_INT(hvkvp_commit(change), -ECANCELED);
	CHECK(hvkvp_error(kvp)[0]);
	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_transaction_set(change, "c", "3"), 0);
	CHECK_INT(hvkvp_transaction_set(change, "", "3"), 0);
	CHECK_INT(hvkvp_commit(change), -EINVAL);
	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_transaction_set(change, "c", "3"), 0);
	hvkvp_abort(change);
	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_commit(change), 0);
	CHECK_INT(hvkvp_get(kvp, GUEST, "c", &value), -ENOENT);
	CHECK_INT(hvkvp_begin(kvp, 2, &change), -EINVAL);
	hvkvp_abort(change);
	end();
}

/* The next event, within 10 s. */
static bool next(struct hvkvp_watch_event *event)
{
	struct pollfd poll_fd = { .fd = hvkvp_watch_fd(kvp), .events = POLLIN };

	for (int i = 0; i < 100; i++) {
		int wait = hvkvp_watch_timeout(kvp), ret;

		ret = hvkvp_watch_next(kvp, event, sizeof(*event));
		if (ret)
			return CHECK_INT(ret, 1);
		poll(&poll_fd, 1, wait < 0 ? 100 : wait);
	}
	return CHECK(false);
}

static void watches(void)
{
	struct hvkvp_watch_event event;
	struct { uint64_t lost, time_ns; } older;
	struct hvkvp *other;

	begin();
	CHECK_INT(hvkvp_watch_fd(kvp), -EBADF);
	CHECK_INT(hvkvp_watch_next(kvp, &event, sizeof(event)), -EBADF);
	CHECK_INT(hvkvp_watch(kvp, 0), -EINVAL);
	CHECK_INT(hvkvp_watch(kvp, 1 << HVKVP_POOL_AUTO), -EINVAL);
	CHECK_INT(hvkvp_watch(kvp, 1 << GUEST), 1);
	CHECK_INT(hvkvp_watch_next(kvp, &event, sizeof(event)), 0);
	/* Nothing has to be looked at from time to time. */
	CHECK_INT(hvkvp_watch_timeout(kvp), -1);
	CHECK_INT(hvkvp_open(&other, scratch_dir), 0);
	CHECK_INT(hvkvp_set(other, 0, "not", "watched"), 1);
	CHECK_INT(hvkvp_set(other, GUEST, "k", "1"), 1);
	CHECK_INT(hvkvp_set(kvp, GUEST, "k", "2"), 0);
	CHECK_INT(hvkvp_delete(other, GUEST, "k"), 0);
	next(&event);
	CHECK(!event.lost && !event.old_value && event.pool == GUEST && event.time_ns);
	CHECK_TEXT(event.key, "k");
	CHECK_TEXT(event.new_value, "1");
	next(&event);
	CHECK_TEXT(event.old_value, "1");
	CHECK_TEXT(event.new_value, "2");
	CHECK_INT(event.source, HVKVP_BY_GUEST);
	/* A program that was built when the structure was shorter. */
	CHECK_INT(hvkvp_watch_next(kvp, (void *)&older, sizeof(older)), 1);
	CHECK(older.time_ns && !older.lost);
	CHECK_INT(hvkvp_watch_next(kvp, &event, sizeof(event)), 0);
	hvkvp_close(other);
	end();
}

/* What hvkvp_get() has read is still an event: the change of a program that writes to the file itself. */
static void watches_and_reads(void)
{
	struct hvkvp_watch_event event;
	struct pool_record record = { .key = "k", .value = "1" };
	int fd;

	begin();
	CHECK_INT(hvkvp_set(kvp, GUEST, "first", "1"), 1);
	CHECK_INT(hvkvp_watch(kvp, 1 << GUEST), 1);
	fd = open(scratch_path(".kvp_pool_1"), O_WRONLY | O_APPEND | O_CLOEXEC);
	CHECK_INT(write(fd, &record, sizeof(record)), sizeof(record));
	close(fd);
	for (int i = 0; i < 10; i++) {
		/* sleep: a file that has just changed is read again by everyone */
		usleep(10000);
		CHECK_INT(hvkvp_get(kvp, GUEST, "k", &value), 0);
	}
	next(&event);
	CHECK_TEXT(event.key, "k");
	CHECK_TEXT(event.new_value, "1");
	CHECK_INT(event.source, HVKVP_BY_OTHER);
	end();
}

/* Everyone can read a pool, whatever the umask of the program that creates it. */
static void umasks(void)
{
	struct hvkvp *own;
	struct stat st;
	mode_t before;

	begin();
	before = umask(077);
	CHECK_INT(hvkvp_open(&own, scratch_path("new")), 0);
	CHECK_INT(hvkvp_set(own, GUEST, "k", "1"), 1);
	hvkvp_close(own);
	umask(before);
	CHECK_INT(stat(scratch_path("new"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0755);
	CHECK_INT(stat(scratch_path("new/.kvp_pool_1"), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0644);
	end();
}

/* After each call other programs can lock the pool. */
static void unlocked(void)
{
	struct hvkvp_transaction *change;
	int fd;

	begin();
	CHECK_INT(hvkvp_set(kvp, GUEST, "k", "1"), 1);
	fd = open(scratch_path(".kvp_pool_1"), O_RDWR | O_CLOEXEC);
	CHECK(!flock(fd, LOCK_EX | LOCK_NB) && !flock(fd, LOCK_UN));
	CHECK_INT(hvkvp_begin(kvp, GUEST, &change), 0);
	CHECK_INT(hvkvp_transaction_set(change, "c", "3"), 0);
	CHECK_INT(hvkvp_commit(change), 0);
	CHECK(!flock(fd, LOCK_EX | LOCK_NB) && !flock(fd, LOCK_UN));
	CHECK_INT(hvkvp_delete(kvp, GUEST, "k"), 0);
	CHECK(!flock(fd, LOCK_EX | LOCK_NB) && !flock(fd, LOCK_UN));
	close(fd);
	end();
}

/* What stopped a counting thread; empty if nothing did. */
struct counter {
	pthread_t thread;
	char failure[256];
};

static void stop(struct counter *c, const char *call, int err, struct hvkvp *own)
{
	snprintf(c->failure, sizeof(c->failure), "%s: %s (%s)", call, strerror(-err),
		 own ? hvkvp_error(own) : "no handle");
}

static int count_once(struct hvkvp *own, struct counter *c)
{
	struct hvkvp_transaction *change;
	const char *now;
	char text[16];
	char *old;
	int err;

	err = hvkvp_get(own, GUEST, "n", &now);
	if (err && err != -ENOENT) {
		stop(c, "get", err, own);
		return err;
	}
	old = err ? NULL : strdup(now);
	snprintf(text, sizeof(text), "%d", old ? atoi(old) + 1 : 1);
	err = hvkvp_begin(own, GUEST, &change);
	if (err) {
		stop(c, "begin", err, own);
	} else {
		hvkvp_transaction_expect(change, "n", old);
		hvkvp_transaction_set(change, "n", text);
		err = hvkvp_commit(change);
		if (err && err != -ECANCELED)
			stop(c, "commit", err, own);
	}
	free(old);
	return err;
}

static void *count(void *data)
{
	struct counter *c = data;
	struct hvkvp *own;
	int err;

	err = hvkvp_open(&own, scratch_dir);
	if (err) {
		stop(c, "open", err, NULL);
		return NULL;
	}
	for (int i = 0; i < 20 && (!err || err == -ECANCELED); i += !err)
		err = count_once(own, c);
	hvkvp_close(own);
	return NULL;
}

static void threads(void)
{
	struct counter all[4] = { 0 };

	begin();
	for (int i = 0; i < 4; i++)
		CHECK(!pthread_create(&all[i].thread, NULL, count, &all[i]));
	for (int i = 0; i < 4; i++) {
		pthread_join(all[i].thread, NULL);
		CHECK_TEXT(all[i].failure, "");
	}
	CHECK_INT(hvkvp_get(kvp, GUEST, "n", &value), 0);
	CHECK_TEXT(value, "80");
	end();
}

struct creator {
	pthread_t thread;
	pthread_barrier_t *start;
	struct counter result;
};

static void *create(void *data)
{
	struct creator *c = data;
	struct hvkvp *own;
	char key[20];
	int err = hvkvp_open(&own, scratch_dir);

	snprintf(key, sizeof(key), "%p", data);
	pthread_barrier_wait(c->start);
	if (err) {
		stop(&c->result, "open", err, NULL);
		return NULL;
	}
	err = hvkvp_set(own, GUEST, key, "1");
	if (err != 1)
		stop(&c->result, "set", err, own);
	hvkvp_close(own);
	return NULL;
}

/* The file, and its journal, are created by whoever comes first. */
static void creators(void)
{
	for (int round = 0; round < 30; round++) {
		struct creator all[4] = { 0 };
		pthread_barrier_t start;

		begin();
		pthread_barrier_init(&start, NULL, 4);
		for (int i = 0; i < 4; i++) {
			all[i].start = &start;
			REQUIRE(!pthread_create(&all[i].thread, NULL, create, &all[i]));
		}
		for (int i = 0; i < 4; i++) {
			pthread_join(all[i].thread, NULL);
			CHECK_TEXT(all[i].result.failure, "");
		}
		for (int i = 0; i < 4; i++) {
			char key[20];

			snprintf(key, sizeof(key), "%p", (void *)&all[i]);
			CHECK_INT(hvkvp_get(kvp, GUEST, key, &value), 0);
		}
		pthread_barrier_destroy(&start);
		end();
	}
}

static const struct tap_case cases[] = {
	{ "set, get, delete, and all pairs", pairs },
	{ "what cannot be done has an errno and a sentence", refusals },
	{ "a transaction changes everything, or nothing", transactions },
	{ "every change is an event", watches },
	{ "a change that was read meanwhile is an event, too", watches_and_reads },
	{ "others can read what a program with a strict umask creates", umasks },
	{ "no call leaves a pool locked", unlocked },
	{ "four threads with a handle each count without loss", threads },
	{ "threads that create a pool at the same time lose nothing", creators },
};

TAP_MAIN("library", cases)
