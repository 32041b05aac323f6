/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading a journal, and making its changes again
 *
 * The rules are in pool_journal.h.
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
 * journal_run_apply() - make changes again, and sync the pool file
 * @run: the changes
 * @same_boot: all but the last one are in the page cache, and the last one has no answer yet
 * @file: open for writing and locked
 *
 * Return: 0, also if there is nothing to do; -errno.
 */
int journal_run_apply(const struct journal_run *run, bool same_boot, struct pool_file *file);

#endif /* HVKVP_POOL_REPLAY_H */
