/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A disk's contents behind a volatile write cache.
 *
 * Reads see every write at once. What survives a power cut is what was written
 * before the last flush that succeeded, and of the writes since then any subset,
 * each of them whole or torn at sector boundaries. The seed chooses.
 *
 * The backing file holds what a read sees. A log in memory holds each write since
 * the last flush with the sectors as they were before it: a power cut undoes all
 * of it, newest first, and then repeats what the seed keeps, oldest first.
 *
 * No lock: the caller's.
 */
#ifndef HOST_WCACHE_H
#define HOST_WCACHE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

#define WCACHE_SECTOR	512u
/* Bytes in the log; of more, the oldest writes reach the medium, as in any real cache. */
#define WCACHE_LOG_MAX	(64u << 20)

struct wcache;

/**
 * struct wcache_fate - what became of the writes in the cache at the power cuts so far.
 * @cuts: power cuts.
 * @kept, @lost, @torn: writes that survived whole, not at all, in part.
 */
struct wcache_fate {
	u64 cuts;
	u64 kept;
	u64 lost;
	u64 torn;
};

/**
 * wcache_new() - contents, all zero or those of a file.
 * @image: a file of at least @sectors sectors, which is changed; NULL: a file in memory, of
 *	   which only what is written takes room.
 * @sectors: size of the disk, not 0.
 * @seed: what decides at power cuts.
 * @err: receives one line that names what failed.
 * @errlen: its size.
 *
 * Return: it, or NULL.
 */
struct wcache *wcache_new(const char *image, u64 sectors, u64 seed, char *err, size_t errlen);
void wcache_free(struct wcache *cache);

/** wcache_sectors() - size of the disk. */
u64 wcache_sectors(const struct wcache *cache);

/**
 * wcache_read(), wcache_write() - copy @count sectors from @first on.
 * @durable: the write is on the medium when the call returns (force unit access).
 *
 * Return: false if they are not all of the disk, the backing file fails or memory is out.
 */
bool wcache_read(struct wcache *cache, u64 first, u32 count, void *data);
bool wcache_write(struct wcache *cache, u64 first, u32 count, const void *data, bool durable);

/** wcache_flush() - all that was written is on the medium now. */
void wcache_flush(struct wcache *cache);

/** wcache_cut() - the power goes. */
void wcache_cut(struct wcache *cache);

/** wcache_lie() - flushes and durable writes from now on do not reach the medium, or do again. */
void wcache_lie(struct wcache *cache, bool lie);

/** wcache_dirty() - writes that a power cut might lose. */
u32 wcache_dirty(const struct wcache *cache);

/** wcache_fate() - see there. */
const struct wcache_fate *wcache_fate(const struct wcache *cache);

#endif
