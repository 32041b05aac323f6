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
 * trace_bytes() - write one line, and all of some bytes in hex below it.
 * @trace: where to; may be NULL.
 * @area: who speaks.
 * @data: the bytes.
 * @len: how many; none is left out, but a line that repeats the one before is
 *	 written as "*", as hexdump does.
 * @fmt: printf format of the line.
 *
 * Context: any thread.
 */
void trace_bytes(struct trace *trace, const char *area, const void *data, size_t len,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

#endif
