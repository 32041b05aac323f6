// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes for which the host has an error: they are rolled back, whatever happens meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/journal_format.h"
#include "pool/pool.h"
#include "support/pairs.h"
#include "support/scratch.h"

#define FILE_NAME	".kvp_pool_1"

/* Calls that change something after S_OK was refused; no rollback of this test has more. */
#define MOST_CALLS	100

static struct pool pool;

/* What the disk does: no room in the pool file; the process ends at the n-th call that changes something. */
static bool no_room, no_mark, no_sync, no_log;
static int die_at, calls_left;

static void count_call(void)
{
	if (calls_left && !--calls_left)
		_exit(1);
}

static bool is_refused(int fd)
{
	count_call();
	errno = ENOSPC;
	return no_room && fd == pool.file.fd;
}

/* The kernel's calls have the offset in two halves. */
#define HALVES(at)	(long)(at), (long)((uint64_t)(at) >> 32)

ssize_t pwritev(int fd, const struct iovec *io, int count, off_t at)
{
	return is_refused(fd) ? -1 : syscall(SYS_pwritev, fd, io, count, HALVES(at));
}

ssize_t pwritev2(int fd, const struct iovec *io, int count, off_t at, int flags)
{
	/* Emulators of one program lack the newer call; without flags C libraries do without it there. */
	if (!flags)
		return pwritev(fd, io, count, at);
	return is_refused(fd) ? -1 : syscall(SYS_pwritev2, fd, io, count, HALVES(at), flags);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
	struct iovec io = { (void *)data, len };

	if (no_mark && len == sizeof(struct journal_mark)) {
		errno = ENOSPC;
		return -1;
	}
	return pwritev(fd, &io, 1, at);
}

int fdatasync(int fd)
{
	count_call();
	errno = EIO;
	return (no_sync && fd == pool.file.fd) || (no_log && fd == pool.journal.fd) ? -1 : 0;
}

/* As another program would, without a lock. */
static void write_theirs(int flags, off_t at, const char *key, const char *value)
{
	int fd = open(scratch_path(FILE_NAME), O_WRONLY | flags);
	struct pool_record record;

	pairs_put(&record, key, value);
	CHECK(lseek(fd, at, SEEK_SET) == at && write(fd, &record, sizeof(record)) == sizeof(record));
	close(fd);
}

/* What happens between S_OK and its refusal. */
static void (*meanwhile)(void);

static int refuse(void *data)
{
	(void)data;
	if (meanwhile)
		meanwhile();
	calls_left = die_at;
	return -ETIMEDOUT;
}

/* Three pairs, "a=1 b=2 c=3"; then the host hears of nothing. */
static void begin(void)
{
	scratch_begin();
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_INT(pool_set(&pool, "b", "2"), 1);
	CHECK_INT(pool_set(&pool, "c", "0"), 1);
	CHECK_INT(pool_checkpoint(&pool), 0);
	/* In the epoch of what is rolled back. */
	CHECK_INT(pool_set(&pool, "c", "3"), 0);
	pool.confirm = refuse;
}

static void end(void)
{
	meanwhile = NULL;
	no_room = false;
	pool_exit(&pool);
	scratch_end();
}

/* The process is gone, without a checkpoint. */
static void forget(void)
{
	pairs_die(&pool);
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
}

static void sees(const char *wanted)
{
	const char *seen = pairs_seen(&pool);

	if (!CHECK(!strcmp(seen, wanted)))
		printf("# %s instead of %s\n", seen, wanted);
}

static const char *const changes[] = { "set a", "add", "delete a", "delete b", "delete c" };

#define CHANGES	(sizeof(changes) / sizeof(changes[0]))

static int change(size_t number)
{
	const char *what = changes[number];

	if (what[0] == 'd')
		return pool_delete(&pool, what + sizeof("delete"));
	return pool_set(&pool, what[0] == 's' ? "a" : "d", "new");
}

static void refused(void)
{
	for (size_t i = 0; i < CHANGES; i++) {
		begin();
		CHECK_INT(change(i), -ETIMEDOUT);
		sees("a=1 b=2 c=3");
		forget();
		sees("a=1 b=2 c=3");
		end();
	}
}

static void fill_up(void)
{
	no_room = true;
}

static void try_again(void)
{
	CHECK_INT(pool_set(&pool, "c", "3"), 0);
}

static void make_checkpoint(void)
{
	CHECK_INT(pool_checkpoint(&pool), 0);
}

/* The rollback cannot be made in the file, which works again later: what is logged has to do. */
static void without_room(size_t number, bool checkpoint_fails, void (*later)(void))
{
	begin();
	meanwhile = fill_up;
	CHECK_INT(change(number), -ETIMEDOUT);
	if (checkpoint_fails)
		pool_checkpoint(&pool);
	no_room = false;
	pool.confirm = NULL;
	later();
	sees("a=1 b=2 c=3");
	end();
}

static void room_later(void)
{
	static void (*const later[])(void) = { forget, try_again, make_checkpoint };

	for (size_t i = 0; i < CHANGES; i++)
		for (size_t how = 0; how < 2 * sizeof(later) / sizeof(later[0]); how++)
			without_room(i, how % 2, later[how / 2]);
}

/* Return: as waitpid(2), of a process that makes the change and dies at the call with this number. */
static int change_and_die(size_t number, int call)
{
	int status = -1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		forget();
		if (pool_set(&pool, "c", "3"))
			_exit(3);
		die_at = call;
		pool.confirm = refuse;
		_exit(change(number) == -ETIMEDOUT ? 0 : 2);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static void killed(void)
{
	for (size_t i = 0; i < CHANGES; i++) {
		int status = -1, call;

		/* Before the first one the inverse is not in the log yet: that is the gap. */
		for (call = 2; status && call < MOST_CALLS; call++) {
			begin();
			pool_checkpoint(&pool);
			status = change_and_die(i, call);
			CHECK(!status || WEXITSTATUS(status) == 1);
			forget();
			sees("a=1 b=2 c=3");
			end();
		}
		CHECK(call > 3);
		CHECK(call < MOST_CALLS);
	}
}

static void append_theirs(void)
{
	write_theirs(O_APPEND, 0, "theirs", "x");
}

static void change_theirs(void)
{
	write_theirs(0, 0, "a", "theirs");
}

static void empty(void)
{
	CHECK_INT(truncate(scratch_path(FILE_NAME), 0), 0);
}

static void other(void (*does)(void), int (*change_pool)(void), const char *wanted)
{
	begin();
	meanwhile = does;
	CHECK_INT(change_pool(), -ETIMEDOUT);
	sees(wanted);
	end();
}

static int set_first(void)
{
	return pool_set(&pool, "a", "4");
}

static int set_last(void)
{
	return pool_set(&pool, "c", "4");
}

static int add(void)
{
	return pool_set(&pool, "d", "4");
}

static int delete_last(void)
{
	return pool_delete(&pool, "c");
}

/* Other programs write without a lock: what they have written stays. */
static void others(void)
{
	other(append_theirs, add, "a=1 b=2 c=3 theirs=x");
	other(append_theirs, delete_last, "a=1 b=2 theirs=x c=3");
	other(change_theirs, set_first, "a=theirs b=2 c=3");
	other(empty, set_last, "");
}

/* A change that fails, and one of the same length, whose mark is not on the disk yet, or not written yet. */
static void fail_and_repeat(void)
{
	struct journal_mark behind;
	int fd;

	begin();
	pool.confirm = NULL;
	no_room = true;
	CHECK_INT(pool_set(&pool, "c", "4"), -ENOSPC);
	no_room = false;
	fd = open(scratch_path(FILE_NAME ".journal"), O_RDWR);
	/* All changes of this test are as long, and the first one is there. */
	CHECK(pool.journal.live && pool.journal.seq == 1);
	CHECK_INT(pread(fd, &behind, sizeof(behind), 2 * pool.journal.tail - JOURNAL_FIRST), sizeof(behind));
	CHECK_INT(behind.magic, JOURNAL_INVERSE_MAGIC);
	CHECK_INT(pool_set(&pool, "c", "5"), 0);
	CHECK_INT(pwrite(fd, &behind, sizeof(behind), pool.journal.tail), sizeof(behind));
	close(fd);
	forget();
}

/* The inverse of a change that failed is not valid behind the next one, which has its place. */
static void stale_inverse(void)
{
	fail_and_repeat();
	sees("a=1 b=2 c=5");
	end();

	fail_and_repeat();
	pairs_forget_boot(scratch_path(FILE_NAME ".journal"));
	sees("a=1 b=2 c=5");
	end();
}

/* Where the log has no room for the mark, nothing stays in it that would be made again. */
static void without_mark(void)
{
	begin();
	pool.confirm = NULL;
	no_mark = true;
	CHECK_INT(pool_set(&pool, "c", "4"), 0);
	no_mark = false;
	CHECK(!pool.journal.live);
	CHECK_INT(pool_set(&pool, "c", "5"), 0);
	CHECK(pool.journal.live);
	sees("a=1 b=2 c=5");
	end();
}

/* A change whose log cannot be written, nor put right: an error, and a line that says what may come of it. */
static void stays_in_log(void)
{
	begin();
	pool.confirm = NULL;
	no_log = true;
	CHECK_INT(pool_set(&pool, "c", "4"), -EIO);
	no_log = false;
	CHECK(scratch_logged("cannot be removed from its journal, and may take effect later"));
	sees("a=1 b=2 c=3");
	end();
}

static void leave_no_room(void)
{
	no_room = true;
}

/* For so long another process keeps the pool locked. */
static void lock_for(unsigned int ms)
{
	struct flock posix = { .l_type = F_WRLCK };
	int fds[2], fd;
	char byte = 0;

	CHECK_INT(pipe(fds), 0);
	if (!fork()) {
		fd = open(scratch_path(FILE_NAME), O_RDWR);
		fcntl(fd, F_SETLKW, &posix);
		close(fds[1]);
		usleep(1000 * ms);	/* sleep: how long it holds the lock */
		_exit(0);
	}
	close(fds[1]);
	CHECK_INT(read(fds[0], &byte, 1), 0);
	close(fds[0]);
}

/*
 * A process ends in the middle of a DELETE that has failed: the pair is not in the file, and comes back
 * with the replay, for which a lock is missing at first. The same DELETE again is only done when it is gone.
 */
static void delete_again(void)
{
	begin();
	meanwhile = leave_no_room;
	CHECK_INT(pool_delete(&pool, "c"), -ETIMEDOUT);
	meanwhile = NULL;
	forget();
	no_room = false;
	lock_for(600);
	pool.file.wait_ms = 400;
	CHECK_INT(pool_delete_again(&pool, "c"), 0);
	wait(NULL);
	sees("a=1 b=2");
	end();

	/* What a sync that failed may have lost is replayed. */
	begin();
	pool.confirm = NULL;
	CHECK(pool.journal.live);
	no_sync = true;
	CHECK_INT(pool_delete_again(&pool, "none"), -EIO);
	no_sync = false;
	CHECK(!pool.journal.live || pool.journal.unfinished);
	CHECK_INT(pool_delete_again(&pool, "none"), 0);
	sees("a=1 b=2 c=3");
	end();
}

static const struct tap_case cases[] = {
	{ "a change of which the host could not be told leaves nothing", refused },
	{ "also if the pool file cannot be written meanwhile", room_later },
	{ "also if the process is killed meanwhile", killed },
	{ "what other programs have written meanwhile stays", others },
	{ "nor does its inverse come into effect later", stale_inverse },
	{ "a change without room for its mark is a checkpoint", without_mark },
	{ "a failed change that stays in the log is announced", stays_in_log },
	{ "a DELETE that another process may have made is done when the pair is gone", delete_again },
};

TAP_MAIN("rollback", cases)
