// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a journal, and replaying its changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pool/journal.h"
#include "pool/replay.h"
#include "util/log.h"

static const struct journal_slot *first_slot(const struct journal_entry *entry)
{
	return (const void *)(entry + 1);
}

/* The contents that a slot gives its record; not for one that is cut. */
static void slot_contents(const struct journal_slot *slot, struct pool_record *record)
{
	const char *text = (const char *)(slot + 1);

	memset(record, 0, sizeof(*record));
	memcpy(record->key, text, slot->key_len);
	memcpy(record->value, text + slot->key_len, slot->value_len);
}

static const struct journal_slot *next_slot(const struct journal_slot *slot)
{
	return (const void *)((const char *)slot + journal_slot_size(slot));
}

/* Do the slots fill the entry, in ascending order? */
static bool slots_valid(const struct journal_entry *entry)
{
	size_t left = entry->len - sizeof(*entry);
	const struct journal_slot *slot = first_slot(entry);
	int64_t last = -1;

	for (uint32_t i = 0; i < entry->slots; i++) {
		if (left < sizeof(*slot) || left < journal_slot_size(slot) ||
		    slot->key_len > POOL_KEY_SIZE || slot->value_len > POOL_VALUE_SIZE ||
		    slot->record <= last)
			return false;
		last = slot->record;
		left -= journal_slot_size(slot);
		slot = next_slot(slot);
	}
	return left <= JOURNAL_PADDING && entry->slots;
}

static struct journal_entry *read_entry(int fd, uint64_t at)
{
	struct journal_entry head, *entry;
	uint64_t sum;

	if (pread(fd, &head, sizeof(head), at) != sizeof(head) ||
	    (head.magic != JOURNAL_ENTRY_MAGIC && head.magic != JOURNAL_INVERSE_MAGIC) ||
	    head.len < sizeof(head) || head.len > POOL_CHANGE_MAX)
		return NULL;
	entry = malloc(head.len);
	if (!entry)
		return NULL;
	if (pread(fd, entry, head.len, at) == (ssize_t)head.len) {
		sum = entry->sum;
		entry->sum = 0;
		if (sum == journal_sum(JOURNAL_SUM_START, entry, entry->len) && slots_valid(entry))
			return entry;
	}
	free(entry);
	return NULL;
}

int journal_run_read(struct journal_run *run, int fd)
{
	struct journal_entry *entry;

	*run = (struct journal_run){ .tail = JOURNAL_FIRST };
	while ((entry = read_entry(fd, run->tail))) {
		if (entry->seq != run->count + 1 ||
		    (run->count ? entry->epoch != run->entries[0]->epoch :
				  entry->magic == JOURNAL_INVERSE_MAGIC)) {
			free(entry);
			break;
		}
		if (run->count == run->room) {
			uint32_t room = run->room ? 2 * run->room : 16;
			void *entries = reallocarray(run->entries, room, sizeof(entry));

			if (!entries) {
				free(entry);
				return -ENOMEM;
			}
			run->entries = entries;
			run->room = room;
		}
		run->entries[run->count++] = entry;
		run->tail += entry->len;
	}
	return 0;
}

void journal_run_free(struct journal_run *run)
{
	for (uint32_t i = 0; i < run->count; i++)
		free(run->entries[i]);
	free(run->entries);
	*run = (struct journal_run){ 0 };
}

/**
 * struct version - a record as a change left it
 * @order: of the change
 * @slot: what the change says
 */
struct version {
	uint32_t order;
	const struct journal_slot *slot;
};

/**
 * struct repair - a replay at work
 * @file: the pool file
 * @versions: by record, then by time; owned
 * @count: of @versions
 * @size: of the file, in bytes
 * @records: that the file will have
 * @writes: how many records were other than they should be
 * @again: write also those that are as they should be: a sync that failed may have been to write
 *	them, and then the kernel takes them for written
 */
struct repair {
	struct pool_file *file;
	struct version *versions;
	size_t count;
	uint64_t size;
	uint32_t records;
	uint32_t writes;
	bool again;
};

static int compare(const void *a, const void *b)
{
	const struct version *x = a, *y = b;

	if (x->slot->record != y->slot->record)
		return x->slot->record < y->slot->record ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static int collect(struct repair *repair, const struct journal_run *run, uint32_t first)
{
	size_t total = 0;

	for (uint32_t i = first; i < run->count; i++)
		total += run->entries[i]->slots;
	repair->versions = calloc(total ? total : 1, sizeof(*repair->versions));
	if (!repair->versions)
		return -ENOMEM;
	for (uint32_t i = first; i < run->count; i++) {
		const struct journal_slot *slot = first_slot(run->entries[i]);

		for (uint32_t n = 0; n < run->entries[i]->slots; n++, slot = next_slot(slot))
			repair->versions[repair->count++] = (struct version){ i, slot };
	}
	qsort(repair->versions, repair->count, sizeof(*repair->versions), compare);
	return 0;
}

/* Was this sector in this place at some time in the epoch? */
static bool sector_known(const struct version *versions, size_t count,
			 const struct pool_record *record, int sector)
{
	const char *data = (const char *)record + sector * POOL_SECTOR_SIZE;
	uint64_t sum = journal_sector_sum(data, POOL_SECTOR_SIZE);
	struct pool_record now;

	for (size_t i = 0; i < count; i++) {
		const struct journal_slot *slot = versions[i].slot;

		/* Where the file has grown, there may be zeros instead of what was written. */
		if (!sum && slot->flags)
			return true;
		if (!(slot->flags & POOL_SLOT_ADDED) && slot->before[sector] == sum)
			return true;
		if (slot->flags & POOL_SLOT_CUT)
			continue;
		slot_contents(slot, &now);
		if (!memcmp((const char *)&now + sector * POOL_SECTOR_SIZE, data,
			    POOL_SECTOR_SIZE))
			return true;
	}
	return false;
}

/*
 * A key of ours, and a value with a hole in front of other text: what others
 * wrote over a record that was cut off did not get to the disk as a whole.
 */
static bool is_torn(const struct version *versions, size_t count,
		    const struct pool_record *record)
{
	bool hole = false;

	if (!sector_known(versions, count, record, 0))
		return false;
	for (int i = 1; i < POOL_SECTORS; i++) {
		bool zero = !journal_used((const char *)record + i * POOL_SECTOR_SIZE,
					  POOL_SECTOR_SIZE);

		if (hole && !zero)
			return true;
		hole |= zero;
	}
	return false;
}

/* Is what is in the file of our making, whole or torn? Else it is not ours to change. */
static bool is_ours(const struct version *versions, size_t count,
		    const struct pool_record *record)
{
	int known = 0;

	for (int i = 0; i < POOL_SECTORS; i++)
		known += sector_known(versions, count, record, i);
	return known == POOL_SECTORS ||
	       (versions[count - 1].slot->flags & POOL_SLOT_CUT &&
		is_torn(versions, count, record));
}

/* Read what there is of a record, zeros behind it. Return: bytes, or -errno. */
static ssize_t read_part(struct repair *repair, uint32_t number, struct pool_record *record)
{
	ssize_t n;

	memset(record, 0, sizeof(*record));
	n = pread(repair->file->fd, record, sizeof(*record), (off_t)number * POOL_RECORD_SIZE);
	return n < 0 ? error_set_errno(repair->file->error, repair->file->path, "read it") : n;
}

/* One record, and all that the epoch knows about it. */
static int repair_record(struct repair *repair, const struct version *versions, size_t count)
{
	const struct journal_slot *last = versions[count - 1].slot;
	uint32_t number = versions[0].slot->record;
	struct pool_record now, want = { 0 };
	ssize_t got = read_part(repair, number, &now);

	if (got < 0)
		return got;
	if (got && !is_ours(versions, count, &now)) {
		/* Another program has put something here. It stays. */
		if (got == POOL_RECORD_SIZE && number >= repair->records)
			repair->records = number + 1;
		return 0;
	}
	if (!(last->flags & POOL_SLOT_CUT))
		slot_contents(last, &want);
	else if (number >= repair->records)
		return 0;	/* in front of something that stays it becomes empty */
	if (got != POOL_RECORD_SIZE || memcmp(&now, &want, sizeof(now)))
		repair->writes++;
	else if (!repair->again)
		return 0;
	return pool_file_write(repair->file, number, (const struct pool_record *[]){ &want }, 1);
}

static int repair_all(struct repair *repair)
{
	size_t end = repair->count;
	int err = 0;

	/* From the last record on, so that what stays behind the end is known first. */
	while (end && !err) {
		size_t start = end - 1;

		while (start && repair->versions[start - 1].slot->record ==
		       repair->versions[end - 1].slot->record)
			start--;
		err = repair_record(repair, &repair->versions[start], end - start);
		end = start;
	}
	return err;
}

/* Records that no change touched and that lie behind the end are others'. */
static void keep_untouched(struct repair *repair)
{
	uint64_t whole = repair->size / POOL_RECORD_SIZE;
	size_t i = repair->count;

	while (whole > repair->records) {
		while (i && repair->versions[i - 1].slot->record > whole - 1)
			i--;
		if (!i || repair->versions[i - 1].slot->record != whole - 1)
			break;
		whole--;
	}
	if (whole > repair->records)
		repair->records = whole;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* The file gets the time that it would have without the crash: programs look at it. */
static int finish(struct repair *repair, const struct journal_entry *last,
		  const struct timespec *found)
{
	struct timespec mtime = { last->mtime_sec, last->mtime_nsec };
	struct stat st;
	int err = 0;

	if (fstat(repair->file->fd, &st))
		return error_set_errno(repair->file->error, repair->file->path, "look at it");
	if ((uint64_t)st.st_size / POOL_RECORD_SIZE > repair->records) {
		err = pool_file_truncate(repair->file, repair->records);
		repair->writes++;
	}
	if (!err && (repair->writes || repair->again))
		err = pool_file_set_time(repair->file, is_later(found, &mtime) ? found : &mtime);
	return err;
}

/* The least number of records that the file had since @first began. */
static uint32_t least_records(const struct journal_run *run, uint32_t first)
{
	uint32_t least = run->entries[first]->before;

	for (uint32_t i = first; i < run->count; i++)
		if (run->entries[i]->after < least)
			least = run->entries[i]->after;
	return least;
}

/* Are the sectors those that the change has found? */
static bool is_before(const struct journal_slot *slot, const struct pool_record *now)
{
	for (int i = 0; i < POOL_SECTORS; i++)
		if (slot->before[i] != journal_sector_sum((const char *)now + i * POOL_SECTOR_SIZE,
							  POOL_SECTOR_SIZE))
			return false;
	return true;
}

/* Did another program put its record where the change was to append this one? */
static bool is_taken(const struct journal_slot *slot, const struct pool_record *now)
{
	struct pool_record want;

	slot_contents(slot, &want);
	return now->key[0] && memcmp(now, &want, sizeof(want));
}

/*
 * The last change of this instance, which has no answer: has it changed nothing so far? A change
 * appends first. What has not begun is dropped, so that it does not meet what others did since.
 */
static bool not_begun(const struct journal_entry *entry, const struct repair *repair)
{
	const struct journal_slot *slot = first_slot(entry);
	uint32_t whole = repair->size / POOL_RECORD_SIZE;

	if (whole < entry->before)
		return false;
	for (uint32_t n = 0; n < entry->slots; n++, slot = next_slot(slot)) {
		bool added = slot->flags & POOL_SLOT_ADDED;
		struct pool_record now;

		if (added && (slot->record != entry->before || whole == entry->before))
			continue;
		if (pool_file_read(repair->file, slot->record, &now, 1) != 1)
			return false;
		if (added ? !is_taken(slot, &now) : !is_before(slot, &now))
			return false;
	}
	return true;
}

/* Why this epoch is not for the file as it is, or NULL. */
static const char *out_of_date(const struct journal_run *run, uint32_t made, bool cached,
			       const struct stat *st)
{
	const struct journal_entry *last = run->entries[run->count - 1];

	if (st->st_ino != last->ino)
		return "another program has replaced it";
	if (st->st_size / POOL_RECORD_SIZE < least_records(run, made))
		return "another program has shortened it";
	if (!cached && st->st_mtim.tv_sec > last->mtime_sec + POOL_STALE_S)
		return "other programs have used it for long since";
	return NULL;
}

/* Has the file the time that the change gave it? Nobody else gives it that. */
static bool has_time_of(const struct stat *st, const struct journal_entry *entry)
{
	return entry->mtime_nsec && (uint32_t)st->st_mtim.tv_nsec == entry->mtime_nsec &&
	       st->st_mtim.tv_sec == entry->mtime_sec;
}

int journal_run_replay(const struct journal_run *run, uint32_t made, bool cached,
		       struct pool_file *file)
{
	struct repair repair = { .file = file, .again = cached };
	const struct journal_entry *last;
	const char *why;
	struct stat st;
	int err;

	if (!run->count)
		return 0;
	if (fstat(file->fd, &st))
		return error_set_errno(file->error, file->path, "look at it");
	/* Nobody has written since: what is not in it was dropped after a write that failed. */
	if (made && made <= run->count && has_time_of(&st, run->entries[made - 1])) {
		made = 0;
		cached = false;
	}
	if (made >= run->count)
		return 0;
	last = run->entries[run->count - 1];
	why = out_of_date(run, made, cached, &st);
	if (why) {
		log_notice("%s: %s, so %u changes in its journal are not replayed", file->path, why,
			   run->count - made);
		return 0;
	}
	repair.size = st.st_size;
	repair.records = last->after;
	if (cached && run->count - made == 1 && not_begun(last, &repair)) {
		log_notice("%s: dropped a change that a crash interrupted before it began", file->path);
		return 0;
	}
	err = collect(&repair, run, made);
	if (!err) {
		keep_untouched(&repair);
		err = repair_all(&repair);
	}
	if (!err)
		err = finish(&repair, last, &st.st_mtim);
	if (!err && repair.writes)
		log_notice("%s: replayed %u records after a crash", file->path, repair.writes);
	free(repair.versions);
	return err;
}
