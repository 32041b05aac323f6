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

#include "util/clock.h"
#include "util/spawn.h"

/* How often a program is looked at on kernels without pidfd_open(2), before 5.3. */
#define LOOK_MS 20

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

static int start(pid_t *pid, const char *const *argv, char *const *envp, int in, int out)
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
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	err = posix_spawn(pid, argv[0], &actions, &attributes, (char *const *)argv,
			  envp ? envp : own);
	free(own);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

/* A program that has not been waited for yet, which may have left its process group, and that group. */
static void kill_all(pid_t pid)
{
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
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
	err = start(&pid, argv, envp, in, STDERR_FILENO);
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
		kill_all(pid);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	if (late)
		return -ETIMEDOUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/**
 * struct output - what a program has written so far
 * @fd: reads it, does not block; -1: it has closed it
 * @text: gets it
 * @size: bytes of @text
 * @len: used of @text
 * @overflow: it wrote more
 */
struct output {
	int fd;
	char *text;
	size_t size;
	size_t len;
	bool overflow;
};

static void take_output(struct output *output)
{
	char more;

	while (output->fd >= 0 && !output->overflow) {
		bool full = output->len == output->size;
		ssize_t n = read(output->fd, full ? &more : output->text + output->len,
				 full ? 1 : output->size - output->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close(output->fd);
			output->fd = -1;
		} else if (full) {
			output->overflow = true;
		} else {
			output->len += n;
		}
	}
}

/* Wait for the end of a program. Return: true, or false: it has to be killed. */
static bool wait_with_output(pid_t pid, struct output *output, unsigned int limit_ms, int reader)
{
	uint64_t end_ms = clock_ms() + limit_ms;
	struct pollfd fds[3] = {
		{ .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN }, { .events = POLLIN },
		{ .fd = reader },	/* POLLERR comes unasked */
	};
	bool ended = false;

	while (!ended && !output->overflow && !fds[2].revents && clock_left(end_ms)) {
		unsigned int wait_ms = clock_left(end_ms);

		if (fds[0].fd < 0 && wait_ms > LOOK_MS)
			wait_ms = LOOK_MS;
		fds[1].fd = output->fd;
		poll(fds, 3, wait_ms);
		if (fds[0].fd >= 0) {
			ended = fds[0].revents;
		} else {
			siginfo_t info = { .si_pid = 0 };

			ended = waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) ||
				info.si_pid;
		}
		/* Only now: what was written before the end is there. */
		take_output(output);
	}
	if (fds[0].fd >= 0)
		close(fds[0].fd);
	return ended;
}

int spawn_output(const char *const *argv, char *const *envp, unsigned int limit_ms, int reader,
		 char *text, size_t size, size_t *len)
{
	struct output output = { .text = text, .size = size };
	int fds[2], in, err, status;
	bool ended;
	pid_t pid;

	*len = 0;
	in = input_fd(NULL);
	if (in < 0)
		return -errno;
	if (pipe2(fds, O_CLOEXEC)) {
		err = -errno;
		close(in);
		return err;
	}
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	err = start(&pid, argv, envp, in, fds[1]);
	close(in);
	close(fds[1]);
	output.fd = fds[0];
	if (err) {
		close(output.fd);
		return err;
	}
	ended = wait_with_output(pid, &output, limit_ms, reader);
	/* Also what it has left behind in its process group. */
	kill_all(pid);
	if (output.fd >= 0)
		close(output.fd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	*len = output.len;
	if (output.overflow)
		return -EFBIG;
	if (!ended)
		return -ETIMEDOUT;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
