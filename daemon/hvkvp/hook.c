// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program that is run for each change.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hvkvp/hook.h"

extern char **environ;

int hook_init(struct hook *hook, const char *program)
{
	sigset_t signals;

	*hook = (struct hook){ .program = program };
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	hook->child_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	return hook->child_fd < 0 ? -errno : 0;
}

static void free_run(struct hook_run *run)
{
	for (size_t i = 0; i < run->count; i++)
		free(run->env[i]);
	free(run);
}

void hook_exit(struct hook *hook)
{
	while (hook->first) {
		struct hook_run *run = hook->first;

		hook->first = run->next;
		free_run(run);
	}
	free(hook->what);
	if (hook->child_fd >= 0)
		close(hook->child_fd);
}

struct hook_run *hook_begin(void)
{
	return calloc(1, sizeof(struct hook_run));
}

bool hook_set(struct hook_run *run, const char *name, const char *value)
{
	if (!value)
		return true;
	if (asprintf(&run->env[run->count], "%s=%s", name, value) < 0)
		return false;
	run->count++;
	return true;
}

void hook_add(struct hook *hook, struct hook_run *run)
{
	if (hook->last)
		hook->last->next = run;
	else
		hook->first = run;
	hook->last = run;
	hook->waiting++;
}

/* The user's environment without variables of ours, and those of the change. */
static char **environment(const struct hook_run *run)
{
	size_t count = 0;
	char **list;

	for (char **at = environ; *at; at++)
		count++;
	list = calloc(count + run->count + 1, sizeof(*list));
	if (!list)
		return NULL;
	count = 0;
	for (char **at = environ; *at; at++)
		if (strncmp(*at, "HVKVP_", 6))
			list[count++] = *at;
	memcpy(list + count, run->env, run->count * sizeof(*list));
	return list;
}

static int start(struct hook *hook, const struct hook_run *run)
{
	char *const argv[] = { (char *)hook->program, NULL };
	char **env = environment(run);
	posix_spawnattr_t attributes;
	sigset_t signals;
	int err;

	if (!env)
		return ENOMEM;
	sigemptyset(&signals);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &signals);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawnp(&hook->pid, hook->program, NULL, &attributes, argv, env);
	posix_spawnattr_destroy(&attributes);
	free(env);
	if (err)
		hook->pid = 0;
	return err;
}

/* Return: is it still running? */
static bool is_running(struct hook *hook)
{
	struct signalfd_siginfo info;
	int status;

	while (read(hook->child_fd, &info, sizeof(info)) > 0)
		;
	if (!hook->pid || waitpid(hook->pid, &status, WNOHANG) == 0)
		return hook->pid;
	hook->pid = 0;
	if (WIFSIGNALED(status))
		fprintf(stderr, "hvkvp: %s: ended by signal %d (%s)\n", hook->program,
			WTERMSIG(status), hook->what);
	else if (WEXITSTATUS(status))
		fprintf(stderr, "hvkvp: %s: exit code %d (%s)\n", hook->program,
			WEXITSTATUS(status), hook->what);
	return false;
}

/* The variables but the values, for messages. */
static char *describe(const struct hook_run *run)
{
	const char *event = run->count > 0 ? run->env[0] : "", *pool = run->count > 1 ? run->env[1] : "";
	char *what;

	return asprintf(&what, "%s %s", event, pool) < 0 ? NULL : what;
}

bool hook_work(struct hook *hook)
{
	if (is_running(hook))
		return true;
	while (hook->first && !hook->pid) {
		struct hook_run *run = hook->first;
		int err;

		hook->first = run->next;
		if (!hook->first)
			hook->last = NULL;
		hook->waiting--;
		free(hook->what);
		hook->what = describe(run);
		err = start(hook, run);
		if (err)
			fprintf(stderr, "hvkvp: %s: cannot be run: %s (%s)\n", hook->program,
				strerror(err), hook->what);
		free_run(run);
	}
	return hook->pid;
}
