// SPDX-License-Identifier: GPL-2.0-only
/*
 * The locks of a pool file.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "pool/lock.h"
#include "util/clock.h"

#define FIRST_PAUSE_MS	1
#define LONGEST_PAUSE_MS 50

/* How often the list of locks is read until the holder of one is in it. */
#define LIST_READS	32

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
 * Try until it works or the time is over. Neither lock has a call that waits
 * for a limited time, so this sleeps in growing steps; nothing runs unless a
 * request is being served.
 */
static int wait_for(int (*try)(int fd, int how), int fd, int how, uint64_t end)
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
		if (pause_ms < LONGEST_PAUSE_MS)
			pause_ms *= 2;
	}
}

/* What a file goes by in the kernel's list of locks. */
struct file_numbers {
	unsigned int major;
	unsigned int minor;
	uint64_t ino;
};

/*
 * The list has the numbers of the file system. Those of stat(2) may be others: on
 * btrfs each subvolume has a device, on overlayfs each layer.
 */
static bool find_numbers(int fd, struct file_numbers *numbers)
{
	char path[40], line[512];
	int mount = -1, id;
	struct stat st;
	FILE *in;

	if (fstat(fd, &st))
		return false;
	*numbers = (struct file_numbers){ major(st.st_dev), minor(st.st_dev), st.st_ino };

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	in = fopen(path, "re");
	while (in && fgets(line, sizeof(line), in)) {
		sscanf(line, "mnt_id: %d", &mount);
		sscanf(line, "ino: %" SCNu64, &numbers->ino);	/* since 5.14 */
	}
	if (in)
		fclose(in);
	in = fopen("/proc/self/mountinfo", "re");
	while (in && fgets(line, sizeof(line), in)) {
		struct file_numbers found;

		if (sscanf(line, "%d %*d %u:%u", &id, &found.major, &found.minor) == 3 &&
		    id == mount) {
			numbers->major = found.major;
			numbers->minor = found.minor;
		}
	}
	if (in)
		fclose(in);
	return true;
}

/* The process that has a flock on this file according to one reading of the list, or 0. */
static pid_t look_for_holder(const struct file_numbers *file)
{
	char line[256];
	pid_t found = 0;
	FILE *locks;

	locks = fopen("/proc/locks", "re");
	if (!locks)
		return 0;
	while (!found && fgets(line, sizeof(line), locks)) {
		struct file_numbers held;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64,
			   &pid, &held.major, &held.minor, &held.ino) == 4 && pid > 0 &&
		    held.ino == file->ino && held.major == file->major &&
		    held.minor == file->minor)
			found = pid;
	}
	fclose(locks);
	return found;
}

/*
 * The process that keeps a flock on the file, or 0. The kernel hands the list out
 * in pieces and finds the next one by counting: a lock that some other program
 * gives back in between hides one from us. So look again.
 */
static pid_t find_holder(int fd)
{
	struct file_numbers file;
	pid_t found = 0;

	if (!find_numbers(fd, &file))
		return 0;
	for (int i = 0; i < LIST_READS && !found; i++)
		found = look_for_holder(&file);
	return found;
}

/*
 * Does the file's flock belong to somebody who may not write to the file? Anybody
 * who may read it can take even the exclusive one, by a descriptor for reading.
 */
static bool is_stranger(int fd, pid_t holder)
{
	struct stat file, process;
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d", (int)holder);
	return holder > 0 && !fstat(fd, &file) && !stat(path, &process) && process.st_uid &&
	       process.st_uid != file.st_uid && !(file.st_mode & (S_IWGRP | S_IWOTH));
}

int pool_lock(int fd, enum pool_lock_mode mode, unsigned int wait_ms,
	      struct pool_lock_report *report)
{
	bool writing = mode == POOL_LOCK_WRITE;
	uint64_t end = clock_ms() + wait_ms;
	struct flock probe = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int err;

	*report = (struct pool_lock_report){ 0 };

	err = wait_for(try_flock, fd, writing ? LOCK_EX : LOCK_SH, end);
	if (err == -ETIMEDOUT) {
		report->holder = find_holder(fd);
		/* If sharing works, then only readers are in the way. */
		if (writing && (!try_flock(fd, LOCK_SH) || is_stranger(fd, report->holder))) {
			report->past_readers = true;
			err = 0;
		}
	}
	if (err)
		return err;

	err = wait_for(try_ofd, fd, writing ? F_WRLCK : F_RDLCK, end);
	if (err == -ETIMEDOUT) {
		if (!fcntl(fd, F_OFD_GETLK, &probe) && probe.l_type != F_UNLCK) {
			report->holder = probe.l_pid > 0 ? probe.l_pid : 0;
			/* A read lock may be held without the right to write. */
			if (writing && probe.l_type == F_RDLCK) {
				report->past_readers = true;
				err = 0;
			}
		} else {
			err = try_ofd(fd, writing ? F_WRLCK : F_RDLCK);
		}
	}
	if (err) {
		flock(fd, LOCK_UN);
		return err == -EWOULDBLOCK ? -ETIMEDOUT : err;
	}
	return 0;
}

void pool_unlock(int fd)
{
	try_ofd(fd, F_UNLCK);
	flock(fd, LOCK_UN);
}

int pool_lock_alone(int fd, unsigned int wait_ms)
{
	return wait_for(try_flock, fd, LOCK_EX, clock_ms() + wait_ms);
}
