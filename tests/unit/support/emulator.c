// SPDX-License-Identifier: GPL-2.0-only
/*
 * What qemu-user does not do as a kernel does. Each is tried, without any code under test.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/emulator.h"

bool emulator_spawns(void)
{
	char *const argv[] = { "/", NULL };
	pid_t pid;

	if (posix_spawn(&pid, argv[0], NULL, NULL, argv, environ))
		return true;
	waitpid(pid, NULL, 0);
	tap_skip("this emulator's vfork() is a fork()");
	return false;
}

/* The first letter of the name of process @pid, in /proc. */
static char first_letter(pid_t pid)
{
	char path[32], letter = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, &letter, 1) != 1)
		letter = 0;
	close(fd);
	return letter;
}

bool emulator_shows_name(void)
{
	char done, letter;
	int fds[2];
	pid_t pid;

	REQUIRE(!pipe(fds));
	pid = fork();
	if (!pid) {
		/* This is argv[0]. */
		program_invocation_name[0] = '@';
		if (write(fds[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	CHECK_INT(read(fds[0], &done, 1), 1);
	letter = first_letter(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(fds[0]);
	close(fds[1]);
	if (letter != '@')
		tap_skip("/proc has this emulator's arguments, not those of the program");
	return letter == '@';
}
