// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: the file that everybody shares.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/pool.h"
#include "support/pairs.h"
#include "support/scratch.h"
#include "util/clock.h"
#include "util/log.h"

#define FILE_NAME ".kvp_pool_1"

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

/* From now on as somebody else sees it. */
static void reopen(void)
{
	pool_exit(&pool);
	pool_init(&pool, scratch_dir, 1);
}

/* What another program would do: append a record. */
static void append(const char *key, const char *value)
{
	struct pool_record record;
	FILE *f = fopen(scratch_path(FILE_NAME), "a");

	pairs_put(&record, key, value);
	CHECK(f && fwrite(&record, sizeof(record), 1, f) == 1);
	fclose(f);
}

static off_t file_size(void)
{
	struct stat st;

	return stat(scratch_path(FILE_NAME), &st) ? -1 : st.st_size;
}

static const char *got(const char *key)
{
	const char *value;

	return pool_get(&pool, key, &value) ? NULL : value;
}

static void set_get(void)
{
	begin();
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_INT(pool_set(&pool, "b", ""), 1);
	CHECK_INT(pool_set(&pool, "c", "say \"hi\"\n\U0001F600"), 1);
	CHECK_TEXT(got("a"), "1");
	CHECK_TEXT(got("b"), "");
	CHECK_TEXT(got("c"), "say \"hi\"\n\U0001F600");
	CHECK_TEXT(got("A"), NULL);
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_TEXT(got("a"), "2");
	CHECK_TEXT(pairs_seen(&pool), "a=2 b= c=say \"hi\"\n\U0001F600");
	CHECK_INT(file_size(), 3 * POOL_RECORD_SIZE);
	end();
}

static void records_are_exact(void)
{
	struct pool_record file[3], want[2];

	begin();
	pool_set(&pool, "key", "a long value that is replaced by a short one");
	pool_set(&pool, "other", "x");
	pool_set(&pool, "key", "short");
	pairs_put(&want[0], "key", "short");
	pairs_put(&want[1], "other", "x");
	CHECK_INT(scratch_read(FILE_NAME, file, sizeof(file)), 2 * POOL_RECORD_SIZE);
	CHECK(!memcmp(file, want, sizeof(want)));
	end();
}

/* The file keeps a tail of what was there before: a writer must not. */
static void old_bytes_are_cleaned(void)
{
	struct pool_record file, want;

	begin();
	pairs_put(&file, "key", "v");
	memset(file.key + 4, 'S', sizeof(file.key) - 4);
	memset(file.value + 2, 'S', sizeof(file.value) - 2);
	scratch_write(FILE_NAME, &file, sizeof(file));
	CHECK_TEXT(got("key"), "v");
	CHECK_INT(pool_set(&pool, "key", "w"), 0);
	pairs_put(&want, "key", "w");
	scratch_read(FILE_NAME, &file, sizeof(file));
	CHECK(!memcmp(&file, &want, sizeof(want)));
	end();
}

static void delete_keeps_order(void)
{
	begin();
	for (char key[2] = "a"; key[0] <= 'f'; key[0]++)
		pool_set(&pool, key, key);
	CHECK_INT(pool_delete(&pool, "b"), 0);
	CHECK_TEXT(pairs_seen(&pool), "a=a c=c d=d e=e f=f");
	CHECK_INT(pool_delete(&pool, "f"), 0);
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK_TEXT(pairs_seen(&pool), "c=c d=d e=e");
	CHECK_INT(pool_delete(&pool, "a"), -ENOENT);
	CHECK_INT(file_size(), 3 * POOL_RECORD_SIZE);
	/* Not only the index: somebody else reads the same. */
	reopen();
	CHECK_TEXT(pairs_seen(&pool), "c=c d=d e=e");
	CHECK_INT(pool_set(&pool, "c", "new"), 0);
	CHECK_TEXT(pairs_seen(&pool), "c=new d=d e=e");
	end();
}

/* In a large pool the last records fill the gaps; nothing else is lost or moved. */
static void delete_many(void)
{
	const char *value, *at;
	char key[16];

	begin();
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, key);
		if (i % 3 == 0)
			append("twin", key);
	}
	CHECK_TEXT(got("twin"), "k297");
	CHECK_INT(pool_delete(&pool, "twin"), 0);
	CHECK_INT(file_size(), 300 * POOL_RECORD_SIZE);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < 300; i++) {
			snprintf(key, sizeof(key), "k%d", i);
			CHECK_TEXT(got(key), key);
		}
		CHECK_INT(pool_at(&pool, 300, &at, &value), -ENOENT);
		reopen();
	}
	end();
}

/* All values of a key, in the file's order. */
static const char *values_of(const char *key)
{
	static char text[8192];
	const char *at, *value;
	size_t len = 0;

	text[0] = 0;
	for (uint32_t i = 0; !pool_at(&pool, i, &at, &value); i++)
		if (!strcmp(at, key))
			len += snprintf(text + len, sizeof(text) - len, "%s ", value);
	return text;
}

/* Pieces of a long value under one key, behind many others: they stay in order. */
static void delete_keeps_pieces(void)
{
	char key[16];

	begin();
	append("first", "1");
	append("long", "p0");
	append("second", "2");
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, "v");
	}
	for (int i = 1; i < 5; i++) {
		snprintf(key, sizeof(key), "p%d", i);
		append("long", key);
	}
	CHECK_INT(pool_delete(&pool, "first"), 0);
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_INT(pool_delete(&pool, "second"), 0);
	CHECK_INT(pool_delete(&pool, "k3"), 0);
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_TEXT(got("long"), "p4");
	reopen();
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_INT(pool_delete(&pool, "long"), 0);
	CHECK_INT(file_size(), 99 * POOL_RECORD_SIZE);
	end();
}

/* Many changes at random: each key's values stay in order, and index and file agree. */
static void random_changes(void)
{
	enum { KEYS = 40, CHANGES = 1600 };
	static char model[KEYS][8192];
	unsigned int seed = 1;
	char key[16], value[16];
	int wrong = 0;

	begin();
	memset(model, 0, sizeof(model));
	for (int i = 0; i < CHANGES; i++) {
		int n = rand_r(&seed) % KEYS, what = rand_r(&seed) % 16;
		char *last = model[n];

		snprintf(key, sizeof(key), "k%d", n);
		snprintf(value, sizeof(value), "v%d ", i);
		if (what < 10 && strlen(last) < 4000) {		/* a duplicate */
			strcat(last, value);
			value[strlen(value) - 1] = 0;
			append(key, value);
		} else if (what < 14) {				/* the last one changes */
			if (strlen(last)) {
				last[strlen(last) - 1] = 0;
				last = strrchr(last, ' ') ? strrchr(last, ' ') + 1 : last;
			}
			strcpy(last, value);
			value[strlen(value) - 1] = 0;
			pool_set(&pool, key, value);
		} else {
			wrong += pool_delete(&pool, key) != (last[0] ? 0 : -ENOENT);
			last[0] = 0;
		}
		if (i % 100 == 99) {
			if (i % 200 == 199) {
				reopen();
			}
			for (n = 0; n < KEYS; n++) {
				snprintf(key, sizeof(key), "k%d", n);
				wrong += strcmp(values_of(key), model[n]) != 0;
			}
		}
	}
	CHECK_INT(wrong, 0);
	end();
}

static void limits(void)
{
	char key[16];

	begin();
	pool.limits = (struct pool_limits){ .keys = 5, .bytes = 10 * POOL_RECORD_SIZE };
	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_INT(pool_set(&pool, key, "v"), 1);
	}
	CHECK_INT(pool_set(&pool, "one more", "v"), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "holds 5 pairs, and the limit is 5"));
	CHECK_INT(pool_set(&pool, "k0", "changed"), 0);
	CHECK_INT(pool_delete(&pool, "k1"), 0);
	CHECK_INT(pool_set(&pool, "one more", "v"), 1);
	/* What others added stays, and is served. */
	for (int i = 0; i < 5; i++)
		append("theirs", "v");
	CHECK_TEXT(got("theirs"), "v");
	pool.limits.keys = 100;
	CHECK_INT(pool_set(&pool, "too long", "v"), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "longer than 25600 bytes"));
	pool.limits.bytes = 20;
	CHECK_INT(truncate(scratch_path(FILE_NAME), 9 * POOL_RECORD_SIZE), 0);
	CHECK_INT(pool_load(&pool), -EFBIG);
	CHECK(strstr(pool_why(&pool), "--max-bytes"));
	end();
}

/* 1 GiB, nearly all of it a hole. */
static void huge_sparse_file(void)
{
	uint64_t start;

	begin();
	append("a", "1");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 2560LL * 419430), 0);
	append("z", "9");
	start = clock_ms();
	CHECK_TEXT(pairs_seen(&pool), "a=1 z=9");
	printf("# 1 GiB of holes read in %" PRIu64 " ms\n", clock_ms() - start);
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_INT(pool_set(&pool, "b", "2"), -EDQUOT);
	CHECK_INT(pool_delete(&pool, "z"), 0);
	CHECK_TEXT(pairs_seen(&pool), "a=2");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 2560LL << 21), 0);
	CHECK_INT(pool_load(&pool), -EFBIG);
	CHECK(strstr(pool_why(&pool), "which no pool is"));
	end();
}

static void journal_strange(void)
{
	struct stat st;

	begin();
	CHECK_INT(mkfifo(scratch_path(FILE_NAME ".journal"), 0600), 0);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), ".journal: is not a regular file; remove it"));
	CHECK_TEXT(pairs_seen(&pool), "");
	unlink(scratch_path(FILE_NAME ".journal"));
	/* Garbage is no journal. */
	scratch_write(FILE_NAME ".journal", "\xff\xff\xff\xff", 4);
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(pairs_seen(&pool), "a=1");
	unlink(scratch_path(FILE_NAME ".journal"));
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_INT(stat(scratch_path(FILE_NAME ".journal"), &st), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_TEXT(pairs_seen(&pool), "a=2");
	end();
}

static void duplicates(void)
{
	begin();
	append("k", "first");
	append("x", "y");
	append("k", "last");
	CHECK_TEXT(got("k"), "last");
	CHECK_TEXT(pairs_seen(&pool), "k=first x=y k=last");
	CHECK_INT(pool_set(&pool, "k", "new"), 0);
	CHECK_TEXT(pairs_seen(&pool), "k=first x=y k=new");
	CHECK_INT(pool_delete(&pool, "k"), 0);
	CHECK_TEXT(pairs_seen(&pool), "x=y");
	end();
}

static void others_append(void)
{
	begin();
	pool_set(&pool, "ours", "1");
	CHECK_TEXT(got("ours"), "1");
	append("theirs", "2");
	CHECK_TEXT(got("theirs"), "2");
	pool_set(&pool, "ours", "3");
	append("more", "4");
	CHECK_INT(pool_set(&pool, "last", "5"), 1);
	CHECK_TEXT(pairs_seen(&pool), "ours=3 theirs=2 more=4 last=5");
	end();
}

/*
 * Another program changes a record in place at once after we have written or
 * read: same size, and the kernel's clock has not moved.
 */
static void others_change_at_once(void)
{
	struct pool_record record;
	int fd, missed = 0;
	char value[16];

	begin();
	pool_set(&pool, "k", "start");
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	for (int i = 0; i < 500; i++) {
		snprintf(value, sizeof(value), "ours%d", i);
		pool_set(&pool, "k", value);
		snprintf(value, sizeof(value), "them%d", i);
		pairs_put(&record, "k", value);
		CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
		missed += strcmp(got("k"), value) != 0;
		value[0] = 'T';
		pairs_put(&record, "k", value);
		CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
		missed += strcmp(got("k"), value) != 0;
	}
	CHECK_INT(missed, 0);
	close(fd);
	end();
}

/*
 * The kernel's clock stands still, as it does between two ticks, for a change
 * that is made after the index was built.
 */
static void others_change_in_one_tick(void)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct pool_record record;
	int fd;

	begin();
	append("k", "1");
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += 3600;
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	CHECK_TEXT(got("k"), "1");
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	pairs_put(&record, "k", "2");
	CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
	close(fd);
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	CHECK_TEXT(got("k"), "2");
	end();
}

/* Write in place as write_theirs() does, with the time that the file had before. */
static void write_and_restore_time(const char *key, const char *value)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct pool_record record;
	struct stat st;
	int fd = open(scratch_path(FILE_NAME), O_RDWR);

	pairs_put(&record, key, value);
	CHECK_INT(fstat(fd, &st), 0);
	CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
	times[1] = st.st_mtim;
	CHECK_INT(futimens(fd, times), 0);
	close(fd);
}

/*
 * After a change the file is not looked at. Others are noticed all the same, while it is locked by the time
 * of their change, and from the checkpoint on also if they restore the time.
 */
static void others_change_what_is_expected(void)
{
	struct pool_record record;
	int fd;

	begin();
	pool_set(&pool, "k", "1");
	pool_set(&pool, "k", "2");
	if (!pool.stamp.expected) {
		tap_skip("this file system keeps whole seconds, so each change is looked at");
		end();
		return;
	}
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	pairs_put(&record, "k", "theirs");
	CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
	CHECK_TEXT(got("k"), "theirs");

	/* At the checkpoint, too: it does not pass for what we have made durable. */
	pool_set(&pool, "k", "3");
	pool_set(&pool, "k", "4");
	CHECK(pool.stamp.expected);
	CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
	close(fd);
	CHECK_INT(pool_checkpoint(&pool), 0);
	CHECK(pool.journal.base.expected);
	CHECK_TEXT(got("k"), "theirs");

	pool_set(&pool, "k", "5");
	pool_set(&pool, "k", "6");
	CHECK(pool.stamp.expected);
	CHECK_INT(pool_checkpoint(&pool), 0);
	CHECK(!pool.stamp.expected && !pool.journal.base.expected);
	write_and_restore_time("k", "theirs");
	CHECK_TEXT(got("k"), "theirs");
	end();
}

static void others_truncate(void)
{
	begin();
	pool_set(&pool, "a", "1");
	pool_set(&pool, "b", "2");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 0), 0);
	CHECK_TEXT(pairs_seen(&pool), "");
	CHECK_INT(pool_set(&pool, "c", "3"), 1);
	CHECK_TEXT(pairs_seen(&pool), "c=3");
	end();
}

static void others_replace(void)
{
	struct pool_record record;

	begin();
	pool_set(&pool, "a", "1");
	pairs_put(&record, "b", "2");
	scratch_write("new", &record, sizeof(record));
	CHECK_INT(rename(scratch_path("new"), scratch_path(FILE_NAME)), 0);
	CHECK_TEXT(pairs_seen(&pool), "b=2");
	CHECK_INT(unlink(scratch_path(FILE_NAME)), 0);
	CHECK_TEXT(pairs_seen(&pool), "");
	CHECK_INT(pool_delete(&pool, "b"), -ENOENT);
	CHECK_INT(file_size(), -1);
	CHECK_INT(pool_set(&pool, "c", "3"), 1);
	CHECK_TEXT(pairs_seen(&pool), "c=3");
	end();
}

static void inode_is_stable(void)
{
	struct stat before, after;

	begin();
	pool_set(&pool, "a", "1");
	stat(scratch_path(FILE_NAME), &before);
	pool_set(&pool, "a", "2");
	pool_set(&pool, "b", "1");
	pool_delete(&pool, "a");
	stat(scratch_path(FILE_NAME), &after);
	CHECK_INT(after.st_ino, before.st_ino);
	end();
}

static void partial_record(void)
{
	struct pool_record records[2];

	begin();
	pairs_put(&records[0], "a", "1");
	memset(&records[1], 'x', sizeof(records[1]));
	scratch_write(FILE_NAME, records, POOL_RECORD_SIZE + 700);
	CHECK_TEXT(pairs_seen(&pool), "a=1");
	CHECK(scratch_logged("partial record of 700 bytes"));
	CHECK_INT(pool_set(&pool, "b", "2"), 1);
	CHECK_TEXT(pairs_seen(&pool), "a=1 b=2");
	CHECK_INT(file_size(), 2 * POOL_RECORD_SIZE);
	scratch_write(FILE_NAME, records, 700);
	CHECK_TEXT(pairs_seen(&pool), "");
	end();
}

static void bad_records(void)
{
	char key[POOL_KEY_SIZE + 1] = "", value[POOL_VALUE_SIZE + 1] = "";
	const char *text, *shown;
	struct pool_record r[7];

	begin();
	pairs_put(&r[0], "a", "1");
	memset(&r[1], 0, sizeof(r[1]));			/* no key */
	pairs_put(&r[2], "", "v");
	memset(r[2].key, 'k', sizeof(r[2].key));	/* no NUL */
	pairs_put(&r[3], "bad\xff", "v");		/* not UTF-8 */
	pairs_put(&r[4], "badvalue", "\xc3(");
	pairs_put(&r[5], "endless", "");
	memset(r[5].value, 'v', sizeof(r[5].value));
	pairs_put(&r[6], "z", "9");
	scratch_write(FILE_NAME, r, sizeof(r));

	/* The host sees all but the empty key, with U+FFFD for what is not UTF-8. */
	memset(key, 'k', POOL_KEY_SIZE);
	memset(value, 'v', POOL_VALUE_SIZE);
	CHECK_INT(pool_at(&pool, 1, &text, &shown), 0);
	CHECK_TEXT(text, key);
	CHECK_TEXT(shown, "v");
	CHECK_INT(pool_at(&pool, 2, &text, &shown), 0);
	CHECK_TEXT(text, "bad\ufffd");
	CHECK_INT(pool_at(&pool, 3, &text, &shown), 0);
	CHECK_TEXT(shown, "\ufffd(");
	CHECK_INT(pool_at(&pool, 4, &text, &shown), 0);
	CHECK_TEXT(shown, value);
	CHECK_INT(pool_at(&pool, 5, &text, &shown), 0);
	CHECK_TEXT(text, "z");
	CHECK_INT(pool_at(&pool, 6, &text, &shown), -ENOENT);
	CHECK(scratch_logged("1 of 7 records have no key"));
	CHECK(scratch_logged("the host sees 4 of 6 pairs cut to what a message holds, or with U+FFFD"));
	/* A key as the host sees it finds its value, unless another record has this key. */
	CHECK_INT(pool_show(&pool, "bad\ufffd", &shown), 0);
	CHECK_TEXT(shown, "v");
	CHECK_INT(pool_show(&pool, "badvalue", &shown), 0);
	CHECK_TEXT(shown, "\ufffd(");
	CHECK_INT(pool_show(&pool, "bad", &shown), -ENOENT);
	CHECK_INT(pool_get(&pool, "bad\ufffd", &shown), -ENOENT);
	CHECK_INT(pool_get(&pool, "badvalue", &(const char *){ NULL }), -EBADMSG);
	/* A change leaves what it does not understand as it is. */
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK_INT(file_size(), 6 * POOL_RECORD_SIZE);
	CHECK_INT(pool_set(&pool, "badvalue", "good"), 0);
	CHECK_INT(pool_delete(&pool, "endless"), 0);
	CHECK_INT(file_size(), 5 * POOL_RECORD_SIZE);
	CHECK_INT(pool_set(&pool, "bad\ufffd", "another one"), 1);
	CHECK_INT(pool_show(&pool, "bad\ufffd", &shown), 0);
	CHECK_TEXT(shown, "another one");
	CHECK_INT(pool_delete(&pool, "bad\ufffd"), 0);
	CHECK_INT(pool_show(&pool, "bad\ufffd", &shown), 0);
	CHECK_TEXT(shown, "v");
	end();
}

/* A record holds 511 letters, a message only 255. */
static void too_long_for_the_wire(void)
{
	const char *shown;

	char key[POOL_KEY_SIZE] = "", value[POOL_VALUE_SIZE] = "";

	begin();
	memset(key, 'k', 256);
	memset(value, 'v', 1024);
	append(key, "1");
	append("b", value);
	append("c", "3");
	CHECK_INT(pool_at(&pool, 1, &shown, &shown), 0);
	CHECK_TEXT(shown, value);
	CHECK_TEXT(got("b"), value);
	CHECK_INT(pool_set(&pool, key, "x"), -EMSGSIZE);
	CHECK_INT(pool_set(&pool, "x", value), -EMSGSIZE);
	key[255] = 0;
	value[1023] = 0;
	/* The beginning of the key, as the host sees it. */
	CHECK_INT(pool_show(&pool, key, &shown), 0);
	CHECK_TEXT(shown, "1");
	CHECK(!got(key));
	CHECK_INT(pool_set(&pool, key, value), 1);
	CHECK_TEXT(got(key), value);
	end();
}

static void refused_text(void)
{
	char key[600] = "", value[2100] = "";

	begin();
	CHECK_INT(pool_set(&pool, "", "v"), -EINVAL);
	CHECK(strstr(pool_why(&pool), "empty"));
	CHECK_INT(pool_set(&pool, "\xff", "v"), -EILSEQ);
	CHECK_INT(pool_set(&pool, "k", "\xed\xa0\x80"), -EILSEQ);
	for (int i = 0; i < 171; i++)
		strcat(key, "€");	/* 513 bytes, 171 units */
	for (int i = 0; i < 683; i++)
		strcat(value, "€");	/* 2049 bytes, 683 units */
	CHECK_INT(pool_set(&pool, key, "v"), -EMSGSIZE);
	CHECK_INT(pool_set(&pool, "k", value), -EMSGSIZE);
	CHECK(strstr(pool_why(&pool), "2049 bytes"));
	CHECK_INT(file_size(), -1);
	key[510] = 0;
	value[2046] = 0;
	CHECK_INT(pool_set(&pool, key, value), 1);
	CHECK_TEXT(got(key), value);
	end();
}

static void modes(void)
{
	struct stat st;
	mode_t old = umask(077);

	begin();
	pool_set(&pool, "a", "1");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mode & 07777, 0644);
	chmod(scratch_path(FILE_NAME), 0600);
	pool_set(&pool, "a", "2");
	pool_delete(&pool, "a");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mode & 07777, 0600);
	umask(old);
	end();
}

static void start_touches_nothing(void)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000, .tv_nsec = 5 } };
	struct stat before, st;

	begin();
	append("a", "1");
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), old, 0);
	stat(scratch_path(FILE_NAME), &before);
	CHECK_INT(pool_create(&pool), 0);
	CHECK_TEXT(got("a"), "1");
	CHECK_TEXT(pairs_seen(&pool), "a=1");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mtim.tv_sec, 1000);
	CHECK_INT(st.st_mtim.tv_nsec, before.st_mtim.tv_nsec);	/* 5, or 0 in whole seconds */
	CHECK_INT(pool_set(&pool, "", "bad"), -EINVAL);
	CHECK_INT(pool_delete(&pool, "none"), -ENOENT);
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mtim.tv_sec, 1000);
	end();
}

static void missing_directory(void)
{
	char dir[192];

	begin();
	pool_exit(&pool);
	strcpy(dir, scratch_path("hyperv"));
	pool_init(&pool, dir, 1);
	CHECK_TEXT(pairs_seen(&pool), "");
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(got("a"), "1");
	pool_exit(&pool);
	strcpy(dir, scratch_path("not/there"));
	pool_init(&pool, dir, 1);
	CHECK_INT(pool_set(&pool, "a", "1"), -ENOTDIR);
	CHECK(strstr(pool_why(&pool), "create the directory"));
	end();
}

static void strange_files(void)
{
	begin();
	CHECK_INT(mkfifo(scratch_path(FILE_NAME), 0600), 0);
	CHECK_INT(pool_load(&pool), -EMEDIUMTYPE);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), "is a FIFO"));
	unlink(scratch_path(FILE_NAME));

	CHECK_INT(mkdir(scratch_path(FILE_NAME), 0700), 0);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), "is a directory"));
	rmdir(scratch_path(FILE_NAME));

	scratch_write("target", "", 0);
	CHECK_INT(symlink("target", scratch_path(FILE_NAME)), 0);
	CHECK_INT(pool_load(&pool), -ELOOP);
	CHECK_INT(pool_set(&pool, "a", "1"), -ELOOP);
	CHECK(strstr(pool_why(&pool), "symbolic link"));
	CHECK_INT(scratch_read("target", &(char){ 0 }, 1), 0);
	unlink(scratch_path(FILE_NAME));

	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(got("a"), "1");
	end();
}

/* A process of a user that takes a lock and keeps it until it is killed. */
static pid_t hold(uid_t user, int flock_mode, int posix_type)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_INT(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct flock lock = { .l_type = posix_type };
		int fd;

		if (user != geteuid() && (setgid(user) || setuid(user)))
			_exit(1);
		fd = open(scratch_path(FILE_NAME), posix_type == F_WRLCK ? O_RDWR : O_RDONLY);
		if (flock_mode && flock(fd, flock_mode))
			_exit(1);
		if (posix_type >= 0 && fcntl(fd, F_SETLK, &lock))
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void release(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check_bound(int flock_mode, int posix_type, int want_set)
{
	uint64_t start;
	pid_t pid;

	begin();
	pool.file.wait_ms = 300;
	pool_set(&pool, "a", "1");
	CHECK_INT(pool_checkpoint(&pool), 0);
	pid = hold(geteuid(), flock_mode, posix_type);

	start = clock_ms();
	CHECK_INT(pool_set(&pool, "a", "2"), want_set);
	CHECK(clock_ms() - start >= 250 && clock_ms() - start < 1500);
	if (want_set < 0) {
		char who[32];

		snprintf(who, sizeof(who), "process %d", pid);
		CHECK(strstr(pool_why(&pool), who));
	}
	/* Reading goes on all the same, also for a new reader. */
	CHECK_TEXT(got("a"), want_set < 0 ? "1" : "2");
	reopen();
	CHECK_TEXT(got("a"), want_set < 0 ? "1" : "2");
	CHECK(clock_ms() - start < 3000);

	release(pid);
	CHECK_INT(pool_set(&pool, "a", "3"), 0);
	end();
}

static void bound_flock_ex(void)
{
	check_bound(LOCK_EX, -1, 0);
}

/*
 * A user who may only read takes the exclusive flock, hands it to a child, and ends: the kernel
 * then names a process that is not there any more. The child may become a set-uid program, which belongs
 * to root and has inherited the lock. Return: the child.
 */
static pid_t hold_and_leave(const char *program)
{
	int ready[2];
	pid_t pid, keeper = -1;

	CHECK_INT(pipe(ready), 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid = fork();
	if (!pid) {
		int fd;

		if (setgid(65534) || setuid(65534))
			_exit(1);
		fd = open(scratch_path(FILE_NAME), O_RDONLY);
		if (flock(fd, LOCK_EX))
			_exit(1);
		keeper = fork();
		if (!keeper) {
			alarm(60);
			if (program)
				execl(program, "sleep", "60", NULL);
			pause();
		}
		_exit(write(ready[1], &keeper, sizeof(keeper)) != sizeof(keeper));
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &keeper, sizeof(keeper)), sizeof(keeper));
	close(ready[0]);
	waitpid(pid, NULL, 0);
	return keeper;
}

static int copy_set_uid(const char *from, const char *name)
{
	char buffer[4096];
	int in = open(from, O_RDONLY), out = open(scratch_path(name), O_WRONLY | O_CREAT, 0755);
	ssize_t n;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		if (write(out, buffer, n) != n)
			break;
	n = n || fchmod(out, 04755) ? -1 : 0;
	close(in);
	close(out);
	return n;
}

static const char *proc_path(pid_t pid)
{
	static char path[32];

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return path;
}

/* It delays once, and hardly again; our own processes still exclude each other. */
static void check_stranger(const char *program)
{
	uint64_t start;
	struct stat st;
	int status;
	pid_t pid;

	begin();
	chmod(scratch_dir, 0755);
	if (program)
		CHECK_INT(copy_set_uid("/bin/sleep", program), 0);
	pool.file.wait_ms = 5000;
	pool_set(&pool, "a", "1");
	pool_checkpoint(&pool);
	pid = hold_and_leave(program ? scratch_path(program) : NULL);
	start = clock_ms();
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK(clock_ms() - start < 2000);
	CHECK(scratch_logged("keeps a flock, which any reader can hold"));
	start = clock_ms();
	for (int i = 0; i < 30; i++)
		CHECK_INT(pool_set(&pool, "a", "3"), 0);
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK(clock_ms() - start < 5000);
	for (int w = 0; w < 3; w++) {
		char key[32];

		if (fork())
			continue;
		reopen();
		pool.file.wait_ms = 30000;
		for (int i = 0; i < 20; i++) {
			snprintf(key, sizeof(key), "w%d-%d", w, i);
			if (pool_set(&pool, key, key) != 1)
				_exit(1);
		}
		pool_exit(&pool);
		_exit(0);
	}
	for (int w = 0; w < 3; w++) {
		wait(&status);
		CHECK_INT(status, 0);
	}
	CHECK_INT(file_size(), 60 * POOL_RECORD_SIZE);
	if (program)
		CHECK_INT(stat(proc_path(pid), &st) ? -1 : (int)st.st_uid, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	end();
}

/* The wait took longer than the host waits, as that of a stopped process: nothing is done. */
static void until_too_late(void)
{
	const char *value;
	int fd;

	begin();
	pool_set(&pool, "a", "1");
	pool_checkpoint(&pool);
	fd = open(pool.file.path, O_RDONLY | O_CLOEXEC);
	CHECK_INT(flock(fd, LOCK_EX), 0);
	pool.file.wait_ms = 300;
	pool.until_ns = clock_ns() + 100000000;
	CHECK_INT(pool_set(&pool, "a", "2"), -ETIMEDOUT);
	CHECK_INT(pool_set(&pool, "b", "2"), -ETIMEDOUT);
	CHECK_INT(pool_delete(&pool, "a"), -ETIMEDOUT);
	CHECK(pool_why(&pool) && strstr(pool_why(&pool), "longer than the host waits"));
	close(fd);
	pool.until_ns = 0;
	reopen();
	CHECK_INT(pool_get(&pool, "a", &value), 0);
	CHECK(!strcmp(value, "1"));
	CHECK_INT(pool_get(&pool, "b", &value), -ENOENT);
	pool.until_ns = clock_ns() + 60000000000;
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	end();
}

static void stranger_flock_ex(void)
{
	if (geteuid())
		tap_skip("needs root");
	else
		check_stranger(NULL);
}

static void stranger_set_uid(void)
{
	if (geteuid())
		tap_skip("needs root");
	else
		check_stranger("set-uid");
}

static void bound_flock_sh(void)
{
	check_bound(LOCK_SH, -1, 0);
}

static void bound_posix_write(void)
{
	check_bound(0, F_WRLCK, -ETIMEDOUT);
}

static void bound_posix_read(void)
{
	check_bound(0, F_RDLCK, 0);
}

/* A lock that is held for a moment only is waited for. */
static void waits_for_a_writer(void)
{
	pid_t pid, killer;

	begin();
	pool_set(&pool, "a", "1");
	pool_checkpoint(&pool);
	pid = hold(geteuid(), LOCK_EX, F_WRLCK);
	killer = fork();
	if (!killer) {
		usleep(100000);	/* sleep: the pool waits by then; sooner or later is right, too */
		kill(pid, SIGKILL);
		_exit(0);
	}
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_TEXT(got("a"), "2");
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
	end();
}

/* Both locks are given back, whatever happened. */
static void locks_are_released(void)
{
	const char *value;
	int fd;

	begin();
	pool_set(&pool, "a", "1");
	pool_delete(&pool, "none");
	pool_get(&pool, "a", &value);
	pool_set(&pool, "a", "2");
	fd = open(scratch_path(FILE_NAME), O_RDWR);
	/* They are held until the change is durable in the file, and no longer. */
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), -1);
	CHECK(pool_checkpoint_due(&pool) >= 0 && pool_checkpoint_due(&pool) <= POOL_IDLE_MS);
	CHECK_INT(pool_checkpoint(&pool), 0);
	CHECK_INT(pool_checkpoint_due(&pool), -1);
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_INT(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK }), 0);
	close(fd);
	end();
}

/* Several processes at once: each appends its keys and changes a shared one. */
static void storm(void)
{
	enum { WRITERS = 4, KEYS = 50 };
	const char *value;
	char key[32];
	int status;

	begin();
	pool_create(&pool);
	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		reopen();
		pool.file.wait_ms = 30000;
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "w%d-%d", w, i);
			if (pool_set(&pool, key, key) != 1 ||
			    pool_set(&pool, "shared", key) < 0)
				_exit(1);
			if (i % 5 == 0 && pool_delete(&pool, key))
				_exit(1);
		}
		pool_exit(&pool);
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		wait(&status);
		CHECK_INT(status, 0);
	}
	for (int w = 0; w < WRITERS; w++) {
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "w%d-%d", w, i);
			CHECK_INT(pool_get(&pool, key, &value), i % 5 ? 0 : -ENOENT);
		}
	}
	CHECK_INT(file_size(), (WRITERS * KEYS * 4 / 5 + 1) * POOL_RECORD_SIZE);
	end();
}

/* Bytes that this process has read ("rchar") or written ("wchar") so far. */
static long io_so_far(const char *what)
{
	FILE *f = fopen("/proc/self/io", "r");
	char name[16];
	long bytes = -1, found;

	while (f && fscanf(f, "%15[^:]: %ld\n", name, &found) == 2)
		if (!strcmp(name, what))
			bytes = found;
	if (f)
		fclose(f);
	return bytes;
}

/* 2,000 records: the index is built once, and again only when others change the file. */
static void reads_and_writes_little(void)
{
	char key[16];
	long before;

	begin();
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, "v");
	}
	CHECK_TEXT(got("k0"), "v");
	pool_set(&pool, "k0", "w");
	if (!pool.stamp.unique) {
		tap_skip("this file system keeps whole seconds, which prove little");
		end();
		return;
	}
	before = io_so_far("rchar");
	CHECK(before > 2000 * POOL_RECORD_SIZE);
	for (int i = 0; i < 2000; i += 50) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_TEXT(got(key), i ? "v" : "w");
	}
	CHECK(io_so_far("rchar") - before < 1000);

	/* A record for an update, none for an addition; and the journal's look back. */
	before = io_so_far("rchar");
	CHECK_INT(pool_set(&pool, "k7", "x"), 0);
	CHECK_INT(pool_set(&pool, "added", "x"), 1);
	CHECK(io_so_far("rchar") - before < POOL_RECORD_SIZE + 2000);
	before = io_so_far("wchar");
	CHECK_INT(pool_set(&pool, "k7", "y"), 0);
	CHECK_INT(pool_delete(&pool, "k3"), 0);
	CHECK(io_so_far("wchar") - before < 2 * POOL_RECORD_SIZE + 1000);

	before = io_so_far("rchar");
	append("theirs", "v");
	CHECK_TEXT(got("theirs"), "v");
	CHECK(io_so_far("rchar") - before > 2000 * POOL_RECORD_SIZE);
	end();
}

/* A file whose time is that of the clock now and so many seconds; in whole seconds, as on some file systems. */
static bool is_certain_ahead(long seconds)
{
	struct pool_stamp stamp = { .ino = 1 };

	clock_gettime(CLOCK_REALTIME_COARSE, &stamp.taken);
	stamp.ctime.tv_sec = stamp.taken.tv_sec + seconds;
	return pool_stamp_certain(&stamp);
}

/* A time that the clock reaches soon may be given to another change as well. */
static void times_ahead(void)
{
	CHECK(!is_certain_ahead(1));
	CHECK(is_certain_ahead(60));
}

/* The process is killed, and power fails: what it has in memory is gone. */
static void crash(void)
{
	pairs_die(&pool);
	pairs_forget_boot(scratch_path(FILE_NAME ".journal"));
	pool_init(&pool, scratch_dir, 1);
}

/* Write a record in place, under both locks or none, and sync it. Return: false if it is locked. */
static bool write_theirs(uint32_t number, const char *key, const char *value, bool lock)
{
	struct flock posix = { .l_type = F_WRLCK };
	int fd = open(scratch_path(FILE_NAME), O_RDWR);
	struct pool_record record;
	bool free = !lock || (!flock(fd, LOCK_EX | LOCK_NB) && !fcntl(fd, F_OFD_SETLK, &posix));

	pairs_put(&record, key, value);
	if (free) {
		CHECK(pwrite(fd, &record, sizeof(record), number * sizeof(record)) ==
		      sizeof(record));
		fsync(fd);
	}
	close(fd);
	return free;
}

/* A durable change of another program stays, also if it is a value that we had written before. */
static void crash_keeps_theirs(void)
{
	begin();
	pool_set(&pool, "a", "0");
	pool_set(&pool, "a", "1");
	pool_set(&pool, "secret", "x");
	CHECK(!write_theirs(0, "a", "0", true));
	CHECK_INT(pool_checkpoint(&pool), 0);
	CHECK(write_theirs(0, "a", "0", true));
	CHECK(write_theirs(1, "secret", "", true));
	crash();
	CHECK_TEXT(pairs_seen(&pool), "a=0 secret=");
	end();
}

/* In the same boot, when the writer was killed before its checkpoint. */
static void kill_keeps_theirs(void)
{
	begin();
	pool_set(&pool, "a", "0");
	pool_set(&pool, "a", "1");
	pool_journal_exit(&pool.journal);
	pool_file_exit(&pool.file);
	pool_index_clear(&pool.index);
	pool_init(&pool, scratch_dir, 1);
	CHECK(write_theirs(0, "a", "0", true));
	CHECK_TEXT(pairs_seen(&pool), "a=0");
	CHECK_INT(pool_set(&pool, "b", "1"), 1);
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

/* The writer was killed, nobody looked, others went on for long, and then power failed. */
static void stale_epoch(void)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	begin();
	pool_set(&pool, "a", "0");
	pool_set(&pool, "a", "1");
	pool_journal_exit(&pool.journal);
	pool_file_exit(&pool.file);
	CHECK(write_theirs(0, "a", "0", true));
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += POOL_STALE_S + 10;
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	crash();
	CHECK_TEXT(pairs_seen(&pool), "a=0");
	CHECK(scratch_logged("have used it for long since"));
	end();
}

/* Power fails with the file's new time on the disk, but not its new size. */
static void crash_grows(void)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };

	begin();
	pool_set(&pool, "a", "0");
	pool_checkpoint(&pool);
	CHECK_INT(pool_set(&pool, "b", "1"), 1);
	CHECK_INT(truncate(scratch_path(FILE_NAME), POOL_RECORD_SIZE), 0);
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += 4;
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	crash();
	CHECK_TEXT(pairs_seen(&pool), "a=0 b=1");
	end();
}

/* Run in a child that does not see /proc. Return: its exit status, -1 if that is not possible. */
static int without_proc(int (*run)(void))
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("tmpfs", "/proc", "tmpfs", 0, NULL))
			_exit(99);
		_exit(run());
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) != 99 ? WEXITSTATUS(status) : -1;
}

/* Three changes that the disk has lost, and a boot that is not known to be the same. */
static int lose_and_recover(void)
{
	struct pool_record old;
	int fd;

	pool_init(&pool, scratch_dir, 1);
	pool_set(&pool, "a", "old");
	pool_checkpoint(&pool);
	pairs_put(&old, "a", "old");
	pool_set(&pool, "a", "1");
	pool_set(&pool, "a", "2");
	pool_set(&pool, "a", "3");
	pool_journal_exit(&pool.journal);
	pool_file_exit(&pool.file);
	pool_index_clear(&pool.index);
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	if (pwrite(fd, &old, sizeof(old), 0) != sizeof(old))
		return 2;
	close(fd);
	pool_init(&pool, scratch_dir, 1);
	fd = strcmp(pairs_seen(&pool), "a=3") != 0;
	pool_exit(&pool);
	return fd;
}

static void unknown_boot(void)
{
	int ret;

	begin();
	pool_exit(&pool);
	ret = without_proc(lose_and_recover);
	if (ret < 0)
		tap_skip("needs root");
	else
		CHECK_INT(ret, 0);
	pool_init(&pool, scratch_dir, 1);
	end();
}

/* Who has the lock puts another file there: what is written then is in the new one. */
static void replaced_while_waiting(void)
{
	struct pool_record record;
	pid_t pid, renamer;

	begin();
	pool_set(&pool, "a", "1");
	pool_checkpoint(&pool);
	pairs_put(&record, "new", "file");
	scratch_write("new", &record, sizeof(record));
	pid = hold(geteuid(), 0, F_WRLCK);
	renamer = fork();
	if (!renamer) {
		usleep(200000);	/* sleep: the other process begins to wait meanwhile */
		rename(scratch_path("new"), scratch_path(FILE_NAME));
		kill(pid, SIGKILL);
		_exit(0);
	}
	CHECK_INT(pool_set(&pool, "b", "2"), 1);
	waitpid(renamer, NULL, 0);
	waitpid(pid, NULL, 0);
	reopen();
	CHECK_TEXT(pairs_seen(&pool), "new=file b=2");
	/* And while we hold the locks ourselves. */
	CHECK_INT(pool_set(&pool, "b", "3"), 0);
	scratch_write("new", &record, sizeof(record));
	CHECK_INT(rename(scratch_path("new"), scratch_path(FILE_NAME)), 0);
	CHECK_TEXT(pairs_seen(&pool), "new=file");
	CHECK_INT(pool_set(&pool, "c", "4"), 1);
	reopen();
	CHECK_TEXT(pairs_seen(&pool), "new=file c=4");
	crash();
	CHECK_TEXT(pairs_seen(&pool), "new=file c=4");
	end();
}

/* Another program changed keys, and nothing shows it: the file's times are too coarse, say. */
static void keys_are_verified(void)
{
	begin();
	pool_set(&pool, "x", "1");
	pool_set(&pool, "z", "2");
	pool_checkpoint(&pool);
	write_theirs(0, "z", "theirs", false);
	write_theirs(1, "x", "theirs", false);
	pool_file_stamp(&pool.file, &pool.stamp);
	pool.stamp.unique = true;
	CHECK_INT(pool_set(&pool, "x", "new"), 0);
	CHECK_TEXT(pairs_seen(&pool), "z=theirs x=new");
	write_theirs(0, "y", "theirs", false);
	pool_file_stamp(&pool.file, &pool.stamp);
	pool.stamp.unique = true;
	CHECK_INT(pool_delete(&pool, "z"), -ENOENT);
	CHECK_TEXT(pairs_seen(&pool), "y=theirs x=new");
	end();
}

/*
 * The clock that files get their times from stands still between two ticks, for longer where a tick is
 * late. By a clock that goes on, a file would count as unchanged for long too early.
 */
static void looks_by_the_clock_of_files(void)
{
	struct pool_stamp stamps[2];
	struct timespec now;

	begin();
	CHECK_INT(pool_set(&pool, "key", "value"), 1);
	for (int i = 0; i < 100; i++) {
		CHECK_INT(pool_file_stamp(&pool.file, &stamps[0]), 0);
		CHECK_INT(pool_file_look(&pool.file, &stamps[1]), 0);
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
		for (int n = 0; n < 2; n++)
			CHECK(stamps[n].taken.tv_sec < now.tv_sec ||
			      (stamps[n].taken.tv_sec == now.tv_sec &&
			       stamps[n].taken.tv_nsec <= now.tv_nsec));
	}
	end();
}

/* When can equal stamps hide a change? */
static void stamps(void)
{
	static const struct {
		long taken_ms;		/* after the change */
		long now_ms;		/* of the change, before now */
		bool whole_seconds;
		bool certain;
	} cases[] = {
		{ 0, 1000, false, false },
		{ 5, 1000, false, false },
		{ 11, 1000, false, true },
		{ 11, 1000, true, false },
		{ 1999, 5000, true, false },
		{ 2001, 5000, true, true },
		{ -3600000, -60000, false, true },	/* the clock was set back */
		{ -3600000, -60000, true, true },
		{ -3600000, 1, true, false },		/* and has come there again */
		{ -1000, -60000, false, false },	/* it was set back since */
	};
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pool_stamp stamp = { .ino = 1 };
		long long changed = now.tv_sec * 1000LL - cases[i].now_ms;
		long long taken = changed + cases[i].taken_ms;

		stamp.ctime = (struct timespec){ changed / 1000, cases[i].whole_seconds ? 0 : 1 };
		if (cases[i].whole_seconds)
			taken -= changed % 1000;
		stamp.taken = (struct timespec){ taken / 1000, taken % 1000 * 1000000 + 2 };
		if (pool_stamp_certain(&stamp) != cases[i].certain)
			printf("# case %zu\n", i);
		CHECK_INT(pool_stamp_certain(&stamp), cases[i].certain);
	}
}

/* Enumerate all pairs, as a host does. Return: how often the file was read. */
static double reads_to_enumerate(int count)
{
	const char *key, *value;
	long before = io_so_far("rchar");

	for (int i = 0; i < count; i++)
		CHECK_INT(pool_at(&pool, i, &key, &value), 0);
	CHECK_INT(pool_at(&pool, count, &key, &value), -ENOENT);
	return (double)(io_so_far("rchar") - before) / (count * POOL_RECORD_SIZE);
}

static void enumerates_in_any_time(void)
{
	enum { COUNT = 300 };
	static const int ahead[] = { 0, -86400, 86400 };
	char key[16];

	begin();
	for (int i = 0; i < COUNT; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, "v");
	}
	for (size_t i = 0; i < sizeof(ahead) / sizeof(ahead[0]); i++) {
		struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
		double reads;

		clock_gettime(CLOCK_REALTIME, &times[1]);
		times[1].tv_sec += ahead[i];
		utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
		reads = reads_to_enumerate(COUNT);
		printf("# the file's time %+d s: read %.1f times\n", ahead[i], reads);
		CHECK(reads < 3);
	}
	/* The stamp proves nothing, for as long as this takes. */
	pool.stamp.taken = (struct timespec){ 0 };
	pool.stamp.unique = false;
	CHECK(reads_to_enumerate(COUNT) < 3);
	end();
}

/* PathChanged= of systemd waits for a writer that closes the file. */
static void each_change_is_announced(void)
{
	struct inotify_event *event;
	char events[4096];
	int fd, seen_events = 0;
	ssize_t n;

	begin();
	pool_set(&pool, "a", "0");
	fd = inotify_init1(IN_NONBLOCK);
	inotify_add_watch(fd, scratch_path(FILE_NAME), IN_CLOSE_WRITE);
	pool_set(&pool, "a", "1");
	pool_set(&pool, "b", "1");
	pool_delete(&pool, "a");
	pool_delete(&pool, "none");
	CHECK_TEXT(got("b"), "1");
	pool_checkpoint(&pool);
	n = read(fd, events, sizeof(events));
	for (char *at = events; n > 0 && at < events + n; at += sizeof(*event) + event->len) {
		event = (struct inotify_event *)at;
		seen_events++;
	}
	/* One for all changes up to the checkpoint. */
	CHECK_INT(seen_events, 1);
	/* Not while the file is locked: who is woken up can read at once. */
	CHECK_INT(pool_set(&pool, "b", "2"), 0);
	CHECK(read(fd, events, sizeof(events)) < 0);
	pool_checkpoint(&pool);
	CHECK(read(fd, events, sizeof(events)) > 0);
	CHECK_TEXT(got("b"), "2");
	CHECK_INT(pool_set(&pool, "b", "3"), 0);
	/* Its close(2) takes no lock away from those who have them again. */
	pool_file_announce(&pool.file);
	close(fd);
	fd = open(scratch_path(FILE_NAME), O_RDWR);
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), -1);
	CHECK_INT(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK }), -1);
	close(fd);
	end();
}

static int set_immutable(bool on)
{
	int fd = open(scratch_path(FILE_NAME), O_RDONLY), flags, ret;

	ret = ioctl(fd, FS_IOC_GETFLAGS, &flags);
	flags = on ? flags | FS_IMMUTABLE_FL : flags & ~FS_IMMUTABLE_FL;
	ret = ret ? ret : ioctl(fd, FS_IOC_SETFLAGS, &flags);
	close(fd);
	return ret;
}

/* What was answered with an error does not happen later, whoever comes. */
static void failure_is_final(void)
{
	const char *want;
	bool refused;

	begin();
	pool_set(&pool, "a", "1");
	pool_set(&pool, "b", "1");
	if (set_immutable(true)) {
		tap_skip("needs root, and a file system with chattr +i");
		end();
		return;
	}
	/* Not each file system refuses what comes by a descriptor that was open before. */
	refused = pool_set(&pool, "a", "2") < 0;
	CHECK_INT(pool_set(&pool, "c", "2") < 0, refused);
	CHECK_INT(pool_delete(&pool, "a") < 0, refused);
	want = refused ? "a=1 b=1" : "b=1 c=2";
	CHECK_TEXT(pairs_seen(&pool), want);
	set_immutable(false);
	CHECK_TEXT(pairs_seen(&pool), want);
	crash();
	CHECK_TEXT(pairs_seen(&pool), want);
	CHECK(pool_set(&pool, "c", "3") >= 0);
	crash();
	CHECK_TEXT(pairs_seen(&pool), refused ? "a=1 b=1 c=3" : "b=1 c=3");
	end();
}

static int warnings;

static void count_warnings(int level, const char *line)
{
	(void)line;
	warnings += level == LOG_WARNING;
}

static void warns_once(void)
{
	char value[16];

	begin();
	append("\xff", "not UTF-8");
	log_set_sink(count_warnings);
	warnings = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(value, sizeof(value), "%d", i);
		append("theirs", value);
		CHECK_TEXT(got("theirs"), value);
	}
	CHECK_INT(warnings, 1);
	append("\xfe", "not UTF-8");
	CHECK_TEXT(got("theirs"), "99");
	CHECK_INT(warnings, 2);
	end();
}

/* A pass over a large pool is many changes, each of which a journal can hold. */
static void tidies_in_steps(void)
{
	enum { COUNT = 3000 };
	static struct pool_record records[COUNT];
	struct stat st;
	char key[16];
	int wrong = 0, good = 0;

	begin();
	memset(records, 0, sizeof(records));
	for (int i = 0; i < COUNT; i++) {
		if (i % 500 && i < COUNT - 600)
			snprintf(records[i].key, sizeof(records[i].key), "k%d", i);
		memset(records[i].value, 'v', 1000);
	}
	memset(records[7].key + 100, 'x', 100);
	scratch_write(FILE_NAME, records, sizeof(records));
	CHECK_INT(pool_tidy(&pool, false), 5 + 600 + 1);
	CHECK_INT(stat(scratch_path(FILE_NAME ".journal"), &st), 0);
	CHECK(st.st_size <= 2 * POOL_JOURNAL_SIZE);
	for (int pass = 0; pass < 2; pass++) {
		good = 0;
		for (int i = 0; i < COUNT - 600; i++) {
			const char *at, *value;

			if (!(i % 500))
				continue;
			snprintf(key, sizeof(key), "k%d", i);
			wrong += pool_at(&pool, good++, &at, &value) || strcmp(at, key);
		}
		reopen();
	}
	CHECK_INT(wrong, 0);
	CHECK_INT(file_size(), good * POOL_RECORD_SIZE);
	CHECK_INT(pool_tidy(&pool, false), 0);
	end();
}

/* A record that the host sees is not lost by a repair, unless that is asked for. */
static void tidy_keeps_what_the_host_sees(void)
{
	struct pool_record r[5] = { 0 };
	const char *key, *value;

	begin();
	pairs_put(&r[0], "", "no key");
	pairs_put(&r[1], "bad\xff", "v");
	memset(r[2].key, 'k', sizeof(r[2].key));
	pairs_put(&r[3], "", "no key");
	pairs_put(&r[4], "z", "\xc3(");
	memset(r[1].value + 10, 'x', 10);
	scratch_write(FILE_NAME, r, sizeof(r));
	CHECK_INT(pool_tidy(&pool, false), 3);
	CHECK_INT(file_size(), 3 * POOL_RECORD_SIZE);
	for (int pass = 0; pass < 2; pass++) {
		CHECK_INT(pool_at(&pool, 0, &key, &value), 0);
		CHECK_TEXT(key, "bad\ufffd");
		CHECK_TEXT(value, "v");
		CHECK_INT(pool_at(&pool, 1, &key, &value), 0);
		CHECK_INT(strlen(key), 512);
		CHECK_INT(pool_at(&pool, 2, &key, &value), 0);
		CHECK_TEXT(key, "z");
		CHECK_TEXT(value, "\ufffd(");
		CHECK_INT(pool_at(&pool, 3, &key, &value), -ENOENT);
		reopen();
	}
	CHECK_INT(pool_tidy(&pool, true), 2);
	CHECK_INT(file_size(), POOL_RECORD_SIZE);
	CHECK_INT(pool_at(&pool, 0, &key, &value), 0);
	CHECK_TEXT(key, "z");
	end();
}

static void deletes_very_many(void)
{
	static struct pool_record records[5000];
	const char *value;

	begin();
	for (int i = 0; i < 5000; i++)
		pairs_put(&records[i], i % 5 ? "twin" : "other", "v");
	scratch_write(FILE_NAME, records, sizeof(records));
	CHECK_INT(pool_delete(&pool, "twin"), 0);
	CHECK_INT(pool_get(&pool, "twin", &value), -ENOENT);
	CHECK_INT(file_size(), 1000 * POOL_RECORD_SIZE);
	reopen();
	CHECK_TEXT(got("other"), "v");
	end();
}

static const struct tap_case cases[] = {
	{ "set, change and get", set_get },
	{ "a record is exact, zeros to its end", records_are_exact },
	{ "a change leaves nothing of what was in the record", old_bytes_are_cleaned },
	{ "delete keeps the order of the others", delete_keeps_order },
	{ "delete takes all duplicates, over many records", delete_many },
	{ "delete keeps records of one key in order, in a large pool, too", delete_keeps_pieces },
	{ "random changes: order within a key, and index and file agree", random_changes },
	{ "limits on keys and bytes", limits },
	{ "a sparse file of 1 GiB hides nothing; a larger one is refused", huge_sparse_file },
	{ "something strange in the journal's place", journal_strange },
	{ "of duplicates the last counts, and all are enumerated", duplicates },
	{ "records that others append are seen and kept", others_append },
	{ "a change by others is seen even in the same tick", others_change_at_once },
	{ "a change by others is seen when the file's time is the same", others_change_in_one_tick },
	{ "a change by others is seen behind a change that was not looked at", others_change_what_is_expected },
	{ "others may truncate the file at any time", others_truncate },
	{ "others may replace or remove the file", others_replace },
	{ "the inode stays", inode_is_stable },
	{ "a partial last record is ignored, and gives way", partial_record },
	{ "bad records hide no others, and stay", bad_records },
	{ "what a message cannot hold is not shown to the host, nor stored",
	  too_long_for_the_wire },
	{ "what a record cannot hold is refused whole", refused_text },
	{ "mode 0644 when created whatever the umask, kept afterwards", modes },
	{ "reading and refusing leave the file's time alone", start_touches_nothing },
	{ "a missing directory is made, a missing path is told", missing_directory },
	{ "a FIFO, a directory, a symbolic link in the file's place", strange_files },
	{ "a flock for writing that is never released delays for the bound", bound_flock_ex },
	{ "a flock of a user who may not write, and who has left, delays once", stranger_flock_ex },
	{ "the same of one who has become a set-uid program", stranger_set_uid },
	{ "a change that waited for a lock longer than the host waits is not made", until_too_late },
	{ "a flock for reading that is never released delays for the bound", bound_flock_sh },
	{ "a POSIX write lock that is never released delays for the bound", bound_posix_write },
	{ "a POSIX read lock that is never released delays for the bound", bound_posix_read },
	{ "a lock that is released in time is waited for", waits_for_a_writer },
	{ "a time a little ahead of the clock is not certain", times_ahead },
	{ "after a crash, another program's change back to an older value stays", crash_keeps_theirs },
	{ "the same after a writer was killed before its checkpoint", kill_keeps_theirs },
	{ "a journal that others have outlived is not replayed", stale_epoch },
	{ "a pair is added again though the file's time is newer", crash_grows },
	{ "without /proc no boot counts as the same one", unknown_boot },
	{ "a file that was replaced while we waited for its lock", replaced_while_waiting },
	{ "a record's key is verified before it is overwritten", keys_are_verified },
	{ "when equal stamps can hide a change", stamps },
	{ "a file is looked at by the clock that gives it its times", looks_by_the_clock_of_files },
	{ "an enumeration reads the file once, whatever its time", enumerates_in_any_time },
	{ "each change is announced to those who watch for a close", each_change_is_announced },
	{ "a change that failed does not take effect later", failure_is_final },
	{ "one warning for each state of the file", warns_once },
	{ "a large pool is tidied in changes of bounded size", tidies_in_steps },
	{ "a repair keeps what the host sees, unless it is to be removed", tidy_keeps_what_the_host_sees },
	{ "thousands of records with one key are deleted", deletes_very_many },
	{ "no lock is left behind", locks_are_released },
	{ "four writers at once lose nothing", storm },
	{ "an unchanged file is not read again, and only what changes is written",
	  reads_and_writes_little },
};

TAP_MAIN("pool", cases)
