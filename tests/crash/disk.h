/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk that loses power
 *
 * What a program writes to two files is written down, call by call. Afterwards
 * the files can be put into any state in which a power failure after the Nth
 * call may leave them. What may happen is more than any file system does:
 *  - of each 512-byte sector, any of the contents that it was given since the
 *    file's last sync may be on the disk, whatever is there of other sectors;
 *    where the file has grown, also zeros;
 *  - any size and any time that the file had since its last sync may be on the disk, whatever is
 *    there of its sectors: the time of a later change can be there without the size of an earlier.
 */
#ifndef CRASH_DISK_H
#define CRASH_DISK_H

#include <stdbool.h>
#include <stddef.h>

enum disk_file {
	DISK_POOL,
	DISK_JOURNAL,
	DISK_FILES,
};

/**
 * disk_begin() - write down what happens to the files from now on
 * @pool: path of the first one; what is in them is on the disk
 * @journal: likewise
 */
void disk_begin(const char *pool, const char *journal);

/**
 * disk_end() - write nothing down any more; syncs still do nothing
 *
 * Return: how many calls were written down.
 */
size_t disk_end(void);

/**
 * disk_on_call() - do something after each call that is written down
 * @hook: what; calls that it makes are written down, too, without it; NULL for nothing
 */
void disk_on_call(void (*hook)(void));

/* Calls so far. */
size_t disk_calls(void);

/* Syncs so far, of both files. */
size_t disk_syncs(void);

/**
 * disk_ignore_syncs() - break it on purpose
 * @file: syncs of this one are not written down; DISK_FILES for none
 */
void disk_ignore_syncs(enum disk_file file);

/**
 * disk_fail_syncs() - let syncs fail
 * @one_in: so many of them on average, 0 for none
 * @seed: which
 *
 * What such a sync was to write counts as written for the kernel: later syncs succeed, and do not
 * write it. It gets to the disk if it is written to the file once more.
 */
void disk_fail_syncs(unsigned int one_in, unsigned int seed);

/**
 * disk_fail_next() - let the next syncs of a file fail, and lose what they were to write
 * @file: which
 * @count: so many
 * @hook: called at each, may change the file as the kernel does that drops what it could not write; or NULL
 */
void disk_fail_next(enum disk_file file, int count, void (*hook)(void));

/* Syncs that have failed so far, of both files. */
size_t disk_failed_syncs(void);

/**
 * enum disk_choice - what is on the disk of what was not synced
 * @DISK_NOTHING: nothing
 * @DISK_ALL: everything
 * @DISK_ANY: anything; repeat for others
 * @DISK_SPLIT: everything of one file, nothing of the other, or the data and not
 *	the size, and so on; repeat for others
 */
enum disk_choice {
	DISK_NOTHING,
	DISK_ALL,
	DISK_ANY,
	DISK_SPLIT,
};

/**
 * disk_fail() - put the files into a state after a power failure
 * @calls: the failure came after so many
 * @choice: what is there
 * @seed: for DISK_ANY and DISK_SPLIT; changed
 *
 * Return: a number that tells states apart.
 */
unsigned long disk_fail(size_t calls, enum disk_choice choice, unsigned int *seed);

/* Make the boot in the journal's state block another one than ours. */
void disk_forget_boot(void);

#endif /* CRASH_DISK_H */
