// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eight writers at once: two of ours, two with POSIX locks, two with flock, two
 * that only append and lock nothing.
 *
 *   ours    set, change and delete pairs of their own, and take away what the
 *           others have added, noting down what they took
 *   others  append; each of them waits while too much of its own is there
 *
 * At the end, everything that was appended was either taken or is there. What
 * the file format cannot help: a program that appends without a lock in the
 * moment between our last look at the file's length and the truncation that ends
 * a DELETE loses that record. Such losses are counted and told.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/pool.h"
#include "support/scratch.h"
#include "util/log.h"

#define FILE_NAME	".kvp_pool_1"

#define OURS		2
#define OTHERS		6
#define OPERATIONS	10000
#define AHEAD		30

enum kind { POSIX, FLOCK, NAKED, KINDS };

static const char *const kind_names[KINDS] = { "POSIX locks", "flock", "no lock" };

/**
 * struct shared - between the processes
 * @added: by each of the others
 * @taken: of these
 * @was_taken: each record of each of them
 * @wrong: operations of ours that failed
 * @retries: of these, tried again
 */
static struct shared {
	atomic_int added[OTHERS];
	atomic_int taken[OTHERS];
	atomic_uchar was_taken[OTHERS][OPERATIONS];
	atomic_int wrong;
	atomic_int retries;
	atomic_int finished;
} *shared;

static void lock(int fd, enum kind kind, bool on)
{
	struct flock posix = { .l_type = on ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET };

	if (kind == FLOCK)
		flock(fd, on ? LOCK_EX : LOCK_UN);
	if (kind == POSIX)
		fcntl(fd, F_SETLKW, &posix);
}

static void other(int number)
{
	enum kind kind = number / 2;
	struct pool_record record;
	int ahead = AHEAD, fd;

	for (int i = 0; i < OPERATIONS; i++) {
		/* A lost record is never taken: do not wait for it for ever, nor each time. */
		for (int ms = 0; shared->added[number] - shared->taken[number] > ahead; ms++) {
			usleep(1000);	/* sleep: it polls, with a limit */
			ahead += ms == 50;
		}
		memset(&record, 0, sizeof(record));
		snprintf(record.key, sizeof(record.key), "other-%d-%d", number, i);
		snprintf(record.value, sizeof(record.value), "%d", i);
		fd = open(scratch_path(FILE_NAME), O_WRONLY | O_APPEND);
		lock(fd, kind, true);
		if (write(fd, &record, sizeof(record)) != sizeof(record))
			_exit(1);
		shared->added[number]++;
		lock(fd, kind, false);
		close(fd);
	}
	shared->finished++;
	_exit(0);
}

static void take_others(struct pool *pool, int most)
{
	for (int taken = 0; taken < most; taken++) {
		const char *key = NULL;
		int number, i, err;
		char copy[64];

		if (pool_load(pool))
			return;
		for (uint32_t n = 0; n < pool->index.records && !key; n++)
			if (pool->index.pairs[n].key &&
			    !strncmp(pool->index.pairs[n].key, "other-", 6))
				key = pool->index.pairs[n].key;
		if (!key)
			return;
		snprintf(copy, sizeof(copy), "%s", key);
		err = pool_delete(pool, copy);
		if (!err && sscanf(copy, "other-%d-%d", &number, &i) == 2) {
			shared->was_taken[number][i]++;
			shared->taken[number]++;
		} else if (err == -EAGAIN) {
			shared->retries++;
		} else if (err && err != -ENOENT) {
			shared->wrong++;
		}
	}
}

static void ours(int number)
{
	struct pool pool;
	char key[32], value[32];

	pool_init(&pool, scratch_dir, 1);
	pool.file.wait_ms = 120000;
	for (int i = 0; i < OPERATIONS || shared->finished < OTHERS; i++) {
		int n = i % 20, ret;

		snprintf(key, sizeof(key), "ours-%d-%d", number, n);
		snprintf(value, sizeof(value), "%d", i);
		if (i < OPERATIONS) {
			ret = pool_set(&pool, key, value);
			shared->wrong += ret < 0;
			if (ret < 0)
				fprintf(stderr, "# %s\n", pool_why(&pool));
		}
		if (i < OPERATIONS - 20 && i % 5 == 4)
			shared->wrong += pool_delete(&pool, key) == -ENOENT;
		take_others(&pool, i % 4 == 0 ? 10 : 0);
		/* As the daemon does when no request is waiting. */
		if (i % 4 == 0 || i >= OPERATIONS) {
			shared->wrong += pool_checkpoint(&pool) != 0;
			usleep(100);	/* sleep: others that wait for the locks get their turn */
		}
	}
	pool_exit(&pool);
	_exit(0);
}

/* What must be there at the end; counts what is not, by kind. */
static void compare(int *lost)
{
	char key[32], want[32];
	const char *value;
	struct pool pool;
	int bad = 0;

	pool_init(&pool, scratch_dir, 1);
	CHECK_INT(pool_load(&pool), 0);
	CHECK_INT(pool.index.unusable, 0);
	for (int number = 0; number < OURS; number++) {
		for (int i = OPERATIONS - 20; i < OPERATIONS; i++) {
			snprintf(key, sizeof(key), "ours-%d-%d", number, i % 20);
			snprintf(want, sizeof(want), "%d", i);
			bad += pool_get(&pool, key, &value) || strcmp(value, want);
		}
	}
	CHECK_INT(bad, 0);
	bad = 0;
	for (int number = 0; number < OTHERS; number++) {
		for (int i = 0; i < OPERATIONS; i++) {
			int times = shared->was_taken[number][i];

			snprintf(key, sizeof(key), "other-%d-%d", number, i);
			times += !pool_get(&pool, key, &value);
			lost[number / 2] += !times;
			bad += times > 1;
		}
	}
	CHECK_INT(bad, 0);	/* nothing came back */
	pool_exit(&pool);
}

static void storm(void)
{
	int lost[KINDS] = { 0 }, status;
	struct pool pool;

	scratch_begin();
	log_open(LOG_ERR, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pool_init(&pool, scratch_dir, 1);
	pool_create(&pool);
	pool_exit(&pool);
	fflush(stdout);
	for (int i = 0; i < OURS; i++)
		if (!fork())
			ours(i);
	for (int i = 0; i < OTHERS; i++)
		if (!fork())
			other(i);
	alarm(0);
	for (int i = 0; i < OURS + OTHERS; i++) {
		CHECK(wait(&status) > 0);
		CHECK_INT(status, 0);
	}
	compare(lost);
	printf("# %d operations of each; tried again for records that came unlocked: %d\n",
	       OPERATIONS, shared->retries);
	for (int i = 0; i < KINDS; i++)
		printf("# with %s: %d of %d lost\n", kind_names[i], lost[i], 2 * OPERATIONS);
	CHECK_INT(shared->wrong, 0);
	CHECK_INT(lost[POSIX], 0);
	CHECK_INT(lost[FLOCK], 0);
	/* The moment between a look and a truncation is a few microseconds long. */
	CHECK(lost[NAKED] <= 2 * OPERATIONS / 40);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "eight writers lose nothing but what is appended without a lock in a bad moment", storm },
};

TAP_MAIN("storm", cases)
