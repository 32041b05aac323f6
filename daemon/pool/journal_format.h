/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The layout of a journal
 *
 * Numbers are in the machine's own byte order: the file never leaves it. A journal of another
 * version or byte order has no valid magic or checksum, and counts as empty.
 */
#ifndef HVKVP_POOL_JOURNAL_FORMAT_H
#define HVKVP_POOL_JOURNAL_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JOURNAL_STATE_MAGIC	0x324a564bU	/* "KVJ2" */
#define JOURNAL_ENTRY_MAGIC	0x3345564bU	/* "KVE3" */
#define JOURNAL_INVERSE_MAGIC	0x3349564bU	/* "KVI3": it rolls back the change before it */
#define JOURNAL_MARK_MAGIC	0x314d564bU	/* "KVM1" */

/* Where the first change is. The state has the block in front to itself. */
#define JOURNAL_FIRST		4096

/**
 * struct journal_state - the state block, at offset 0
 * @magic: JOURNAL_STATE_MAGIC
 * @seq: JOURNAL_MARKED; of a program that knows no marks, the last change that has been made
 * @sum: checksum of all of this, with 0 in this place
 * @instance: in which that was, see pool/instance.h; zeros if it is not known
 * @epoch: epoch of that change
 * @ino: inode of the pool file after it,
 * @size: size,
 * @mtime_sec: and times
 * @ctime_sec: likewise; 0 if it is not known
 * @taken_sec: when they were looked at
 * @mtime_nsec: likewise
 * @ctime_nsec: likewise
 * @taken_nsec: likewise
 * @unique: no other change can have this mtime
 */
struct journal_state {
	uint32_t magic;
	uint32_t seq;
	uint64_t sum;
	uint8_t instance[16];
	uint64_t epoch;
	uint64_t ino;
	uint64_t size;
	int64_t mtime_sec;
	int64_t ctime_sec;
	int64_t taken_sec;
	uint32_t mtime_nsec;
	uint32_t ctime_nsec;
	uint32_t taken_nsec;
	uint32_t unique;
};

/* What has been made has a mark. A program that knows none takes all of the epoch for made. */
#define JOURNAL_MARKED	UINT32_MAX

/**
 * struct journal_entry - a change
 * @magic: JOURNAL_ENTRY_MAGIC or JOURNAL_INVERSE_MAGIC
 * @len: bytes, with what follows, and up to JOURNAL_PADDING zeros
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
 * struct journal_mark - behind the last change of an epoch, once that has been made
 * @magic: JOURNAL_MARK_MAGIC
 * @seq: number of the change
 * @sum: checksum of all of this, with 0 in this place
 * @epoch: of the change; where an entry has it, too
 *
 * The next change is written over it: that there is one says the same of those before it. So does its
 * head alone, if the process was killed while it wrote. An inverse says nothing of the change before it.
 *
 * A write that is killed ends between two pages: no mark lies on both sides of JOURNAL_PAGE.
 */
struct journal_mark {
	uint32_t magic;
	uint32_t seq;
	uint64_t sum;
	uint64_t epoch;
};

#define JOURNAL_PAGE	4096
/* Zeros behind a change, so that the mark is in one page. */
#define JOURNAL_PADDING	(sizeof(struct journal_mark) - 8)

_Static_assert(offsetof(struct journal_mark, epoch) == offsetof(struct journal_entry, epoch),
	       "a mark that an entry has overwritten in part has one of both");

/**
 * struct journal_slot - a record in a change
 * @record: its number
 * @flags: POOL_SLOT_ADDED, POOL_SLOT_CUT
 * @key_len: bytes of its key field, without the zeros at the end
 * @value_len: likewise, of its value field
 * @before: checksums of its sectors before the change, without the zeros at
 *	their ends; 0 for those of zeros
 *
 * These bytes of key and value follow, unless it is cut, and zeros up to a
 * multiple of eight. So a record takes as much as there is in it, and moving
 * many of them takes little.
 */
struct journal_slot {
	uint32_t record;
	uint16_t flags;
	uint16_t key_len;
	uint16_t value_len;
	uint16_t reserved[3];
	uint64_t before[5];
};

/* Bytes of a slot with what follows. */
static inline size_t journal_slot_size(const struct journal_slot *slot)
{
	return sizeof(*slot) + ((size_t)slot->key_len + slot->value_len + 7) / 8 * 8;
}

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

/* Bytes of a text field, or a part of one, without the zeros at its end. */
static inline size_t journal_used(const char *field, size_t size)
{
	size_t len = strnlen(field, size);

	/* Nearly always there is nothing behind the first zero. */
	if (len == size || !memcmp(field + len, field + len + 1, size - len - 1))
		return len;
	while (!field[size - 1])
		size--;
	return size;
}

/* Of a sector of a record, as in &journal_slot.before; 0 if it is all zeros. */
static inline uint64_t journal_sector_sum(const char *sector, size_t size)
{
	size_t len = journal_used(sector, size);

	return len ? journal_sum(JOURNAL_SUM_START, sector, len) : 0;
}

#endif /* HVKVP_POOL_JOURNAL_FORMAT_H */
