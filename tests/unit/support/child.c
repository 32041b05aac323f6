// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs under test.
 */
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/child.h"
#include "support/scratch.h"

#define LIMIT_MS 10000

bool child_without_admin;

void child_start(struct child *child, const char *const *argv)
{
	const char *bin = getenv("HVKVP_BIN");
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", bin ? bin : ".", argv[0]);
	scratch_write("stdout", "", 0);
	scratch_write("stderr", "", 0);
	child->pid = fork();
	if (child->pid)
		return;
	dup2(open(scratch_path("stdout"), O_WRONLY | O_APPEND), 1);
	dup2(open(scratch_path("stderr"), O_WRONLY | O_APPEND), 2);
	if (child_without_admin)
		prctl(PR_CAPBSET_DROP, CAP_SYS_ADMIN);
	execv(path, (char *const *)argv);
	perror(path);
	_exit(127);
}

static void collect(struct child *child)
{
	child->out[scratch_read("stdout", child->out, sizeof(child->out) - 1)] = 0;
	child->err[scratch_read("stderr", child->err, sizeof(child->err) - 1)] = 0;
}

int child_end(struct child *child)
{
	int status = 0;

	for (int ms = 0; waitpid(child->pid, &status, WNOHANG) != child->pid; ms += 5) {
		if (ms > LIMIT_MS) {
			kill(child->pid, SIGKILL);
			waitpid(child->pid, NULL, 0);
			status = -1;
			break;
		}
		usleep(5000);	/* sleep: it polls, with a time limit */
	}
	collect(child);
	if (strstr(child->err, "Sanitizer") || strstr(child->err, "runtime error"))
		printf("# %s\n", child->err);
	if (status == -1)
		return -1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static bool wait_for_text(struct child *child, const char *where, const char *text, int times)
{
	for (int ms = 0; ms < LIMIT_MS; ms += 5) {
		const char *at;
		int n = 0;

		collect(child);
		for (at = where; (at = strstr(at, text)); at++)
			n++;
		if (n >= times)
			return true;
		usleep(5000);	/* sleep: it polls, with a time limit */
	}
	printf("# not said: \"%s\"; but: %s\n", text, where);
	return false;
}

bool child_says(struct child *child, const char *text, int times)
{
	return wait_for_text(child, child->err, text, times);
}

bool child_prints(struct child *child, const char *text, int times)
{
	return wait_for_text(child, child->out, text, times);
}
