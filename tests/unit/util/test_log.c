// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines with fields, as the journal gets them.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "c/tap.h"
#include "support/scratch.h"
#include "util/journald.h"
#include "util/log.h"

static char entry[8192];
static ssize_t entry_len;

/* A /run of our own, with a socket where the journal has it. Return: -1: skipped. */
static int journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNALD_SOCKET };
	int fd;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("none", "/run", "tmpfs", 0, NULL)) {
		tap_skip("a mount namespace needs root");
		return -1;
	}
	mkdir("/run/systemd", 0755);
	mkdir("/run/systemd/journal", 0755);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	CHECK(!bind(fd, (struct sockaddr *)&address, sizeof(address)));
	return fd;
}

/* The next entry has exactly this. */
static bool got(int fd, const void *want, size_t len)
{
	entry_len = recv(fd, entry, sizeof(entry), 0);
	return entry_len == (ssize_t)len && !memcmp(entry, want, len);
}

#define GOT(fd, text) got(fd, text, sizeof(text) - 1)

/* Run with standard error in a file. Return: what it got. */
static const char *to_stderr(void (*run)(void))
{
	static char text[4096];
	int kept = dup(STDERR_FILENO), fd = open(scratch_path("stderr"), O_CREAT | O_RDWR, 0600);

	dup2(fd, STDERR_FILENO);
	run();
	fflush(stderr);
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(fd);
	text[scratch_read("stderr", text, sizeof(text) - 1)] = 0;
	return text;
}

static void line(void)
{
	const struct journald_field fields[] = {
		{ "HVKVP_POOL", "guest" }, { "HVKVP_KEY", "two\nlines" }, { "HVKVP_VALUE", NULL },
	};

	log_fields(LOG_NOTICE, fields, 3, "SET 7");
	log_fields(LOG_INFO, fields, 3, "not important enough");
}

static void fields(void)
{
	struct rlimit files;
	int fd = journal();

	if (fd < 0)
		return;
	scratch_begin();
	log_set_sink(NULL);
	/* To a terminal or a file: the line alone. */
	unsetenv("JOURNAL_STREAM");
	log_open(LOG_NOTICE, 0);
	CHECK_TEXT(to_stderr(line), "hvkvpd: SET 7\n");
	CHECK(recv(fd, entry, sizeof(entry), 0) < 0);

	setenv("JOURNAL_STREAM", "8:1", 1);
	log_open(LOG_NOTICE, 0);
	unlink(scratch_path("stderr"));
	CHECK_TEXT(to_stderr(line), "");
	CHECK(GOT(fd, "MESSAGE=SET 7\nPRIORITY=5\nSYSLOG_IDENTIFIER=hvkvpd\n"
		  "SYSLOG_FACILITY=3\nHVKVP_POOL=guest\n"
		  "HVKVP_KEY\n\x09\0\0\0\0\0\0\0two\nlines\n"));
	CHECK(recv(fd, entry, sizeof(entry), 0) < 0);

	/* With the same socket. */
	getrlimit(RLIMIT_NOFILE, &files);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ 0, files.rlim_max }), 0);
	line();
	CHECK(recv(fd, entry, sizeof(entry), 0) > 0);
	log_forked();
	line();
	CHECK(recv(fd, entry, sizeof(entry), 0) < 0);
	CHECK_INT(setrlimit(RLIMIT_NOFILE, &files), 0);

	/* In the background, too; syslog(3) itself gets nothing then. */
	log_open(LOG_NOTICE, 1);
	line();
	CHECK(recv(fd, entry, sizeof(entry), 0) > 0);

	/* No journal: the line is not lost. */
	close(fd);
	log_open(LOG_NOTICE, 0);
	unlink(scratch_path("stderr"));
	CHECK_TEXT(to_stderr(line), "<5>SET 7\n");
	unsetenv("JOURNAL_STREAM");
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "a line with fields: the journal gets them, others the line", fields },
};

TAP_MAIN("log", cases)
