// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that fail.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "faults.h"

#define FDS	256

enum owner { NOBODY, DIRECTORY, POOL, JOURNAL };

static struct faults {
	bool on;
	char dir[192];
	char name[32];
	int err;
	enum fault_kind kind;
	int left;
	bool half_done;
	enum owner owners[FDS];
	struct fault_report report;
} faults;

/* What ld --wrap leaves of the real ones. */
typeof(open) __real_open;
typeof(mkdir) __real_mkdir;
typeof(fchmod) __real_fchmod;
typeof(pread) __real_pread;
typeof(pwrite) __real_pwrite;
typeof(pwritev2) __real_pwritev2;
typeof(ftruncate) __real_ftruncate;
typeof(futimens) __real_futimens;

void faults_begin(const char *dir, const char *name, int err, enum fault_kind kind, int nth)
{
	snprintf(faults.dir, sizeof(faults.dir), "%s", dir);
	snprintf(faults.name, sizeof(faults.name), "%s", name);
	faults.err = err;
	faults.kind = kind;
	faults.left = nth;
	faults.half_done = false;
	faults.report = (struct fault_report){ 0 };
	faults.on = true;
}

struct fault_report faults_end(void)
{
	faults.on = false;
	return faults.report;
}

static enum owner owner_of_path(const char *path)
{
	size_t len = strlen(faults.dir);

	if (strncmp(path, faults.dir, len))
		return NOBODY;
	if (!path[len])
		return DIRECTORY;
	if (strncmp(path + len + 1, faults.name, strlen(faults.name)))
		return NOBODY;
	return strstr(path + len, ".journal") ? JOURNAL : POOL;
}

static enum owner owner_of(int fd)
{
	return fd >= 0 && fd < FDS ? faults.owners[fd] : NOBODY;
}

/**
 * enum effect - what a call is for, which says how it can fail
 * @READS: only with EIO
 * @CHANGES: what is there
 * @MAKES: a name or blocks
 */
enum effect { READS, CHANGES, MAKES };

static bool can_fail(enum effect effect)
{
	switch (faults.err) {
	case EIO:
		return true;
	case EROFS:
		return effect != READS;
	default:	/* ENOSPC, EDQUOT */
		return effect == MAKES;
	}
}

static void note(const char *call, enum owner owner, enum effect effect)
{
	if (faults.report.call)
		return;
	faults.report.call = call;
	faults.report.journal = owner == JOURNAL;
	faults.report.directory = owner == DIRECTORY;
	faults.report.change = effect != READS;
}

/* Does this call fail? Then errno is set. */
static bool fails(const char *call, enum owner owner, enum effect effect)
{
	if (!faults.on || owner == NOBODY || !can_fail(effect))
		return false;
	if (!faults.report.call && --faults.left)
		return false;
	if (faults.report.call && faults.kind != FAULT_LASTING)
		return false;
	note(call, owner, effect);
	errno = faults.err;
	return true;
}

/*
 * How much of a write is done: all, or -1 for none; or half of it, when the store
 * takes that for a failure (@once) or goes on and the next call fails.
 */
static ssize_t allowed(int fd, const char *call, size_t len, bool once)
{
	enum owner owner = owner_of(fd);

	if (faults.on && owner == POOL && faults.report.call)
		faults.report.taken_back++;
	if (faults.on && faults.kind == FAULT_HALF && owner != NOBODY && faults.left == 1 &&
	    !faults.half_done) {
		faults.half_done = true;
		if (once)
			note(call, owner, MAKES);
		return len / 2;
	}
	return fails(call, owner, MAKES) ? -1 : (ssize_t)len;
}

int __wrap_open(const char *path, int flags, ...)
{
	enum owner owner = owner_of_path(path);
	bool changes = (flags & O_ACCMODE) != O_RDONLY;
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (fails((flags & O_ACCMODE) == O_WRONLY ? "announcing open" : "open", owner,
		  flags & O_CREAT ? MAKES : changes ? CHANGES : READS))
		return -1;
	fd = __real_open(path, flags, mode);
	if (fd >= 0 && fd < FDS)
		faults.owners[fd] = owner;
	return fd;
}

int __wrap_mkdir(const char *path, mode_t mode)
{
	return fails("mkdir", owner_of_path(path), MAKES) ? -1 : __real_mkdir(path, mode);
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails("fchmod", owner_of(fd), CHANGES) ? -1 : __real_fchmod(fd, mode);
}

ssize_t __wrap_pread(int fd, void *data, size_t len, off_t at)
{
	return fails("pread", owner_of(fd), READS) ? -1 : __real_pread(fd, data, len, at);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t n = allowed(fd, "pwrite", len, true);

	return n < 0 ? -1 : __real_pwrite(fd, data, n, at);
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *io, int count, off_t at, int flags)
{
	ssize_t n = allowed(fd, "pwritev2", count * io->iov_len, flags & RWF_APPEND);
	struct iovec part = { .iov_base = io->iov_base, .iov_len = n };

	if (n < 0)
		return -1;
	/* Of one record the first half, of several the first ones and the half of another. */
	if (count == 1)
		return __real_pwritev2(fd, &part, 1, at, flags);
	if (n == (ssize_t)(count * io->iov_len))
		return __real_pwritev2(fd, io, count, at, flags);
	part = io[count / 2];
	part.iov_len /= 2;
	n = __real_pwritev2(fd, io, count / 2, at, flags);
	return n + __real_pwritev2(fd, &part, 1, at + n, flags);
}

int __wrap_ftruncate(int fd, off_t size)
{
	return fails("ftruncate", owner_of(fd), CHANGES) ? -1 : __real_ftruncate(fd, size);
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	return fails("futimens", owner_of(fd), CHANGES) ? -1 : __real_futimens(fd, times);
}

/* Delayed allocation: a full disk may show only here. Real syncs would only take time. */
int __wrap_fdatasync(int fd)
{
	return fails("fdatasync", owner_of(fd), MAKES) ? -1 : 0;
}

int __wrap_fsync(int fd)
{
	return fails("fsync", owner_of(fd), MAKES) ? -1 : 0;
}
