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
#include "util/log.h"

#define FILE_MODE	0600

/* The disk may have recovered, and to give up means that an error was answered for what may be made. */
#define STRIKE_TRIES	3

/* The journal grows in steps, so that a change seldom has to record its size. */
#define GROW_STEP	(128 * 1024)

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
	journal->live = false;
	journal->unfinished = false;
}

void pool_journal_exit(struct pool_journal *journal)
{
	close_journal(journal);
	free(journal->path);
	journal->path = NULL;
}

static int fail_errno(struct pool_journal *journal, const char *what)
{
	return error_set_errno(journal->file->error, journal->path, what);
}

/* What is open from now on, as fstat(2) says. */
static void take_stat(struct pool_journal *journal, const struct stat *st)
{
	journal->dev = st->st_dev;
	journal->ino = st->st_ino;
	journal->size = st->st_size;
}

static int create_journal(struct pool_journal *journal, int flags)
{
	struct stat st;
	int err;

	journal->fd = open(journal->path, flags | O_CREAT | O_EXCL, FILE_MODE);
	if (journal->fd < 0)
		return fail_errno(journal, "create it");
	if (fchmod(journal->fd, FILE_MODE) || fstat(journal->fd, &st)) {
		err = fail_errno(journal, "create it");
		close_journal(journal);
		return err;
	}
	take_stat(journal, &st);
	pool_instance_read(&journal->instance, journal->fd);
	return 0;
}

static int try_open(struct pool_journal *journal, bool create)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	struct stat here;
	int err;

	if (lstat(journal->path, &here)) {
		close_journal(journal);
		if (errno != ENOENT || !create)
			return fail_errno(journal, "look at it");
		return create_journal(journal, flags);
	}
	if (!S_ISREG(here.st_mode)) {
		close_journal(journal);
		return error_set(journal->file->error, -EMEDIUMTYPE,
				 "%s: is not a regular file; remove it", journal->path);
	}
	if (journal->fd >= 0 && here.st_ino == journal->ino && here.st_dev == journal->dev)
		return 0;
	close_journal(journal);
	journal->fd = open(journal->path, flags);
	if (journal->fd < 0)
		return fail_errno(journal, "open it");
	if (fstat(journal->fd, &here)) {
		err = fail_errno(journal, "look at it");
		close_journal(journal);
		return err;
	}
	take_stat(journal, &here);
	pool_instance_read(&journal->instance, journal->fd);
	return 0;
}

int pool_journal_open(struct pool_journal *journal, bool create)
{
	int err = try_open(journal, create);

	/* Another process has created or removed it between two calls. */
	for (int i = 1; i < POOL_OPEN_TRIES && (err == -EEXIST || (err == -ENOENT && create)); i++)
		err = try_open(journal, create);
	return err;
}

bool pool_journal_current(struct pool_journal *journal)
{
	struct stat here;

	if (journal->fd < 0 || lstat(journal->path, &here) ||
	    here.st_ino != journal->ino || here.st_dev != journal->dev)
		return false;
	journal->size = here.st_size;
	return true;
}

int pool_journal_lock(struct pool_journal *journal, unsigned int wait_ms)
{
	int err = pool_lock_alone(journal->fd, wait_ms);

	if (err == -ETIMEDOUT)
		return error_set(journal->file->error, err,
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

static bool read_at(const struct pool_journal *journal, void *data, size_t len, uint64_t at)
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

/*
 * Note behind the changes in the log that they have been made. There, and not in the state block: the
 * next change goes into the same page, so that its sync has one place to write and not two.
 */
static int write_mark(struct pool_journal *journal)
{
	struct journal_mark mark = {
		.magic = JOURNAL_MARK_MAGIC, .seq = journal->seq, .epoch = journal->epoch,
	};

	mark.sum = journal_sum(JOURNAL_SUM_START, &mark, sizeof(mark));
	return write_at(journal, &mark, sizeof(mark), journal->tail);
}

/* Is the mark of the last change of a run behind it, or the head of a change that was to follow? */
static bool has_mark(const struct pool_journal *journal, const struct journal_run *run)
{
	struct journal_mark mark;
	uint64_t sum;

	if (!read_at(journal, &mark, sizeof(mark), run->tail) ||
	    mark.epoch != run->entries[0]->epoch)
		return false;
	if (mark.magic == JOURNAL_ENTRY_MAGIC)
		return true;
	sum = mark.sum;
	mark.sum = 0;
	return mark.magic == JOURNAL_MARK_MAGIC && mark.seq == run->count &&
	       sum == journal_sum(JOURNAL_SUM_START, &mark, sizeof(mark));
}

/* Read the state block. Return: true if it is valid. */
static bool read_state(const struct pool_journal *journal, struct journal_state *state)
{
	uint64_t sum;

	if (!read_at(journal, state, sizeof(*state), 0))
		return false;
	sum = state->sum;
	state->sum = 0;
	return state->magic == JOURNAL_STATE_MAGIC &&
	       sum == journal_sum(JOURNAL_SUM_START, state, sizeof(*state));
}

bool pool_journal_pending(const struct pool_journal *journal)
{
	struct journal_entry entry;

	return read_at(journal, &entry, sizeof(entry), JOURNAL_FIRST) &&
	       entry.magic == JOURNAL_ENTRY_MAGIC;
}

static int empty(struct pool_journal *journal)
{
	const struct journal_entry nothing = { 0 };
	int err = write_at(journal, &nothing, sizeof(nothing), JOURNAL_FIRST);

	if (!err)
		err = sync_journal(journal);
	/* Else the log may be empty or not: what goes on in it could be lost. */
	journal->live = false;
	journal->unmarked = false;
	journal->unfinished = false;
	return err;
}

static void make_state(const struct pool_journal *journal, const struct pool_stamp *stamp,
		       struct journal_state *state)
{
	*state = (struct journal_state){
		.magic = JOURNAL_STATE_MAGIC,
		.seq = JOURNAL_MARKED,
		.epoch = journal->epoch,
		.ino = stamp->ino,
		.size = stamp->size,
		.mtime_sec = stamp->mtime.tv_sec,
		.mtime_nsec = stamp->mtime.tv_nsec,
		.ctime_sec = stamp->ctime.tv_sec,
		.ctime_nsec = stamp->ctime.tv_nsec,
		.taken_sec = stamp->taken.tv_sec,
		.taken_nsec = stamp->taken.tv_nsec,
		.unique = stamp->unique,
	};
	if (journal->instance.known)
		memcpy(state->instance, journal->instance.id, sizeof(state->instance));
	state->sum = journal_sum(JOURNAL_SUM_START, state, sizeof(*state));
}

/*
 * The state block with all of what the file is now, if our last change made it so: then the next
 * epoch need not sync it. Before the sync, so that it does not say of what others write later that it
 * is durable.
 */
static void complete_base(struct pool_journal *journal)
{
	struct journal_state state;
	struct pool_stamp now;

	if (!journal->base.ino)
		return;
	if (journal->base.expected && !pool_file_stamp(journal->file, &now))
		pool_stamp_learn(&journal->base, &now);
	if (!journal->base.expected) {
		make_state(journal, &journal->base, &state);
		if (!write_at(journal, &state, sizeof(state), 0))
			return;
	}
	/* Without it the file is synced once more: no harm. */
	error_clear(journal->file->error);
}

int pool_journal_drop(struct pool_journal *journal)
{
	journal->base = (struct pool_stamp){ 0 };
	return empty(journal);
}

static int checkpoint(struct pool_journal *journal)
{
	int err;

	complete_base(journal);
	err = pool_file_sync(journal->file);
	return err ? err : empty(journal);
}

/* How many of the changes in a run have been made, if this is the instance in which that was. */
static uint32_t count_made(const struct pool_journal *journal, const struct journal_run *run,
			   const struct journal_state *state)
{
	const struct journal_entry *last;

	if (!run->count)
		return 0;
	last = run->entries[run->count - 1];
	if (state->seq != JOURNAL_MARKED)
		return state->epoch == last->epoch ? state->seq : 0;
	/* The state block of an epoch comes first, when all of the epoch before is made and durable. */
	if (state->epoch != last->epoch || has_mark(journal, run))
		return run->count;
	return run->count - (last->magic == JOURNAL_INVERSE_MAGIC ? 2 : 1);
}

/* Replay what is in the log. Kept: the locks have been, so all of it, whatever the file looks like. */
static int replay(struct pool_journal *journal, bool kept)
{
	struct journal_state state;
	struct journal_run run;
	bool cached;
	uint32_t made = 0;
	int err;

	err = journal_run_read(&run, journal->fd);
	if (err) {
		errno = -err;
		return fail_errno(journal, "read it");
	}
	cached = !kept && read_state(journal, &state) &&
		 pool_instance_same(&journal->instance, state.instance);
	if (cached)
		made = count_made(journal, &run, &state);
	err = journal_run_replay(&run, made, cached, journal->file);
	journal_run_free(&run);
	journal->base = (struct pool_stamp){ 0 };
	return err;
}

int pool_journal_recover(struct pool_journal *journal, bool kept)
{
	int err = replay(journal, kept);

	return err ? err : checkpoint(journal);
}

int pool_journal_checkpoint(struct pool_journal *journal)
{
	int err = checkpoint(journal);

	if (!err)
		return 0;
	/* What the kernel could not write it may have dropped. Once more, while others cannot write. */
	err = replay(journal, true);
	return err ? err : checkpoint(journal);
}

/*
 * The pool file becomes durable, unless it is as the last checkpoint left it. The state block is that
 * of the last change before it, whoever made that; without one for this file, its name and that of
 * the journal may be new.
 */
static int sync_base(struct pool_journal *journal, const struct pool_stamp *stamp)
{
	struct journal_state state;
	struct pool_stamp base = { .dev = stamp->dev };
	int err = 0;

	if (!read_state(journal, &state) || state.ino != stamp->ino) {
		err = pool_file_sync_dir(journal->file);
	} else if (!journal->live && !journal->file->unsynced) {
		base.ino = state.ino;
		base.size = state.size;
		base.mtime = (struct timespec){ state.mtime_sec, state.mtime_nsec };
		base.ctime = (struct timespec){ state.ctime_sec, state.ctime_nsec };
		base.taken = (struct timespec){ state.taken_sec, state.taken_nsec };
		base.unique = state.unique;
		if (pool_stamp_equal(&base, stamp) && pool_stamp_certain(&base))
			return 0;
	}
	return err ? err : pool_file_sync(journal->file);
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

/*
 * Encode a change, with room for JOURNAL_PADDING. Return: NULL, and @err is set, if it is too large or
 * memory is short.
 */
static struct journal_entry *make_entry(struct pool_journal *journal,
					const struct pool_change *change, int *err)
{
	struct journal_slot *slots = malloc(change->count * sizeof(*slots));
	struct journal_entry *entry = NULL;
	size_t len = sizeof(*entry);
	uint8_t *at;

	*err = -ENOMEM;

	for (size_t i = 0; slots && i < change->count; i++) {
		slots[i] = make_slot(&change->slots[i]);
		len += journal_slot_size(&slots[i]);
	}
	if (len > POOL_CHANGE_MAX)
		*err = error_set(journal->file->error, -EFBIG,
				 "%s: a change of %zu bytes is larger than the journal can hold (%u); change less at a time",
				 journal->file->path, len, POOL_CHANGE_MAX);
	else if (slots)
		entry = calloc(1, len + JOURNAL_PADDING);
	if (!entry)
		goto free_slots;
	*err = 0;
	*entry = (struct journal_entry){
		.magic = JOURNAL_ENTRY_MAGIC,
		.len = len,
		.slots = change->count,
		.before = change->before,
		.after = change->after,
		.ino = journal->file->ino,
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

	if (journal->size >= end)
		return 0;
	if (fstat(journal->fd, &st))
		return fail_errno(journal, "look at it");
	journal->size = st.st_size;
	if (journal->size >= end)
		return 0;
	end = (end + GROW_STEP - 1) / GROW_STEP * GROW_STEP;
	zeros = calloc(1, end - st.st_size);
	if (!zeros)
		return -ENOMEM;
	err = write_at(journal, zeros, end - st.st_size, st.st_size);
	free(zeros);
	if (!err)
		journal->size = end;
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

/* Can this change go behind the others? Who takes locks cannot have written since. */
static bool epoch_goes_on(const struct pool_journal *journal, size_t len,
			  const struct pool_stamp *stamp)
{
	return journal->live && journal->seq < POOL_JOURNAL_CHANGES &&
	       journal->tail + len <= POOL_JOURNAL_SIZE && pool_stamp_equal(&journal->base, stamp);
}

/*
 * The first entry of an epoch comes with its state block, in one write: if this process is killed
 * before it has made the change, the next one knows that this was in the same instance.
 */
static int write_first(struct pool_journal *journal, const struct journal_entry *entry)
{
	char *both = calloc(1, JOURNAL_FIRST + entry->len);
	struct journal_state state;
	int err;

	if (!both)
		return -ENOMEM;
	make_state(journal, &journal->base, &state);
	memcpy(both, &state, sizeof(state));
	memcpy(both + JOURNAL_FIRST, entry, entry->len);
	err = write_at(journal, both, JOURNAL_FIRST + entry->len, 0);
	free(both);
	return err;
}

static int write_entry(struct pool_journal *journal, struct journal_entry *entry)
{
	uint64_t left = JOURNAL_PAGE - (journal->tail + entry->len) % JOURNAL_PAGE;
	int err;

	if (left < sizeof(struct journal_mark))
		entry->len += left;
	entry->epoch = journal->epoch;
	entry->seq = journal->seq + 1;
	entry->sum = 0;
	entry->sum = journal_sum(JOURNAL_SUM_START, entry, entry->len);
	err = grow(journal, journal->tail + entry->len + sizeof(struct journal_mark));
	if (err)
		return err;
	if (journal->seq)
		err = write_at(journal, entry, entry->len, journal->tail);
	else
		err = write_first(journal, entry);
	return err ? err : sync_journal(journal);
}

int pool_journal_begin(struct pool_journal *journal, const struct pool_change *change,
		       const struct pool_stamp *stamp)
{
	int err;
	struct journal_entry *entry = make_entry(journal, change, &err);

	if (!entry)
		return err;
	if (!epoch_goes_on(journal, entry->len, stamp)) {
		err = sync_base(journal, stamp);
		/* What this epoch has made may be lost, so that it has to be replayed. */
		if (err)
			journal->unfinished = journal->live;
		if (!err) {
			new_epoch(journal);
			journal->base = *stamp;
		}
	}
	if (err)
		goto free_entry;
	journal->latest = journal->tail;
	journal->inverted = false;
	err = write_entry(journal, entry);
	if (err) {
		struct error reason = *journal->file->error;

		/* At the start it has overwritten the epoch before, whose changes are durable. */
		journal->seq++;
		if (pool_journal_strike(journal))
			log_err("%s: a change that failed cannot be removed from its journal, and may take effect later",
				journal->file->path);
		*journal->file->error = reason;
	} else {
		journal->seq++;
		journal->tail += entry->len;
		journal->live = true;
	}
free_entry:
	free(entry);
	return err;
}

void pool_journal_end(struct pool_journal *journal, const struct pool_stamp *stamp)
{
	journal->base = *stamp;
	journal->unmarked = write_mark(journal);
	if (journal->unmarked)
		error_clear(journal->file->error);
}

int pool_journal_strike(struct pool_journal *journal)
{
	int err;

	journal->seq -= journal->inverted ? 2 : 1;
	journal->tail = journal->latest;
	/* Behind what is written over, its inverse is still valid: nothing more goes into this epoch. */
	journal->base = (struct pool_stamp){ 0 };
	journal->live = journal->seq;
	journal->inverted = false;
	journal->unfinished = false;
	for (int tries = 0; tries < STRIKE_TRIES; tries++) {
		/* Over the change, of which nothing is valid then; those before it have been made. */
		err = write_mark(journal);
		if (!err)
			err = sync_journal(journal);
		if (!err)
			break;
	}
	return err;
}

int pool_journal_invert(struct pool_journal *journal, const struct pool_change *change)
{
	struct pool_change inverse = *change;
	struct journal_entry *entry;
	int err = -ENOMEM;

	inverse.before = change->after;
	inverse.after = change->before;
	inverse.slots = calloc(change->count, sizeof(*inverse.slots));
	if (!inverse.slots)
		return -ENOMEM;
	for (size_t i = 0; i < change->count; i++) {
		const struct pool_slot *slot = &change->slots[i];

		inverse.slots[i] = (struct pool_slot){
			.record = slot->record, .was = slot->now, .now = slot->was,
			.flags = (slot->flags & POOL_SLOT_ADDED ? POOL_SLOT_CUT : 0) |
				 (slot->flags & POOL_SLOT_CUT ? POOL_SLOT_ADDED : 0),
		};
	}
	/* Until it is struck out, the epoch has to be replayed. */
	journal->unfinished = true;
	entry = make_entry(journal, &inverse, &err);
	if (entry) {
		entry->magic = JOURNAL_INVERSE_MAGIC;
		err = write_entry(journal, entry);
	}
	if (!err) {
		journal->seq++;
		journal->tail += entry->len;
		journal->inverted = true;
	}
	free(entry);
	free(inverse.slots);
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
