// SPDX-License-Identifier: GPL-2.0-only
/*
 * A disk's contents behind a volatile write cache.
 */
#include "devices/wcache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/**
 * struct logged - a write that a power cut may lose.
 * @next, @prev: the log, oldest first.
 * @first, @count: the sectors.
 * @durable: it is on the medium; here only because it lies over older ones that are not.
 * @data: @count sectors as they were before, then as many as written.
 */
struct logged {
	struct logged *next;
	struct logged *prev;
	u64 first;
	u32 count;
	bool durable;
	u8 data[];
};

/**
 * struct wcache - the contents.
 * @fd: backing file.
 * @random: state of the random numbers.
 * @oldest, @newest, @dirty, @bytes: the log, its writes that are not durable, its bytes of data.
 */
struct wcache {
	int fd;
	u64 sectors;
	u64 random;
	bool lie;
	struct logged *oldest;
	struct logged *newest;
	u32 dirty;
	u64 bytes;
	struct wcache_fate fate;
};

/* splitmix64: any seed will do. */
static u64 next_random(struct wcache *cache)
{
	u64 z = cache->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool copy_in(int fd, u64 first, u32 count, void *data)
{
	size_t want = (size_t)count * WCACHE_SECTOR;

	return pread(fd, data, want, (off_t)(first * WCACHE_SECTOR)) == (ssize_t)want;
}

static bool copy_out(int fd, u64 first, u32 count, const void *data)
{
	size_t want = (size_t)count * WCACHE_SECTOR;

	return pwrite(fd, data, want, (off_t)(first * WCACHE_SECTOR)) == (ssize_t)want;
}

static int open_backing(const char *image, u64 sectors)
{
	struct stat st;
	int fd;

	if (image) {
		fd = open(image, O_RDWR | O_CLOEXEC);
		if (fd >= 0 && !fstat(fd, &st) && (u64)st.st_size / WCACHE_SECTOR >= sectors)
			return fd;
		if (fd >= 0) {
			close(fd);
			errno = EFBIG;
		}
		return -1;
	}
	fd = memfd_create("disk", MFD_CLOEXEC);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)(sectors * WCACHE_SECTOR))) {
		close(fd);
		return -1;
	}
	return fd;
}

struct wcache *wcache_new(const char *image, u64 sectors, u64 seed, char *err, size_t errlen)
{
	struct wcache *cache = calloc(1, sizeof(*cache));

	if (!cache) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	cache->sectors = sectors;
	cache->random = seed;
	cache->fd = open_backing(image, sectors);
	if (cache->fd < 0) {
		snprintf(err, errlen, "cannot use %s as a disk of %llu sectors (%s)",
			 image ? image : "memory", (unsigned long long)sectors,
			 errno == EFBIG ? "it is smaller" : strerror(errno));
		free(cache);
		return NULL;
	}
	return cache;
}

static void drop(struct wcache *cache, struct logged *entry)
{
	if (entry->prev)
		entry->prev->next = entry->next;
	else
		cache->oldest = entry->next;
	if (entry->next)
		entry->next->prev = entry->prev;
	else
		cache->newest = entry->prev;
	if (!entry->durable)
		cache->dirty--;
	cache->bytes -= 2ull * entry->count * WCACHE_SECTOR;
	free(entry);
}

static void drop_all(struct wcache *cache)
{
	while (cache->oldest)
		drop(cache, cache->oldest);
}

void wcache_free(struct wcache *cache)
{
	if (!cache)
		return;
	drop_all(cache);
	close(cache->fd);
	free(cache);
}

u64 wcache_sectors(const struct wcache *cache)
{
	return cache->sectors;
}

static bool inside(const struct wcache *cache, u64 first, u32 count)
{
	return first <= cache->sectors && count <= cache->sectors - first;
}

bool wcache_read(struct wcache *cache, u64 first, u32 count, void *data)
{
	return inside(cache, first, count) && copy_in(cache->fd, first, count, data);
}

bool wcache_write(struct wcache *cache, u64 first, u32 count, const void *data, bool durable)
{
	size_t bytes = (size_t)count * WCACHE_SECTOR;
	struct logged *entry;

	if (!inside(cache, first, count))
		return false;
	if (!count)
		return true;
	entry = malloc(sizeof(*entry) + 2 * bytes);
	if (!entry)
		return false;
	entry->first = first;
	entry->count = count;
	entry->durable = durable && !cache->lie;
	memcpy(entry->data + bytes, data, bytes);
	if (!copy_in(cache->fd, first, count, entry->data) ||
	    !copy_out(cache->fd, first, count, data)) {
		free(entry);
		return false;
	}
	entry->next = NULL;
	entry->prev = cache->newest;
	if (cache->newest)
		cache->newest->next = entry;
	else
		cache->oldest = entry;
	cache->newest = entry;
	cache->bytes += 2 * bytes;
	if (!entry->durable)
		cache->dirty++;
	while (cache->bytes > WCACHE_LOG_MAX)
		drop(cache, cache->oldest);
	return true;
}

void wcache_flush(struct wcache *cache)
{
	if (!cache->lie)
		drop_all(cache);
}

/* How a power cut treats the writes: alike, or each by itself, or as a cache that works in order. */
enum mood { LOSE_ALL, KEEP_ALL, IN_ORDER, EACH };

enum fate { KEPT, LOST, TORN };

static enum fate fate_of(struct wcache *cache, enum mood mood, u32 index, u32 until)
{
	switch (mood) {
	case LOSE_ALL:
		return LOST;
	case KEEP_ALL:
		return KEPT;
	case IN_ORDER:
		return index < until ? KEPT : index > until ? LOST : TORN;
	default:
		return (enum fate)(next_random(cache) % 3);
	}
}

/* Write some of an entry's sectors. Returns how many. */
static u32 tear(struct wcache *cache, const struct logged *entry)
{
	const u8 *data = entry->data + (size_t)entry->count * WCACHE_SECTOR;
	u32 i, done = 0;

	for (i = 0; i < entry->count; i++) {
		if (next_random(cache) & 1)
			continue;
		copy_out(cache->fd, entry->first + i, 1, data + (size_t)i * WCACHE_SECTOR);
		done++;
	}
	return done;
}

static void decide(struct wcache *cache, const struct logged *entry, enum fate fate)
{
	u32 done = 0;

	if (entry->durable || fate == KEPT) {
		copy_out(cache->fd, entry->first, entry->count,
			 entry->data + (size_t)entry->count * WCACHE_SECTOR);
		done = entry->count;
	} else if (fate == TORN) {
		done = tear(cache, entry);
	}
	if (entry->durable)
		return;
	if (done == entry->count)
		cache->fate.kept++;
	else if (done)
		cache->fate.torn++;
	else
		cache->fate.lost++;
}

void wcache_cut(struct wcache *cache)
{
	/* Each by itself is half of the cuts. */
	enum mood mood = (enum mood)(next_random(cache) % (2 * EACH));
	u32 until = cache->dirty ? (u32)(next_random(cache) % cache->dirty) : 0, index = 0;
	const struct logged *entry;

	for (entry = cache->newest; entry; entry = entry->prev)
		copy_out(cache->fd, entry->first, entry->count, entry->data);
	for (entry = cache->oldest; entry; entry = entry->next) {
		decide(cache, entry, fate_of(cache, mood, index, until));
		index += !entry->durable;
	}
	cache->fate.cuts++;
	drop_all(cache);
}

void wcache_lie(struct wcache *cache, bool lie)
{
	cache->lie = lie;
}

u32 wcache_dirty(const struct wcache *cache)
{
	return cache->dirty;
}

const struct wcache_fate *wcache_fate(const struct wcache *cache)
{
	return &cache->fate;
}
