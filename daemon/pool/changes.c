// SPDX-License-Identifier: GPL-2.0-only
/*
 * The last changes of all pools.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pool/changes.h"
#include "pool/journal_format.h"
#include "pool/lock.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/paths.h"

#include <hv_kvp_msg.h>

/* A writer that was stopped while it had the lock must not stop the others. */
#define LOCK_MS		1000

/* The same once it has done so. */
#define LOCK_AGAIN_MS	50

/**
 * struct header - in front of the ring
 * @magic: of this format
 * @size: bytes of the ring
 * @ends: when a writer gave the lock back, or was about to overwrite the oldest changes
 */
struct header {
	char magic[8];
	uint64_t size;
	struct changes_ends ends;
};

static const char magic[8] = "KVPRING2";

/**
 * struct entry - in front of the texts of a change
 * @len: bytes with the texts, a multiple of 8
 * @key_size: bytes with the NUL
 * @old_size: likewise; 0: there is none
 * @new_size: likewise
 * @pool: number
 * @kind: enum change_kind
 * @source: enum change_source
 * @zero: is 0
 * @seq: number of the change
 * @time_ns: when
 * @sum: checksum of all of it, with 0 in this place
 */
struct entry {
	uint32_t len;
	uint16_t key_size;
	uint16_t old_size;
	uint16_t new_size;
	uint8_t pool;
	uint8_t kind;
	uint8_t source;
	uint8_t zero[3];
	uint64_t seq;
	uint64_t time_ns;
	uint64_t sum;
};

_Static_assert(sizeof(struct entry) == 40, "CHANGES_ENTRY_MAX counts on it");

int changes_init(struct changes *changes, const char *dir)
{
	*changes = (struct changes){ .source = CHANGE_BY_GUEST, .fd = -1 };
	if (!strcmp(dir, STATE_DIR))
		dir = STATE_DIR_VOLATILE;
	return asprintf(&changes->path, "%s/" CHANGES_NAME, dir) < 0 ? -ENOMEM : 0;
}

void changes_exit(struct changes *changes)
{
	changes_release(changes);
	free(changes->path);
	changes->path = NULL;
}

static bool header_valid(const struct header *header)
{
	const struct changes_ends *ends = &header->ends;

	return !memcmp(header->magic, magic, sizeof(magic)) && header->size == CHANGES_SIZE &&
	       ends->oldest <= ends->head && ends->head - ends->oldest <= CHANGES_SIZE &&
	       ends->first <= ends->next;
}

/* Read or write at a position of the ring, around its end. Return: 0 or -errno. */
static int ring_io(int fd, uint64_t at, void *data, size_t len, bool write)
{
	uint8_t *bytes = data;

	while (len) {
		uint64_t offset = at % CHANGES_SIZE;
		size_t part = CHANGES_SIZE - offset < len ? CHANGES_SIZE - offset : len;
		off_t where = sizeof(struct header) + offset;
		ssize_t n = write ? pwrite(fd, bytes, part, where) : pread(fd, bytes, part, where);

		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;
		bytes += n;
		at += n;
		len -= n;
	}
	return 0;
}

static int write_header(int fd, const struct changes_ends *ends)
{
	struct header header = { .size = CHANGES_SIZE, .ends = *ends };
	ssize_t n;

	memcpy(header.magic, magic, sizeof(magic));
	n = pwrite(fd, &header, sizeof(header), 0);
	return n == sizeof(header) ? 0 : n < 0 ? -errno : -EIO;
}

/* Is this what a writer puts there? */
static bool entry_valid(const struct entry *entry, uint64_t seq)
{
	size_t texts = (size_t)entry->key_size + entry->old_size + entry->new_size;

	return entry->key_size && entry->key_size <= POOL_KEY_SIZE &&
	       entry->old_size <= POOL_VALUE_SIZE && entry->new_size <= POOL_VALUE_SIZE &&
	       entry->len >= sizeof(*entry) + texts && entry->len < sizeof(*entry) + texts + 8 &&
	       !(entry->len % 8) && entry->pool < HVKVP_POOL_COUNT &&
	       entry->kind < CHANGE_KINDS && entry->source < CHANGE_SOURCES && entry->seq == seq;
}

/* Read an entry, with its texts, to @bytes. Return: 0; -EBADMSG if it is not there; -errno. */
static int read_entry(int fd, uint64_t at, uint64_t seq, uint8_t *bytes)
{
	struct entry *entry = (void *)bytes;
	uint64_t sum;
	int err = ring_io(fd, at, entry, sizeof(*entry), false);

	/* Where the file ends there was never one. */
	if (err == -EIO || (!err && !entry_valid(entry, seq)))
		return -EBADMSG;
	if (!err)
		err = ring_io(fd, at + sizeof(*entry), bytes + sizeof(*entry),
			      entry->len - sizeof(*entry), false);
	if (err)
		return err == -EIO ? -EBADMSG : err;
	sum = entry->sum;
	entry->sum = 0;
	return sum == journal_sum(JOURNAL_SUM_START, bytes, entry->len) ? 0 : -EBADMSG;
}

/* Go on behind the change that the header names as the newest one, until behind @at. */
static void find_newest(int fd, struct changes_ends *ends, uint64_t at)
{
	_Alignas(8) uint8_t bytes[CHANGES_ENTRY_MAX + 8];
	const struct entry *entry = (const void *)bytes;

	while (ends->head <= at && !read_entry(fd, ends->head, ends->next, bytes) &&
	       ends->head + entry->len - ends->oldest <= CHANGES_SIZE) {
		ends->head += entry->len;
		ends->next++;
	}
}

/* Give up the oldest changes until there is room. Return: 0; -EBADMSG if they cannot be read. */
static int make_room(struct changes *changes, uint32_t len)
{
	struct changes_ends *ends = &changes->ends;
	uint64_t was = ends->oldest;
	struct entry entry;
	int err;

	while (ends->head + len - ends->oldest > CHANGES_SIZE) {
		err = ring_io(changes->fd, ends->oldest, &entry, sizeof(entry), false);
		if (err)
			return err;
		if (!entry_valid(&entry, ends->first))
			return -EBADMSG;
		ends->oldest += entry.len;
		ends->first++;
	}
	/* Before they are overwritten. */
	return ends->oldest == was ? 0 : write_header(changes->fd, ends);
}

static uint16_t put_text(uint8_t *bytes, size_t *len, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 0;

	memcpy(bytes + *len, text ? text : "", size);
	*len += size;
	return size;
}

static int append_one(struct changes *changes, const struct change *change)
{
	_Alignas(8) uint8_t bytes[CHANGES_ENTRY_MAX + 8];
	struct entry *entry = (void *)bytes;
	size_t len = sizeof(*entry), end;
	int err;

	if (strlen(change->key) >= POOL_KEY_SIZE ||
	    (change->old && strlen(change->old) >= POOL_VALUE_SIZE) ||
	    (change->new && strlen(change->new) >= POOL_VALUE_SIZE))
		return -EMSGSIZE;
	*entry = (struct entry){ 0 };
	entry->key_size = put_text(bytes, &len, change->key);
	entry->old_size = put_text(bytes, &len, change->old);
	entry->new_size = put_text(bytes, &len, change->new);
	end = len;
	len = (len + 7) / 8 * 8;
	memset(bytes + end, 0, len - end);
	entry->len = len;
	entry->pool = change->pool;
	entry->kind = change->kind;
	entry->source = change->source;
	entry->seq = change->seq;
	entry->time_ns = change->time_ns;
	entry->sum = journal_sum(JOURNAL_SUM_START, bytes, len);
	err = make_room(changes, len);
	if (!err)
		err = ring_io(changes->fd, changes->ends.head, bytes, len, true);
	if (err)
		return err;
	changes->ends.head += len;
	changes->ends.next++;
	return 0;
}

/* The ring at the path, locked. Return: descriptor or -errno. */
static int open_ring(const struct changes *changes)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	struct stat st;
	int fd = open(changes->path, flags, 0600), err = 0;

	/* Before the service runs for the first time there is no such folder. */
	if (fd < 0 && errno == ENOENT && !mkdir(STATE_DIR_VOLATILE, 0755))
		fd = open(changes->path, flags, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EMEDIUMTYPE;
	if (!err)
		err = pool_lock_alone(fd, changes->failed ? LOCK_AGAIN_MS : LOCK_MS);
	if (!err)
		return fd;
	close(fd);
	return err;
}

/* The time for which the lock is kept is over. */
static void let_others_in(struct changes *changes)
{
	if (pool_lock_wanted(changes->fd)) {
		changes_release(changes);
		return;
	}
	/* Not for those who want the lock, but for readers, who begin with the header. */
	write_header(changes->fd, &changes->ends);
	changes->since = clock_ms();
}

static int take(struct changes *changes)
{
	struct header header;
	int err = 0;

	if (changes->fd >= 0 && clock_ms() > changes->since + CHANGES_HOLD_MS)
		let_others_in(changes);
	if (changes->fd >= 0)
		return 0;
	changes->fd = open_ring(changes);
	if (changes->fd < 0)
		return changes->fd;
	changes->since = clock_ms();
	if (pread(changes->fd, &header, sizeof(header), 0) == sizeof(header) &&
	    header_valid(&header)) {
		changes->ends = header.ends;
		find_newest(changes->fd, &changes->ends, UINT64_MAX);
		return 0;
	}
	changes->ends = (struct changes_ends){ 0 };
	if (ftruncate(changes->fd, 0))
		err = -errno;
	if (!err)
		err = write_header(changes->fd, &changes->ends);
	if (err)
		changes_release(changes);
	return err;
}

void changes_release(struct changes *changes)
{
	if (!changes || changes->fd < 0)
		return;
	/* Without it those who come next look through more entries: no harm. */
	write_header(changes->fd, &changes->ends);
	/* A process that we have started may have inherited the descriptor. */
	flock(changes->fd, LOCK_UN);
	close(changes->fd);
	changes->fd = -1;
}

static int append_all(struct changes *changes, struct change *list, size_t count)
{
	struct timespec now;
	int err = take(changes);

	if (err)
		return err;
	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; i < count && !err; i++) {
		list[i].seq = changes->ends.next;
		list[i].time_ns = now.tv_sec * 1000000000ULL + now.tv_nsec;
		list[i].source = changes->source;
		err = append_one(changes, &list[i]);
		if (err == -EBADMSG) {
			/* Torn by a crash: readers notice that they have lost some. */
			changes->ends.oldest = changes->ends.head;
			changes->ends.first = changes->ends.next;
			err = append_one(changes, &list[i]);
		}
	}
	if (err || !changes->keep)
		changes_release(changes);
	return err;
}

void changes_append(struct changes *changes, struct change *list, size_t count)
{
	int err = changes ? append_all(changes, list, count) : 0;

	if (err && !changes->failed)
		log_warn("%s: %s: programs that watch may miss changes (logged once)",
			 changes->path, strerror(-err));
	if (changes)
		changes->failed = err;
}

/*
 * Read what the ring has, at least as far as behind @at. Return: 1 if there is a valid ring, 0 if
 * there is none; -errno.
 */
static int read_ends(const struct changes_reader *reader, struct changes_ends *ends, uint64_t at)
{
	struct header header;
	ssize_t n = pread(reader->fd, &header, sizeof(header), 0);

	if (n < 0)
		return -errno;
	if (n != sizeof(header) || !header_valid(&header))
		return 0;
	*ends = header.ends;
	find_newest(reader->fd, ends, at);
	return 1;
}

/* Open the ring at the path. Return: 1 if it is another one, 0 if not; -errno. */
static int reopen(struct changes_reader *reader)
{
	struct stat st;
	int fd;

	if (reader->fd >= 0 && !stat(reader->path, &st) && st.st_ino == reader->ino)
		return 0;
	fd = open(reader->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EMEDIUMTYPE;
	}
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = fd;
	reader->ino = st.st_ino;
	return 1;
}

int changes_reader_init(struct changes_reader *reader, const struct changes *changes, bool oldest)
{
	struct changes_ends ends;
	int ret;

	reader->path = changes->path;
	reader->fd = -1;
	reader->ino = 0;
	reader->at = 0;
	reader->seq = 0;
	ret = reopen(reader);
	if (ret > 0)
		ret = read_ends(reader, &ends, UINT64_MAX);
	if (ret <= 0)
		return ret;
	reader->at = oldest ? ends.oldest : ends.head;
	reader->seq = oldest ? ends.first : ends.next;
	return 0;
}

void changes_reader_exit(struct changes_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

/* After what was read: is there a ring now, or another one? Return: as reopen(). */
static int follow_path(struct changes_reader *reader)
{
	int ret = reopen(reader);

	if (ret > 0) {
		reader->at = 0;
		reader->seq = 0;
	}
	return ret;
}

/* Return: is there a ring, and nothing in it that was not read? */
static bool at_end(const struct changes_reader *reader, const struct changes_ends *ends)
{
	return reader->at == ends->head && reader->seq == ends->next;
}

uint64_t changes_reader_left(struct changes_reader *reader)
{
	struct changes_ends ends;

	if (reader->fd < 0)
		follow_path(reader);
	if (reader->fd < 0 || read_ends(reader, &ends, UINT64_MAX) <= 0)
		return 0;
	if (at_end(reader, &ends) && (follow_path(reader) <= 0 ||
				      read_ends(reader, &ends, UINT64_MAX) <= 0))
		return 0;
	/* In a ring that was made anew the numbers are smaller. */
	return ends.next >= reader->seq ? ends.next - reader->seq : 1;
}

/* Go on with the oldest change that is still there, or behind the newest one. */
static void skip(struct changes_reader *reader, const struct changes_ends *ends, bool all,
		 uint64_t *lost)
{
	uint64_t seq = all ? ends->next : ends->first;

	/* In a new ring the numbers begin again. */
	*lost += seq >= reader->seq ? seq - reader->seq : 1;
	reader->at = all ? ends->head : ends->oldest;
	reader->seq = seq;
}

/* Take the texts of the entry. Return: false if they are not texts. */
static bool take_texts(const uint8_t *bytes, struct change *change)
{
	const struct entry *entry = (const void *)bytes;
	const char *text = (const char *)(bytes + sizeof(*entry));
	const uint16_t sizes[] = { entry->key_size, entry->old_size, entry->new_size };
	const char **texts[] = { &change->key, &change->old, &change->new };

	for (int i = 0; i < 3; i++) {
		*texts[i] = sizes[i] ? text : NULL;
		if (sizes[i] && strnlen(text, sizes[i]) != sizes[i] - 1U)
			return false;
		text += sizes[i];
	}
	return true;
}

int changes_read(struct changes_reader *reader, struct change *change, uint64_t *lost)
{
	const struct entry *entry = (const void *)reader->entry;
	struct changes_ends ends, after;
	int ret;

	*lost = 0;
	for (;;) {
		int err;

		ret = reader->fd < 0 ? 0 : read_ends(reader, &ends, reader->at);
		if (reader->fd < 0 || (ret > 0 && at_end(reader, &ends))) {
			ret = follow_path(reader);
			if (ret <= 0)
				return ret;
			continue;
		}
		if (ret <= 0)
			return ret;
		if (reader->at < ends.oldest || reader->at > ends.head) {
			skip(reader, &ends, false, lost);
			return 0;
		}
		err = read_entry(reader->fd, reader->at, reader->seq, reader->entry);
		ret = read_ends(reader, &after, err ? UINT64_MAX : 0);
		if (ret <= 0)
			return ret;
		/* Overwritten meanwhile? */
		if (reader->at < after.oldest)
			continue;
		if (!err && !take_texts(reader->entry, change))
			err = -EBADMSG;
		if (err == -EBADMSG) {
			skip(reader, &after, true, lost);
			return 0;
		}
		if (err)
			return err;
		change->seq = entry->seq;
		change->time_ns = entry->time_ns;
		change->pool = entry->pool;
		change->kind = entry->kind;
		change->source = entry->source;
		reader->at += entry->len;
		reader->seq++;
		return 1;
	}
}
