// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several edits of a pool in one change, against a plain model.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/edit.h"
#include "pool/pool.h"
#include "support/scratch.h"
#include "util/clock.h"

static struct pool pool;

static void begin(void)
{
	scratch_begin();
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
}

static void end(void)
{
	pool_exit(&pool);
	scratch_end();
}

#define EDIT(...) \
	pool_edit(&pool, (struct pool_edit[]){ __VA_ARGS__ }, \
		  sizeof((struct pool_edit[]){ __VA_ARGS__ }) / sizeof(struct pool_edit))
#define SET(key, value)		{ POOL_EDIT_SET, key, value, -1 }
#define ADD(key, value)		{ POOL_EDIT_ADD, key, value, -1 }
#define DELETE(key)		{ POOL_EDIT_DELETE, key, NULL, -1 }
#define EXPECT(key, value)	{ POOL_EDIT_EXPECT, key, value, -1 }

/* All pairs in file order, "key=value key=value", from the index in memory. */
static const char *seen(void)
{
	static char text[65536];
	size_t at = 0;

	text[0] = 0;
	CHECK_INT(pool_load(&pool), 0);
	for (uint32_t i = pool_index_next(&pool.index, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(&pool.index, i))
		at += snprintf(text + at, sizeof(text) - at, "%s%s=%s", at ? " " : "",
			       pool_index_key(&pool.index, i), pool_index_value(&pool.index, i));
	return text;
}

/* The same from the file, as another process sees it; and the index in memory is the same. */
static const char *in_file(void)
{
	char *before = strdup(seen());

	pool_exit(&pool);
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
	CHECK_TEXT(seen(), before);
	free(before);
	return seen();
}

static void edits(void)
{
	struct pool_edit results[] = {
		SET("a", "3"), DELETE("b"), ADD("n", "1"), SET("n", "2"), DELETE("none"), ADD("a", "4"),
	};

	begin();
	CHECK_INT(EDIT(SET("a", "1"), SET("b", "1"), SET("c", "1"), SET("a", "2")), 0);
	CHECK_TEXT(in_file(), "a=2 b=1 c=1");
	CHECK_INT(pool_edit(&pool, results, 6), 0);
	CHECK_TEXT(in_file(), "a=3 c=1 n=2 a=4");
	CHECK_INT(results[0].result, 0);
	CHECK_INT(results[1].result, 1);
	CHECK_INT(results[2].result, 1);
	CHECK_INT(results[3].result, 0);
	CHECK_INT(results[4].result, 0);
	CHECK_INT(results[5].result, 1);
	/* A key that is removed and set again keeps its places; the others close up. */
	CHECK_INT(EDIT(DELETE("a"), ADD("a", "x")), 0);
	CHECK_TEXT(in_file(), "a=x c=1 n=2");
	CHECK_INT(EDIT(DELETE("a"), ADD("a", "1"), ADD("a", "2"), ADD("z", "1"), ADD("a", "3")), 0);
	CHECK_TEXT(in_file(), "a=1 c=1 n=2 a=2 z=1 a=3");
	/* More goes than comes, and the reverse. */
	CHECK_INT(EDIT(DELETE("a"), DELETE("n"), SET("y", "1")), 0);
	CHECK_TEXT(in_file(), "c=1 z=1 y=1");
	CHECK_INT(EDIT(DELETE("c"), DELETE("z"), DELETE("y")), 0);
	CHECK_TEXT(in_file(), "");
	CHECK_INT(EDIT(DELETE("c")), 0);
	CHECK_INT(pool_edit(&pool, NULL, 0), 0);
	end();
}

static void refused(void)
{
	char long_value[2100];

	memset(long_value, 'x', sizeof(long_value));
	long_value[sizeof(long_value) - 1] = 0;
	begin();
	CHECK_INT(EDIT(SET("a", "1"), SET("b", "1")), 0);
	CHECK_INT(EDIT(SET("a", "2"), SET("", "1")), -EINVAL);
	CHECK(strstr(pool_why(&pool), "the key is empty"));
	CHECK_INT(EDIT(SET("a", "2"), SET("b", long_value)), -EMSGSIZE);
	CHECK(strstr(pool_why(&pool), "the value is too long"));
	CHECK_INT(EDIT(SET("a", "2"), SET("b", "\xff")), -EILSEQ);
	CHECK_TEXT(in_file(), "a=1 b=1");
	/* Expectations are about what was there before. */
	CHECK_INT(EDIT(SET("a", "2"), EXPECT("b", "2")), -ECANCELED);
	CHECK(strstr(pool_why(&pool), "another value"));
	CHECK_INT(EDIT(EXPECT("a", NULL), SET("a", "2")), -ECANCELED);
	CHECK(strstr(pool_why(&pool), "the key exists"));
	CHECK_INT(EDIT(EXPECT("c", "1"), SET("a", "2")), -ECANCELED);
	CHECK(strstr(pool_why(&pool), "does not exist"));
	CHECK_TEXT(in_file(), "a=1 b=1");
	CHECK_INT(EDIT(EXPECT("c", NULL), SET("a", "2"), EXPECT("a", "1"), SET("c", "1")), 0);
	CHECK_TEXT(in_file(), "a=2 b=1 c=1");
	/* Limits count what is there in the end. */
	pool.limits.keys = 3;
	CHECK_INT(EDIT(SET("d", "1")), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "would hold 4 pairs, and the limit is 3"));
	CHECK_INT(EDIT(SET("d", "1"), DELETE("a")), 0);
	CHECK_TEXT(in_file(), "b=1 c=1 d=1");
	pool.limits.bytes = 3 * 2560;
	CHECK_INT(EDIT(SET("e", "1")), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "would be longer than 7680 bytes"));
	CHECK_TEXT(in_file(), "b=1 c=1 d=1");
	end();
}

#define MODEL_MAX 700

/* The model: pairs in a list. Deleting keeps the order among the same key only. */
static struct {
	char key[8];
	char value[16];
} model[MODEL_MAX];
static size_t model_count;

static void model_delete(const char *key)
{
	size_t left = 0;

	for (size_t i = 0; i < model_count; i++)
		if (strcmp(model[i].key, key))
			model[left++] = model[i];
	model_count = left;
}

static void model_set(const char *key, const char *value, bool add)
{
	size_t i = model_count;

	while (!add && i && strcmp(model[i - 1].key, key))
		i--;
	if (add || !i)
		i = ++model_count;
	strcpy(model[i - 1].key, key);
	strcpy(model[i - 1].value, value);
}

/* The values of each key, in their order, are those of the model. */
static bool like_model(void)
{
	size_t pairs = 0;

	for (uint32_t i = pool_index_next(&pool.index, POOL_NONE); i != POOL_NONE;
	     i = pool_index_next(&pool.index, i))
		pairs++;
	if (!CHECK_INT(pairs, model_count))
		return false;
	for (size_t i = 0; i < model_count; i++) {
		const char *key = model[i].key;
		uint32_t at = pool_index_last(&pool.index, key);

		for (size_t j = i + 1; j < model_count; j++)
			if (!strcmp(model[j].key, key) && at != POOL_NONE)
				at = pool_index_before(&pool.index, at);
		if (!CHECK(at != POOL_NONE) ||
		    !CHECK_TEXT(pool_index_value(&pool.index, at), model[i].value))
			return false;
	}
	return true;
}

static void random_edits(void)
{
	static struct pool_edit list[40];
	static char keys[40][8], values[40][16];

	begin();
	srand(1);
	for (int round = 0; round < 300; round++) {
		size_t count = rand() % 40;

		for (size_t i = 0; i < count; i++) {
			bool full = model_count > MODEL_MAX - 100;
			int kind = full ? POOL_EDIT_DELETE : rand() % 3;

			sprintf(keys[i], "k%d", rand() % 150);
			sprintf(values[i], "%d.%zu", round, i);
			list[i] = (struct pool_edit){ kind, keys[i], values[i], -1 };
			if (kind == POOL_EDIT_DELETE)
				model_delete(keys[i]);
			else
				model_set(keys[i], values[i], kind == POOL_EDIT_ADD);
		}
		if (!CHECK_INT(pool_edit(&pool, list, count), 0) || !like_model())
			break;
		if (round % 20 == 0) {
			in_file();
			if (!like_model())
				break;
		}
	}
	end();
}

static void many(void)
{
	enum { COUNT = 20000 };
	struct pool_edit *list = calloc(COUNT, sizeof(*list));
	char (*keys)[16] = calloc(COUNT, sizeof(*keys));
	uint64_t started;

	begin();
	for (int i = 0; i < COUNT; i++) {
		sprintf(keys[i], "key%d", i);
		list[i] = (struct pool_edit){ POOL_EDIT_SET, keys[i], "value", -1 };
	}
	started = clock_ms();
	CHECK_INT(pool_edit(&pool, list, COUNT), 0);
	printf("# 20,000 pairs in one change: %d ms\n", (int)(clock_ms() - started));
	CHECK_INT(pool.index.records, COUNT);
	for (int i = 0; i < COUNT; i++)
		list[i].kind = i % 2 ? POOL_EDIT_DELETE : POOL_EDIT_SET;
	started = clock_ms();
	CHECK_INT(pool_edit(&pool, list, COUNT / 2), 0);
	printf("# 5,000 of them removed, 5,000 changed: %d ms\n", (int)(clock_ms() - started));
	CHECK_INT(pool.index.records, COUNT * 3 / 4);
	pool_exit(&pool);
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
	CHECK_INT(pool_load(&pool), 0);
	CHECK_INT(pool.index.records, COUNT * 3 / 4);
	free(list);
	free(keys);
	end();
}

static const struct tap_case cases[] = {
	{ "set, add, delete, and what they come to", edits },
	{ "all or nothing: bad texts, expectations, limits", refused },
	{ "300 random lists of edits against a model", random_edits },
	{ "20,000 pairs at once", many },
};

TAP_MAIN("edit", cases)
