/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a journal, and making its changes again
 *
 * The rules are in pool/journal.h.
 */
#ifndef HVKVP_POOL_REPLAY_H
#define HVKVP_POOL_REPLAY_H

#include "pool/file.h"
#include "pool/journal_format.h"

/**
 * struct journal_run - the valid changes of the epoch at the journal's start
 * @entries: each one whole, its slots behind it; owned
 * @count: of @entries
 * @room: allocated
 * @tail: offset behind the last one
 */
struct journal_run {
	struct journal_entry **entries;
	uint32_t count;
	uint32_t room;
	uint64_t tail;
};

/**
 * journal_run_read() - read all valid changes
 * @run: filled in, also after a failure
 * @fd: the journal
 *
 * Return: 0 or -errno.
 */
int journal_run_read(struct journal_run *run, int fd);

/**
 * journal_run_free() - forget them
 * @run: the object
 */
void journal_run_free(struct journal_run *run);

/**
 * journal_run_replay() - make changes again
 * @run: the changes
 * @made: so many of them have been made in the page cache, as it is now
 * @cached: what was written since the first one is in the page cache
 * @file: open for writing and locked
 *
 * The pool file is not synced.
 *
 * Return: 0, also if there is nothing to do; -errno.
 */
int journal_run_replay(const struct journal_run *run, uint32_t made, bool cached,
		       struct pool_file *file);

#endif /* HVKVP_POOL_REPLAY_H */
