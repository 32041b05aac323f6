// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool file: records, locks and changes by others.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "pool/file.h"

#define FILE_MODE	0644
#define DIR_MODE	0755

#define REWRITE_CHUNK	(64 * 1024)

/*
 * A reader takes a lock in order not to see an unfinished change; but records are checked one by
 * one and a change is noticed afterwards by the file's times, so it goes on without one after this.
 */
#define READ_WAIT_MS	250

/* Changes within this time can get the same time: a tick at 100 Hz, and FAT's two seconds. */
#define TICK_NS		10000000LL
#define WHOLE_SECONDS_NS 2000000000LL

/* C libraries without the flags have no such call either: musl before 1.2.5. */
#ifndef RWF_APPEND
#define pwritev2(fd, io, count, at, flags) pwritev(fd, io, count, at)
#endif

static int fail_errno(const struct pool_file *file, const char *what)
{
	return error_set_errno(file->error, file->path, what);
}

int pool_file_init(struct pool_file *file, const char *dir, int number, struct error *error)
{
	*file = (struct pool_file){ .fd = -1, .wait_ms = 5000, .error = error };
	if (asprintf(&file->path, "%s/.kvp_pool_%d", dir, number) < 0) {
		file->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void close_file(struct pool_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	file->writable = false;
}

void pool_file_exit(struct pool_file *file)
{
	close_file(file);
	free(file->path);
	file->path = NULL;
}

static char *dir_of(const struct pool_file *file)
{
	return strndup(file->path, strrchr(file->path, '/') - file->path);
}

int pool_file_sync_dir(const struct pool_file *file)
{
	char *dir = dir_of(file);
	int fd, err = 0;

	if (!dir)
		return -ENOMEM;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd))
		err = -errno;
	if (fd >= 0)
		close(fd);
	free(dir);
	errno = -err;
	return err ? fail_errno(file, "write its name to the disk") : 0;
}

static int create_dir(const struct pool_file *file)
{
	char *dir = dir_of(file);
	int err = dir ? 0 : -ENOMEM;

	if (dir && mkdir(dir, DIR_MODE))
		err = errno == EEXIST ? 0 : -errno;
	/* Like that of the file: others have to reach it. */
	else if (dir && chmod(dir, DIR_MODE))
		err = -errno;
	free(dir);
	return err;
}

static void take_file(struct pool_file *file, int fd, const struct stat *st, bool writable)
{
	if (file->dev != st->st_dev || file->ino != st->st_ino)
		file->unsynced = false;
	file->fd = fd;
	file->dev = st->st_dev;
	file->ino = st->st_ino;
	file->writable = writable;
	file->exact = false;
}

static int create_file(struct pool_file *file)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = open(file->path, flags, FILE_MODE);
	struct stat st;

	if (fd < 0 && errno == ENOENT && !create_dir(file))
		fd = open(file->path, flags, FILE_MODE);
	if (fd < 0)
		return fail_errno(file, "create it");
	/* The mode is part of the format, whatever our umask is. */
	if (fchmod(fd, FILE_MODE) || fstat(fd, &st)) {
		int err = fail_errno(file, "create it");

		close(fd);
		return err;
	}
	take_file(file, fd, &st, true);
	return 0;
}

static int check_kind(struct pool_file *file, const struct stat *st)
{
	const char *what = "a device";

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFLNK:
		return error_set(file->error, -ELOOP,
				 "%s: is a symbolic link, which is not followed; replace it by a regular file",
				 file->path);
	case S_IFDIR:
		what = "a directory";
		break;
	case S_IFIFO:
		what = "a FIFO";
		break;
	case S_IFSOCK:
		what = "a socket";
		break;
	}
	return error_set(file->error, -EMEDIUMTYPE, "%s: is %s, not a regular file; remove it",
			 file->path, what);
}

static int try_open(struct pool_file *file, bool write)
{
	struct stat here, mine;
	int err, fd;

	error_clear(file->error);
	if (lstat(file->path, &here)) {
		close_file(file);
		if (errno != ENOENT)
			return fail_errno(file, "look at it");
		if (!write)
			return error_set(file->error, -ENOENT, "%s: does not exist", file->path);
		return create_file(file);
	}
	err = check_kind(file, &here);
	if (err) {
		close_file(file);
		return err;
	}
	if (file->fd >= 0 && (file->writable || !write) &&
	    here.st_ino == file->ino && here.st_dev == file->dev)
		return 0;

	close_file(file);
	/* O_NONBLOCK: a FIFO that was put there just now must not hold us up. */
	fd = open(file->path, (write ? O_RDWR : O_RDONLY) |
		  O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return fail_errno(file, write ? "open it for writing" : "open it");
	if (fstat(fd, &mine)) {
		err = fail_errno(file, "look at it");
		close(fd);
		return err;
	}
	take_file(file, fd, &mine, write);
	err = check_kind(file, &mine);
	if (err)
		close_file(file);
	return err;
}

int pool_file_open(struct pool_file *file, bool write)
{
	int err = try_open(file, write);

	/* Another process has created or removed it between two calls. */
	for (int i = 1; i < POOL_OPEN_TRIES && (err == -EEXIST || (err == -ENOENT && write)); i++)
		err = try_open(file, write);
	return err;
}

bool pool_file_current(const struct pool_file *file)
{
	struct stat here;

	return file->fd >= 0 && !lstat(file->path, &here) &&
	       here.st_ino == file->ino && here.st_dev == file->dev;
}

int pool_file_lock(struct pool_file *file, enum pool_lock_mode mode, bool *exclusive)
{
	unsigned int wait = file->wait_ms;
	struct pool_lock_report report;
	char who[40] = "another program";
	int err;

	if (mode == POOL_LOCK_READ && wait > READ_WAIT_MS)
		wait = READ_WAIT_MS;
	error_clear(file->error);
	err = pool_lock(file->fd, mode, wait, &report);
	*exclusive = !report.missing;
	if (report.holder)
		snprintf(who, sizeof(who), "process %d", (int)report.holder);
	if (err == -ETIMEDOUT)
		return error_set(file->error, err,
				 "%s: %s has kept it locked for %u ms; end that process, or wait for it, and try again",
				 file->path, who, wait);
	if (err) {
		errno = -err;
		return fail_errno(file, "lock it");
	}
	if (report.missing)
		error_set(file->error, 0,
			  "%s: %s keeps a %s, which any reader can hold; writing without it",
			  file->path, who, report.missing);
	return 0;
}

void pool_file_unlock(struct pool_file *file)
{
	pool_unlock(file->fd);
}

static long long ns_of(const struct timespec *time)
{
	return time->tv_sec * 1000000000LL + time->tv_nsec;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool pool_stamp_equal(const struct pool_stamp *a, const struct pool_stamp *b)
{
	return a->ino == b->ino && a->dev == b->dev && a->size == b->size &&
	       same_time(&a->mtime, &b->mtime) &&
	       (a->expected || b->expected || same_time(&a->ctime, &b->ctime));
}

void pool_stamp_learn(struct pool_stamp *stamp, const struct pool_stamp *now)
{
	if (!stamp->expected || now->expected || !pool_stamp_equal(stamp, now))
		return;
	stamp->ctime = now->ctime;
	stamp->expected = false;
}

bool pool_stamp_certain(const struct pool_stamp *stamp)
{
	long long changed = ns_of(&stamp->ctime), taken = ns_of(&stamp->taken);
	long long apart = stamp->ctime.tv_nsec ? TICK_NS : WHOLE_SECONDS_NS;
	struct timespec now;

	if (stamp->unique || !stamp->ino)
		return true;
	if (taken >= changed + apart)
		return true;
	/* A time in the future: the clock was set back, and has not come there again. */
	clock_gettime(CLOCK_REALTIME_COARSE, &now);
	return taken <= ns_of(&now) && ns_of(&now) + apart < changed;
}

static void fill_stamp(struct pool_stamp *stamp, const struct stat *st)
{
	stamp->dev = st->st_dev;
	stamp->ino = st->st_ino;
	stamp->size = st->st_size;
	stamp->mtime = st->st_mtim;
	stamp->ctime = st->st_ctim;
}

int pool_file_stamp(struct pool_file *file, struct pool_stamp *stamp)
{
	struct stat st;

	*stamp = (struct pool_stamp){ 0 };
	clock_gettime(CLOCK_REALTIME_COARSE, &stamp->taken);
	if (fstat(file->fd, &st))
		return fail_errno(file, "look at it");
	fill_stamp(stamp, &st);
	return 0;
}

int pool_file_look(const struct pool_file *file, struct pool_stamp *stamp)
{
	struct stat st;

	*stamp = (struct pool_stamp){ 0 };
	clock_gettime(CLOCK_REALTIME_COARSE, &stamp->taken);
	if (!lstat(file->path, &st))
		fill_stamp(stamp, &st);
	else if (errno != ENOENT)
		return -errno;
	return 0;
}

ssize_t pool_file_read(struct pool_file *file, uint32_t first,
		       struct pool_record *records, size_t count)
{
	size_t want = count * POOL_RECORD_SIZE, got = 0;
	off_t at = (off_t)first * POOL_RECORD_SIZE;

	while (got < want) {
		ssize_t n = pread(file->fd, (char *)records + got, want - got, at + got);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(file, "read it");
		if (!n)
			break;
		got += n;
	}
	return got / POOL_RECORD_SIZE;
}

int pool_file_write(struct pool_file *file, uint32_t first,
		    const struct pool_record *const *records, size_t count)
{
	off_t at = (off_t)first * POOL_RECORD_SIZE;
	struct iovec io[POOL_WRITE_MAX], *left = io;

	for (size_t i = 0; i < count; i++)
		io[i] = (struct iovec){ (void *)records[i], POOL_RECORD_SIZE };
	while (count) {
		ssize_t n = pwritev2(file->fd, left, count, at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_errno(file, "write to it");
		at += n;
		for (; count && (size_t)n >= left->iov_len; count--)
			n -= left++->iov_len;
		if (count) {
			left->iov_base = (char *)left->iov_base + n;
			left->iov_len -= n;
		}
	}
	return 0;
}

int pool_file_truncate(struct pool_file *file, uint32_t count)
{
	if (ftruncate(file->fd, (off_t)count * POOL_RECORD_SIZE))
		return fail_errno(file, "shorten it");
	return 0;
}

/* For kernels and emulators without pwritev2(), and C libraries without its flags. */
static ssize_t append_by_flag(int fd, const struct iovec *io, size_t count)
{
	int flags = fcntl(fd, F_GETFL), err;
	ssize_t n;

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_APPEND))
		return -1;
	n = writev(fd, io, count);
	err = errno;
	/* With the flag, later writes to an offset would go to the end as well. */
	if (fcntl(fd, F_SETFL, flags))
		return -1;
	errno = err;
	return n;
}

static ssize_t append(int fd, const struct iovec *io, size_t count)
{
#ifdef RWF_APPEND
	ssize_t n = pwritev2(fd, io, count, -1, RWF_APPEND);

	if (n >= 0 || (errno != ENOSYS && errno != EOPNOTSUPP))
		return n;
#endif
	return append_by_flag(fd, io, count);
}

int pool_file_append_all(struct pool_file *file, const struct pool_record *const *records,
			 size_t count, uint32_t *first)
{
	struct iovec io[POOL_WRITE_MAX];
	ssize_t n;
	off_t end;

	for (size_t i = 0; i < count; i++)
		io[i] = (struct iovec){ (void *)records[i], POOL_RECORD_SIZE };
	/* The kernel finds the end: those who append without a lock lose nothing. */
	do {
		n = append(file->fd, io, count);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(file, "write to it");
	if ((size_t)n != count * POOL_RECORD_SIZE) {
		errno = ENOSPC;
		return fail_errno(file, "write to it");
	}
	end = lseek(file->fd, 0, SEEK_CUR);
	if (end < 0 || end % POOL_RECORD_SIZE)
		return error_set(file->error, -EAGAIN,
				 "%s: another program writes to it without a lock; end that program, or try again",
				 file->path);
	*first = end / POOL_RECORD_SIZE - count;
	return 0;
}

int pool_file_append(struct pool_file *file, const struct pool_record *record, uint32_t *number)
{
	return pool_file_append_all(file, &record, 1, number);
}

int pool_file_set_time(struct pool_file *file, const struct timespec *mtime)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, *mtime };

	return futimens(file->fd, times) ? fail_errno(file, "set its time") : 0;
}

void pool_file_announce(const struct pool_file *file)
{
	int fd = open(file->path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd >= 0)
		close(fd);
}

/*
 * Write all of it once more. After a sync that failed the kernel takes for written what is not on the
 * disk: later syncs succeed, and leave it out.
 */
static int rewrite(struct pool_file *file)
{
	struct stat st;
	ssize_t n = 1;
	char *chunk;

	if (fstat(file->fd, &st))
		return fail_errno(file, "look at it");
	chunk = malloc(REWRITE_CHUNK);
	if (!chunk)
		return -ENOMEM;
	for (off_t at = 0; n > 0; at += n) {
		n = pread(file->fd, chunk, REWRITE_CHUNK, at);
		if (n > 0)
			n = pwrite(file->fd, chunk, n, at);
	}
	free(chunk);
	if (n < 0)
		return fail_errno(file, "write it to the disk again");
	/* Nothing in it is new. */
	return pool_file_set_time(file, &st.st_mtim);
}

int pool_file_sync(struct pool_file *file)
{
	int err = file->unsynced ? rewrite(file) : 0;

	if (!err && fdatasync(file->fd))
		err = fail_errno(file, "write it to the disk");
	file->unsynced = err;
	return err;
}
