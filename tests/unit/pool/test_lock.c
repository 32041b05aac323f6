// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lock that our own programs take alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/lock.h"
#include "support/scratch.h"

#define WAIT_MS 5000
#define GREEDY 3
#define ROUNDS 21

static int open_lock(void)
{
	return open(scratch_path("lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

static void timeouts(void)
{
	int holder, other;

	scratch_begin();
	holder = open_lock();
	other = open_lock();
	CHECK_INT(pool_lock_alone(holder, 0), 0);
	CHECK_INT(pool_lock_alone(other, 0), -ETIMEDOUT);
	CHECK_INT(pool_lock_alone(other, 30), -ETIMEDOUT);
	flock(holder, LOCK_UN);
	CHECK_INT(pool_lock_alone(other, 0), 0);
	flock(other, LOCK_UN);
	/* Nothing is left of a wait that timed out. */
	CHECK_INT(pool_lock_alone(holder, 30), 0);
	close(holder);
	close(other);
	scratch_end();
}

static atomic_bool enough;
static atomic_int taken;

/* Holds the lock nearly all the time, as a program does that changes pairs on a slow disk. */
static void *take_again(void *data)
{
	const struct timespec work = { .tv_nsec = 2000000 };
	int fd = open_lock();

	(void)data;
	while (!atomic_load(&enough) && !pool_lock_alone(fd, 10 * WAIT_MS)) {
		atomic_fetch_add(&taken, 1);
		nanosleep(&work, NULL);	/* sleep: the work of a greedy program */
		flock(fd, LOCK_UN);
	}
	close(fd);
	return NULL;
}

static int by_size(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void order(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	pthread_t greedy[GREEDY];
	int before[ROUNDS];
	int fd, err = 0;

	scratch_begin();
	fd = open_lock();
	for (int i = 0; i < GREEDY; i++)
		REQUIRE(!pthread_create(&greedy[i], NULL, take_again, NULL));
	for (int i = 0; i < ROUNDS && !err; i++) {
		int start = atomic_load(&taken);

		/* The others are to have it first. */
		while (atomic_load(&taken) == start)
			nanosleep(&pause, NULL);	/* sleep: it polls */
		start = atomic_load(&taken);
		err = pool_lock_alone(fd, WAIT_MS);
		before[i] = atomic_load(&taken) - start;
		flock(fd, LOCK_UN);
	}
	atomic_store(&enough, true);
	for (int i = 0; i < GREEDY; i++)
		pthread_join(greedy[i], NULL);
	close(fd);
	CHECK_INT(err, 0);
	/* A busy machine can stop this thread before it is in the queue: hence the median. */
	qsort(before, ROUNDS, sizeof(*before), by_size);
	CHECK(before[ROUNDS / 2] <= 2 * GREEDY);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "a wait has an end, and leaves nothing", timeouts },
	{ "a program that takes it again and again does not keep it from others", order },
};

TAP_MAIN("lock", cases)
