/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lies in a journal
 *
 * Numbers are in the machine's own byte order: the file never leaves it. A
 * journal of another version or byte order has no valid checksum or magic, and
 * counts as empty.
 */
#ifndef HVKVP_POOL_JOURNAL_FORMAT_H
#define HVKVP_POOL_JOURNAL_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JOURNAL_STATE_MAGIC	0x314a564bU	/* "KVJ1" */
#define JOURNAL_ENTRY_MAGIC	0x3145564bU	/* "KVE1" */

/* Where the first change is. The state has the block in front to itself. */
#define JOURNAL_FIRST		4096

/**
 * struct journal_state - the state block, at offset 0
 * @magic: JOURNAL_STATE_MAGIC
 * @seq: the last change that has been made
 * @sum: checksum of all of this, with 0 in this place
 * @boot: the boot of the kernel in which that was
 * @epoch: epoch of that change
 * @tail: where the next change goes
 * @ino: of the pool file,
 * @size: its size,
 * @mtime_sec: and its time when the change was made
 * @mtime_nsec: likewise
 * @reserved: 0
 */
struct journal_state {
	uint32_t magic;
	uint32_t seq;
	uint64_t sum;
	uint8_t boot[16];
	uint64_t epoch;
	uint64_t tail;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t reserved;
};

/**
 * struct journal_entry - a change
 * @magic: JOURNAL_ENTRY_MAGIC
 * @len: bytes, with what follows
 * @sum: checksum of all of it, with 0 in this place
 * @epoch: changes of an epoch lie behind each other,
 * @seq: numbered from 1
 * @slots: how many &struct journal_slot follow, each with its contents
 * @before: number of records before the change
 * @after: and afterwards
 * @ino: of the pool file
 * @mtime_sec: the time that the file gets
 * @mtime_nsec: likewise
 * @reserved: 0
 */
struct journal_entry {
	uint32_t magic;
	uint32_t len;
	uint64_t sum;
	uint64_t epoch;
	uint32_t seq;
	uint32_t slots;
	uint32_t before;
	uint32_t after;
	uint64_t ino;
	int64_t mtime_sec;
	uint32_t mtime_nsec;
	uint32_t reserved;
};

/**
 * struct journal_slot - a record in a change
 * @record: its number
 * @flags: POOL_SLOT_ADDED, POOL_SLOT_CUT
 * @before: checksums of its sectors before the change
 *
 * The contents follow, unless it is cut.
 */
struct journal_slot {
	uint32_t record;
	uint32_t flags;
	uint64_t before[5];
};

/* Against tearing, not against malice: FNV-1a's steps on words, mixed downwards. */
#define JOURNAL_SUM_START	14695981039346656037ULL

static inline uint64_t journal_sum(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (; len; p += 8) {
		uint64_t word = 0;
		size_t n = len < 8 ? len : 8;

		memcpy(&word, p, n);
		sum = (sum ^ word) * 1099511628211ULL;
		sum ^= sum >> 32;
		len -= n;
	}
	return sum;
}

#endif /* HVKVP_POOL_JOURNAL_FORMAT_H */
