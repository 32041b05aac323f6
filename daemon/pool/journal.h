/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of a pool file: each change whole, or not at all
 *
 * Beside .kvp_pool_N lies .kvp_pool_N.journal, mode 0600, for nobody but us. A
 * change is a set of records that get new contents, and a new number of records.
 * All of it is done under the locks of the pool file and the journal's own:
 *
 *  1. The change is written to the journal, behind those before it, with a
 *     checksum, and the journal is synced. This is the only sync of a change,
 *     and the change is done from here on, whatever happens.
 *  2. It is made in the pool file: added records first grow the file, others
 *     are written over, what goes is cut off, and the file gets the time that
 *     the journal names. None of this is synced.
 *  3. The journal's first block (the state) says that it is made. Not synced.
 *  4. The caller is told.
 *
 * A run of changes is an epoch. When the journal is full (every
 * POOL_JOURNAL_CHANGES changes), and before a change that finds the file changed
 * by others, the pool file is synced and the change begins a new epoch at the
 * journal's start. So within an epoch the file was changed by nobody but us, up
 * to the last change in it; what others do comes after it; and what was there
 * before it is on the disk. A process that ends syncs the pool file and empties
 * the journal.
 *
 * After a crash, whoever opens the pool first finds out what is to be done:
 *  - Same boot: what was written is in the page cache, so at most the last
 *    change is half made, the one in whose middle its writer was killed. The
 *    state block tells. Nobody has been told about that change.
 *  - Other boot, or a state block that is of no use: any part of the changes of
 *    the epoch may be missing in the file, and all of them are in the journal.
 * The changes in question are made again: each record that they touch gets its
 * last contents. Others may have changed the file since. What they did is
 * kept: a record is written over only if each of its 512-byte sectors is one
 * that we know was there in the epoch (the journal has checksums), or zeros.
 * If the file is shorter than it ever was in the epoch, then others have emptied
 * it, and nothing is made again. If its time is later than that of our last
 * change, its length is what others made it, and it is not grown. Doing all this
 * a second time changes nothing; then the file is synced, and at last the
 * journal is emptied and synced.
 *
 * Why this order is enough: (1) before (4) is what makes a told change
 * survive. (1) before (2) means that no torn state of the file can be on the
 * disk without the change that repairs it. The file is synced before the
 * journal's start is written over, so that what goes there is not needed any
 * more; if that write is lost or torn, then either the old epoch is still whole,
 * and making it again over the synced file changes nothing, or it has no first
 * change and counts as empty. A change that fails half way is taken back in the
 * file first, then struck from the journal, which is synced.
 *
 * What this cannot do: when power fails within two seconds after another
 * program removed a pair that we had added as our latest change, the pair may
 * come back.
 */
#ifndef HVKVP_POOL_JOURNAL_H
#define HVKVP_POOL_JOURNAL_H

#include "pool/file.h"

#define POOL_SECTOR_SIZE	512
#define POOL_SECTORS		(POOL_RECORD_SIZE / POOL_SECTOR_SIZE)

/* The most changes in an epoch, and the size at which it ends earlier. */
#define POOL_JOURNAL_CHANGES	256
#define POOL_JOURNAL_SIZE	(1 << 20)

/**
 * struct pool_slot - a record that a change changes
 * @record: its number
 * @flags: POOL_SLOT_ADDED: it was not there; POOL_SLOT_CUT: it is not there
 *	afterwards
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
 */
struct pool_change {
	uint32_t before;
	uint32_t after;
	struct timespec mtime;
	struct pool_slot *slots;
	size_t count;
	size_t room;
	struct pool_record *contents;
};

/**
 * struct pool_journal - a journal
 * @file: the pool file that it is for; not owned
 * @path: of the journal; owned
 * @fd: open journal or -1
 * @boot: identifies this boot of the kernel; tests pretend another one
 * @known: what follows is what the journal holds
 * @epoch: number of the epoch
 * @seq: number of the last change in it
 * @tail: where the next one goes
 * @latest: where the change is that was begun last
 * @state: the state block as it is in the journal
 * @used: we have made changes since the journal was emptied
 */
struct pool_journal {
	struct pool_file *file;
	char *path;
	int fd;
	uint8_t boot[16];
	bool known;
	uint64_t epoch;
	uint32_t seq;
	uint64_t tail;
	uint64_t latest;
	uint8_t state[80];
	bool used;
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
 * pool_journal_exit() - close and free; see pool_journal_finish()
 * @journal: the object
 */
void pool_journal_exit(struct pool_journal *journal);

/**
 * pool_journal_open() - have the journal open
 * @journal: the object
 * @create: make one if there is none
 *
 * Return: 0; -ENOENT if there is none; other -errno, the pool file's @why tells.
 */
int pool_journal_open(struct pool_journal *journal, bool create);

/**
 * pool_journal_lock() - take the journal's lock
 * @journal: the object, open
 *
 * Only those who may write to the pool can have it, so it keeps our processes
 * apart even where a reader's lock on the pool file had to be ignored.
 *
 * Return: 0, -ETIMEDOUT or other -errno; the pool file's @why tells.
 */
int pool_journal_lock(struct pool_journal *journal);

/**
 * pool_journal_unlock() - give it back
 * @journal: the object
 */
void pool_journal_unlock(struct pool_journal *journal);

/**
 * pool_journal_pending() - did somebody leave a change half made?
 * @journal: the object, open; locked, for an answer that holds
 *
 * Return: true if pool_journal_recover() has something to do.
 */
bool pool_journal_pending(struct pool_journal *journal);

/**
 * pool_journal_recover() - make the pool file whole
 * @journal: the object, open and locked, its pool file open for writing and locked
 *
 * Return: 0 or -errno; then the journal is as it was.
 */
int pool_journal_recover(struct pool_journal *journal);

/**
 * pool_journal_begin() - write a change down, for good (step 1)
 * @journal: the object, open and locked, nothing pending
 * @change: what is going to be done
 * @stamp: of the pool file, as it is now
 *
 * Begins a new epoch, and syncs the pool file for it, if the old one is full or
 * others have changed the file since our last change.
 *
 * Return: 0; -errno, nothing was written down.
 */
int pool_journal_begin(struct pool_journal *journal, const struct pool_change *change,
		       const struct pool_stamp *stamp);

/**
 * pool_journal_end() - the change has been made (step 3)
 * @journal: the object
 * @stamp: of the pool file
 */
void pool_journal_end(struct pool_journal *journal, const struct pool_stamp *stamp);

/**
 * pool_journal_strike() - the change could not be made, and was taken back
 * @journal: the object
 *
 * Return: 0 or -errno; then the change is still written down.
 */
int pool_journal_strike(struct pool_journal *journal);

/**
 * pool_journal_finish() - sync the pool file, and empty the journal
 * @journal: the object, open and locked
 *
 * For the end of a process that has made changes.
 *
 * Return: 0 or -errno.
 */
int pool_journal_finish(struct pool_journal *journal);

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
