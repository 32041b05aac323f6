// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's end of the test host's control channel: runs shell commands that arrive on a
 * serial port (COM2) and sends back what they say.
 *
 *	agent:  "ready\n"                       once, when the port is set up
 *	host:   "<len>\n" + len bytes           a command for /bin/sh
 *	agent:  "<rc> <len>\n" + len bytes      exit code (128 + signal), stdout and stderr together
 *	host:   "shell\n"                       a shell on a terminal; from then on, both sides:
 *	both:   "<len>\n" + len bytes           what was typed, and what is shown
 *	both:   "0\n"                           the end: the terminal is gone, or the shell has ended; the
 *	                                        other side answers the same, and commands go on
 *
 * One command at a time. A command that runs longer than the limit is killed with its process
 * group and answers 124. What a command leaves running in the background keeps running, and
 * does not delay the answer: output goes to an unlinked file, not through a pipe.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
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

/* Reads "<len>\n", or "shell\n", for which it returns -1. */
static long read_length(int port)
{
	char line[16];
	unsigned long len;
	char *end;

	read_line(port, line, sizeof(line));
	if (!strcmp(line, "shell"))
		return -1;
	len = strtoul(line, &end, 10);
	if (!*line || *end || len > COMMAND_MAX)
		die("'%s' is not a length (at most %d)", line, COMMAND_MAX);
	return len;
}

/* Reads a block and adds a NUL. The caller frees it. */
static char *read_block(int port, size_t len)
{
	char *block = malloc(len + 1);

	if (!block)
		die("out of memory");
	read_all(port, block, len);
	block[len] = 0;
	return block;
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

static void __attribute__((noreturn)) be_shell(void)
{
	setenv("TERM", "linux", 0);
	setenv("PS1", "guest# ", 1);
	if (chdir("/root"))
		perror("/root");
	execl("/bin/sh", "sh", "-i", (char *)NULL);
	_exit(127);
}

/* What is shown. Return: false at the end of the shell. */
static bool show(int port, int terminal)
{
	char bytes[4096], head[16];
	ssize_t n = read(terminal, bytes, sizeof(bytes));

	if (n < 0 && errno == EINTR)
		return true;
	/* EIO: the shell and all of its children are gone. */
	if (n <= 0)
		return false;
	write_all(port, head, snprintf(head, sizeof(head), "%zd\n", n));
	write_all(port, bytes, n);
	return true;
}

/* What was typed. Return: false at its end. */
static bool type(int port, int terminal)
{
	long len = read_length(port);
	char *bytes;

	if (len <= 0)
		return false;
	bytes = read_block(port, len);
	if (write(terminal, bytes, len) != len)
		fprintf(stderr, "agent: the terminal takes no more\n");
	free(bytes);
	return true;
}

static void run_shell(int port)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };
	bool typing = true, showing = true;
	int terminal;
	pid_t pid = forkpty(&terminal, NULL, NULL, &size);

	if (pid < 0)
		die("forkpty: %s", strerror(errno));
	if (!pid)
		be_shell();
	while (typing && showing) {
		struct pollfd fds[] = {
			{ .fd = port, .events = POLLIN },
			{ .fd = terminal, .events = POLLIN },
		};

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			showing = show(port, terminal);
		if (fds[0].revents)
			typing = type(port, terminal);
	}
	/* Hangs up for what is left. */
	close(terminal);
	kill(pid, SIGHUP);
	write_all(port, "0\n", 2);
	while (typing) {
		long len = read_length(port);

		if (len > 0)
			free(read_block(port, len));
		typing = len > 0;
	}
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
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
		const long len = read_length(port);
		char *command;
		pid_t pid;
		int out;

		if (len < 0) {
			run_shell(port);
			continue;
		}
		command = read_block(port, len);
		out = memfd_create("output", MFD_CLOEXEC);
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
