/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files of sections and "Key=value" lines, read line by line
 *
 * As systemd and GLib write them. Nothing is interpreted but where a line ends and what
 * section it is in, so that a copy keeps everything that is not known here. Pure.
 */
#ifndef HVKVP_IP_MANAGER_INI_H
#define HVKVP_IP_MANAGER_INI_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct ini_line - a line
 * @text: from its start, in the file's text
 * @len: with its newline, if it has one; with continuation lines, where "\" ends a line
 * @section: name of the section, from behind its "["; "" before the first
 * @section_len: of it
 * @header: it is the section's first line
 */
struct ini_line {
	const char *text;
	size_t len;
	const char *section;
	size_t section_len;
	bool header;
};

/**
 * ini_next() - the next line
 * @line: the line before; all zero but for @text, which is the file, for the first
 *
 * Return: false at the end.
 */
bool ini_next(struct ini_line *line);

/** ini_in_section() - is a line in a section of this name? */
bool ini_in_section(const struct ini_line *line, const char *section);

/**
 * ini_value() - the value of a line, if it assigns this key
 * @line: the line
 * @key: the key
 * @value: gets it, without blanks around it; cut if too long
 * @size: bytes of @value
 *
 * Return: false for any other line.
 */
bool ini_value(const struct ini_line *line, const char *key, char *value, size_t size);

/**
 * ini_key_like() - does a line assign a key of this stem and a number, "route1"?
 * @line: the line
 * @stem: "route"
 * @number: gets the number; -1 if there is none, which counts
 */
bool ini_key_like(const struct ini_line *line, const char *stem, int *number);

/** ini_get() - the last value of a key in sections of a name; false and "" if there is none. */
bool ini_get(const char *text, const char *section, const char *key, char *value, size_t size);

#endif /* HVKVP_IP_MANAGER_INI_H */
