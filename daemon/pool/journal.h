/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of a pool file: a redo write-ahead log
 *
 * Beside .kvp_pool_N lies .kvp_pool_N.journal, mode 0600, for our own programs only. A change
 * is a set of records that get new contents, and a new number of records. Each change is atomic and
 * durable:
 *
 *  1. The change is appended to the log, with a checksum, and the log is synced. This is the only
 *     sync of a change: from here on the change is durable.
 *  2. It is made in the pool file: records are overwritten, added ones grow the file, removed ones
 *     are cut off. Not synced.
 *  3. The caller may answer (@confirm of struct pool). If it cannot, the change is rolled back.
 *  4. The file gets the time that the log names, and a mark behind the change in the log says that it
 *     has been made. Not synced. The checkpoint looks at the file and notes its state in the log's state
 *     block: the time that the change gave to it is enough until then, since no other program gives it
 *     the same one.
 *
 * The changes since the last checkpoint are an epoch. A checkpoint syncs the pool file, then
 * empties the log and syncs that. It follows a few milliseconds after the last change, see
 * pool_checkpoint_due(), and comes earlier when the log is full.
 *
 * Exclusion. All locks are held from the first change of an epoch until its checkpoint is durable:
 * the journal's own lock, which keeps our processes apart and which a program that cannot write to
 * the pool cannot take, and the public ones of the pool file (pool/lock.h). So no program that
 * follows the rules writes to the pool while the log has changes to replay. This is what makes
 * replay safe: after a crash, "the file holds an older value" has two possible causes, a write of
 * ours that did not reach the disk, or another program that wrote the old value again. Both can
 * leave the same bytes and times on the disk, so that no log entry can distinguish them; the locks
 * rule the second one out. If a public lock could not be had, then the checkpoint is part of the
 * change.
 *
 * An epoch begins with a pool file that is durable: the pool file is synced first, unless it is as
 * the last checkpoint left it. If a program without a lock has changed the file, the next change
 * syncs it, too, and begins a new epoch.
 *
 * Replay. Whoever finds changes in the log although he holds its lock knows that their writer
 * crashed.
 *  - Same instance, which is a mount in a boot (pool/instance.h): what was written is in the page
 *    cache. At most the last change is unfinished, and then there is no mark behind it. If all of its
 *    records are as they were before it, then its caller has no answer, and it is dropped, else it is
 *    made again.
 *  - Another instance, or it is not known which (no /proc): each change of the epoch may be missing
 *    in the file, in parts. Each record gets the last contents that the epoch gave it.
 * A sync of the pool file that fails: the kernel reports it once, and from then on takes for written,
 * or has dropped, what is not on the disk. So all of the epoch is replayed, while the locks are still
 * held, and all of the file is written and synced once more (pool_file_sync()). If that fails, too,
 * then the log stays. Whoever replays it in the same instance writes its records again also if they
 * are as they should be, and all of the epoch if the file has the time of the last change made: then
 * nobody has written since.
 * For programs that do not lock, replay is careful all the same:
 *  - A record is overwritten only if each of its sectors is one that the epoch found or put there,
 *    or zeros where the epoch made the file longer. What is whole and different stays.
 *  - If the file is shorter than it ever was in the epoch, it was emptied: the epoch is dropped.
 *  - If the file's time is more than POOL_STALE_S after that of the last change, then the writer
 *    was killed, and others have used the file for longer than the kernel keeps data in memory: the
 *    epoch is dropped.
 *  - Another inode is another file: the epoch is dropped.
 * Replaying twice changes nothing more. Then the pool file is synced, and at last the log emptied.
 *
 * Why this order is enough: (1) before (3) makes an acknowledged change durable. (1) before (2)
 * means that no torn record can be on the disk without the log entry that repairs it. The pool is
 * synced before the log's first entry is overwritten, so what goes there is not needed any more;
 * if that write is lost or torn, then either the old epoch is still whole, and replaying it over
 * the synced file changes nothing, or the log has no first entry and is empty. If a change fails,
 * then its inverse is logged behind it, durably, it is rolled back in the file, and both entries are
 * removed. The next change begins another epoch, in which what they leave is not valid. If the file
 * cannot be written, then they stay, and the next replay rolls the change back. So a change that was
 * answered with an error does not take effect later. There is one gap: a change that is rolled back
 * because its answer came too late may still take effect if the process or the machine
 * ends before the inverse is in the log.
 *
 * What this cannot do: it cannot distinguish from an unfinished write what a program without a lock
 * writes within an epoch, if these are the very bytes that this record had earlier in the epoch.
 *
 * The alternative without a log for most changes (write in place, sync the pool file) has no such
 * window at all, but tears values of more than one sector, cannot move records atomically, which
 * DELETE has to do, and costs more: syncing a pool file took 2.5 times as long as syncing the log,
 * whose blocks are all there already (ext4, median of 400).
 */
#ifndef HVKVP_POOL_JOURNAL_H
#define HVKVP_POOL_JOURNAL_H

#include "pool/file.h"
#include "pool/instance.h"

#define POOL_SECTOR_SIZE	512
#define POOL_SECTORS		(POOL_RECORD_SIZE / POOL_SECTOR_SIZE)

/* The most changes in an epoch, and the size at which it ends earlier. */
#define POOL_JOURNAL_CHANGES	256
#define POOL_JOURNAL_SIZE	(1 << 20)

/* The largest change: neither written nor replayed beyond this. */
#define POOL_CHANGE_MAX		(64 << 20)

/* Longer than the kernel keeps what was written in memory (30 s and 5 s by default). */
#define POOL_STALE_S		120

/**
 * struct pool_slot - a record that a change changes
 * @record: its number
 * @flags: POOL_SLOT_ADDED: it was not there; POOL_SLOT_CUT: it is not there afterwards
 * @was: contents before, unless it is added; not owned
 * @now: contents afterwards, unless it is cut; not owned
 */
struct pool_slot {
	uint32_t record;
	uint32_t flags;
	const struct pool_record *was;
	const struct pool_record *now;
};

#define POOL_SLOT_ADDED	1
#define POOL_SLOT_CUT	2

/**
 * struct pool_change - a change
 * @before: number of records before
 * @after: and afterwards
 * @mtime: the time that the file gets
 * @slots: what happens to records, in ascending order; owned
 * @count: of @slots
 * @room: allocated
 * @contents: what slots may point into; owned
 * @more: another change has to follow before the caller has what it asked for
 */
struct pool_change {
	uint32_t before;
	uint32_t after;
	struct timespec mtime;
	struct pool_slot *slots;
	size_t count;
	size_t room;
	struct pool_record *contents;
	bool more;
};

/**
 * struct pool_journal - a journal
 * @file: the pool file that it is for; not owned
 * @path: of the journal; owned
 * @fd: open journal or -1
 * @dev: device and
 * @ino: inode of the open journal
 * @size: bytes that it has at least, as far as is known
 * @instance: how long what is written stays in the page cache
 * @live: the log holds changes of ours, and we hold its lock
 * @unfinished: they must be replayed first: the last one was to be rolled back, or a sync of the pool
 *	file has failed
 * @inverted: the last one is the inverse of that before it
 * @unmarked: the last one has been made, and there was no room for its mark
 * @epoch: number of the epoch
 * @seq: number of the last change in it
 * @tail: where the next one goes
 * @latest: where the change is that was begun last
 * @base: the pool file after the last change; after a checkpoint, this state is durable, unless it is
 *	still expected: then another program has changed the file
 */
struct pool_journal {
	struct pool_file *file;
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t size;
	struct pool_instance instance;
	bool live;
	bool unfinished;
	bool inverted;
	bool unmarked;
	uint64_t epoch;
	uint32_t seq;
	uint64_t tail;
	uint64_t latest;
	struct pool_stamp base;
};

/**
 * pool_journal_init() - set up, without opening anything
 * @journal: the object
 * @file: the pool file, initialised; must outlive @journal
 *
 * Return: 0 or -ENOMEM.
 */
int pool_journal_init(struct pool_journal *journal, struct pool_file *file);

/**
 * pool_journal_exit() - close and free
 * @journal: the object
 */
void pool_journal_exit(struct pool_journal *journal);

/**
 * pool_journal_open() - have the journal open
 * @journal: the object, not locked
 * @create: make one if there is none
 *
 * Return: 0; -ENOENT if there is none; other -errno, the pool file's @error says why.
 */
int pool_journal_open(struct pool_journal *journal, bool create);

/**
 * pool_journal_current() - is the open journal the one at the path?
 * @journal: the object
 *
 * Return: false if it was removed or replaced, or nothing is open.
 */
bool pool_journal_current(struct pool_journal *journal);

/**
 * pool_journal_lock() - take the journal's lock
 * @journal: the object, open
 * @wait_ms: how long to wait at most, milliseconds; 0 to try once
 *
 * Return: 0, -ETIMEDOUT or other -errno; the pool file's @error says why.
 */
int pool_journal_lock(struct pool_journal *journal, unsigned int wait_ms);

/**
 * pool_journal_unlock() - give it back
 * @journal: the object
 */
void pool_journal_unlock(struct pool_journal *journal);

/**
 * pool_journal_pending() - are there changes in the log?
 * @journal: the object, open
 *
 * Who holds the lock, and has made none himself, has to replay them.
 *
 * Return: true if there are, or seem to be.
 */
bool pool_journal_pending(const struct pool_journal *journal);

/**
 * pool_journal_recover() - replay, sync the pool file, and empty the log
 * @journal: the object, open and locked, its pool file open for writing and locked
 * @kept: the locks have been held since the first change in the log
 *
 * Return: 0 or -errno; then the log is as it was.
 */
int pool_journal_recover(struct pool_journal *journal, bool kept);

/**
 * pool_journal_begin() - append a change to the log, durably (step 1)
 * @journal: the object, open and locked, nothing pending but changes of our own
 * @change: what is going to be done
 * @stamp: of the pool file, as it is now
 *
 * Return: 0; -EFBIG if the change is larger than POOL_CHANGE_MAX; other -errno. After a failure
 * nothing is in the log.
 */
int pool_journal_begin(struct pool_journal *journal, const struct pool_change *change,
		       const struct pool_stamp *stamp);

/**
 * pool_journal_end() - the change has been made (step 4)
 * @journal: the object
 * @stamp: of the pool file
 *
 * If @unmarked is set then, a checkpoint has to follow: after a crash of this process the change would
 * be made again, over what others have written since.
 */
void pool_journal_end(struct pool_journal *journal, const struct pool_stamp *stamp);

/**
 * pool_journal_strike() - remove the change that was begun last, and its inverse; it was rolled back
 * @journal: the object
 *
 * Return: 0 or -errno; then it is still in the log.
 */
int pool_journal_strike(struct pool_journal *journal);

/**
 * pool_journal_invert() - log the inverse of the change that was begun last
 * @journal: the object
 * @change: that change; it is to be rolled back in the file
 *
 * Until both are struck out, the next replay rolls it back.
 *
 * Return: 0 or -errno; then the next replay makes the change.
 */
int pool_journal_invert(struct pool_journal *journal, const struct pool_change *change);

/**
 * pool_journal_checkpoint() - sync the pool file, and empty the log
 * @journal: the object, open and locked, since the first change in the log
 *
 * If that fails, then the epoch is replayed, and it is tried once more.
 *
 * Return: 0 or -errno; then the log is as it was.
 */
int pool_journal_checkpoint(struct pool_journal *journal);

/**
 * pool_journal_drop() - empty the log: the pool file that it was for is gone
 * @journal: the object, open and locked
 *
 * Return: 0 or -errno.
 */
int pool_journal_drop(struct pool_journal *journal);

/**
 * pool_change_clear() - forget a change
 * @change: the object; all zeros is an empty one
 */
void pool_change_clear(struct pool_change *change);

/**
 * pool_change_add() - one more record to change
 * @change: the object
 * @record: its number, higher than those before
 * @was: its contents, NULL if it is not there; must outlive @change
 * @now: its new contents, NULL if it is cut off; likewise
 *
 * Return: 0 or -ENOMEM.
 */
int pool_change_add(struct pool_change *change, uint32_t record,
		    const struct pool_record *was, const struct pool_record *now);

#endif /* HVKVP_POOL_JOURNAL_H */
