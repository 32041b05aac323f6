// SPDX-License-Identifier: GPL-2.0-only
/*
 * The public locks of a pool file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/file.h>
#include <time.h>

#include "pool/lock.h"
#include "util/clock.h"

#define FIRST_PAUSE_MS	1
#define LONGEST_PAUSE_MS 50

/* The queue for a lock of ours: this many can wait in order, and look this often at most. */
#define QUEUE_SLOTS	16
#define QUEUE_PAUSE_MS	8

static int try_flock(int fd, int mode)
{
	return flock(fd, mode | LOCK_NB) ? -errno : 0;
}

static int try_ofd(int fd, int type)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

/*
 * Try until it works or the time is over. Neither lock has a call that waits for a limited time, so
 * this sleeps in growing steps; nothing runs unless a request is being served.
 */
static int wait_longest(int (*try)(int fd, int how), int fd, int how, uint64_t end,
			unsigned int longest_ms)
{
	unsigned int pause_ms = FIRST_PAUSE_MS;

	for (;;) {
		struct timespec pause = { .tv_nsec = pause_ms * 1000000L };
		int err = try(fd, how);

		if (err != -EWOULDBLOCK && err != -EACCES && err != -EINTR)
			return err;
		if (clock_ms() >= end)
			return -ETIMEDOUT;
		nanosleep(&pause, NULL);
		if (pause_ms < longest_ms)
			pause_ms *= 2;
	}
}

static int wait_for(int (*try)(int fd, int how), int fd, int how, uint64_t end)
{
	return wait_longest(try, fd, how, end, LONGEST_PAUSE_MS);
}

/* Is the lock in the way one that needs no permission to write? */
static bool held_by_readers(int fd, struct pool_lock_report *report)
{
	struct flock probe = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_GETLK, &probe) || probe.l_type == F_UNLCK)
		return false;
	report->holder = probe.l_pid > 0 ? probe.l_pid : 0;
	return probe.l_type == F_RDLCK;
}

int pool_lock(int fd, enum pool_lock_mode mode, unsigned int wait_ms,
	      struct pool_lock_report *report)
{
	bool writing = mode == POOL_LOCK_WRITE;
	unsigned int courtesy = wait_ms < POOL_LOCK_COURTESY_MS ? wait_ms : POOL_LOCK_COURTESY_MS;
	uint64_t now = clock_ms();
	int err;

	*report = (struct pool_lock_report){ 0 };
	err = wait_for(try_flock, fd, writing ? LOCK_EX : LOCK_SH, now + courtesy);
	if (err == -ETIMEDOUT && writing) {
		report->missing = "flock";
		err = 0;
	}
	if (err)
		return err;

	/* A lock that is respected has the whole time, one of a reader only the courtesy. */
	err = wait_for(try_ofd, fd, writing ? F_WRLCK : F_RDLCK, now + courtesy);
	if (err == -ETIMEDOUT && writing) {
		if (!held_by_readers(fd, report))
			err = wait_for(try_ofd, fd, F_WRLCK, now + wait_ms);
		if (err == -ETIMEDOUT && held_by_readers(fd, report)) {
			report->missing = "POSIX lock";
			err = 0;
		}
	}
	if (err)
		flock(fd, LOCK_UN);
	return err;
}

void pool_unlock(int fd)
{
	try_ofd(fd, F_UNLCK);
	flock(fd, LOCK_UN);
}

static int set_slots(int fd, int type, int first, int count)
{
	struct flock lock = {
		.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = count,
	};

	return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

static int try_slot(int fd, int slot)
{
	return set_slots(fd, F_WRLCK, slot, 1);
}

bool pool_lock_wanted(int fd)
{
	struct flock probe = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = QUEUE_SLOTS };

	return fcntl(fd, F_OFD_GETLK, &probe) || probe.l_type != F_UNLCK;
}

/*
 * The queue is OFD locks on the first bytes of the file: a process enters at the last byte, takes
 * the byte before as soon as it is free, and may take the lock when it has byte 0. Without this
 * order, a program that takes the lock again as soon as it has given it back wins against all that
 * sleep between two tries.
 */
int pool_lock_alone(int fd, unsigned int wait_ms)
{
	uint64_t end = clock_ms() + wait_ms;
	int err = 0;

	if (!wait_ms || !pool_lock_wanted(fd)) {
		err = wait_for(try_flock, fd, LOCK_EX, 0);
		if (!wait_ms || err != -ETIMEDOUT)
			return err;
		err = 0;
	}
	for (int slot = QUEUE_SLOTS - 1; slot >= 0 && !err; slot--) {
		err = wait_longest(try_slot, fd, slot, end, QUEUE_PAUSE_MS);
		if (!err)
			set_slots(fd, F_UNLCK, slot + 1, QUEUE_SLOTS);
	}
	/* A file system without such locks has no order. */
	if (err != -ETIMEDOUT)
		err = wait_longest(try_flock, fd, LOCK_EX, end, QUEUE_PAUSE_MS);
	set_slots(fd, F_UNLCK, 0, QUEUE_SLOTS);
	return err;
}
