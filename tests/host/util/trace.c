// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line-by-line record of what passed between host and guest, for people.
 */
#include "util/trace.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/types.h"

#define WIDTH 16u	/* bytes of a line */
#define BUFFER 65536u	/* so that a record is written at once */

struct trace {
	FILE *file;
	pthread_mutex_t lock;
	struct timespec start;
};

struct trace *trace_open(const char *path)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->file = strcmp(path, "-") ? fopen(path, "we") : stderr;
	if (!t->file) {
		free(t);
		return NULL;
	}
	setvbuf(t->file, NULL, _IOFBF, BUFFER);
	pthread_mutex_init(&t->lock, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t->start);
	return t;
}

void trace_close(struct trace *t)
{
	if (!t)
		return;
	if (t->file != stderr)
		fclose(t->file);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static void head(struct trace *t, const char *area, const char *fmt, va_list ap)
{
	struct timespec now;
	long us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (now.tv_sec - t->start.tv_sec) * 1000000L +
	     (now.tv_nsec - t->start.tv_nsec) / 1000;
	fprintf(t->file, "%5ld.%06ld %-6s ", us / 1000000, us % 1000000, area);
	vfprintf(t->file, fmt, ap);
	fputc('\n', t->file);
}

void trace(struct trace *t, const char *area, const char *fmt, ...)
{
	va_list ap;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	va_start(ap, fmt);
	head(t, area, fmt, ap);
	va_end(ap);
	fflush(t->file);
	pthread_mutex_unlock(&t->lock);
}

/* One line of at most WIDTH bytes. */
static void dump_line(FILE *file, size_t offset, const u8 *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	char line[WIDTH * 4 + 4], *at = line;
	size_t i;

	for (i = 0; i < WIDTH; i++) {
		*at++ = ' ';
		*at++ = i < n ? digits[bytes[i] >> 4] : ' ';
		*at++ = i < n ? digits[bytes[i] & 15] : ' ';
	}
	*at++ = ' ';
	*at++ = ' ';
	for (i = 0; i < n; i++)
		*at++ = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.';
	*at++ = '\n';
	fprintf(file, "\t%04zx ", offset);
	fwrite(line, 1, (size_t)(at - line), file);
}

void trace_bytes(struct trace *t, const char *area, const void *data, size_t len,
		 const char *fmt, ...)
{
	const u8 *p = data;
	bool starred = false;
	va_list ap;
	size_t i;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	va_start(ap, fmt);
	head(t, area, fmt, ap);
	va_end(ap);
	for (i = 0; i < len; i += WIDTH) {
		size_t n = len - i < WIDTH ? len - i : WIDTH;

		if (i && n == WIDTH && i + n < len && !memcmp(p + i, p + i - WIDTH, WIDTH)) {
			if (!starred)
				fputs("\t*\n", t->file);
			starred = true;
			continue;
		}
		starred = false;
		dump_line(t->file, i, p + i, n);
	}
	fflush(t->file);
	pthread_mutex_unlock(&t->lock);
}
