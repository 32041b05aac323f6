// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which changes in the log of a process that was killed count as made: those are not made again, so that
 * they revert nothing that others have written since.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/edit.h"
#include "pool/journal_format.h"
#include "pool/pool.h"
#include "support/pairs.h"
#include "support/scratch.h"

#define FILE_NAME	".kvp_pool_1"
#define JOURNAL_NAME	FILE_NAME ".journal"

/* Bytes of a value that a change may need. */
#define VALUE_MOST	1000

static struct pool pool;

/* The pool has "a=1 b=1", and in its log, as one change, that both were 0 before. */
static void begin(void)
{
	struct pool_edit edits[] = {
		{ .kind = POOL_EDIT_SET, .key = "a", .value = "1" },
		{ .kind = POOL_EDIT_SET, .key = "b", .value = "1" },
	};

	scratch_begin();
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
	CHECK_INT(pool_set(&pool, "a", "0"), 1);
	CHECK_INT(pool_set(&pool, "b", "0"), 1);
	CHECK_INT(pool_edit(&pool, edits, 2), 0);
}

static void end(void)
{
	pool_exit(&pool);
	scratch_end();
}

static void die(void)
{
	pairs_die(&pool);
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
}

/* Another program gives the first pair the value that it had before, as the log knows. */
static void write_theirs(void)
{
	int fd = open(scratch_path(FILE_NAME), O_RDWR);
	struct pool_record record;

	pairs_put(&record, "a", "0");
	CHECK_INT(pwrite(fd, &record, sizeof(record), 0), sizeof(record));
	close(fd);
}

static void after_the_last(void)
{
	begin();
	die();
	write_theirs();
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

/* The process ends when the next change is in the log, and not in the file. */
static void before_the_next(void)
{
	struct pool_record record;
	struct pool_change change = { .before = 2, .after = 3 };

	begin();
	pairs_put(&record, "c", "2");
	CHECK_INT(pool_change_add(&change, 2, NULL, &record), 0);
	CHECK_INT(pool_journal_begin(&pool.journal, &change, &pool.stamp), 0);
	pool_change_clear(&change);
	die();
	write_theirs();
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

static int refuse(void *data)
{
	(void)data;
	return -ETIMEDOUT;
}

/* The next change was rolled back, and is not in the log any more. */
static void before_a_failed_one(void)
{
	begin();
	pool.confirm = refuse;
	CHECK_INT(pool_set(&pool, "c", "2"), -ETIMEDOUT);
	die();
	write_theirs();
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

/* As a program does that has no marks: it notes the number of the change in the state block. */
static void note_as_before(uint32_t seq)
{
	static const struct journal_mark nothing;
	int fd = open(scratch_path(JOURNAL_NAME), O_RDWR);
	struct journal_state state;

	CHECK_INT(pread(fd, &state, sizeof(state), 0), sizeof(state));
	state.seq = seq;
	state.sum = 0;
	state.sum = journal_sum(JOURNAL_SUM_START, &state, sizeof(state));
	CHECK_INT(pwrite(fd, &state, sizeof(state), 0), sizeof(state));
	CHECK_INT(pwrite(fd, &nothing, sizeof(nothing), pool.journal.tail), sizeof(nothing));
	close(fd);
}

static void noted_by_an_older_program(void)
{
	begin();
	note_as_before(3);
	die();
	write_theirs();
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

/* The process is killed while it writes the next change: its head has overwritten the mark, or a part of it. */
static void in_the_next(void)
{
	static const size_t written[] = { 8, 16, 24, 32, sizeof(struct journal_entry) };

	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		struct journal_entry next = { .magic = JOURNAL_ENTRY_MAGIC, .len = 100000, .seq = 4, .slots = 1 };
		int fd;

		begin();
		next.epoch = pool.journal.epoch;
		fd = open(scratch_path(JOURNAL_NAME), O_RDWR);
		CHECK_INT(pwrite(fd, &next, written[i], pool.journal.tail), written[i]);
		close(fd);
		die();
		write_theirs();
		CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
		end();
	}
}

static void read_state(struct journal_state *state)
{
	int fd = open(scratch_path(JOURNAL_NAME), O_RDONLY);

	CHECK_INT(pread(fd, state, sizeof(*state), 0), sizeof(*state));
	close(fd);
}

/* A change whose end would be eight bytes in front of the end of a page. */
static void fill_page(char *value)
{
	uint64_t before = pool.journal.tail, least, left;

	CHECK_INT(pool_set(&pool, "a", ""), 0);
	/* With a key of one byte; it and the value take a multiple of eight. */
	least = pool.journal.tail - before;
	memset(value, 'v', VALUE_MOST);
	value[VALUE_MOST / 2] = 0;
	for (;;) {
		left = JOURNAL_PAGE - 8 - pool.journal.tail % JOURNAL_PAGE;
		if (left >= least && left - least <= VALUE_MOST)
			break;
		CHECK_INT(pool_set(&pool, "a", value), 0);
	}
	value[VALUE_MOST / 2] = 'v';
	value[left - least + 7] = 0;
	CHECK_INT(pool_set(&pool, "a", value), 0);
}

/* A write that is killed ends between two pages: no mark is in two, and all changes are valid. */
static void in_one_page(void)
{
	char value[VALUE_MOST + 8] = "", want[VALUE_MOST + 20];
	uint64_t epoch;

	begin();
	epoch = pool.journal.epoch;
	fill_page(value);
	CHECK_INT(pool.journal.tail % JOURNAL_PAGE, 0);
	CHECK_INT(pool_set(&pool, "b", "2"), 0);
	snprintf(want, sizeof(want), "a=%s b=2", value);
	/* All of the log is needed for that; a slow machine begins another one meanwhile. */
	if (pool.journal.epoch == epoch) {
		CHECK_INT(truncate(scratch_path(FILE_NAME), 0), 0);
		CHECK_INT(truncate(scratch_path(FILE_NAME), 2 * POOL_RECORD_SIZE), 0);
	}
	die();
	pairs_forget_boot(scratch_path(JOURNAL_NAME));
	CHECK_TEXT(pairs_seen(&pool), want);
	end();
}

/* A sync has one place to write then, and not two. */
static void in_one_place(void)
{
	struct journal_state before, after;

	begin();
	read_state(&before);
	for (int i = 0; i < 10; i++)
		CHECK_INT(pool_set(&pool, "a", i % 2 ? "one" : "another one"), 0);
	CHECK(pool.journal.live);
	read_state(&after);
	/* A slow machine begins another epoch meanwhile, and that a state block. */
	if (pool.journal.epoch == before.epoch)
		CHECK(!memcmp(&before, &after, sizeof(before)));
	/* A program that knows no marks takes all for made, and reverts nothing. */
	CHECK_INT(after.seq, JOURNAL_MARKED);
	end();
}

static const struct tap_case cases[] = {
	{ "all, if the mark of the last one is behind it", after_the_last },
	{ "those in front of one that was interrupted", before_the_next },
	{ "those in front of one that was written in part", in_the_next },
	{ "those in front of one that was rolled back", before_a_failed_one },
	{ "those that an older program has noted in the state block", noted_by_an_older_program },
	{ "a mark is in one page", in_one_page },
	{ "a change in a run leaves the state block alone", in_one_place },
};

TAP_MAIN("marks", cases)
