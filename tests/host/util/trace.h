/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line-by-line record of what passed between host and guest, for people.
 */
#ifndef HOST_TRACE_H
#define HOST_TRACE_H

#include <stddef.h>

struct trace;

/**
 * trace_open() - start a trace.
 * @path: file to create or truncate, "-" for standard error.
 *
 * Return: the trace, or NULL with errno set.
 */
struct trace *trace_open(const char *path);
void trace_close(struct trace *trace);

/**
 * trace() - write one line: seconds since the start, area, text.
 * @trace: where to; NULL costs one comparison and writes nothing.
 * @area: who speaks, "vmbus", "ring", "synic", ...
 * @fmt: printf format, without a newline.
 *
 * Context: any thread.
 */
void trace(struct trace *trace, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * trace_bytes() - write a hex dump of some bytes, shortened past 256.
 * @trace: where to; may be NULL.
 * @area: who speaks.
 * @what: title of the dump.
 * @data: the bytes.
 * @len: how many.
 */
void trace_bytes(struct trace *trace, const char *area, const char *what, const void *data,
		 size_t len);

#endif
