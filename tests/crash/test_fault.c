// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each call that the store makes for a pool fails in turn, in each way. Then the
 * pool is old or new, the others work, and the next operation does.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "faults.h"
#include "pool/edit.h"
#include "pool/store.h"
#include "support/scratch.h"
#include "util/log.h"

#define FILE_NAME	".kvp_pool_1"
#define JOURNAL_NAME	FILE_NAME ".journal"
#define ROOM		(120 * POOL_RECORD_SIZE)

/**
 * struct image - a pool file
 * @bytes: contents
 * @len: of them
 */
struct image {
	uint8_t bytes[ROOM];
	size_t len;
};

/**
 * struct scene - what is done while calls fail
 * @name: in a sentence
 * @records: in the pool before
 * @twins: of them, this many have the key "twin"
 * @partial: bytes of a partial record behind them
 * @run: the operation; never -ENOENT, nor 1 or 0 unless it was done
 */
struct scene {
	const char *name;
	int records;
	int twins;
	int partial;
	int (*run)(struct pool *pool);
};

/**
 * struct tally - how it went
 * @states: tried
 * @failed: the operation failed
 * @old: and the pool is as it was
 * @new: and the pool is as it was to be
 * @later: and the pool became one of these with the next operation, since nothing
 *	could be written before
 * @names: the names of new files could not be made durable
 * @undone: there were writes to take the change back
 * @bad: something was wrong
 */
struct tally {
	int states;
	int failed;
	int old;
	int new;
	int later;
	int names;
	int undone;
	int bad;
};

static struct image old_image, new_image, now_image;
static struct store store;
static struct pool *const pool = &store.pools[HVKVP_POOL_GUEST];
static struct pool *const other = &store.pools[HVKVP_POOL_INTERNAL];

static int do_add(struct pool *at)
{
	return pool_set(at, "added", "a new pair");
}

static int do_update(struct pool *at)
{
	return pool_set(at, "k1", "another value");
}

static int do_delete(struct pool *at)
{
	return pool_delete(at, "k1");
}

static int do_delete_twins(struct pool *at)
{
	return pool_delete(at, "twin");
}

/* Changes, removes and adds at once, with more removed than added, and the reverse. */
static int do_edit_less(struct pool *at)
{
	struct pool_edit edits[] = {
		{ POOL_EDIT_SET, "k1", "another value", 0 }, { POOL_EDIT_DELETE, "twin", NULL, 0 },
		{ POOL_EDIT_SET, "added", "a new pair", 0 }, { POOL_EDIT_DELETE, "k4", NULL, 0 },
	};

	return pool_edit(at, edits, 4);
}

static int do_edit_more(struct pool *at)
{
	struct pool_edit edits[] = {
		{ POOL_EDIT_SET, "k1", "another value", 0 }, { POOL_EDIT_DELETE, "k4", NULL, 0 },
		{ POOL_EDIT_ADD, "added", "a new pair", 0 }, { POOL_EDIT_ADD, "added", "another", 0 },
	};

	return pool_edit(at, edits, 4);
}

static int do_tidy(struct pool *at)
{
	return pool_tidy(at, true);
}

static void take(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->len = scratch_read(FILE_NAME, image->bytes, ROOM);
}

/* A partial record is of no use to anybody: it does not count. */
static bool same(const struct image *a, const struct image *b)
{
	size_t len = a->len - a->len % POOL_RECORD_SIZE;

	return len == b->len - b->len % POOL_RECORD_SIZE && !memcmp(a->bytes, b->bytes, len);
}

/* The pool as it is before. With a journal: an earlier change is in it. */
static void build(const struct scene *scene, bool journal)
{
	static struct pool_record records[100];

	unlink(scratch_path(JOURNAL_NAME));
	unlink(scratch_path(FILE_NAME));
	memset(records, 0, sizeof(records));
	for (int i = 0; i < scene->records; i++) {
		snprintf(records[i].key, sizeof(records[i].key), "k%d", i);
		strcpy(records[i].value, i ? "some value" : "changed");
	}
	for (int i = 0; i < scene->twins; i++)
		strcpy(records[2 + 3 * i].key, "twin");
	if (scene->run == do_tidy) {
		memset(records[3].key, 0, sizeof(records[3].key));
		memset(records[4].value + 100, 'x', 100);
	}
	memset(&records[scene->records], 'x', sizeof(records[0]));
	if (scene->records)
		scratch_write(FILE_NAME, records,
			      scene->records * sizeof(records[0]) + scene->partial);
	store_init(&store, scratch_dir);
	if (journal)
		CHECK_INT(pool_set(pool, "k0", "changed"), 0);
	CHECK(pool_set(other, "steady", "as ever") >= 0);
}

static bool has(struct pool *at, const char *key, const char *want)
{
	const char *value;

	return !pool_get(at, key, &value) && !strcmp(value, want);
}

/* Do the other pools work while this one does not? */
static bool others_work(void)
{
	return has(other, "steady", "as ever") && pool_set(other, "now", "x") == 1 &&
	       !pool_delete(other, "now");
}

/* The next operation works, and a process that comes later finds @want, or what may be. */
static bool goes_on(const struct scene *scene, const struct image *want)
{
	const char *value;
	bool good;

	good = pool_set(pool, "next", "works") == 1 && has(pool, "next", "works") &&
	       !pool_delete(pool, "next");
	if (scene->records)
		good = good && has(pool, "k0", "changed");
	store_exit(&store);
	store_init(&store, scratch_dir);
	good = good && pool_get(pool, "next", &value) == -ENOENT && has(other, "steady", "as ever");
	take(&now_image);
	if (want)
		return good && same(&now_image, want);
	return good && (same(&now_image, &old_image) || same(&now_image, &new_image));
}

/* One state. Return: false if there is no such call any more. */
static bool try_call(const struct scene *scene, bool journal, int err, enum fault_kind kind,
		     int nth, struct tally *tally)
{
	struct fault_report report;
	bool good, old, new;
	char why[512];
	int ret;

	build(scene, journal);
	faults_begin(scratch_dir, FILE_NAME, err, kind, nth);
	ret = scene->run(pool);
	snprintf(why, sizeof(why), "%s", pool_why(pool));
	good = kind != FAULT_LASTING || others_work();
	report = faults_end();
	take(&now_image);
	old = same(&now_image, &old_image);
	new = same(&now_image, &new_image);
	if (report.call) {
		tally->states++;
		tally->failed += ret < 0;
		tally->old += ret < 0 && old;
		tally->new += ret < 0 && new && !old;
		tally->later += ret < 0 && !old && !new;
		tally->names += report.directory && !strcmp(report.call, "fsync");
		tally->undone += ret < 0 && report.taken_back;
		if (ret < 0)
			good = good && strstr(why, FILE_NAME) && strstr(why, "; ");
		else
			good = good && new;
		/* Only where everything goes on failing may half a change be left. */
		good = good && (old || new || kind == FAULT_LASTING);
		/* Nor a part of a record. */
		good = good && (now_image.len % POOL_RECORD_SIZE == 0 ||
				now_image.len == old_image.len || kind == FAULT_LASTING);
		/* A change that is not on the disk was not made. */
		if (report.change && strcmp(report.call, "futimens") &&
		    strcmp(report.call, "announcing open") &&
		    !(report.journal && !strcmp(report.call, "pwrite")))
			good = good && ret < 0;
	}
	/* What was written down and cannot be struck out is made after all. */
	good = goes_on(scene, kind == FAULT_LASTING ? NULL : old ? &old_image : &new_image) && good;
	if (!good) {
		printf("# bad: %s, %s journal, %s call %d (%s of the %s), %s: returned %d, \"%s\"\n",
		       strerror(err), journal ? "with" : "no",
		       kind == FAULT_ONCE ? "once" : kind == FAULT_HALF ? "half" : "lasting",
		       nth, report.call ? report.call : "none", report.journal ? "journal" : "pool",
		       scene->name, ret, why);
		tally->bad++;
	}
	store_exit(&store);
	return report.call;
}

static void try_scene(const struct scene *scene, int err)
{
	struct tally tally = { 0 };

	scratch_begin();
	log_open(LOG_ERR, 0);
	for (int journal = scene->records ? 0 : 1; journal < 2; journal++) {
		build(scene, journal && scene->records);
		take(&old_image);
		CHECK(scene->run(pool) >= 0);
		take(&new_image);
		store_exit(&store);
		for (int kind = 0; kind < FAULT_KINDS; kind++)
			for (int nth = 1; try_call(scene, journal && scene->records, err, kind, nth,
						   &tally); nth++)
				;
	}
	printf("# %s, %s: %d states; %d errors told: %d old, %d new, %d whole with the next operation; %d taken back; %d bad\n",
	       scene->name, strerror(err), tally.states, tally.failed, tally.old, tally.new,
	       tally.later, tally.undone, tally.bad);
	CHECK(tally.failed > 5);
	CHECK(scene->records || tally.names > 0);
	CHECK_INT(tally.bad, 0);
	scratch_end();
}

static const struct scene scenes[] = {
	{ "first pair", 0, 0, 0, do_add },
	{ "add", 6, 0, 0, do_add },
	{ "add behind a partial record", 6, 0, 700, do_add },
	{ "update", 6, 0, 0, do_update },
	{ "delete", 6, 0, 0, do_delete },
	{ "delete of five", 20, 5, 0, do_delete_twins },
	{ "delete in a large pool", 90, 3, 0, do_delete_twins },
	{ "edits that remove records", 20, 5, 0, do_edit_less },
	{ "edits that add records", 20, 5, 0, do_edit_more },
	{ "edits in a large pool", 90, 3, 0, do_edit_less },
	{ "tidy", 6, 0, 700, do_tidy },
};

static void try_all(int err)
{
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		try_scene(&scenes[i], err);
}

static void full(void)
{
	try_all(ENOSPC);
}

static void quota(void)
{
	try_all(EDQUOT);
}

static void broken_disk(void)
{
	try_all(EIO);
}

static void read_only(void)
{
	try_all(EROFS);
}

static const struct tap_case cases[] = {
	{ "ENOSPC at each call: old or new, the others work, the next operation does", full },
	{ "EDQUOT at each call: likewise", quota },
	{ "EIO at each call: likewise", broken_disk },
	{ "EROFS at each call: likewise", read_only },
};

TAP_MAIN("fault", cases)
