// SPDX-License-Identifier: GPL-2.0-only
/*
 * Startup, see startup.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hvkvpd/loop.h"
#include "hvkvpd/startup.h"
#include "pool/lock.h"
#include "util/log.h"

/*
 * How long the pid file of another daemon is waited for, milliseconds: one that was killed has it locked
 * for tens of milliseconds after its program is gone from /proc, while the kernel closes its inotify(7).
 */
#define PID_WAIT_MS	2000

/* How often it is opened anew since the daemon that had it has removed it. */
#define PID_TRIES	3

void startup_init(struct startup *startup)
{
	*startup = (struct startup){ .ready_fd = -1, .pipe_fd = -1, .pid_fd = -1 };
}

/* Exit as the daemon has started: 0 if it is ready, else as it ended. */
static _Noreturn void wait_for_child(pid_t child, int fd)
{
	int status;
	char byte;
	ssize_t n;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(LOOP_EXIT_OK);
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(LOOP_EXIT_FAILURE);
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : LOOP_EXIT_FAILURE);
}

int startup_background(struct startup *startup)
{
	int fds[2];
	pid_t child;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	child = fork();
	if (child < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (child) {
		close(fds[1]);
		wait_for_child(child, fds[0]);
	}
	close(fds[0]);
	startup->pipe_fd = fds[1];
	setsid();
	return chdir("/") ? -errno : 0;
}

/* Return: a descriptor of the locked file, or -errno; -EAGAIN if who had it has removed the file meanwhile. */
static int lock_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644), err;
	struct stat ours, now;

	if (fd < 0)
		return -errno;
	err = pool_lock_alone(fd, PID_WAIT_MS);
	if (!err && fstat(fd, &ours))
		err = -errno;
	if (!err && (lstat(path, &now) || now.st_ino != ours.st_ino || now.st_dev != ours.st_dev))
		err = -EAGAIN;
	if (err)
		close(fd);
	return err ? err : fd;
}

int startup_lock(struct startup *startup)
{
	int fd = -EAGAIN, err;

	if (!startup->pid_file)
		return 0;
	for (int tries = 0; fd == -EAGAIN && tries < PID_TRIES; tries++)
		fd = lock_file(startup->pid_file);
	if (fd < 0)
		return fd == -ETIMEDOUT ? -EBUSY : fd;
	if (ftruncate(fd, 0) || dprintf(fd, "%d\n", getpid()) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	startup->pid_fd = fd;
	return 0;
}

/* Nothing reads or writes the terminal any more. */
static void leave_terminal(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int std = 0; std <= 2 && fd >= 0; std++)
		dup2(fd, std);
	if (fd > 2)
		close(fd);
}

void startup_ready(struct startup *startup)
{
	ssize_t n;

	if (startup->ready_fd >= 0) {
		n = write(startup->ready_fd, "\n", 1);
		close(startup->ready_fd);
		startup->ready_fd = -1;
	}
	if (startup->pipe_fd >= 0) {
		leave_terminal();
		n = write(startup->pipe_fd, "", 1);
		close(startup->pipe_fd);
		startup->pipe_fd = -1;
	}
	/* Whoever waited has gone: the daemon serves all the same. */
	(void)n;
}

void startup_confine(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	int err;

	/* Until the first that this kernel does not know. */
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (cap != CAP_NET_ADMIN)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	err = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (!err)
		err = syscall(SYS_capget, &header, data);
	if (!err) {
		data[0].effective &= 1U << CAP_NET_ADMIN;
		data[0].permitted &= 1U << CAP_NET_ADMIN;
		data[0].inheritable = 0;
		memset(&data[1], 0, sizeof(data[1]));
		err = syscall(SYS_capset, &header, data);
	}
	if (err)
		log_warn("cannot give up capabilities: %s", strerror(errno));
}

void startup_exit(struct startup *startup)
{
	if (startup->pid_fd < 0)
		return;
	unlink(startup->pid_file);
	close(startup->pid_fd);
	startup->pid_fd = -1;
}
