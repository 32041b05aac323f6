// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many system calls a request costs, counted by ptrace(2).
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "facts/facts.h"
#include "support/driver.h"
#include "support/scratch.h"

#define REQUESTS 20

/* A change may come after the pool was unlocked, which a slow machine does not avoid: it is tried so often. */
#define TRIES	300

/* More records than DELETE moves to keep their order. */
#define MANY	100

/*
 * epoll_wait, read; a look at the pool file, one read of the record; its log, with a sync; the record; write; its
 * time, the state of its log; the ring of changes; the line in the log of the daemon.
 */
#define SET_CALLS		12

/* Not read, but its place is asked for. Without the flag for one write at the end, that is several calls. */
#ifdef RWF_APPEND
#define ADD_CALLS		12
#else
#define ADD_CALLS		15
#endif

/* Before the file is cut, a look whether others have added something. */
#define DELETE_FIRST_CALLS	14
#define DELETE_LAST_CALLS	13
#define DELETE_OF_MANY_CALLS	15

/* What the host does not wait for: time and state; the ring, the line; and the wait for the next request. */
#define CHANGE_CALLS_BEHIND	5

/*
 * A change that follows no other needs so many more: for the locks, for looks at both files before and after them, for
 * reading the log's first entry and its state; and DELETE looks at the pool before it takes locks at all. What comes
 * behind the answer is more, too, but the host does not wait for it.
 */
#define ALONE_SET_CALLS		10
#define ALONE_DELETE_CALLS	11
#define ALONE_TRIES		20

static struct driver driver;
static int behind;	/* calls that the daemon made after the last answer, with the wait */
static bool inside;	/* the daemon has entered a call and not left it */

/* Newer architectures have only the second one; glibc uses either. */
static bool is_wait(uint64_t nr)
{
#ifdef SYS_epoll_wait
	if (nr == SYS_epoll_wait)
		return true;
#endif
	return nr == SYS_epoll_pwait;
}

/* When it gets memory, and how, is the C library's affair. */
static bool is_memory(uint64_t nr)
{
#ifdef SYS_mmap
	if (nr == SYS_mmap)
		return true;
#endif
#ifdef SYS_mmap2
	if (nr == SYS_mmap2)
		return true;
#endif
	return nr == SYS_munmap || nr == SYS_brk;
}

/* Is it a wait without an end? Then nothing is left to do, and the pools are unlocked. */
static bool is_endless(const struct __ptrace_syscall_info *info)
{
	return info->op == PTRACE_SYSCALL_INFO_ENTRY && is_wait(info->entry.nr) &&
	       (int)info->entry.args[3] < 0;
}

/* Let the daemon run until it waits for the next request. Return: calls that it made, this last one too. */
static int count_calls(void)
{
	int calls = 0, status;

	behind = 0;
	for (;;) {
		struct __ptrace_syscall_info info;

		if (ptrace(PTRACE_SYSCALL, driver.child.pid, 0, 0) ||
		    waitpid(driver.child.pid, &status, 0) != driver.child.pid || !WIFSTOPPED(status))
			return -1;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80))
			continue;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, driver.child.pid, sizeof(info), &info) <= 0)
			return -1;
		inside = info.op == PTRACE_SYSCALL_INFO_ENTRY;
		if (!inside || is_memory(info.entry.nr))
			continue;
		calls++;
		if (!driver_answered(&driver))
			continue;
		behind++;
		if (is_wait(info.entry.nr))
			return calls;
	}
}

/* Let the daemon run until it has unlocked its pools. */
static bool settle(void)
{
	struct __ptrace_syscall_info info = { 0 };
	int status;

	for (;;) {
		if (ptrace(PTRACE_GET_SYSCALL_INFO, driver.child.pid, sizeof(info), &info) <= 0)
			return false;
		if (is_endless(&info))
			return true;
		if (ptrace(PTRACE_SYSCALL, driver.child.pid, 0, 0) ||
		    waitpid(driver.child.pid, &status, 0) != driver.child.pid || !WIFSTOPPED(status))
			return false;
	}
}

static bool begin(void)
{
	int status;

	scratch_begin();
	/* Looking for leaks needs ptrace for itself. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	driver_start(&driver);
	if (ptrace(PTRACE_SEIZE, driver.child.pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) {
		tap_skip("ptrace is not allowed here");
		return false;
	}
	ptrace(PTRACE_INTERRUPT, driver.child.pid, 0, 0);
	return waitpid(driver.child.pid, &status, 0) == driver.child.pid;
}

static void end(void)
{
	driver_kill(&driver);
	scratch_end();
	unsetenv("ASAN_OPTIONS");
}

/* Let the daemon carry out a request. Return: calls. */
static int calls_of(const struct body *body)
{
	static uint64_t id;
	int calls;

	driver_send(&driver, ++id, 0, body);
	calls = count_calls();
	CHECK(calls > 0);
	CHECK_INT(driver_reply(&driver, id), HVKVP_S_OK);
	return calls;
}

/* More than this is a defect, and less makes this test and the README wrong. */
static bool takes(const char *what, int fewest, int expected)
{
	if (CHECK_INT(fewest, expected))
		return true;
	printf("# %s: %d calls\n", what, fewest);
	return false;
}

static int least(int a, int b)
{
	return b < a ? b : a;
}

/*
 * The cost of a request once it has been made a few times. One of them may be that after which the
 * pools are unlocked, or in which what was kept for a second is looked up again.
 */
static void costs(const char *what, const struct body *body, int expected)
{
	int fewest = TRIES;

	for (int i = 0; i < REQUESTS; i++) {
		int calls;

		driver_send(&driver, i + 1, 0, body);
		calls = count_calls();
		if (!CHECK(calls > 0))
			return;
		driver_reply(&driver, i + 1);
		fewest = least(fewest, calls);
	}
	takes(what, fewest, expected);
}

static void facts(void)
{
	struct body body;

	if (begin()) {
		/* The addresses are read again for a second after they have changed. */
		for (unsigned int i = 0; i < FACTS_COUNT; i++) {
			body_enumerate(&body, HVKVP_POOL_AUTO, i);
			costs(facts_name(i), &body, 3);
		}
	}
	end();
}

static void refusal(void)
{
	struct body body;

	if (begin()) {
		body_enumerate(&body, HVKVP_POOL_AUTO, 1000);
		costs("refusal", &body, 3);
	}
	end();
}

static void stored_pair(void)
{
	struct body set, get, enumerate;

	if (begin()) {
		body_set(&set, HVKVP_POOL_EXTERNAL, U(u"key"), U(u"value"));
		body_get(&get, HVKVP_POOL_EXTERNAL, U(u"key"));
		body_enumerate(&enumerate, HVKVP_POOL_EXTERNAL, 0);
		calls_of(&set);
		costs("GET", &get, 4);
		costs("ENUMERATE", &enumerate, 4);
	}
	end();
}

/* A body with another key for each number, "k000000" and so on. */
static void numbered(struct body *body, bool set, int number)
{
	char16_t key[8] = u"k000000";

	for (int at = 6; at > 0; at--, number /= 10)
		key[at] = u'0' + number % 10;
	if (set)
		body_set(body, HVKVP_POOL_EXTERNAL, U(key), U(u"value"));
	else
		body_delete(body, HVKVP_POOL_EXTERNAL, U(key));
}

/* Each while the pool is locked by the change before; the checkpoint comes when the host waits for nothing. */
static void changes(void)
{
	int set = TRIES, add = TRIES, delete_first = TRIES, delete_last = TRIES;
	int set_behind = TRIES, delete_behind = TRIES;
	struct body body;

	if (begin()) {
		for (int i = 0; i < TRIES && (set > SET_CALLS || add > ADD_CALLS ||
					      delete_first > DELETE_FIRST_CALLS ||
					      delete_last > DELETE_LAST_CALLS); i++) {
			numbered(&body, true, 0);
			add = least(add, calls_of(&body));
			numbered(&body, true, 1);
			add = least(add, calls_of(&body));
			set = least(set, calls_of(&body));
			set_behind = least(set_behind, behind);
			numbered(&body, false, 0);
			delete_first = least(delete_first, calls_of(&body));
			delete_behind = least(delete_behind, behind);
			numbered(&body, false, 1);
			delete_last = least(delete_last, calls_of(&body));
		}
		takes("SET of a known key", set, SET_CALLS);
		takes("SET of a new key", add, ADD_CALLS);
		takes("DELETE of a key with others behind it", delete_first, DELETE_FIRST_CALLS);
		takes("DELETE of the last key", delete_last, DELETE_LAST_CALLS);
		takes("SET, behind the answer", set_behind, CHANGE_CALLS_BEHIND);
		takes("DELETE, behind the answer", delete_behind, CHANGE_CALLS_BEHIND);
	}
	end();
}

/* Each when all that came before is in the pool, and the pool is unlocked. */
static void alone(void)
{
	int set = TRIES, delete = TRIES;
	struct body body;

	if (begin()) {
		numbered(&body, true, 0);
		calls_of(&body);
		for (int i = 0; i < ALONE_TRIES; i++) {
			numbered(&body, true, 1);
			calls_of(&body);
			if (!CHECK(settle()))
				break;
			set = least(set, calls_of(&body) - behind);
			if (!CHECK(settle()))
				break;
			numbered(&body, false, 1);
			delete = least(delete, calls_of(&body) - behind);
			if (!CHECK(settle()))
				break;
		}
		takes("SET, alone", set, SET_CALLS - CHANGE_CALLS_BEHIND + ALONE_SET_CALLS);
		takes("DELETE of the last key, alone", delete,
		      DELETE_LAST_CALLS - CHANGE_CALLS_BEHIND + ALONE_DELETE_CALLS);
	}
	end();
}

/* The last record fills the gap: it has to be read as well. */
static void delete_of_many(void)
{
	int fewest = TRIES;
	struct body body;

	if (begin()) {
		for (int i = 0; i < 2 * MANY; i++) {
			numbered(&body, true, i);
			calls_of(&body);
		}
		for (int i = 0; i < MANY && fewest > DELETE_OF_MANY_CALLS; i++) {
			numbered(&body, false, i);
			fewest = least(fewest, calls_of(&body));
		}
		takes("DELETE", fewest, DELETE_OF_MANY_CALLS);
	}
	end();
}

static const struct tap_case cases[] = {
	{ "a fact: wait, read, write", facts },
	{ "the end of an enumeration: likewise", refusal },
	{ "a stored pair: a look at the file as well", stored_pair },
	{ "SET and DELETE", changes },
	{ "SET and DELETE, each after a pause", alone },
	{ "DELETE in a large pool", delete_of_many },
};

TAP_MAIN("syscalls", cases)
