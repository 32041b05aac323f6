// SPDX-License-Identifier: GPL-2.0-only
/*
 * The level-1 machine's end of its one channel to the outside, a virtio-serial port: takes
 * files and jobs, and sends back what a job writes, while it writes it.
 *
 *	relay:    "ready\n"
 *	outside:  "put <mode> <len> <path>\n" + len bytes       a file, mode in octal
 *	          "run <seconds> <len>\n" + len bytes           a job: its argv, each string with its NUL
 *	          "stop\n"                                      end the running job
 *	          "open <n> <socket>\n"                         connect to a Unix socket of the job, as tunnel n
 *	          "send <n> <len>\n" + len bytes                into a tunnel
 *	          "shut <n>\n"                                  close a tunnel
 *	          "\n"                                          nothing: see tests/lib/level1.py
 *	relay:    "data <file> <len>\n" + len bytes             a file of the job has grown by this
 *	          "hole <file> <len>\n"                         the same, and all of it is zeros
 *	          "opened <n>\n"                                a tunnel is there
 *	          "recv <n> <len>\n" + len bytes                out of a tunnel
 *	          "closed <n>\n"                                it is closed, or there is no such socket; answers
 *	                                                       each "open" that gets no "opened", once
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../port.h"

#define FOLLOW_MS	20	/* how often a job's files are looked at */
#define GRACE_MS	3000	/* between SIGTERM and SIGKILL */
#define FILES_MAX	32
#define TUNNELS_MAX	4
#define CHUNK		(64 * 1024)
#define OUT_OF_TIME	124

struct followed {
	char name[64];
	off_t sent;
};

/* Connections to sockets of the job, by number; -1 is none. */
static int tunnels[TUNNELS_MAX] = { -1, -1, -1, -1 };

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

/* A dump of a machine is mostly holes. What is below a file's end does not change any more. */
static void send_hole(int port, struct followed *file, int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	off_t data = lseek(fd, file->sent, SEEK_DATA);
	char head[128];

	if (data < 0 && errno == ENXIO && end > file->sent)
		data = end;
	if (data <= file->sent)
		return;
	write_all(port, head, snprintf(head, sizeof(head), "hole %s %lld\n", file->name,
				       (long long)(data - file->sent)));
	file->sent = data;
}

static void send_growth(int port, struct followed *file)
{
	char buf[CHUNK];
	char head[128];
	int fd = open(file->name, O_RDONLY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return;
	while (send_hole(port, file, fd), (n = pread(fd, buf, sizeof(buf), file->sent)) > 0) {
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

static void answer_tunnel(int port, const char *what, unsigned int n)
{
	char line[32];

	write_all(port, line, snprintf(line, sizeof(line), "%s %u\n", what, n));
}

static void close_tunnel(int port, unsigned int n)
{
	if (tunnels[n] < 0)
		return;
	close(tunnels[n]);
	tunnels[n] = -1;
	answer_tunnel(port, "closed", n);
}

static void reap_job(int port, struct job *job)
{
	char line[32];
	int status, rc;

	if (waitpid(job->pid, &status, WNOHANG) != job->pid)
		return;
	kill(-job->pid, SIGKILL);
	send_files(port, job);
	for (unsigned int n = 0; n < TUNNELS_MAX; n++)
		close_tunnel(port, n);
	for (int i = 0; i < job->nfiles; i++)
		unlink(job->files[i].name);
	rc = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	if (job->late)
		rc = OUT_OF_TIME;
	write_all(port, line, snprintf(line, sizeof(line), "exit %d\n", rc));
	job->pid = 0;
}

static void open_tunnel(int port, const char *line)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	unsigned int n;
	int fd;

	if (sscanf(line, "open %u %100s", &n, addr.sun_path) != 2 || n >= TUNNELS_MAX || tunnels[n] >= 0)
		die("malformed: %s", line);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		fd = -1;
	}
	tunnels[n] = fd;
	answer_tunnel(port, fd < 0 ? "closed" : "opened", n);
}

static void into_tunnel(int port, const char *line)
{
	char buf[CHUNK];
	unsigned int n;
	size_t len;

	if (sscanf(line, "send %u %zu", &n, &len) != 2 || n >= TUNNELS_MAX || len > sizeof(buf))
		die("malformed: %s", line);
	read_all(port, buf, len);
	for (const char *at = buf; len && tunnels[n] >= 0;) {
		ssize_t done = send(tunnels[n], at, len, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			close_tunnel(port, n);
		at += done;
		len -= done;
	}
}

static void out_of_tunnel(int port, unsigned int n)
{
	char buf[CHUNK], head[48];
	ssize_t len = recv(tunnels[n], buf, sizeof(buf), MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		close_tunnel(port, n);
		return;
	}
	write_all(port, head, snprintf(head, sizeof(head), "recv %u %zd\n", n, len));
	write_all(port, buf, len);
}

static void shut_tunnel(int port, const char *line)
{
	unsigned int n;

	if (sscanf(line, "shut %u", &n) != 1 || n >= TUNNELS_MAX)
		die("malformed: %s", line);
	close_tunnel(port, n);
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
	else if (!strncmp(line, "open ", 5))
		open_tunnel(port, line);
	else if (!strncmp(line, "send ", 5))
		into_tunnel(port, line);
	else if (!strncmp(line, "shut ", 5))
		shut_tunnel(port, line);
	else if (!strcmp(line, "stop") && job->pid)
		stop_job(job);
	else if (strcmp(line, "stop"))
		die("not understood: %s", line);
}

int main(int argc, char **argv)
{
	struct job job = { 0 };
	struct pollfd fds[1 + TUNNELS_MAX];
	int port;

	if (argc != 3)
		die("usage: relay PORT JOB-DIRECTORY");
	if (chdir(argv[2]))
		die("%s: %s", argv[2], strerror(errno));
	port = open(argv[1], O_RDWR | O_CLOEXEC);
	if (port < 0)
		die("%s: %s", argv[1], strerror(errno));
	write_all(port, "ready\n", 6);
	for (;;) {
		fds[0] = (struct pollfd){ .fd = port, .events = POLLIN };
		for (unsigned int n = 0; n < TUNNELS_MAX; n++)
			fds[1 + n] = (struct pollfd){ .fd = tunnels[n], .events = POLLIN };
		if (poll(fds, 1 + TUNNELS_MAX, job.pid ? FOLLOW_MS : -1) < 0 && errno != EINTR)
			die("poll: %s", strerror(errno));
		for (unsigned int n = 0; n < TUNNELS_MAX; n++) {
			if (fds[1 + n].revents && tunnels[n] >= 0)
				out_of_tunnel(port, n);
		}
		if (fds[0].revents & POLLIN)
			obey(port, &job);
		else if (fds[0].revents & POLLHUP)
			die("the outside went away, switching off");
		if (!job.pid)
			continue;
		send_files(port, &job);
		enforce_limit(&job);
		reap_job(port, &job);
	}
}
