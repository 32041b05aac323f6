// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sync fails, and the kernel takes for written, or drops, what it was to write. Then the power
 * fails, and nothing of it was written: each acknowledged change is there.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "c/tap.h"
#include "disk.h"
#include "pool/pool.h"
#include "support/scratch.h"
#include "util/log.h"

#define FILE_NAME	".kvp_pool_1"
#define JOURNAL_NAME	FILE_NAME ".journal"

static struct pool pool;

static void begin(void)
{
	scratch_begin();
	log_open(LOG_CRIT, 0);
	pool_init(&pool, scratch_dir, 1);
	CHECK_INT(pool_set(&pool, "key", "old"), 1);
	CHECK_INT(pool_checkpoint(&pool), 0);
	disk_begin(scratch_path(FILE_NAME), scratch_path(JOURNAL_NAME));
}

static void end(void)
{
	pool_exit(&pool);
	disk_fail_next(DISK_POOL, 0, NULL);
	disk_end();
	scratch_end();
}

/* As if it was killed. */
static void process_ends(void)
{
	pool_index_clear(&pool.index);
	pool_journal_exit(&pool.journal);
	pool_file_exit(&pool.file);
}

static void process_begins(void)
{
	pool_init(&pool, scratch_dir, 1);
	CHECK_INT(pool_create(&pool), 0);
}

static void power_fails(void)
{
	unsigned int seed = 1;

	process_ends();
	disk_fail(disk_end(), DISK_NOTHING, &seed);
	disk_forget_boot();
	process_begins();
}

static const char *value_of(const char *key)
{
	const char *value;

	return pool_get(&pool, key, &value) ? "none" : value;
}

static void write_record(const char *key, const char *value, int flags)
{
	struct pool_record record = { 0 };
	struct iovec io = { .iov_base = &record, .iov_len = sizeof(record) };
	int fd = open(scratch_path(FILE_NAME), O_RDWR);

	strcpy(record.key, key);
	strcpy(record.value, value);
	CHECK(pwritev2(fd, &io, 1, flags ? -1 : 0, flags) == sizeof(record));
	close(fd);
}

/* The kernel drops what it could not write, as btrfs does: who reads gets what the disk has. Times stay. */
static void drop_contents(void)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct stat st;

	CHECK_INT(stat(scratch_path(FILE_NAME), &st), 0);
	write_record("key", "old", 0);
	times[1] = st.st_mtim;
	CHECK_INT(utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0), 0);
}

static void checkpoint_fails_once(void)
{
	void (*const hooks[])(void) = { NULL, drop_contents };

	for (int i = 0; i < 2; i++) {
		begin();
		CHECK_INT(pool_set(&pool, "key", "new"), 0);
		disk_fail_next(DISK_POOL, 1, hooks[i]);
		CHECK_INT(pool_checkpoint(&pool), 0);
		CHECK_INT(disk_failed_syncs(), 1);
		power_fails();
		CHECK_TEXT(value_of("key"), "new");
		end();
	}
}

static void next_process(void)
{
	void (*const hooks[])(void) = { NULL, drop_contents };

	for (int i = 0; i < 2; i++) {
		begin();
		CHECK_INT(pool_set(&pool, "key", "new"), 0);
		disk_fail_next(DISK_POOL, 2, hooks[i]);
		CHECK(pool_checkpoint(&pool) < 0);
		process_ends();
		process_begins();
		CHECK_TEXT(value_of("key"), "new");
		power_fails();
		CHECK_TEXT(value_of("key"), "new");
		end();
	}
}

static void journal_is_not_emptied(void)
{
	begin();
	CHECK_INT(pool_set(&pool, "key", "new"), 0);
	disk_fail_next(DISK_JOURNAL, 2, NULL);
	CHECK(pool_checkpoint(&pool) < 0);
	CHECK_INT(pool_set(&pool, "second", "one"), 1);
	power_fails();
	CHECK_TEXT(value_of("key"), "new");
	CHECK_TEXT(value_of("second"), "one");
	end();
}

/* Without a lock another program writes: the next change begins with a sync. */
static void epoch_does_not_begin(void)
{
	begin();
	CHECK_INT(pool_set(&pool, "key", "new"), 0);
	write_record("theirs", "one", RWF_APPEND);
	disk_fail_next(DISK_POOL, 1, drop_contents);
	CHECK(pool_set(&pool, "second", "one") < 0);
	CHECK_INT(pool_set(&pool, "second", "one"), 1);
	CHECK_TEXT(value_of("key"), "new");
	power_fails();
	CHECK_TEXT(value_of("key"), "new");
	CHECK_TEXT(value_of("second"), "one");
	CHECK_TEXT(value_of("theirs"), "one");
	end();
}

static const struct tap_case cases[] = {
	{ "at a checkpoint: it is made once more, with all that the epoch has changed", checkpoint_fails_once },
	{ "twice at a checkpoint: the next process makes it", next_process },
	{ "of a journal that was to be emptied: the next change is not behind it", journal_is_not_emptied },
	{ "before an epoch: the change is refused, and the epoch before is replayed", epoch_does_not_begin },
};

TAP_MAIN("failed syncs", cases)
