// SPDX-License-Identifier: GPL-2.0-only
/*
 * A line-by-line record of what passed between host and guest, for people.
 */
#include "util/trace.h"

#include <ctype.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/types.h"

#define DUMP_MAX 256u

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
	setvbuf(t->file, NULL, _IOLBF, 0);
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

static void head(struct trace *t, const char *area)
{
	struct timespec now;
	long us;

	clock_gettime(CLOCK_MONOTONIC, &now);
	us = (now.tv_sec - t->start.tv_sec) * 1000000L +
	     (now.tv_nsec - t->start.tv_nsec) / 1000;
	fprintf(t->file, "%5ld.%06ld %-6s ", us / 1000000, us % 1000000, area);
}

void trace(struct trace *t, const char *area, const char *fmt, ...)
{
	va_list ap;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	head(t, area);
	va_start(ap, fmt);
	vfprintf(t->file, fmt, ap);
	va_end(ap);
	fputc('\n', t->file);
	pthread_mutex_unlock(&t->lock);
}

void trace_bytes(struct trace *t, const char *area, const char *what, const void *data,
		 size_t len)
{
	const u8 *p = data;
	size_t shown = len < DUMP_MAX ? len : DUMP_MAX;
	size_t i, j;

	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	head(t, area);
	fprintf(t->file, "%s, %zu bytes\n", what, len);
	for (i = 0; i < shown; i += 16) {
		fprintf(t->file, "\t%04zx ", i);
		for (j = i; j < i + 16; j++) {
			if (j < shown)
				fprintf(t->file, " %02x", p[j]);
			else
				fputs("   ", t->file);
		}
		fputs("  ", t->file);
		for (j = i; j < i + 16 && j < shown; j++)
			fputc(isprint(p[j]) ? p[j] : '.', t->file);
		fputc('\n', t->file);
	}
	pthread_mutex_unlock(&t->lock);
}
