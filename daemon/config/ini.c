// SPDX-License-Identifier: GPL-2.0-only
/*
 * A strict reader of INI files.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "config/ini.h"
#include "util/log.h"
#include "util/stringify.h"

/* Room for the longest line, its newline, the NUL, and one byte that shows a longer one. */
#define BUFFER_SIZE (INI_LINE_MAX + 3)

/**
 * struct ini_file - a file that is being read
 * @path: of the file
 * @line: number of the line
 * @section: of that line
 */
struct ini_file {
	const char *path;
	unsigned int line;
	char section[BUFFER_SIZE];
};

static int fail(const struct ini_file *file, const char *why)
{
	log_err("%s:%u: %s", file->path, file->line, why);
	return -EINVAL;
}

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len && strchr(" \t", text[len - 1]))
		text[--len] = 0;
	return text;
}

/* Read one line without its newline. Return: 1, 0 at the end, -EINVAL if it is invalid. */
static int read_line(struct ini_file *file, FILE *stream, char *line)
{
	bool control = false;
	size_t len = 0;
	int c;

	c = getc(stream);
	if (c == EOF)
		return 0;
	file->line++;
	for (; c != EOF && c != '\n'; c = getc(stream)) {
		control |= (c < ' ' && c != '\t') || c == 0x7f;
		if (len <= INI_LINE_MAX)
			line[len++] = c;
	}
	line[len] = 0;
	if (control)
		return fail(file, "the line has a control character");
	if (len > INI_LINE_MAX)
		return fail(file, "the line is longer than " STRINGIFY(INI_LINE_MAX) " bytes");
	return 1;
}

static int parse_section(struct ini_file *file, char *line,
			 int (*take)(void *data, const struct ini_entry *entry), void *data)
{
	const struct ini_entry entry = { .path = file->path, .line = file->line,
					 .section = file->section };
	size_t len = strlen(line);

	if (len < 3 || line[len - 1] != ']')
		return fail(file, "a section is \"[NAME]\", alone on its line");
	line[len - 1] = 0;
	strcpy(file->section, line + 1);
	return take(data, &entry);
}

static int parse_line(struct ini_file *file, char *line,
		      int (*take)(void *data, const struct ini_entry *entry), void *data)
{
	struct ini_entry entry = { .path = file->path, .line = file->line,
				   .section = file->section };
	char *equals;

	line = trim(line);
	if (!line[0] || line[0] == '#' || line[0] == ';')
		return 0;
	if (line[0] == '[')
		return parse_section(file, line, take, data);
	equals = strchr(line, '=');
	if (!equals || equals == line)
		return fail(file, "neither \"[SECTION]\" nor \"KEY=VALUE\" nor a comment");
	*equals = 0;
	entry.key = trim(line);
	entry.value = trim(equals + 1);
	return take(data, &entry);
}

int ini_read(const char *path, int (*take)(void *data, const struct ini_entry *entry), void *data)
{
	struct ini_file file = { .path = path };
	char line[BUFFER_SIZE];
	FILE *stream = fopen(path, "re");
	int ret = 0, err;
	struct stat link;

	if (!stream) {
		err = -errno;
		/* A link was placed here on purpose: its settings must not be left out silently. */
		if (err == -ENOENT && !lstat(path, &link)) {
			log_err("%s: a symbolic link to a file that does not exist", path);
			return -EINVAL;
		}
		if (err != -ENOENT)
			log_err("%s: %s", path, strerror(-err));
		return err;
	}
	while ((err = read_line(&file, stream, line))) {
		if (err > 0)
			err = parse_line(&file, line, take, data);
		if (err < 0)
			ret = err;
	}
	if (ferror(stream)) {
		ret = -EIO;
		log_err("%s: cannot be read", path);
	}
	fclose(stream);
	return ret;
}
