// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal of a pool file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pool/journal.h"
#include "pool/journal_format.h"
#include "pool/replay.h"

#define FILE_MODE	0600

/* The journal grows in steps, so that a change seldom has to record its size. */
#define GROW_STEP	(128 * 1024)

_Static_assert(sizeof(struct journal_state) == sizeof(((struct pool_journal *)0)->state),
	       "room for the state block");

/* All zeros if there is no /proc: then every opening counts as another boot. */
static void read_boot(uint8_t boot[16])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[40] = "";
	unsigned int byte;
	char *at = text;

	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	for (int i = 0; i < 16; i++) {
		at += *at == '-';
		if (sscanf(at, "%2x", &byte) != 1)
			return;
		boot[i] = byte;
		at += 2;
	}
}

int pool_journal_init(struct pool_journal *journal, struct pool_file *file)
{
	*journal = (struct pool_journal){ .file = file, .fd = -1 };
	if (asprintf(&journal->path, "%s.journal", file->path) < 0) {
		journal->path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static void close_journal(struct pool_journal *journal)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
	journal->known = false;
}

void pool_journal_exit(struct pool_journal *journal)
{
	close_journal(journal);
	free(journal->path);
	journal->path = NULL;
}

static int fail_errno(struct pool_journal *journal, const char *what)
{
	return pool_file_fail_errno(journal->file, journal->path, what);
}

int pool_journal_open(struct pool_journal *journal, bool create)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct stat here, mine;
	int err;

	if (lstat(journal->path, &here)) {
		close_journal(journal);
		if (errno != ENOENT || !create)
			return fail_errno(journal, "look at it");
		journal->fd = open(journal->path, flags | O_CREAT | O_EXCL, FILE_MODE);
		if (journal->fd < 0)
			return fail_errno(journal, "create it");
		if (fchmod(journal->fd, FILE_MODE) || fsync(journal->fd) ||
		    pool_file_sync_dir(journal->file, false)) {
			err = fail_errno(journal, "create it");
			close_journal(journal);
			return err;
		}
		read_boot(journal->boot);
		return 0;
	}
	if (!S_ISREG(here.st_mode)) {
		close_journal(journal);
		return pool_file_fail(journal->file, -EMEDIUMTYPE,
				      "%s: is not a regular file; remove it", journal->path);
	}
	if (journal->fd >= 0 && !fstat(journal->fd, &mine) &&
	    mine.st_ino == here.st_ino && mine.st_dev == here.st_dev)
		return 0;
	close_journal(journal);
	journal->fd = open(journal->path, flags);
	if (journal->fd < 0)
		return fail_errno(journal, "open it");
	read_boot(journal->boot);
	return 0;
}

int pool_journal_lock(struct pool_journal *journal)
{
	int err = pool_lock_alone(journal->fd, journal->file->wait_ms);

	if (err == -ETIMEDOUT)
		return pool_file_fail(journal->file, err,
				      "%s: another hvkvp or hvkvpd keeps it locked; end that process, or wait for it, and try again",
				      journal->path);
	if (err) {
		errno = -err;
		return fail_errno(journal, "lock it");
	}
	return 0;
}

void pool_journal_unlock(struct pool_journal *journal)
{
	flock(journal->fd, LOCK_UN);
}

static bool read_at(struct pool_journal *journal, void *data, size_t len, uint64_t at)
{
	return pread(journal->fd, data, len, at) == (ssize_t)len;
}

static int write_at(struct pool_journal *journal, const void *data, size_t len, uint64_t at)
{
	ssize_t n = pwrite(journal->fd, data, len, at);

	if (n < 0)
		return fail_errno(journal, "write to it");
	if (n != (ssize_t)len) {
		errno = ENOSPC;
		return fail_errno(journal, "write to it");
	}
	return 0;
}

static int sync_journal(struct pool_journal *journal)
{
	return fdatasync(journal->fd) ? fail_errno(journal, "write it to the disk") : 0;
}

static bool read_header(struct pool_journal *journal, uint64_t at, struct journal_entry *entry)
{
	return read_at(journal, entry, sizeof(*entry), at) &&
	       entry->magic == JOURNAL_ENTRY_MAGIC;
}

static bool state_valid(const struct pool_journal *journal, struct journal_state *state)
{
	uint64_t sum;

	memcpy(state, journal->state, sizeof(*state));
	sum = state->sum;
	state->sum = 0;
	return state->magic == JOURNAL_STATE_MAGIC &&
	       sum == journal_sum(JOURNAL_SUM_START, state, sizeof(*state));
}

/* Is the journal still as it was when we looked last? */
static bool unchanged(struct pool_journal *journal)
{
	struct journal_entry entry;
	struct journal_state state;

	if (!journal->known || !read_at(journal, &state, sizeof(state), 0) ||
	    memcmp(&state, journal->state, sizeof(state)))
		return false;
	if (!journal->seq)
		return !read_header(journal, JOURNAL_FIRST, &entry);
	if (!read_header(journal, JOURNAL_FIRST, &entry) || entry.epoch != journal->epoch)
		return false;
	return !read_header(journal, journal->tail, &entry) || entry.epoch != journal->epoch ||
	       entry.seq != journal->seq + 1;
}

bool pool_journal_pending(struct pool_journal *journal)
{
	struct journal_state state;
	struct journal_run run;
	bool same_boot;
	int err;

	if (unchanged(journal))
		return false;
	journal->known = false;
	memset(journal->state, 0, sizeof(journal->state));
	if (!read_at(journal, journal->state, sizeof(journal->state), 0))
		memset(journal->state, 0, sizeof(journal->state));
	err = journal_run_read(&run, journal->fd);
	if (err)
		return true;	/* recovery will say why */
	journal->epoch = run.count ? run.entries[0]->epoch : 0;
	journal->seq = run.count;
	journal->tail = run.tail;
	journal->known = true;
	journal_run_free(&run);
	if (!journal->seq)
		return false;
	same_boot = state_valid(journal, &state) &&
		    !memcmp(state.boot, journal->boot, sizeof(state.boot));
	/* Known only if there is nothing to do: who asks again gets the same answer. */
	journal->known = same_boot && state.epoch == journal->epoch && state.seq == journal->seq;
	return !journal->known;
}

/* Take all changes out. */
static int empty(struct pool_journal *journal)
{
	const struct journal_entry nothing = { 0 };
	int err;

	journal->known = false;
	err = write_at(journal, &nothing, sizeof(nothing), JOURNAL_FIRST);
	return err ? err : sync_journal(journal);
}

int pool_journal_recover(struct pool_journal *journal)
{
	struct journal_state state;
	struct journal_run run;
	bool same_boot;
	int err;

	if (!read_at(journal, journal->state, sizeof(journal->state), 0))
		memset(journal->state, 0, sizeof(journal->state));
	err = journal_run_read(&run, journal->fd);
	if (err) {
		errno = -err;
		return fail_errno(journal, "read it");
	}
	same_boot = state_valid(journal, &state) &&
		    !memcmp(state.boot, journal->boot, sizeof(state.boot));
	err = journal_run_apply(&run, same_boot, journal->file);
	journal_run_free(&run);
	return err ? err : empty(journal);
}

static bool matches(const struct pool_journal *journal, const struct pool_stamp *stamp)
{
	struct journal_state state;

	return state_valid(journal, &state) && state.epoch == journal->epoch &&
	       state.ino == stamp->ino && state.size == (uint64_t)stamp->size &&
	       state.mtime_sec == stamp->mtime.tv_sec &&
	       state.mtime_nsec == (uint32_t)stamp->mtime.tv_nsec;
}

static struct journal_slot make_slot(const struct pool_slot *slot)
{
	struct journal_slot out = { .record = slot->record, .flags = slot->flags };

	for (int n = 0; slot->was && n < POOL_SECTORS; n++)
		out.before[n] = journal_sector_sum((const char *)slot->was + n * POOL_SECTOR_SIZE,
						   POOL_SECTOR_SIZE);
	if (slot->now) {
		out.key_len = journal_used(slot->now->key, sizeof(slot->now->key));
		out.value_len = journal_used(slot->now->value, sizeof(slot->now->value));
	}
	return out;
}

static struct journal_entry *make_entry(const struct pool_change *change, uint64_t ino)
{
	struct journal_slot *slots = malloc(change->count * sizeof(*slots));
	struct journal_entry *entry = NULL;
	size_t len = sizeof(*entry);
	uint8_t *at;

	for (size_t i = 0; slots && i < change->count; i++) {
		slots[i] = make_slot(&change->slots[i]);
		len += journal_slot_size(&slots[i]);
	}
	if (slots)
		entry = calloc(1, len);
	if (!entry)
		goto free_slots;
	*entry = (struct journal_entry){
		.magic = JOURNAL_ENTRY_MAGIC,
		.len = len,
		.slots = change->count,
		.before = change->before,
		.after = change->after,
		.ino = ino,
		.mtime_sec = change->mtime.tv_sec,
		.mtime_nsec = change->mtime.tv_nsec,
	};
	at = (uint8_t *)(entry + 1);
	for (size_t i = 0; i < change->count; i++) {
		const struct pool_record *now = change->slots[i].now;
		uint8_t *text = at + sizeof(slots[i]);

		memcpy(at, &slots[i], sizeof(slots[i]));
		if (now) {
			memcpy(text, now->key, slots[i].key_len);
			memcpy(text + slots[i].key_len, now->value, slots[i].value_len);
		}
		at += journal_slot_size(&slots[i]);
	}
free_slots:
	free(slots);
	return entry;
}

/* Have the blocks up to @end, so that they are only written over. */
static int grow(struct pool_journal *journal, uint64_t end)
{
	struct stat st;
	char *zeros;
	int err;

	if (fstat(journal->fd, &st))
		return fail_errno(journal, "look at it");
	if ((uint64_t)st.st_size >= end)
		return 0;
	end = (end + GROW_STEP - 1) / GROW_STEP * GROW_STEP;
	zeros = calloc(1, end - st.st_size);
	if (!zeros)
		return -ENOMEM;
	err = write_at(journal, zeros, end - st.st_size, st.st_size);
	free(zeros);
	/* The disk is nearly full, but what is needed now may still find a place. */
	if (err && ftruncate(journal->fd, st.st_size))
		return fail_errno(journal, "shorten it");
	return 0;
}

static void new_epoch(struct pool_journal *journal)
{
	struct timespec now;
	uint64_t ns;

	clock_gettime(CLOCK_REALTIME, &now);
	ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	journal->epoch = ns > journal->epoch ? ns : journal->epoch + 1;
	journal->seq = 0;
	journal->tail = JOURNAL_FIRST;
}

static void make_state(const struct pool_journal *journal, const struct pool_stamp *stamp,
		       struct journal_state *state)
{
	*state = (struct journal_state){
		.magic = JOURNAL_STATE_MAGIC,
		.seq = journal->seq,
		.epoch = journal->epoch,
		.tail = journal->tail,
		.ino = stamp->ino,
		.size = stamp->size,
		.mtime_sec = stamp->mtime.tv_sec,
		.mtime_nsec = stamp->mtime.tv_nsec,
	};
	memcpy(state->boot, journal->boot, sizeof(state->boot));
	state->sum = journal_sum(JOURNAL_SUM_START, state, sizeof(*state));
}

/*
 * The first entry of an epoch comes with its state block, in one write: if this process is killed
 * before it has made the change, the next one knows that this was in the same boot.
 */
static int write_first(struct pool_journal *journal, const struct journal_entry *entry,
		       const struct pool_stamp *stamp)
{
	char *both = calloc(1, JOURNAL_FIRST + entry->len);
	struct journal_state state;
	int err;

	if (!both)
		return -ENOMEM;
	make_state(journal, stamp, &state);
	memcpy(both, &state, sizeof(state));
	memcpy(both + JOURNAL_FIRST, entry, entry->len);
	err = write_at(journal, both, JOURNAL_FIRST + entry->len, 0);
	if (!err)
		memcpy(journal->state, &state, sizeof(state));
	free(both);
	return err;
}

static int write_entry(struct pool_journal *journal, struct journal_entry *entry,
		       const struct pool_stamp *stamp)
{
	int err;

	if (!journal->seq || journal->seq >= POOL_JOURNAL_CHANGES ||
	    journal->tail + entry->len > POOL_JOURNAL_SIZE || !matches(journal, stamp)) {
		err = pool_file_sync(journal->file);
		if (err)
			return err;
		new_epoch(journal);
	}
	journal->known = false;
	entry->epoch = journal->epoch;
	entry->seq = journal->seq + 1;
	entry->sum = journal_sum(JOURNAL_SUM_START, entry, entry->len);
	err = grow(journal, journal->tail + entry->len);
	if (err)
		return err;
	journal->latest = journal->tail;
	if (journal->seq)
		err = write_at(journal, entry, entry->len, journal->tail);
	else
		err = write_first(journal, entry, stamp);
	if (!err)
		err = sync_journal(journal);
	if (err) {
		char why[sizeof(journal->file->why)];

		memcpy(why, journal->file->why, sizeof(why));
		pool_journal_strike(journal);
		memcpy(journal->file->why, why, sizeof(why));
	}
	return err;
}

int pool_journal_begin(struct pool_journal *journal, const struct pool_change *change,
		       const struct pool_stamp *stamp)
{
	struct journal_entry *entry = make_entry(change, stamp->ino);
	int err;

	if (!entry)
		return -ENOMEM;
	err = write_entry(journal, entry, stamp);
	if (!err) {
		journal->seq++;
		journal->tail += entry->len;
		journal->used = true;
	}
	free(entry);
	return err;
}

void pool_journal_end(struct pool_journal *journal, const struct pool_stamp *stamp)
{
	struct journal_state state;

	make_state(journal, stamp, &state);
	/* Without it the change is made again before the next one: no harm. */
	if (write_at(journal, &state, sizeof(state), 0))
		return;
	memcpy(journal->state, &state, sizeof(state));
	journal->known = true;
}

int pool_journal_strike(struct pool_journal *journal)
{
	const struct journal_entry nothing = { 0 };
	int err;

	journal->known = false;
	err = write_at(journal, &nothing, sizeof(nothing), journal->latest);
	return err ? err : sync_journal(journal);
}

int pool_journal_finish(struct pool_journal *journal)
{
	int err = pool_file_sync(journal->file);

	if (!err)
		err = empty(journal);
	if (!err)
		journal->used = false;
	return err;
}

void pool_change_clear(struct pool_change *change)
{
	free(change->slots);
	free(change->contents);
	*change = (struct pool_change){ 0 };
}

int pool_change_add(struct pool_change *change, uint32_t record,
		    const struct pool_record *was, const struct pool_record *now)
{
	if (change->count == change->room) {
		size_t room = change->room ? 2 * change->room : 1;
		void *slots = reallocarray(change->slots, room, sizeof(*change->slots));

		if (!slots)
			return -ENOMEM;
		change->slots = slots;
		change->room = room;
	}
	change->slots[change->count++] = (struct pool_slot){
		.record = record,
		.flags = (was ? 0 : POOL_SLOT_ADDED) | (now ? 0 : POOL_SLOT_CUT),
		.was = was,
		.now = now,
	};
	return 0;
}
