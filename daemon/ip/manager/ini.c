// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of sections and "Key=value" lines. Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "ip/manager/ini.h"

#define BLANK " \t"

bool ini_next(struct ini_line *line)
{
	const char *text = line->text + line->len, *start;
	size_t len;

	if (!*text)
		return false;
	line->text = text;
	start = text + strspn(text, BLANK);
	for (;;) {
		len = strcspn(text, "\n");
		/* Comments are not continued. */
		if (!text[len] || !len || text[len - 1] != '\\' || *start == '#' || *start == ';')
			break;
		text += len + 1;
	}
	line->len = text + len + (text[len] == '\n') - line->text;
	line->header = *start == '[';
	if (line->header) {
		line->section = start + 1;
		line->section_len = strcspn(start + 1, "]\n");
	} else if (!line->section) {
		line->section = "";
	}
	return true;
}

bool ini_in_section(const struct ini_line *line, const char *section)
{
	return line->section_len == strlen(section) &&
	       !memcmp(line->section, section, line->section_len);
}

/* Behind @stem, at the start of the line; NULL if it is another key. */
static const char *behind(const struct ini_line *line, const char *stem)
{
	const char *at = line->text + strspn(line->text, BLANK);
	size_t len = strlen(stem);

	return line->header || strncmp(at, stem, len) ? NULL : at + len;
}

bool ini_value(const struct ini_line *line, const char *key, char *value, size_t size)
{
	const char *at = behind(line, key), *end = line->text + line->len;
	size_t len;

	if (!at)
		return false;
	at += strspn(at, BLANK);
	if (*at++ != '=')
		return false;
	at += strspn(at, BLANK);
	while (end > at && strchr(BLANK "\n", end[-1]))
		end--;
	len = (size_t)(end - at) < size - 1 ? (size_t)(end - at) : size - 1;
	memcpy(value, at, len);
	value[len] = 0;
	return true;
}

bool ini_key_like(const struct ini_line *line, const char *stem, int *number)
{
	const char *at = behind(line, stem);
	size_t digits;

	if (!at)
		return false;
	digits = strspn(at, "0123456789");
	*number = digits ? atoi(at) : -1;
	at += digits;
	at += strspn(at, BLANK);
	return *at == '=';
}

bool ini_get(const char *text, const char *section, const char *key, char *value, size_t size)
{
	struct ini_line line = { .text = text };
	bool found = false;

	value[0] = 0;
	while (ini_next(&line))
		if (ini_in_section(&line, section))
			found |= ini_value(&line, key, value, size);
	return found;
}
