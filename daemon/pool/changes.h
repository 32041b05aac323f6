/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The last changes of all pools, for those who must see each of them
 *
 * A pool file holds what is there now: a program that looks at it twice misses what came and went
 * in between. So each change is also appended to a ring file, mode 0600, by the process that makes
 * it and before it unlocks the pool. The ring holds keys and values, so it is in /run for the
 * system's own pools, where nothing outlasts a reboot; for another state directory it is in there.
 *
 * Writers exclude each other by a lock of the ring, which only root can take. Readers take no lock,
 * so that a reader that stops cannot stop a writer: a writer first says that it is about to
 * overwrite the oldest changes, then writes. A reader that was too slow learns how many changes it
 * has missed.
 *
 * A change is one write: its entry has a number and a checksum, so whoever knows where the next one
 * goes sees whether it is there. The header at the start of the file says where the newest one was
 * when a writer gave the lock back; those behind it are found one by one. So the daemon, which may
 * get many changes in a row, can keep the lock from one to the next, and then has to write nothing
 * but the entry. After CHANGES_HOLD_MS it gives the lock to those who wait for it.
 *
 * The ring is not synced: after a crash of the machine its contents may be missing or torn. Readers
 * check each change, and the pools themselves do not depend on it.
 */
#ifndef HVKVP_POOL_CHANGES_H
#define HVKVP_POOL_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pool/file.h"

#define CHANGES_NAME	".kvp_changes"

/* Bytes for changes. 1,000 of the longest that there can be are 4,648,000. */
#define CHANGES_SIZE	(8U << 20)

/* A writer with &changes.keep lets others in, if there are any, after this time. */
#define CHANGES_HOLD_MS	20

/**
 * enum change_kind - what happened to a key
 * @CHANGE_SET: its last record has another value, or it has its first one
 * @CHANGE_ADD: it has one more record
 * @CHANGE_DELETE: it has none any more
 * @CHANGE_ADDRESSES: not of a pool: an adapter, its id is the key, has other addresses
 */
enum change_kind {
	CHANGE_SET,
	CHANGE_ADD,
	CHANGE_DELETE,
	CHANGE_ADDRESSES,
	CHANGE_KINDS
};

/**
 * enum change_source - who has made it
 * @CHANGE_BY_GUEST: hvkvp, or a program with the library
 * @CHANGE_BY_HOST: the daemon, for the host
 * @CHANGE_BY_OTHER: a program that writes to the file itself; never in the ring
 */
enum change_source {
	CHANGE_BY_GUEST,
	CHANGE_BY_HOST,
	CHANGE_BY_OTHER,
	CHANGE_SOURCES
};

/**
 * struct change - a change of one key
 * @seq: number of the change in the ring
 * @time_ns: when, CLOCK_REALTIME
 * @pool: number; 0 if it is not of a pool
 * @kind: what happened
 * @source: who has made it
 * @key: text
 * @old: value before, NULL if there was none
 * @new: value now, NULL if there is none
 */
struct change {
	uint64_t seq;
	uint64_t time_ns;
	unsigned int pool;
	enum change_kind kind;
	enum change_source source;
	const char *key;
	const char *old;
	const char *new;
};

/**
 * struct changes_ends - which changes the ring has
 * @oldest: byte position of the oldest change, counted since the ring was made
 * @head: byte position behind the newest change
 * @first: number of the oldest change
 * @next: number that the next change gets
 */
struct changes_ends {
	uint64_t oldest;
	uint64_t head;
	uint64_t first;
	uint64_t next;
};

/**
 * struct changes - where changes are noted
 * @path: of the ring; owned
 * @source: of the changes that this process makes
 * @keep: keep the lock between changes; its owner has to call changes_release() before it waits for
 *	another lock or for long
 * @failed: the last attempt failed, and the log has said so
 * @fd: open ring, locked; -1: we do not have the lock
 * @since: when the lock was taken, or others were last looked for, clock_ms()
 * @ends: of the locked ring
 */
struct changes {
	char *path;
	enum change_source source;
	bool keep;
	bool failed;
	int fd;
	uint64_t since;
	struct changes_ends ends;
};

/**
 * changes_init() - set up, without opening anything
 * @changes: the object
 * @dir: state directory
 *
 * Return: 0 or -ENOMEM.
 */
int changes_init(struct changes *changes, const char *dir);

/**
 * changes_exit() - give the lock back, and free
 * @changes: the object
 */
void changes_exit(struct changes *changes);

/**
 * changes_append() - note changes
 * @changes: the object; NULL: nothing is noted
 * @list: what has happened, in this order; seq, time and source are filled in
 * @count: of @list
 *
 * A failure is logged once: the change itself has been made, and is not affected.
 */
void changes_append(struct changes *changes, struct change *list, size_t count);

/**
 * changes_release() - give the lock of the ring back
 * @changes: the object; NULL, or without the lock: nothing is done
 */
void changes_release(struct changes *changes);

/* The longest change, with its header. */
#define CHANGES_ENTRY_MAX (40 + POOL_KEY_SIZE + 2 * POOL_VALUE_SIZE)

/**
 * struct changes_reader - a position in the ring
 * @path: of the ring; not owned
 * @fd: open ring; -1: there was none
 * @ino: of it
 * @at: byte position of the next change
 * @seq: its number
 * @entry: the change that was read last
 */
struct changes_reader {
	const char *path;
	int fd;
	ino_t ino;
	uint64_t at;
	uint64_t seq;
	_Alignas(8) uint8_t entry[CHANGES_ENTRY_MAX + 8];
};

/**
 * changes_reader_init() - read what comes from now on
 * @reader: the object
 * @changes: the ring; must outlive @reader
 * @oldest: begin with the oldest change that is still there
 *
 * Return: 0, also if there is no ring yet; -EACCES if it must not be read; other -errno.
 */
int changes_reader_init(struct changes_reader *reader, const struct changes *changes, bool oldest);

/**
 * changes_reader_exit() - close
 * @reader: the object
 */
void changes_reader_exit(struct changes_reader *reader);

/**
 * changes_reader_left() - how many changes have not been read?
 * @reader: the object
 *
 * Return: a number; 0 if there is no ring.
 */
uint64_t changes_reader_left(struct changes_reader *reader);

/**
 * changes_read() - the next change
 * @reader: the object
 * @change: filled in; its texts are valid until the next call
 * @lost: set to the number of changes that were overwritten before they could be read, or that
 *	cannot be read; the caller has to look at the pools then, and to call again
 *
 * Return: 1 if there is one; 0 if there is none now, or some were lost; -errno if the ring cannot
 * be read.
 */
int changes_read(struct changes_reader *reader, struct change *change, uint64_t *lost);

#endif /* HVKVP_POOL_CHANGES_H */
