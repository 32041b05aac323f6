// SPDX-License-Identifier: GPL-2.0-only
/*
 * The level-1 machine's end of its one channel to the outside, a virtio-serial port: takes
 * files and jobs, and sends back what a job writes, while it writes it.
 *
 *	relay:    "ready\n"
 *	outside:  "put <mode> <len> <path>\n" + len bytes       a file, mode in octal
 *	          "run <seconds> <len>\n" + len bytes           a job: its argv, each string with its NUL
 *	          "stop\n"                                      end the running job
 *	          "\n"                                          nothing: see tests/lib/level1.py
 *	relay:    "data <file> <len>\n" + len bytes             a file of the job has grown by this
 *	          "exit <rc>\n"                                 128 + signal; 124 when out of time
 *
 * A job runs in an empty directory, with its stdout and stderr in files of that name there.
 * Every file in that directory is followed; all of it has been sent when "exit" comes, and
 * the directory is then emptied. One job at a time. When the outside closes the port, or when
 * it does not speak the language above, the machine switches itself off.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../port.h"

#define FOLLOW_MS	20	/* how often a job's files are looked at */
#define GRACE_MS	3000	/* between SIGTERM and SIGKILL */
#define FILES_MAX	32
#define CHUNK		(64 * 1024)
#define OUT_OF_TIME	124

struct followed {
	char name[64];
	off_t sent;
};

struct job {
	pid_t pid;
	long long ends_ms;	/* when it is out of time */
	long long kill_ms;	/* when SIGTERM has had its chance; 0 before SIGTERM */
	bool late;
	struct followed files[FILES_MAX];
	int nfiles;
};

static void __attribute__((noreturn)) power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void die(const char *fmt, ...)
{
	va_list ap;

	fputs("relay: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	power_off();
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Makes the folders on the way to a file. */
static void make_folders(char *path)
{
	for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = 0;
		if (mkdir(path, 0755) && errno != EEXIST)
			die("%s: %s", path, strerror(errno));
		*at = '/';
	}
}

static void take_file(int port, char *line)
{
	char buf[CHUNK];
	unsigned int mode;
	size_t len;
	int fd, at;

	if (sscanf(line, "put %o %zu %n", &mode, &len, &at) != 2)
		die("malformed: %s", line);
	make_folders(line + at);
	fd = open(line + at, O_WRONLY | O_CREAT | O_TRUNC, mode);
	if (fd < 0)
		die("%s: %s", line + at, strerror(errno));
	while (len) {
		size_t n = len < sizeof(buf) ? len : sizeof(buf);

		read_all(port, buf, n);
		write_all(fd, buf, n);
		len -= n;
	}
	close(fd);
}

static void __attribute__((noreturn)) run_child(char *args, size_t len)
{
	char *argv[256];
	size_t argc = 0;
	int null = open("/dev/null", O_RDONLY);
	int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	int err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);

	for (char *at = args; at < args + len && argc < 255; at += strlen(at) + 1)
		argv[argc++] = at;
	argv[argc] = NULL;
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	execvp(argv[0], argv);
	fprintf(stderr, "relay: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void start_job(int port, const char *line, struct job *job)
{
	size_t len;
	int limit;
	char *args;

	if (sscanf(line, "run %d %zu", &limit, &len) != 2 || !len || len > CHUNK)
		die("malformed: %s", line);
	args = malloc(len);
	if (!args)
		die("out of memory");
	read_all(port, args, len);
	if (args[len - 1])
		die("the last argument of a job has no NUL");
	memset(job, 0, sizeof(*job));
	job->ends_ms = now_ms() + limit * 1000LL;
	job->pid = fork();
	if (job->pid < 0)
		die("fork: %s", strerror(errno));
	if (!job->pid)
		run_child(args, len);
	free(args);
}

static struct followed *follow(struct job *job, const char *name)
{
	struct followed *file;

	for (int i = 0; i < job->nfiles; i++)
		if (!strcmp(job->files[i].name, name))
			return &job->files[i];
	if (job->nfiles == FILES_MAX || strlen(name) >= sizeof(file->name) || strpbrk(name, " \n"))
		return NULL;
	file = &job->files[job->nfiles++];
	strcpy(file->name, name);
	return file;
}

static void send_growth(int port, struct followed *file)
{
	char buf[CHUNK];
	char head[128];
	int fd = open(file->name, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return;
	while ((n = pread(fd, buf, sizeof(buf), file->sent)) > 0) {
		write_all(port, head, snprintf(head, sizeof(head), "data %s %zd\n", file->name, n));
		write_all(port, buf, n);
		file->sent += n;
	}
	close(fd);
}

static void send_files(int port, struct job *job)
{
	DIR *dir = opendir(".");
	struct dirent *entry;

	if (!dir)
		die("opendir: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		struct followed *file;

		if (entry->d_type != DT_REG)
			continue;
		file = follow(job, entry->d_name);
		if (file)
			send_growth(port, file);
	}
	closedir(dir);
}

static void stop_job(struct job *job)
{
	if (job->kill_ms)
		return;
	kill(-job->pid, SIGTERM);
	job->kill_ms = now_ms() + GRACE_MS;
}

static void enforce_limit(struct job *job)
{
	if (!job->kill_ms && now_ms() >= job->ends_ms) {
		job->late = true;
		stop_job(job);
	}
	if (job->kill_ms && now_ms() >= job->kill_ms)
		kill(-job->pid, SIGKILL);
}

static void reap_job(int port, struct job *job)
{
	char line[32];
	int status, rc;

	if (waitpid(job->pid, &status, WNOHANG) != job->pid)
		return;
	kill(-job->pid, SIGKILL);
	send_files(port, job);
	for (int i = 0; i < job->nfiles; i++)
		unlink(job->files[i].name);
	rc = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (job->late)
		rc = OUT_OF_TIME;
	write_all(port, line, snprintf(line, sizeof(line), "exit %d\n", rc));
	job->pid = 0;
}

static void obey(int port, struct job *job)
{
	char line[512];

	read_line(port, line, sizeof(line));
	if (!*line)
		return;
	if (!strncmp(line, "put ", 4))
		take_file(port, line);
	else if (!strncmp(line, "run ", 4) && !job->pid)
		start_job(port, line, job);
	else if (!strcmp(line, "stop") && job->pid)
		stop_job(job);
	else if (strcmp(line, "stop"))
		die("not understood: %s", line);
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	struct pollfd in;

	if (argc != 3)
		die("usage: relay PORT JOB-DIRECTORY");
	if (chdir(argv[2]))
		die("%s: %s", argv[2], strerror(errno));
	in.fd = open(argv[1], O_RDWR | O_CLOEXEC);
	in.events = POLLIN;
	if (in.fd < 0)
		die("%s: %s", argv[1], strerror(errno));
	write_all(in.fd, "ready\n", 6);
	for (;;) {
		if (poll(&in, 1, job.pid ? FOLLOW_MS : -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		if (in.revents & POLLIN)
			obey(in.fd, &job);
		else if (in.revents & POLLHUP)
			die("the outside went away, switching off");
		if (!job.pid)
			continue;
		send_files(in.fd, &job);
		enforce_limit(&job);
		reap_job(in.fd, &job);
	}
}
