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

#define fail pool_file_fail

/*
 * A writer must have its lock. A reader would like to have one, so as not to
 * see half a change; but records are checked one by one and a change is noticed
 * afterwards by the file's time, so it goes on without when it takes too long.
 */
#define READ_WAIT_MS	250

int pool_file_fail(struct pool_file *file, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(file->why, sizeof(file->why), format, ap);
	va_end(ap);
	return err;
}

static const char *remedy(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return "; run as root";
	case EROFS:
		return "; remount it for writing or choose another --state-dir";
	case ENOSPC:
	case EDQUOT:
		return "; free some space there";
	case EIO:
		return "; check the disk";
	case ENOENT:
		return "; create the directory or choose another --state-dir";
	case ENOTDIR:
		return "; choose another --state-dir";
	default:
		return "";
	}
}

int pool_file_fail_errno(struct pool_file *file, const char *path, const char *what)
{
	int err = -errno;

	return fail(file, err, "%s: cannot %s: %s%s", path, what, strerror(-err), remedy(err));
}

static int fail_errno(struct pool_file *file, const char *what)
{
	return pool_file_fail_errno(file, file->path, what);
}

int pool_file_init(struct pool_file *file, const char *dir, int number)
{
	*file = (struct pool_file){ .fd = -1, .wait_ms = 5000 };
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

int pool_file_sync_dir(struct pool_file *file, bool create)
{
	char *slash = strrchr(file->path, '/');
	int fd, err = 0;

	*slash = 0;
	if (create && mkdir(file->path, DIR_MODE) && errno != EEXIST)
		err = -errno;
	if (!err && !create) {
		fd = open(file->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || fsync(fd))
			err = -errno;
		if (fd >= 0)
			close(fd);
	}
	*slash = '/';
	return err;
}

static int create_file(struct pool_file *file)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = open(file->path, flags, FILE_MODE);

	if (fd < 0 && errno == ENOENT && !pool_file_sync_dir(file, true))
		fd = open(file->path, flags, FILE_MODE);
	if (fd < 0)
		return fail_errno(file, "create it");
	/* The mode is part of the format, whatever our umask is. */
	if (fchmod(fd, FILE_MODE) || fsync(fd) || pool_file_sync_dir(file, false)) {
		int err = fail_errno(file, "create it");

		close(fd);
		return err;
	}
	file->fd = fd;
	file->writable = true;
	return 0;
}

static int check_kind(struct pool_file *file, const struct stat *st)
{
	const char *what = "a device";

	switch (st->st_mode & S_IFMT) {
	case S_IFREG:
		return 0;
	case S_IFLNK:
		return fail(file, -ELOOP, "%s: is a symbolic link, which is not followed; "
			    "replace it by a regular file", file->path);
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
	return fail(file, -EMEDIUMTYPE, "%s: is %s, not a regular file; remove it",
		    file->path, what);
}

int pool_file_open(struct pool_file *file, bool write)
{
	struct stat here, mine;
	int err;

	file->why[0] = 0;
	if (lstat(file->path, &here)) {
		close_file(file);
		if (errno != ENOENT)
			return fail_errno(file, "look at it");
		if (!write)
			return fail(file, -ENOENT, "%s: does not exist", file->path);
		return create_file(file);
	}
	err = check_kind(file, &here);
	if (err) {
		close_file(file);
		return err;
	}
	if (file->fd >= 0 && (file->writable || !write) && !fstat(file->fd, &mine) &&
	    mine.st_ino == here.st_ino && mine.st_dev == here.st_dev)
		return 0;

	close_file(file);
	/* O_NONBLOCK: a FIFO that was put there just now must not hold us up. */
	file->fd = open(file->path, (write ? O_RDWR : O_RDONLY) |
			O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file->fd < 0)
		return fail_errno(file, write ? "open it for writing" : "open it");
	file->writable = write;
	if (fstat(file->fd, &mine)) {
		err = fail_errno(file, "look at it");
		close_file(file);
		return err;
	}
	err = check_kind(file, &mine);
	if (err)
		close_file(file);
	return err;
}

static void holder_text(pid_t pid, char *text, size_t size)
{
	char path[64], comm[32] = "";
	FILE *f;

	if (!pid) {
		snprintf(text, size, "another program");
		return;
	}
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f) {
		if (fgets(comm, sizeof(comm), f))
			comm[strcspn(comm, "\n")] = 0;
		fclose(f);
	}
	snprintf(text, size, "process %d%s%s%s", (int)pid, comm[0] ? " (" : "", comm,
		 comm[0] ? ")" : "");
}

int pool_file_lock(struct pool_file *file, enum pool_lock_mode mode)
{
	bool writing = mode == POOL_LOCK_WRITE;
	unsigned int wait = file->wait_ms;
	struct pool_lock_report report;
	char who[80];
	int err;

	if (!writing && wait > READ_WAIT_MS)
		wait = READ_WAIT_MS;
	file->why[0] = 0;
	err = pool_lock(file->fd, mode, wait, &report);
	holder_text(report.holder, who, sizeof(who));
	if (err == -ETIMEDOUT)
		return fail(file, err, "%s: %s has kept it locked for %u ms; end that process, "
			    "or wait for it, and try again", file->path, who, wait);
	if (err) {
		errno = -err;
		return fail_errno(file, "lock it");
	}
	if (report.past_readers)
		fail(file, 0, "%s: %s has kept a reader's lock for %u ms; went ahead without it",
		     file->path, who, wait);
	return 0;
}

void pool_file_unlock(struct pool_file *file)
{
	pool_unlock(file->fd);
}

static void fill_stamp(struct pool_stamp *stamp, const struct stat *st,
		       const struct timespec *before)
{
	*stamp = (struct pool_stamp){
		.dev = st->st_dev,
		.ino = st->st_ino,
		.size = st->st_size,
		.mtime = st->st_mtim,
	};
	/*
	 * The kernel stamps changes with a clock that moves in ticks of some
	 * milliseconds. If this tick is later than the last change, then a
	 * change from now on gets another time; if not, it may get the same.
	 */
	stamp->sharp = before->tv_sec > st->st_mtim.tv_sec ||
		(before->tv_sec == st->st_mtim.tv_sec && before->tv_nsec > st->st_mtim.tv_nsec);
}

int pool_file_stamp(struct pool_file *file, struct pool_stamp *stamp)
{
	struct timespec before;
	struct stat st;

	clock_gettime(CLOCK_REALTIME_COARSE, &before);
	if (fstat(file->fd, &st))
		return fail_errno(file, "look at it");
	fill_stamp(stamp, &st, &before);
	return 0;
}

bool pool_file_unchanged(const struct pool_file *file, const struct pool_stamp *stamp)
{
	struct stat st;

	if (!stamp->sharp)
		return false;
	if (lstat(file->path, &st))
		return errno == ENOENT && !stamp->ino;
	return stamp->ino == st.st_ino && stamp->dev == st.st_dev &&
	       stamp->size == st.st_size &&
	       stamp->mtime.tv_sec == st.st_mtim.tv_sec &&
	       stamp->mtime.tv_nsec == st.st_mtim.tv_nsec;
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
		n = pwritev2(file->fd, io, count, -1, RWF_APPEND);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return fail_errno(file, "write to it");
	if ((size_t)n != count * POOL_RECORD_SIZE) {
		errno = ENOSPC;
		return fail_errno(file, "write to it");
	}
	end = lseek(file->fd, 0, SEEK_CUR);
	if (end < 0 || end % POOL_RECORD_SIZE)
		return fail(file, -EAGAIN, "%s: another program writes to it without a lock; "
			    "end that program, or try again", file->path);
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

int pool_file_sync(struct pool_file *file)
{
	return fdatasync(file->fd) ? fail_errno(file, "write it to the disk") : 0;
}
