/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text of unknown origin, made fit for a log line or a terminal
 */
#ifndef HVKVP_UTIL_ESCAPE_H
#define HVKVP_UTIL_ESCAPE_H

#include <stddef.h>

/**
 * escape() - escape what is not to reach a terminal or a log
 * @text: UTF-8
 * @out: gets @text with control characters and backslashes escaped as in C
 *	("\n", "\t", "\\", "\x1b"), C1 controls included
 * @size: bytes of @out; four times the length of @text and one are enough for
 *	everything. What does not fit is left out, and "..." says so.
 *
 * Return: @out.
 */
char *escape(const char *text, char *out, size_t size);

/**
 * escape_quoted() - likewise, for a text that stands between quotation marks
 * @text: UTF-8
 * @out: as for escape(), with quotation marks escaped, too
 * @size: likewise
 *
 * Return: @out.
 */
char *escape_quoted(const char *text, char *out, size_t size);

#endif /* HVKVP_UTIL_ESCAPE_H */
