// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's end of the test host's control channel: runs shell commands that arrive on a
 * serial port (COM2) and sends back what they say.
 *
 *	agent:  "ready\n"                       once, when the port is set up
 *	host:   "<len>\n" + len bytes           a command for /bin/sh
 *	agent:  "<rc> <len>\n" + len bytes      exit code (128 + signal), stdout and stderr together
 *
 * One command at a time. A command that runs longer than the limit is killed with its process
 * group and answers 124. What a command leaves running in the background keeps running, and
 * does not delay the answer: output goes to an unlinked file, not through a pipe.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "../port.h"

#define COMMAND_MAX	(1024 * 1024)
#define KILLED		124

static void die(const char *fmt, ...)
{
	va_list ap;

	fputs("agent: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static int open_port(const char *path)
{
	struct termios tio;
	int fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	if (tcgetattr(fd, &tio))
		die("%s is not a terminal: %s", path, strerror(errno));
	cfmakeraw(&tio);
	tio.c_cflag |= CLOCAL | CREAD;
	tio.c_cc[VMIN] = 1;
	tio.c_cc[VTIME] = 0;
	cfsetspeed(&tio, B115200);
	if (tcsetattr(fd, TCSANOW, &tio))
		die("%s: %s", path, strerror(errno));
	return fd;
}

/* Reads "<len>\n" and the command. The caller frees it. */
static char *read_command(int port)
{
	char line[16];
	unsigned long len;
	char *command, *end;

	read_line(port, line, sizeof(line));
	len = strtoul(line, &end, 10);
	if (!*line || *end || len > COMMAND_MAX)
		die("'%s' is not a command length (at most %d)", line, COMMAND_MAX);
	command = malloc(len + 1);
	if (!command)
		die("out of memory");
	read_all(port, command, len);
	command[len] = 0;
	return command;
}

static void __attribute__((noreturn)) run_child(const char *command, int out)
{
	int null = open("/dev/null", O_RDONLY);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

/* Waits for the command itself, not for what it left in the background. */
static int wait_for(pid_t pid, int limit_ms)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd wait = { .fd = pidfd, .events = POLLIN };
	bool killed = false;
	int status;

	if (pidfd < 0)
		die("pidfd_open: %s", strerror(errno));
	if (poll(&wait, 1, limit_ms) == 0) {
		killed = true;
		kill(-pid, SIGKILL);
	}
	close(pidfd);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid: %s", strerror(errno));
	if (killed)
		return KILLED;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void answer(int port, int rc, int out)
{
	char head[32];
	struct stat st;
	char *text = NULL;

	if (fstat(out, &st))
		die("fstat: %s", strerror(errno));
	if (st.st_size) {
		/* A copy: a background process may still be writing to the file. */
		text = malloc(st.st_size);
		if (!text)
			die("out of memory");
		if (pread(out, text, st.st_size, 0) != st.st_size)
			die("reading the output back: %s", strerror(errno));
	}
	write_all(port, head, snprintf(head, sizeof(head), "%d %lld\n", rc, (long long)st.st_size));
	if (text)
		write_all(port, text, st.st_size);
	free(text);
}

int main(int argc, char **argv)
{
	int port, limit;

	if (argc != 3)
		die("usage: agent PORT SECONDS");
	limit = atoi(argv[2]);
	if (limit <= 0)
		die("'%s' is not a time limit in seconds", argv[2]);
	port = open_port(argv[1]);
	write_all(port, "ready\n", 6);
	for (;;) {
		char *command = read_command(port);
		int out = memfd_create("output", MFD_CLOEXEC);
		pid_t pid;

		if (out < 0)
			die("memfd_create: %s", strerror(errno));
		pid = fork();
		if (pid < 0)
			die("fork: %s", strerror(errno));
		if (!pid)
			run_child(command, out);
		answer(port, wait_for(pid, limit * 1000), out);
		close(out);
		free(command);
	}
}
