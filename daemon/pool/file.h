/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pool file: records, locks and changes by others. No meaning.
 *
 * The format belongs to every program that shares the files: no header,
 * records of 2560 bytes, a key in 512 and a value in 2048, UTF-8 padded with
 * zeros, in the order in which they were added. The file is changed in place;
 * its inode stays. A record that is cut off by the end of the file is ignored.
 *
 * Failures return -errno and leave the reason in &pool_file.error.
 */
#ifndef HVKVP_POOL_FILE_H
#define HVKVP_POOL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

#include "pool/lock.h"
#include "util/error.h"
#include "wire/value.h"

#define POOL_KEY_SIZE		TEXT_KEY_SIZE
#define POOL_VALUE_SIZE		TEXT_VALUE_SIZE
#define POOL_RECORD_SIZE	(POOL_KEY_SIZE + POOL_VALUE_SIZE)

/**
 * struct pool_record - one record, as it lies in the file
 * @key: UTF-8, NUL, zeros
 * @value: likewise
 */
struct pool_record {
	char key[POOL_KEY_SIZE];
	char value[POOL_VALUE_SIZE];
};

/**
 * struct pool_stamp - the state of the file at one time
 * @dev: device and
 * @ino: inode of the file; 0 if there was none
 * @size: in bytes
 * @mtime: last change, as the file says it
 * @ctime: the same, which no program can set
 * @taken: CLOCK_REALTIME_COARSE before the file was looked at: that clock gives files their times, and
 *	stands still while a tick is late
 * @unique: @mtime is one that we gave to the file, and that no other change can have
 * @expected: this is what a change of ours must have made of the locked file, which was not looked
 *	at since: @ctime is not known yet
 */
struct pool_stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
	struct timespec taken;
	bool unique;
	bool expected;
};

/**
 * pool_stamp_equal() - do two stamps describe the same state?
 * @a: a stamp
 * @b: another one
 *
 * Return: true if device, inode, size and times are the same, as far as they are known.
 */
bool pool_stamp_equal(const struct pool_stamp *a, const struct pool_stamp *b);

/**
 * pool_stamp_learn() - complete a stamp that is expected
 * @stamp: the stamp; stays as it is if @now is another state
 * @now: the file was looked at
 */
void pool_stamp_learn(struct pool_stamp *stamp, const struct pool_stamp *now);

/**
 * pool_stamp_certain() - can a change not have been missed?
 * @stamp: a stamp that is equal to the file's state now
 *
 * A change sets ctime to the time of the kernel's clock, rounded down to what the file system
 * keeps. So two changes can look the same only if the second one was made within the same tick (10
 * ms), or the same 2 seconds where the file system keeps whole seconds. Outside of that time,
 * before or after it, equal stamps mean that nothing changed.
 *
 * Return: true if equal stamps prove that nothing changed.
 */
bool pool_stamp_certain(const struct pool_stamp *stamp);

/* So often a file is looked for that another process creates or removes meanwhile. */
#define POOL_OPEN_TRIES 3

/**
 * struct pool_file - a pool file
 * @path: where it is; owned
 * @fd: open file or -1
 * @dev: device and
 * @ino: inode of the open file
 * @writable: @fd can write
 * @unsynced: a sync failed: what it was to write is in the page cache, but counts as written
 * @exact: the file system is known to keep the time that a file is given, in nanoseconds
 * @wait_ms: bound of a wait for locks, milliseconds
 * @error: gets the reasons of failures; not owned
 */
struct pool_file {
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	bool writable;
	bool unsynced;
	bool exact;
	unsigned int wait_ms;
	struct error *error;
};

/**
 * pool_file_init() - set up, without opening anything
 * @file: the object
 * @dir: the state directory
 * @number: of the pool
 * @error: gets the reasons of failures; must outlive @file
 *
 * Return: 0 or -ENOMEM.
 */
int pool_file_init(struct pool_file *file, const char *dir, int number, struct error *error);

/**
 * pool_file_exit() - close and free
 * @file: the object
 */
void pool_file_exit(struct pool_file *file);

/**
 * pool_file_open() - have the file open that is at the path now
 * @file: the object
 * @write: for changing it; it is created, mode 0644, if it is not there
 *
 * Return: 0; -ENOENT if it is not there (and @write is not set); -ELOOP for a
 * symbolic link, -EMEDIUMTYPE for anything else that is not a regular file;
 * other -errno of open(2).
 */
int pool_file_open(struct pool_file *file, bool write);

/**
 * pool_file_current() - is the open file the one at the path?
 * @file: the object
 *
 * Return: false if another program has removed or replaced it, or nothing is open.
 */
bool pool_file_current(const struct pool_file *file);

/**
 * pool_file_lock() - take the public locks of the open file
 * @file: the object
 * @mode: a read lock is waited for only shortly, see file.c
 * @exclusive: set to false if a writer goes on without one of the locks; @error says which
 *
 * Return: 0; -ETIMEDOUT, and @error says who holds a lock; other -errno.
 */
int pool_file_lock(struct pool_file *file, enum pool_lock_mode mode, bool *exclusive);

/**
 * pool_file_unlock() - give the locks back
 * @file: the object
 */
void pool_file_unlock(struct pool_file *file);

/**
 * pool_file_stamp() - the state of the open file
 * @file: the object
 * @stamp: filled in
 *
 * Return: 0 or -errno.
 */
int pool_file_stamp(struct pool_file *file, struct pool_stamp *stamp);

/**
 * pool_file_look() - the state of the file at the path
 * @file: the object
 * @stamp: filled in; all zeros but @taken if there is none
 *
 * Return: 0 or -errno. Does not open anything.
 */
int pool_file_look(const struct pool_file *file, struct pool_stamp *stamp);

/**
 * pool_file_read() - read records
 * @file: the object, open
 * @first: number of the first record
 * @records: filled in
 * @count: how many
 *
 * Return: how many whole records were there; -errno.
 */
ssize_t pool_file_read(struct pool_file *file, uint32_t first,
		       struct pool_record *records, size_t count);

/**
 * pool_file_write() - write records
 * @file: the object, open for writing and locked
 * @first: number of the first record
 * @records: what to write
 * @count: how many, POOL_WRITE_MAX at most
 *
 * Return: 0 or -errno; records may then be partly written.
 */
int pool_file_write(struct pool_file *file, uint32_t first,
		    const struct pool_record *const *records, size_t count);

#define POOL_WRITE_MAX	64

/**
 * pool_file_truncate() - set the number of records
 * @file: the object, open for writing and locked
 * @count: of records that stay
 *
 * Return: 0 or -errno.
 */
int pool_file_truncate(struct pool_file *file, uint32_t count);

/**
 * pool_file_append_all() - add several records at the end, in one write
 * @file: the object, open for writing and locked
 * @records: what to write
 * @count: of @records, at most POOL_WRITE_MAX
 * @first: set to the number that the first one got
 *
 * Return: 0; -EAGAIN if the file does not end with a whole record; other -errno, some of them, and
 * a part of a record, may then be written.
 */
int pool_file_append_all(struct pool_file *file, const struct pool_record *const *records,
			 size_t count, uint32_t *first);

/**
 * pool_file_append() - add a record at the end, wherever that is
 * @file: the object, open for writing and locked
 * @record: what to write
 * @number: set to the number that it got
 *
 * Return: 0; -EAGAIN if the file does not end with a whole record; other -errno,
 * a part of a record may then be written.
 */
int pool_file_append(struct pool_file *file, const struct pool_record *record,
		     uint32_t *number);

/**
 * pool_file_set_time() - give the file a time
 * @file: the object, open for writing and locked
 * @mtime: the time
 *
 * Return: 0 or -errno.
 */
int pool_file_set_time(struct pool_file *file, const struct timespec *mtime);

/**
 * pool_file_announce() - let those notice changes who watch for a writer's close(2)
 * @file: the object, not locked any more: who is woken up can read at once
 *
 * For IN_CLOSE_WRITE, which PathChanged= of systemd waits for: our descriptor stays open. Failures
 * are of no consequence.
 */
void pool_file_announce(const struct pool_file *file);

/**
 * pool_file_sync() - wait until all of it is on stable storage
 * @file: the object, open for writing and locked
 *
 * After a failure the next call writes all of the file once more, and then syncs it: the kernel
 * reports once that it could not write something, and takes it for written from then on. What a
 * program without a lock writes in the same moment can be lost.
 *
 * Return: 0 or -errno.
 */
int pool_file_sync(struct pool_file *file);

/**
 * pool_file_sync_dir() - make the names of new files durable
 * @file: the object
 *
 * Return: 0 or -errno.
 */
int pool_file_sync_dir(const struct pool_file *file);

#endif /* HVKVP_POOL_FILE_H */
