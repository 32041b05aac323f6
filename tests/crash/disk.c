// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk that loses power.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "disk.h"

#define SECTOR		512
#define SIZE_MAX_FILE	(1 << 20)
#define SECTORS		(SIZE_MAX_FILE / SECTOR)

/**
 * enum call_kind - what it does
 * @CALL_WRITE: write, or set the time
 * @CALL_CUT: set the size; what is cut off is not among the data that a failed sync loses
 * @CALL_SYNC: sync
 */
enum call_kind { CALL_WRITE, CALL_CUT, CALL_SYNC };

/**
 * struct call - what was written down
 * @file: which
 * @kind: what it does; for a sync the rest means nothing
 * @dropped: a sync that failed was to write it
 * @at: first byte that was written
 * @len: bytes written
 * @data: owned
 * @size: of the file afterwards
 * @mtime: of the file afterwards
 */
struct call {
	enum disk_file file;
	enum call_kind kind;
	bool dropped;
	size_t at;
	size_t len;
	uint8_t *data;
	size_t size;
	struct timespec mtime;
};

/**
 * struct image - a file on the disk
 * @bytes: contents
 * @size: of them
 * @mtime: time
 */
struct image {
	uint8_t bytes[SIZE_MAX_FILE];
	size_t size;
	struct timespec mtime;
};

static struct disk {
	char path[DISK_FILES][256];
	ino_t ino[DISK_FILES];
	struct image start[DISK_FILES];
	struct call *calls;
	size_t count;
	size_t syncs;
	size_t failed;
	unsigned int one_in;
	unsigned int fail_seed;
	int next[DISK_FILES];
	void (*at_failure)(void);
	bool on;
	bool in_hook;
	void (*hook)(void);
	enum disk_file ignored;
} disk = { .ignored = DISK_FILES };

/* What ld --wrap leaves of the real ones. */
typeof(pwrite) __real_pwrite;
typeof(pwritev2) __real_pwritev2;
typeof(ftruncate) __real_ftruncate;
typeof(futimens) __real_futimens;

static enum disk_file which(int fd)
{
	struct stat st;

	if (!disk.on || fstat(fd, &st))
		return DISK_FILES;
	for (int i = 0; i < DISK_FILES; i++)
		if (st.st_ino == disk.ino[i])
			return i;
	return DISK_FILES;
}

static void note(int fd, enum call_kind kind, const void *data, size_t len, size_t at)
{
	enum disk_file file = which(fd);
	struct call *call;
	struct stat st;

	if (file == DISK_FILES)
		return;
	if (kind == CALL_SYNC)
		disk.syncs++;
	if (kind == CALL_SYNC && file == disk.ignored)
		return;
	disk.calls = reallocarray(disk.calls, disk.count + 1, sizeof(*call));
	call = &disk.calls[disk.count++];
	fstat(fd, &st);
	*call = (struct call){
		.file = file, .kind = kind, .at = at, .len = len,
		.size = st.st_size, .mtime = st.st_mtim,
	};
	if (at + len > SIZE_MAX_FILE || st.st_size > SIZE_MAX_FILE) {
		puts("Bail out! a file is larger than this test can remember");
		exit(1);
	}
	if (len) {
		call->data = malloc(len);
		memcpy(call->data, data, len);
	}
	if (disk.hook && !disk.in_hook) {
		disk.in_hook = true;
		disk.hook();
		disk.in_hook = false;
	}
}

void disk_on_call(void (*hook)(void))
{
	disk.hook = hook;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t len, off_t at)
{
	ssize_t n = __real_pwrite(fd, data, len, at);

	if (n > 0)
		note(fd, CALL_WRITE, data, n, at);
	return n;
}

ssize_t __wrap_pwritev2(int fd, const struct iovec *io, int count, off_t at, int flags)
{
	ssize_t n = __real_pwritev2(fd, io, count, at, flags);

	if (flags & RWF_APPEND)
		at = lseek(fd, 0, SEEK_CUR) - n;
	for (ssize_t left = n; left > 0; left -= io++->iov_len) {
		size_t len = (size_t)left < io->iov_len ? (size_t)left : io->iov_len;

		note(fd, CALL_WRITE, io->iov_base, len, at);
		at += len;
	}
	return n;
}

int __wrap_ftruncate(int fd, off_t size)
{
	static const uint8_t zeros[SIZE_MAX_FILE];
	struct stat st;
	int ret;

	fstat(fd, &st);
	ret = __real_ftruncate(fd, size);
	/* What is cut off is not there any more, also when the file grows again. */
	if (!ret)
		note(fd, CALL_CUT, zeros, st.st_size > size ? st.st_size - size : 0, size);
	return ret;
}

int __wrap_futimens(int fd, const struct timespec times[2])
{
	int ret = __real_futimens(fd, times);

	if (!ret)
		note(fd, CALL_WRITE, NULL, 0, 0);
	return ret;
}

/* The pages count as written from now on. */
static void drop(enum disk_file file)
{
	for (size_t i = disk.count; i--; ) {
		struct call *call = &disk.calls[i];

		if (call->file == file && call->kind == CALL_SYNC)
			break;
		if (call->file == file && call->kind == CALL_WRITE)
			call->dropped = true;
	}
	disk.failed++;
	if (disk.at_failure)
		disk.at_failure();
}

static bool sync_fails(enum disk_file file)
{
	if (disk.next[file]) {
		disk.next[file]--;
		return true;
	}
	return disk.one_in && rand_r(&disk.fail_seed) % disk.one_in == 0;
}

/* Real syncs would only take time. */
int __wrap_fdatasync(int fd)
{
	enum disk_file file = which(fd);

	if (file != DISK_FILES && sync_fails(file)) {
		drop(file);
		errno = EIO;
		return -1;
	}
	note(fd, CALL_SYNC, NULL, 0, 0);
	return 0;
}

int __wrap_fsync(int fd)
{
	return __wrap_fdatasync(fd);
}

void disk_begin(const char *pool, const char *journal)
{
	const char *paths[] = { pool, journal };

	for (size_t i = 0; i < disk.count; i++)
		free(disk.calls[i].data);
	disk.count = 0;
	disk.syncs = 0;
	disk.failed = 0;
	for (int i = 0; i < DISK_FILES; i++) {
		int fd = open(paths[i], O_RDONLY);
		struct stat st;

		if (fd < 0 || fstat(fd, &st) || st.st_size > SIZE_MAX_FILE) {
			printf("Bail out! cannot use %s\n", paths[i]);
			exit(1);
		}
		snprintf(disk.path[i], sizeof(disk.path[i]), "%s", paths[i]);
		disk.ino[i] = st.st_ino;
		memset(&disk.start[i], 0, sizeof(disk.start[i]));
		disk.start[i].size = read(fd, disk.start[i].bytes, SIZE_MAX_FILE);
		disk.start[i].mtime = st.st_mtim;
		close(fd);
	}
	disk.on = true;
}

size_t disk_end(void)
{
	disk.on = false;
	return disk.count;
}

size_t disk_calls(void)
{
	return disk.count;
}

size_t disk_syncs(void)
{
	return disk.syncs;
}

void disk_fail_syncs(unsigned int one_in, unsigned int seed)
{
	disk.one_in = one_in;
	disk.fail_seed = seed;
}

size_t disk_failed_syncs(void)
{
	return disk.failed;
}

void disk_fail_next(enum disk_file file, int count, void (*hook)(void))
{
	disk.next[file] = count;
	disk.at_failure = hook;
}

void disk_ignore_syncs(enum disk_file file)
{
	disk.ignored = file;
}

/* What @call does, to all sectors or to those that @some() picks. */
static void apply(struct image *image, const struct call *call, bool any, unsigned int *seed)
{
	for (size_t at = call->at; at < call->at + call->len; ) {
		size_t end = (at / SECTOR + 1) * SECTOR;

		if (end > call->at + call->len)
			end = call->at + call->len;
		if (!any || rand_r(seed) & 1)
			memcpy(image->bytes + at, call->data + (at - call->at), end - at);
		at = end;
	}
}

static unsigned long digest(const struct image *image)
{
	unsigned long sum = 14695981039346656037UL;

	for (size_t i = 0; i < image->size; i += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, image->bytes + i, sizeof(word));
		sum = (sum ^ word) * 1099511628211UL;
	}
	return (sum ^ image->size ^ image->mtime.tv_nsec) * 1099511628211UL;
}

/* The longest that the file ever was. */
static size_t longest(int file)
{
	size_t len = disk.start[file].size;

	for (size_t i = 0; i < disk.count; i++)
		if (disk.calls[i].file == (enum disk_file)file && disk.calls[i].size > len)
			len = disk.calls[i].size;
	return len;
}

static void copy(struct image *image, const struct image *from, size_t len)
{
	memcpy(image->bytes, from->bytes, len);
	image->size = from->size;
	image->mtime = from->mtime;
}

static void put(int file, const struct image *image)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, image->mtime };
	int fd = open(disk.path[file], O_RDWR);

	/* Not emptied first: ext4 would write what replaces it to the real disk at once. */
	if (fd < 0 || __real_pwrite(fd, image->bytes, image->size, 0) != (ssize_t)image->size ||
	    __real_ftruncate(fd, image->size) || __real_futimens(fd, times)) {
		printf("Bail out! cannot write %s\n", disk.path[file]);
		exit(1);
	}
	close(fd);
}

unsigned long disk_fail(size_t calls, enum disk_choice choice, unsigned int *seed)
{
	static struct image image;
	unsigned long sum = 0;

	for (int file = 0; file < DISK_FILES; file++) {
		bool any = choice == DISK_ANY, all = choice == DISK_ALL, size_too = all;
		size_t synced = 0, versions = 1, pick, pick_time, seen = 0, len = longest(file);

		if (choice == DISK_SPLIT) {
			all = rand_r(seed) & 1;
			size_too = rand_r(seed) & 1;
		}
		for (size_t i = 0; i < calls; i++)
			if (disk.calls[i].file == (enum disk_file)file &&
			    disk.calls[i].kind == CALL_SYNC)
				synced = i + 1;
		for (size_t i = synced; i < calls; i++)
			versions += disk.calls[i].file == (enum disk_file)file;
		pick = any ? rand_r(seed) % versions : size_too ? versions - 1 : 0;
		pick_time = choice == DISK_ANY || choice == DISK_SPLIT ?
			    rand_r(seed) % versions : pick;

		copy(&image, &disk.start[file], len);
		for (size_t i = 0; i < calls; i++) {
			const struct call *call = &disk.calls[i];
			bool durable = i < synced, written = durable && !call->dropped;

			if (call->file != (enum disk_file)file || call->kind == CALL_SYNC)
				continue;
			if (written || all || any)
				apply(&image, call, !written && any, seed);
			seen += !durable;
			if (durable || seen <= pick)
				image.size = call->size;
			if (durable || seen <= pick_time)
				image.mtime = call->mtime;
		}
		memset(image.bytes + image.size, 0, len - image.size);
		put(file, &image);
		sum = sum * 31 + digest(&image);
	}
	return sum;
}

void disk_forget_boot(void)
{
	int fd = open(disk.path[DISK_JOURNAL], O_RDWR);
	char byte = 0;

	/* In the checksum of the state block. */
	if (fd < 0 || pread(fd, &byte, 1, 8) != 1) {
		printf("Bail out! cannot read %s\n", disk.path[DISK_JOURNAL]);
		exit(1);
	}
	byte = ~byte;
	__real_pwrite(fd, &byte, 1, 8);
	close(fd);
}
