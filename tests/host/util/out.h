/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's standard output: one JSON object a line, an "event" each.
 */
#ifndef HOST_OUT_H
#define HOST_OUT_H

#include <jansson.h>
#include <stdio.h>

struct out;

/**
 * out_new() - start writing events to a stream.
 * @file: where to; stays the caller's.
 *
 * Return: the writer, or NULL when out of memory.
 */
struct out *out_new(FILE *file);
void out_free(struct out *out);

/**
 * out_event() - write one event as one line and flush it.
 * @out: the writer; NULL writes nothing.
 * @event: value of the first member, "event".
 * @fmt: jansson json_pack() format of the other members, without the braces,
 *	 for example "s:i, s:s".
 *
 * Context: any thread. A text that is not UTF-8 must go through out_text().
 */
void out_event(struct out *out, const char *event, const char *fmt, ...);

/**
 * out_object() - write an object that is already built.
 * @out: the writer; NULL writes nothing.
 * @object: what to write; the reference is taken over.
 *
 * Context: any thread.
 */
void out_object(struct out *out, json_t *object);

/**
 * out_text() - make a JSON string of any bytes.
 * @bytes: the text, which need not be UTF-8 or NUL-terminated.
 * @len: its length in bytes.
 *
 * Bytes that are no valid UTF-8 become "\xNN", spelled out.
 *
 * Return: a new reference, or NULL when out of memory.
 */
json_t *out_text(const char *bytes, size_t len);

#endif
