// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log lines. The one piece of global state in the daemon: a line must be
 * writable from anywhere, and where it goes is a property of the process.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "util/journald.h"
#include "util/log.h"

static struct {
	int level;
	int to_syslog;
	int to_journal;
	int journal;	/* socket of journald_send() */
	void (*sink)(int level, const char *line);
} state = { .level = LOG_NOTICE, .journal = -1 };

static const struct {
	const char *name;
	int level;
} levels[] = {
	{ "err", LOG_ERR },
	{ "warning", LOG_WARNING },
	{ "notice", LOG_NOTICE },
	{ "info", LOG_INFO },
	{ "debug", LOG_DEBUG },
};

int log_level_parse(const char *name)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (!strcmp(levels[i].name, name))
			return levels[i].level;
	return -1;
}

const char *log_level_name(int level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (levels[i].level == level)
			return levels[i].name;
	return "?";
}

void log_open(int level, int to_syslog)
{
	state.level = level;
	state.to_syslog = to_syslog;
	state.to_journal = !to_syslog && getenv("JOURNAL_STREAM");
	if (to_syslog)
		openlog("hvkvpd", LOG_PID, LOG_DAEMON);
}

void log_forked(void)
{
	state.journal = -1;
}

void log_set_sink(void (*sink)(int level, const char *line))
{
	state.sink = sink;
}

/* One write, so that lines of several processes do not mix. */
static void write_error(const char *prefix, const char *line)
{
	const struct iovec io[] = {
		{ (void *)prefix, strlen(prefix) }, { (void *)line, strlen(line) }, { "\n", 1 },
	};

	/* Where would one say that this failed? */
	if (writev(STDERR_FILENO, io, 3) < 0)
		return;
}

static void write_line(int level, const char *line)
{
	const char priority[] = { '<', '0' + level, '>', 0 };

	if (state.sink)
		state.sink(level, line);
	else if (state.to_syslog)
		syslog(level, "%s", line);
	else
		write_error(state.to_journal ? priority : "hvkvpd: ", line);
}

bool log_writes(int level)
{
	return level <= state.level;
}

void log_line(int level, const char *format, ...)
{
	char line[1024];
	va_list ap;

	if (!log_writes(level))
		return;
	va_start(ap, format);
	vsnprintf(line, sizeof(line), format, ap);
	va_end(ap);
	write_line(level, line);
}

/* Return: was it written, with its fields? */
static bool write_fields(int level, const struct journald_field *fields, size_t count,
			 const char *line)
{
	const char priority[] = { '0' + level, 0 };
	struct journald_field all[LOG_FIELDS + 4] = {
		{ "MESSAGE", line },
		{ "PRIORITY", priority },
		{ "SYSLOG_IDENTIFIER", "hvkvpd" },
		{ "SYSLOG_FACILITY", "3" },	/* LOG_DAEMON */
	};

	if (state.sink || !(state.to_syslog || state.to_journal) || count > LOG_FIELDS)
		return false;
	memcpy(all + 4, fields, count * sizeof(*fields));
	return !journald_send(&state.journal, all, count + 4);
}

void log_fields(int level, const struct journald_field *fields, size_t count, const char *line)
{
	if (log_writes(level) && !write_fields(level, fields, count, line))
		write_line(level, line);
}
