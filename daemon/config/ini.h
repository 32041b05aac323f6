/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A strict reader of INI files
 *
 * Lines are blank, comments ('#' or ';' first), "[Section]", or "Key=Value"; blanks around names and
 * values do not count. There are no quotes, no comments after values, no line continuations. Every
 * line that is none of these is an error, and so is one that is longer than INI_LINE_MAX or has
 * control characters: nothing is cut off or guessed. (libinih cuts long lines silently, takes
 * an indented line for a second value, and reports only the first error.)
 */
#ifndef HVKVP_CONFIG_INI_H
#define HVKVP_CONFIG_INI_H

/* Longest line, without its newline, bytes. */
#define INI_LINE_MAX 4096

/**
 * struct ini_entry - a section, or a key and its value
 * @path: of the file
 * @line: number of the line, from 1
 * @section: name of the section; "" before the first one
 * @key: name; NULL: the line begins the section
 * @value: text; may be empty; NULL without @key
 */
struct ini_entry {
	const char *path;
	unsigned int line;
	const char *section;
	const char *key;
	const char *value;
};

/**
 * ini_read() - read a file
 * @path: of the file
 * @take: gets each entry; returns 0, or -errno if it cannot use the entry, and has logged why
 * @data: first argument of @take
 *
 * All of the file is read, so that all errors are logged, as "PATH:LINE: what is wrong".
 *
 * Return: 0; -ENOENT, not logged, if there is no such file; -EINVAL if it is a symbolic link to
 * nothing; other -errno.
 */
int ini_read(const char *path, int (*take)(void *data, const struct ini_entry *entry), void *data);

#endif /* HVKVP_CONFIG_INI_H */
