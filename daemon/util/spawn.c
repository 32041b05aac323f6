// SPDX-License-Identifier: GPL-2.0-only
/*
 * Running another program, for a bounded time.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/spawn.h"

/* Standard input: a file in memory, so that there is no pipe to fill while we wait. */
static int input_fd(const char *input)
{
	size_t len = input ? strlen(input) : 0;
	int fd;

	if (!len)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	fd = memfd_create("input", MFD_CLOEXEC);
	if (fd >= 0 && (write(fd, input, len) != (ssize_t)len || lseek(fd, 0, SEEK_SET))) {
		close(fd);
		errno = EIO;
		return -1;
	}
	return fd;
}

/* Ours, without what is between systemd and us. Return: to free(), or NULL. */
static char **environment(void)
{
	size_t n = 0, all = 0;
	char **copy;

	while (environ[all])
		all++;
	copy = calloc(all + 1, sizeof(*copy));
	for (size_t i = 0; copy && i < all; i++)
		if (strncmp(environ[i], "NOTIFY_SOCKET=", 14))
			copy[n++] = environ[i];
	return copy;
}

static int start(pid_t *pid, const char *const *argv, char *const *envp, int in)
{
	char **own = envp ? NULL : environment();
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none, pipe_signal;
	int err;

	if (!envp && !own)
		return -ENOMEM;
	/* The daemon blocks and ignores signals that others need. */
	sigemptyset(&none);
	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe_signal);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
				 POSIX_SPAWN_SETPGROUP);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	err = posix_spawn(pid, argv[0], &actions, &attributes, (char *const *)argv,
			  envp ? envp : own);
	free(own);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

int spawn_program(const char *const *argv, char *const *envp, const char *input,
	      unsigned int limit_ms)
{
	struct pollfd end = { .events = POLLIN };
	int in = input_fd(input), status, err;
	bool late = false;
	pid_t pid;

	if (in < 0)
		return -errno;
	err = start(&pid, argv, envp, in);
	close(in);
	if (err)
		return err;
	end.fd = syscall(SYS_pidfd_open, pid, 0);
	if (end.fd >= 0) {
		do
			err = poll(&end, 1, limit_ms);
		while (err < 0 && errno == EINTR);
		late = err == 0;
		close(end.fd);
	}
	if (late)
		kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (late)
		return -ETIMEDOUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
