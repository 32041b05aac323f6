// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request in hand when the daemon is killed: the next one answers it, and what it says is true.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "support/driver.h"
#include "support/scratch.h"
#include "wire/protocol.h"

/* No request takes so many. */
#define MOST_CALLS	100

static struct driver driver;
static bool untraced;	/* ptrace is not allowed here */

static void begin(void)
{
	struct body body;

	scratch_begin();
	/* Looking for leaks needs ptrace for itself. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	driver_start(&driver);
	body_set(&body, HVKVP_POOL_EXTERNAL, U(u"k"), U(u"v"));
	driver_send(&driver, 1, 0, &body);
	CHECK_INT(driver_reply(&driver, 1), HVKVP_S_OK);
}

static void end(void)
{
	driver_kill(&driver);
	scratch_end();
	unsetenv("ASAN_OPTIONS");
}

/* Kill the daemon before its nth system call since now. Return: false if it has answered before. */
static bool kill_at(int n)
{
	int status = 0;

	if (ptrace(PTRACE_SEIZE, driver.child.pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL)) {
		untraced = true;
		tap_skip("ptrace is not allowed here");
		return false;
	}
	ptrace(PTRACE_INTERRUPT, driver.child.pid, 0, 0);
	waitpid(driver.child.pid, &status, 0);
	/* Each call stops it twice. */
	for (int stops = 0; stops < 2 * n - 1 && !driver_answered(&driver); ) {
		ptrace(PTRACE_SYSCALL, driver.child.pid, 0, 0);
		if (waitpid(driver.child.pid, &status, 0) < 0 || !WIFSTOPPED(status))
			break;
		stops += WSTOPSIG(status) == (SIGTRAP | 0x80);
	}
	return !driver_answered(&driver);
}

static uint32_t status_of(uint64_t id, const struct body *body)
{
	driver_send(&driver, id, 0, body);
	return driver_reply(&driver, id);
}

/* Each call at which it can be killed, until there is one behind the answer. Return: how many there were. */
static int try_all(const struct body *body, uint32_t status_after)
{
	struct body get;
	int n = 1;

	body_get(&get, HVKVP_POOL_EXTERNAL, U(u"k"));
	for (bool more = true; more && n < MOST_CALLS; n++) {
		begin();
		driver_send(&driver, 2, 0, body);
		more = kill_at(n);
		if (more) {
			driver_kill(&driver);
			driver_start(&driver);
			driver_send(&driver, 2, HVKVP_AGAIN, body);
			if (!CHECK_INT(driver_reply(&driver, 2), HVKVP_S_OK))
				printf("# killed at call %d\n", n);
			CHECK_INT(status_of(3, &get), status_after);
		}
		end();
	}
	return n;
}

static void set(void)
{
	struct body body;

	body_set(&body, HVKVP_POOL_EXTERNAL, U(u"k"), U(u"w"));
	CHECK(try_all(&body, HVKVP_S_OK) > 5 || untraced);
}

static void delete(void)
{
	struct body body;

	body_delete(&body, HVKVP_POOL_EXTERNAL, U(u"k"));
	CHECK(try_all(&body, PROTOCOL_E_KEY_NOT_FOUND) > 5 || untraced);
}

/* What no other service has had is not there because it never was. */
static void not_there(void)
{
	struct body body;

	begin();
	body_delete(&body, HVKVP_POOL_EXTERNAL, U(u"none"));
	driver_send(&driver, 2, 0, &body);
	CHECK_INT(driver_reply(&driver, 2), PROTOCOL_E_KEY_NOT_FOUND);
	driver_send(&driver, 3, HVKVP_AGAIN, &body);
	CHECK_INT(driver_reply(&driver, 3), HVKVP_S_OK);
	body_delete(&body, HVKVP_POOL_GUEST, U(u"none"));
	driver_send(&driver, 4, HVKVP_AGAIN, &body);
	CHECK_INT(driver_reply(&driver, 4), HVKVP_S_OK);
	end();
}

static const struct tap_case cases[] = {
	{ "SET: made once or twice, and S_OK", set },
	{ "DELETE: S_OK also if the daemon before has done it", delete },
	{ "DELETE of what never was there: not found, but if it may have been", not_there },
};

TAP_MAIN("killed", cases)
