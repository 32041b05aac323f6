/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory for one test case, and what is said in its log
 */
#ifndef UNIT_SCRATCH_H
#define UNIT_SCRATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The directory, in $HVKVP_SCRATCH or /tmp; scratch_begin() makes it, scratch_end() removes all of it. */
extern char scratch_dir[];

void scratch_begin(void);
void scratch_end(void);

/**
 * scratch_path() - a path in the directory
 * @name: below it
 *
 * Return: text, valid until the sixteenth next call.
 */
const char *scratch_path(const char *name);

void scratch_write(const char *name, const void *data, size_t len);
size_t scratch_read(const char *name, void *data, size_t room);

/**
 * scratch_logged() - did the log say this since scratch_begin()?
 * @text: a part of a line
 */
bool scratch_logged(const char *text);

/** scratch_log_count() - how often @text is in the log since scratch_begin(). */
int scratch_log_count(const char *text);

#endif /* UNIT_SCRATCH_H */
