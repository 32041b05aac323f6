// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lock on what the host has set.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ip/lock.h"
#include "ip/system.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/sysroot.h"

#define PAUSE_MS 20

/* No descriptor: there is nothing to lock. */
#define NO_LOCK INT_MAX

static int open_lock(const char *path)
{
	char folder[SYSROOT_PATH_SIZE];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	mkdir(folder, 0755);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

int ip_lock(const struct ip_system *system, unsigned int limit_ms, struct error *error)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	const uint64_t end = clock_ms() + limit_ms;
	char path[SYSROOT_PATH_SIZE], holder[32];
	int fd = open_lock(sysroot_path(system->root, path, "%s/ip.lock", system->state_dir));
	ssize_t len;

	if (fd < 0)
		return NO_LOCK;
	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			close(fd);
			return NO_LOCK;
		}
		if (clock_left(end)) {
			nanosleep(&pause, NULL);
			continue;
		}
		len = pread(fd, holder, sizeof(holder) - 1, 0);
		holder[len > 0 ? len : 0] = 0;
		holder[strspn(holder, "0123456789")] = 0;
		close(fd);
		return error_set(error, -EBUSY,
				 "process %s changes addresses; %s is locked for longer than %u ms: try again when it has ended",
				 holder[0] ? holder : "(unknown)", path, limit_ms);
	}
	/* For the message of those that wait. */
	if (!ftruncate(fd, 0))
		dprintf(fd, "%d\n", (int)getpid());
	return fd;
}

void ip_unlock(int lock)
{
	if (lock != NO_LOCK)
		close(lock);
}
