// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring of changes: what its readers get.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/changes.h"
#include "pool/edit.h"
#include "pool/lock.h"
#include "pool/store.h"
#include "support/scratch.h"

static struct changes changes;
static struct changes_reader reader;
static struct change change;
static uint64_t lost;

static void begin(void)
{
	scratch_begin();
	CHECK_INT(changes_init(&changes, scratch_dir), 0);
}

static void end(void)
{
	changes_reader_exit(&reader);
	changes_exit(&changes);
	scratch_end();
}

static void append(const char *key, const char *old, const char *new)
{
	struct change one = {
		.pool = 1, .kind = new ? CHANGE_SET : CHANGE_DELETE, .key = key, .old = old,
		.new = new,
	};

	changes_append(&changes, &one, 1);
}

/* Is this the next one? */
static bool next(const char *key, const char *old, const char *new)
{
	if (!CHECK_INT(changes_read(&reader, &change, &lost), 1) || !CHECK_INT(lost, 0))
		return false;
	CHECK(!old == !change.old && !new == !change.new);
	return CHECK_TEXT(change.key, key) && (!old || CHECK_TEXT(change.old, old)) &&
	       (!new || CHECK_TEXT(change.new, new));
}

static bool no_more(void)
{
	return CHECK_INT(changes_read(&reader, &change, &lost), 0) && CHECK_INT(lost, 0);
}

static void in_order(void)
{
	struct stat st;
	uint64_t now = time(NULL) * 1000000000ULL;

	begin();
	CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
	CHECK(no_more());
	CHECK_INT(changes_reader_left(&reader), 0);
	append("a", NULL, "1");
	CHECK_INT(changes_reader_left(&reader), 1);
	changes.source = CHANGE_BY_HOST;
	append("a", "1", "");
	append("a", "", NULL);
	CHECK(next("a", NULL, "1"));
	CHECK_INT(change.source, CHANGE_BY_GUEST);
	CHECK_INT(change.pool, 1);
	CHECK(change.time_ns >= now && change.time_ns < now + 60000000000ULL);
	CHECK_INT(changes_reader_left(&reader), 2);
	CHECK(next("a", "1", ""));
	CHECK_INT(change.source, CHANGE_BY_HOST);
	CHECK(next("a", "", NULL));
	CHECK_INT(change.kind, CHANGE_DELETE);
	CHECK(no_more());
	/* Values are for root alone. */
	CHECK_INT(stat(scratch_path(CHANGES_NAME), &st), 0);
	CHECK_INT(st.st_mode & 0777, 0600);
	end();
}

static void starts(void)
{
	struct changes_reader other;

	begin();
	append("old", NULL, "1");
	CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
	CHECK_INT(changes_reader_init(&other, &changes, true), 0);
	CHECK(no_more());
	append("new", NULL, "1");
	CHECK(next("new", NULL, "1"));
	CHECK_INT(changes_reader_left(&other), 2);
	CHECK_INT(changes_read(&other, &change, &lost), 1);
	CHECK_TEXT(change.key, "old");
	changes_reader_exit(&other);
	end();
}

/* The longest changes, far more than the ring holds: each is read, or counted. */
static void overrun(void)
{
	char value[POOL_VALUE_SIZE], key[POOL_KEY_SIZE];
	uint64_t read = 0, missed = 0;
	int ret;

	begin();
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = 0;
	memset(key, 'k', sizeof(key));
	key[sizeof(key) - 1] = 0;
	append(key, value, value);
	CHECK_INT(changes_reader_init(&reader, &changes, true), 0);
	CHECK(next(key, value, value));
	for (int i = 0; i < 5000; i++)
		append(key, value, value);
	while ((ret = changes_read(&reader, &change, &lost)) > 0 || lost) {
		read += ret;
		missed += lost;
	}
	CHECK_INT(read + missed, 5000);
	CHECK(read > 1700 && read < 1850);
	CHECK(!strcmp(change.key, key) && !strcmp(change.new, value));
	append("next", NULL, "1");
	CHECK(next("next", NULL, "1"));
	end();
}

/* A crash, or anybody, may have left anything in it. */
static void torn(void)
{
	static uint8_t bytes[4096];
	unsigned int random = 1;

	for (int i = 0; i < 300; i++) {
		size_t len;

		begin();
		append("a", NULL, "1");
		append("b", NULL, "2");
		len = scratch_read(CHANGES_NAME, bytes, sizeof(bytes));
		for (int k = 0; k < 3; k++) {
			random = random * 1664525 + 1013904223;
			bytes[(random >> 8) % len] ^= 1 << random % 8;
		}
		scratch_write(CHANGES_NAME, bytes, i % 2 ? len : (random >> 8) % len);
		CHECK(changes_reader_init(&reader, &changes, true) <= 0);
		for (int k = 0; k < 10; k++)
			CHECK(changes_read(&reader, &change, &lost) >= 0);
		append("c", NULL, "3");
		for (int k = 0; k < 10 && changes_read(&reader, &change, &lost) >= 0; k++)
			;
		append("d", NULL, "4");
		CHECK(next("d", NULL, "4"));
		end();
	}
}

static void replaced(void)
{
	begin();
	append("a", NULL, "1");
	CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
	unlink(scratch_path(CHANGES_NAME));
	append("b", NULL, "2");
	CHECK_INT(changes_reader_left(&reader), 1);
	CHECK(next("b", NULL, "2"));
	CHECK(no_more());
	end();
}

/* A lock on the ring, as another writer would take it. */
static bool lockable(void)
{
	int fd = open(scratch_path(CHANGES_NAME), O_RDWR);
	bool free = !flock(fd, LOCK_EX | LOCK_NB);

	close(fd);
	return free;
}

/* The daemon keeps the lock for a while: readers see each change all the same. */
static void kept_lock(void)
{
	struct changes_reader late;
	struct changes other;

	begin();
	append("a", NULL, "1");
	CHECK(lockable());
	CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
	changes.keep = true;
	append("b", NULL, "1");
	changes.since = UINT64_MAX / 2;	/* for long: this machine may be slow */
	append("b", "1", "2");
	append("b", "2", NULL);
	CHECK(!lockable());
	CHECK_INT(changes_reader_left(&reader), 3);
	CHECK(next("b", NULL, "1"));
	CHECK(next("b", "1", "2"));
	CHECK_INT(changes_reader_init(&late, &changes, false), 0);
	append("c", NULL, "1");
	CHECK_INT(changes_read(&late, &change, &lost), 1);
	CHECK_TEXT(change.key, "c");
	changes_reader_exit(&late);
	CHECK(next("b", "2", NULL));
	CHECK(next("c", NULL, "1"));
	CHECK(no_more());
	changes_release(&changes);
	CHECK(lockable());
	CHECK(no_more());
	append("d", NULL, "1");
	CHECK(!lockable());
	append("e", NULL, "1");
	changes_release(&changes);
	CHECK_INT(changes_init(&other, scratch_dir), 0);
	changes_append(&other, &(struct change){ .kind = CHANGE_SET, .key = "f", .new = "1" }, 1);
	changes_exit(&other);
	append("g", NULL, "1");
	CHECK(next("d", NULL, "1"));
	CHECK(next("e", NULL, "1"));
	CHECK(next("f", NULL, "1"));
	CHECK(next("g", NULL, "1"));
	CHECK(no_more());
	end();
}

/* When its time is over, those who wait for the lock get it. If none do, it is not released. */
static void lock_is_given_to_others(void)
{
	struct changes other;
	struct stat st;
	pid_t pid;
	int state;

	begin();
	changes.keep = true;
	append("a", NULL, "1");
	/* A ring that is locked anew is looked for at its path. */
	CHECK_INT(unlink(scratch_path(CHANGES_NAME)), 0);
	changes.since = 0;
	append("b", NULL, "1");
	CHECK(changes.since > 0);
	CHECK(stat(scratch_path(CHANGES_NAME), &st) < 0);
	changes_release(&changes);

	append("a", NULL, "1");
	pid = fork();
	if (!pid) {
		changes_init(&other, scratch_dir);
		do
			changes_append(&other, &(struct change){ .kind = CHANGE_SET, .key = "o" }, 1);
		while (other.failed);
		_exit(0);
	}
	while (!pool_lock_wanted(changes.fd))
		usleep(1000);	/* sleep: it polls; who waits for the lock says so */
	CHECK_INT(unlink(scratch_path(CHANGES_NAME)), 0);
	changes.since = 0;
	append("c", NULL, "1");
	CHECK_INT(stat(scratch_path(CHANGES_NAME), &st), 0);
	CHECK(waitpid(pid, &state, 0) == pid && WIFEXITED(state) && !WEXITSTATUS(state));
	end();
}

/* In the place of the C library's: counts calls while the ring is free, and while it is not. */
static int syncs_free, syncs_locked;

int fdatasync(int fd)
{
	if (lockable())
		syncs_free++;
	else
		syncs_locked++;
	return syscall(SYS_fdatasync, fd);
}

/* A slow disk: the lock is not kept while a checkpoint is written. */
static void checkpoint(void)
{
	struct store store;

	begin();
	CHECK_INT(store_init(&store, scratch_dir), 0);
	store.changes.keep = true;
	CHECK_INT(pool_set(&store.pools[1], "k", "1"), 1);
	CHECK(!lockable());
	syncs_free = 0;
	syncs_locked = 0;
	store_checkpoint(&store);
	CHECK(syncs_free > 0);
	CHECK_INT(syncs_locked, 0);
	store_exit(&store);
	end();
}

/* The daemon was killed while it had the lock: what it has noted is there, a torn entry is not. */
static void killed_writer(void)
{
	static uint8_t bytes[4096];
	size_t len;

	for (int torn = 0; torn < 2; torn++) {
		begin();
		append("a", NULL, "1");
		CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
		changes.keep = true;
		append("b", NULL, "1");
		append("c", NULL, "1");
		/* Its descriptor is closed without a header. */
		close(changes.fd);
		changes.fd = -1;
		if (torn) {
			len = scratch_read(CHANGES_NAME, bytes, sizeof(bytes));
			bytes[len - 8]++;
			scratch_write(CHANGES_NAME, bytes, len);
		}
		CHECK_INT(changes_reader_left(&reader), 2 - torn);
		append("d", NULL, "1");
		CHECK(next("b", NULL, "1"));
		if (!torn)
			CHECK(next("c", NULL, "1"));
		CHECK(next("d", NULL, "1"));
		CHECK(no_more());
		changes_release(&changes);
		CHECK(no_more());
		end();
	}
}

/* Nothing but a log line comes of a ring that cannot be written. */
static void unwritable(void)
{
	begin();
	CHECK_INT(mkdir(scratch_path(CHANGES_NAME), 0700), 0);
	append("a", NULL, "1");
	CHECK(scratch_logged("programs that watch may miss changes"));
	CHECK(changes_reader_init(&reader, &changes, false) < 0);
	end();
}

/* What the operations of a pool note. */
static void of_pools(void)
{
	struct pool_edit edits[] = {
		{ POOL_EDIT_EXPECT, "k", "2", 0 }, { POOL_EDIT_SET, "n", "1", 0 },
		{ POOL_EDIT_DELETE, "k", NULL, 0 }, { POOL_EDIT_DELETE, "none", NULL, 0 },
		{ POOL_EDIT_ADD, "n", "2", 0 }, { POOL_EDIT_SET, "k", "3", 0 },
	};
	struct store store;
	struct pool *pool = &store.pools[1];

	begin();
	CHECK_INT(store_init(&store, scratch_dir), 0);
	append("first", NULL, "");
	CHECK_INT(changes_reader_init(&reader, &changes, false), 0);
	CHECK_INT(pool_set(pool, "k", "1"), 1);
	CHECK_INT(pool_set(pool, "k", "2"), 0);
	CHECK_INT(pool_add(pool, "k", "2"), 1);
	CHECK_INT(pool_delete(pool, "none"), -ENOENT);
	CHECK(pool_set(pool, "", "x") < 0);
	CHECK(next("k", NULL, "1"));
	CHECK_INT(change.pool, 1);
	CHECK(next("k", "1", "2"));
	CHECK_INT(change.kind, CHANGE_SET);
	CHECK(next("k", "2", "2"));
	CHECK_INT(change.kind, CHANGE_ADD);
	CHECK(no_more());
	CHECK_INT(pool_edit(pool, edits, 6), 0);
	CHECK(next("n", NULL, "1"));
	CHECK(next("k", "2", NULL));
	CHECK(next("n", "1", "2"));
	CHECK(next("k", NULL, "3"));
	CHECK(no_more());
	CHECK_INT(pool_edit(pool, edits, 6), -ECANCELED);
	CHECK(no_more());
	CHECK_INT(pool_delete(pool, "k"), 0);
	CHECK(next("k", "3", NULL));
	CHECK(no_more());
	store_exit(&store);
	end();
}

static const struct tap_case cases[] = {
	{ "changes are read in order, as they come", in_order },
	{ "a reader begins with the oldest change, or with what comes", starts },
	{ "a reader that is too slow learns how many it has missed", overrun },
	{ "a torn ring is not read beyond, and goes on with the next change", torn },
	{ "a new ring is found", replaced },
	{ "a writer that keeps the lock: readers see each change, others get their turn", kept_lock },
	{ "a lock that is kept is given to those who wait for it", lock_is_given_to_others },
	{ "a checkpoint is written without the lock", checkpoint },
	{ "a writer that was killed has lost nothing but a torn entry", killed_writer },
	{ "a ring that cannot be written is a log line", unwritable },
	{ "each operation of a pool notes what it has changed, and nothing else", of_pools },
};

TAP_MAIN("changes", cases)
