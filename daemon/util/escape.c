// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text of unknown origin, made fit for a log line or a terminal. Pure.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "util/escape.h"

#define MORE "..."

/* Write what stands for the character at @p. Return: bytes of it in the input. */
static size_t escape_unit(const uint8_t *p, bool quotes, char one[5])
{
	static const char plain[] = "\a\b\t\n\v\f\r\\", letters[] = "abtnvfr\\";
	const char *found = strchr(plain, p[0]);
	size_t taken = 0, len;

	if (found) {
		snprintf(one, 5, "\\%c", letters[found - plain]);
		return 1;
	}
	if (quotes && p[0] == '"') {
		strcpy(one, "\\\"");
		return 1;
	}
	if (p[0] < 0x20 || p[0] == 0x7f) {
		snprintf(one, 5, "\\x%02x", p[0]);
		return 1;
	}
	if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0) {
		snprintf(one, 5, "\\x%02x", p[1]);
		return 2;
	}
	len = p[0] < 0xc0 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	while (taken < len && p[taken]) {
		one[taken] = p[taken];
		taken++;
	}
	one[taken] = 0;
	return taken;
}

static char *escape_text(const char *text, bool quotes, char *out, size_t size)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0, mark = 0;
	char one[5];

	while (*p) {
		size_t taken = escape_unit(p, quotes, one);
		size_t len = strlen(one);

		if (at + len >= size) {
			snprintf(out + mark, size - mark, "%s", MORE);
			return out;
		}
		memcpy(out + at, one, len);
		at += len;
		p += taken;
		if (at + sizeof(MORE) <= size)
			mark = at;
	}
	out[at] = 0;
	return out;
}

char *escape(const char *text, char *out, size_t size)
{
	return escape_text(text, false, out, size);
}

char *escape_quoted(const char *text, char *out, size_t size)
{
	return escape_text(text, true, out, size);
}
