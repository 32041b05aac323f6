// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power fails at any moment of a long conversation: every pair that was
 * acknowledged is there afterwards, the one in hand is old or new.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "c/tap.h"
#include "disk.h"
#include "pool/edit.h"
#include "pool/pool.h"
#include "support/scratch.h"
#include "util/log.h"

#define FILE_NAME	".kvp_pool_1"
#define JOURNAL_NAME	FILE_NAME ".journal"

#define STEPS_MAX	400
#define KEYS		12

/**
 * struct model - what must be in the pool
 * @value: by key, 0 if it is not there
 * @theirs: records that others have added
 */
struct model {
	int value[KEYS];
	int theirs;
};

/**
 * struct step - an operation
 * @start: calls before it
 * @end: calls after it: it was answered
 * @after: what must be there then
 * @tried: what was to be there; other than @after if it failed
 * @unsure: it failed, and so did the attempt to take it out of the journal: it may be made as long as no
 *	other change is
 * @sure: of the others' records, so many are on the disk then
 */
struct step {
	size_t start;
	size_t end;
	struct model after;
	struct model tried;
	bool unsure;
	int sure;
};

static struct step steps[STEPS_MAX];
static int step_count;
static struct model before_all;
static struct pool pool;

/* Long values, that no sector is like another. */
static const char *value_text(int value)
{
	static char text[1024];

	for (int i = 0; i < 120; i++)
		snprintf(text + i * 8, 9, "%07d.", value * 1000 + i);
	return text;
}

static void their_record(int number, struct pool_record *record)
{
	memset(record, 0, sizeof(*record));
	snprintf(record->key, sizeof(record->key), "theirs%d", number);
	snprintf(record->value, sizeof(record->value), "%s", value_text(-number - 1));
}

/* Another program appends a record, and syncs nothing. */
static void append_theirs(int number)
{
	struct pool_record record;
	struct iovec io = { .iov_base = &record, .iov_len = sizeof(record) };
	int fd = open(scratch_path(FILE_NAME), O_WRONLY);

	their_record(number, &record);
	pwritev2(fd, &io, 1, -1, RWF_APPEND);
	close(fd);
}

static void one_step(struct model *model, unsigned int *seed, int number, bool others, int *sure)
{
	struct step *step = &steps[step_count++];
	const struct model before = *model;
	size_t failed = disk_failed_syncs();
	int key = rand_r(seed) % KEYS, what = rand_r(seed) % 10, ret = 0;
	char name[24];

	snprintf(name, sizeof(name), "key%d", key);
	step->start = disk_calls();
	if (others && what == 0) {
		append_theirs(model->theirs++);
	} else if (what < 4 && model->value[key]) {
		ret = pool_delete(&pool, name);
		model->value[key] = 0;
		*sure = model->theirs;
	} else if (what == 9) {
		int second = (key + 1) % KEYS;
		char removed[24];
		struct pool_edit edits[] = {
			{ POOL_EDIT_DELETE, removed, NULL, 0 },
			{ POOL_EDIT_SET, name, value_text(number), 0 },
		};

		snprintf(removed, sizeof(removed), "key%d", second);
		ret = pool_edit(&pool, edits, 2);
		model->value[key] = number;
		model->value[second] = 0;
		*sure = model->theirs;
	} else {
		ret = pool_set(&pool, name, value_text(number));
		model->value[key] = number;
		*sure = model->theirs;
	}
	step->tried = *model;
	step->unsure = ret < 0 && disk_failed_syncs() > failed + 1;
	if (ret < 0)
		*model = before;
	CHECK(ret >= 0 || disk_failed_syncs());
	if (rand_r(seed) % 25 == 0) {	/* the process ends, and another one goes on */
		pool_exit(&pool);
		pool_init(&pool, scratch_dir, 1);
	}
	step->end = disk_calls();
	step->after = *model;
	step->sure = *sure;
}

/* Fill the pool with some records that nothing touches, and talk. Return: calls. */
static size_t converse(unsigned int seed, int count, bool others, int bystanders)
{
	struct model model = { 0 };
	char key[16];
	int sure = 0;

	scratch_begin();
	log_open(LOG_ERR, 0);
	pool_init(&pool, scratch_dir, 1);
	for (int i = 0; i < bystanders; i++) {
		snprintf(key, sizeof(key), "old%d", i);
		pool_set(&pool, key, value_text(i));
		if (i == bystanders / 2) {
			pool_set(&pool, "key0", value_text(1));
			model.value[0] = 1;
		}
	}
	pool_exit(&pool);
	pool_init(&pool, scratch_dir, 1);
	before_all = model;
	step_count = 0;
	disk_begin(scratch_path(FILE_NAME), scratch_path(JOURNAL_NAME));
	for (int i = 0; i < count; i++)
		one_step(&model, &seed, i + 2, others, &sure);
	pool_index_clear(&pool.index);
	pool_journal_exit(&pool.journal);
	pool_file_exit(&pool.file);
	return disk_end();
}

/* How often the key is in the pool, and with another value than this. */
static int count_key(const char *name, const char *value, int *wrong)
{
	const char *key, *at;
	int n = 0;

	for (uint32_t i = 0; !pool_at(&pool, i, &key, &at); i++) {
		/*
		 * A record of others that was not synced may have our deleted
		 * key in front of their value: nobody can tell.
		 */
		if (!strcmp(key, name) && (name[0] == 't' || !strchr(at, '-'))) {
			n++;
			*wrong += strcmp(at, value) != 0;
		}
	}
	return n;
}

static bool holds(const struct model *model, int sure, int bystanders)
{
	uint32_t theirs = 0, known = 0, usable = 0;
	const char *key, *value;
	int wrong = 0;
	char name[24];

	for (int i = 0; i < KEYS; i++) {
		snprintf(name, sizeof(name), "key%d", i);
		if (count_key(name, value_text(model->value[i]), &wrong) != !!model->value[i])
			return false;
		known += !!model->value[i];
	}
	for (int i = 0; i < model->theirs; i++) {
		int torn = 0, n;

		snprintf(name, sizeof(name), "theirs%d", i);
		n = count_key(name, value_text(-i - 1), &torn);
		if (i < sure && n - torn != 1)
			return false;
		theirs += n;
	}
	for (int i = 0; i < bystanders; i++) {
		snprintf(name, sizeof(name), "old%d", i);
		if (count_key(name, value_text(i), &wrong) != 1)
			return false;
	}
	for (uint32_t i = 0; !pool_at(&pool, i, &key, &value); i++)
		usable += key[0] == 't' || !strchr(value, '-');
	return !wrong && usable == known + theirs + bystanders;
}

/* Recover as after a boot, and compare. */
static bool check_state(size_t calls, int bystanders)
{
	const struct model *last = &before_all, *unsure = NULL;
	const struct step *now = NULL;
	bool good;
	int sure = 0;

	for (int i = 0; i < step_count; i++) {
		if (steps[i].end <= calls) {
			last = &steps[i].after;
			unsure = steps[i].unsure ? &steps[i].tried : NULL;
			sure = steps[i].sure;
		} else if (steps[i].start < calls) {
			now = &steps[i];
		}
	}
	pool_init(&pool, scratch_dir, 1);
	pool_create(&pool);
	good = !pool_load(&pool) &&
	       (holds(last, sure, bystanders) ||
		(unsure && holds(unsure, sure, bystanders)) ||
		(now && (holds(&now->after, sure, bystanders) ||
			 holds(&now->tried, sure, bystanders))));
	/* A second look finds the same, and nothing to do. */
	good = good && !pool_journal_pending(&pool.journal);
	pool_exit(&pool);
	return good;
}

/**
 * struct outcome - of all states of a conversation
 * @states: tried
 * @bad: of them
 */
struct outcome {
	unsigned long states;
	unsigned long bad;
	size_t first_bad;
};

static struct outcome fail_everywhere(size_t calls, int tries, int bystanders)
{
	struct outcome outcome = { 0 };
	unsigned int seed = 7;

	for (size_t at = 0; at <= calls; at++) {
		for (int i = 0; i < tries; i++) {
			enum disk_choice choice = i == 0 ? DISK_NOTHING : i == 1 ? DISK_ALL :
						  i % 3 ? DISK_ANY : DISK_SPLIT;

			disk_fail(at, choice, &seed);
			disk_forget_boot();
			outcome.states++;
			if (!check_state(at, bystanders)) {
				if (!outcome.bad++)
					outcome.first_bad = at;
			}
		}
	}
	return outcome;
}

static int tries(int normal)
{
	return getenv("HVKVP_LONG") ? normal * 10 : normal;
}

static void alone(void)
{
	struct outcome outcome;
	size_t calls, syncs;

	calls = converse(1, 40, false, 5);
	syncs = disk_syncs();
	outcome = fail_everywhere(calls, tries(8), 5);
	printf("# %d changes, %zu calls, %zu syncs; %lu states of the disk tried, %lu bad\n",
	       step_count, calls, syncs, outcome.states, outcome.bad);
	CHECK_INT(outcome.bad, 0);
	scratch_end();
}

static void with_others(void)
{
	struct outcome outcome;
	size_t calls;

	calls = converse(2, 60, true, 5);
	outcome = fail_everywhere(calls, tries(8), 5);
	printf("# with others' records: %zu calls; %lu states of the disk tried, %lu bad (first after call %zu)\n",
	       calls, outcome.states, outcome.bad, outcome.first_bad);
	CHECK_INT(outcome.bad, 0);
	scratch_end();
}

/* More than POOL_SHIFT_MAX records: the last ones fill the gaps. */
static void large(void)
{
	struct outcome outcome;
	size_t calls;

	calls = converse(3, 20, true, 80);
	outcome = fail_everywhere(calls, tries(6), 80);
	printf("# in a large pool: %zu calls; %lu states of the disk tried, %lu bad\n",
	       calls, outcome.states, outcome.bad);
	CHECK_INT(outcome.bad, 0);
	scratch_end();
}

/* An epoch ends because the journal is full. */
static void full_journal(void)
{
	struct outcome outcome;
	size_t calls, syncs;

	calls = converse(4, 300, false, 2);
	syncs = disk_syncs();
	printf("# 300 changes: %zu syncs\n", syncs);
	outcome = fail_everywhere(calls, getenv("HVKVP_LONG") ? 10 : 2, 2);
	printf("# with a full journal: %zu calls; %lu states of the disk tried, %lu bad\n",
	       calls, outcome.states, outcome.bad);
	CHECK_INT(outcome.bad, 0);
	scratch_end();
}

/* A sync that fails is reported once, and then the kernel has forgotten what is not on the disk. */
static void failing_syncs(void)
{
	struct outcome outcome, all = { 0 };
	size_t calls, failed = 0;

	for (unsigned int seed = 1; seed <= (getenv("HVKVP_LONG") ? 40 : 4); seed++) {
		disk_fail_syncs(3 + seed % 3, seed);
		calls = converse(5 + seed, 60, false, 3);
		disk_fail_syncs(0, 0);
		failed += disk_failed_syncs();
		outcome = fail_everywhere(calls, 5, 3);
		all.states += outcome.states;
		all.bad += outcome.bad;
		scratch_end();
	}
	printf("# %zu syncs have failed; %lu states of the disk tried, %lu bad\n", failed, all.states,
	       all.bad);
	CHECK(failed > 50);
	CHECK_INT(all.bad, 0);
}

/* This test can fail. */
static void broken(enum disk_file file, bool others)
{
	struct outcome outcome;
	size_t calls;

	disk_ignore_syncs(file);
	calls = converse(5, 40, others, 5);
	disk_ignore_syncs(DISK_FILES);
	outcome = fail_everywhere(calls, 4, 5);
	printf("# without syncs of the %s: %lu of %lu states are bad, as they should be\n",
	       file == DISK_POOL ? "pool" : "journal", outcome.bad, outcome.states);
	CHECK(outcome.bad > 0);
	scratch_end();
}

static void broken_journal(void)
{
	broken(DISK_JOURNAL, false);
}

static void broken_pool(void)
{
	broken(DISK_POOL, true);
}

static const struct tap_case cases[] = {
	{ "power fails anywhere: all that was acknowledged is there, the rest old or new", alone },
	{ "the same while others append records", with_others },
	{ "the same in a pool where DELETE fills gaps", large },
	{ "the same while epochs change", full_journal },
	{ "the same where syncs fail, and what they were to write is lost", failing_syncs },
	{ "a journal that is not synced is found out", broken_journal },
	{ "a pool that is not synced between epochs is found out", broken_pool },
};

TAP_MAIN("power loss", cases)
