// SPDX-License-Identifier: GPL-2.0-only
/*
 * ifupdown's files.
 */
#include <fnmatch.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ip/files.h"
#include "ip/manager/interfaces.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define BLANK		" \t"
#define DEPTH_MAX	8

/* Return: the logical line's length, with its newline; a "\" at the end continues it. */
static size_t line_length(const char *line)
{
	const char *at = line;
	size_t len;

	for (;;) {
		len = strcspn(at, "\n");
		if (!at[len])
			return at + len - line;
		if (!len || at[len - 1] != '\\')
			return at + len + 1 - line;
		at += len + 1;
	}
}

/* The word at @n of a line. Return: whether there is one. */
static bool word_at(const char *line, size_t len, unsigned int n, char *word, size_t size)
{
	const char *at = line, *end = line + len;

	word[0] = 0;
	for (unsigned int i = 0; ; i++) {
		size_t length = 0;

		while (at < end && strchr(BLANK "\n\\", *at))
			at++;
		while (at + length < end && !strchr(BLANK "\n", at[length]))
			length++;
		if (!length)
			return false;
		if (i == n) {
			snprintf(word, size, "%.*s", (int)length, at);
			return true;
		}
		at += length;
	}
}

static bool starts_stanza(const char *word)
{
	static const char *const words[] = {
		"iface", "mapping", "auto", "source", "source-directory", "rename",
		"no-auto-down", "no-scripts", "template",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(word, words[i]))
			return true;
	return !strncmp(word, "allow-", 6);
}

static void append_file(const struct ip_system *system, const char *path, int depth,
			struct strbuf *out);

/* The names that ifupdown takes of a whole folder: no editor's or dpkg's copies. */
static bool is_folder_name(const char *name)
{
	return !name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")];
}

/* The files of a "source" line: a pattern; or, of a "source-directory" line, with "/" and "*". */
static bool source_pattern(const char *line, size_t len, char *pattern, size_t size, bool *folder)
{
	char word[32], path[256];

	word_at(line, len, 0, word, sizeof(word));
	*folder = !strcmp(word, "source-directory");
	if ((!*folder && strcmp(word, "source")) || !word_at(line, len, 1, path, sizeof(path)))
		return false;
	while (*folder && path[1] && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = 0;
	snprintf(pattern, size, "%s%s%s", path[0] == '/' ? "" : "/etc/network/", path,
		 *folder ? "/*" : "");
	return true;
}

static void append_all(const struct ip_system *system, const char *pattern, bool folder, int depth,
		       struct strbuf *out)
{
	char full[SYSROOT_PATH_SIZE];
	glob_t found;

	if (!sysroot_path(system->root, full, "%s", pattern)[0] || glob(full, 0, NULL, &found))
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *base = strrchr(found.gl_pathv[i], '/') + 1;

		if (strncmp(base, "hvkvpd-", 7) && (!folder || is_folder_name(base)))
			append_file(system, found.gl_pathv[i] + strlen(system->root), depth, out);
	}
	globfree(&found);
}

static void append_file(const struct ip_system *system, const char *path, int depth,
			struct strbuf *out)
{
	char word[32], pattern[512], *text;
	bool folder;

	if (depth > DEPTH_MAX)
		return;
	text = ip_files_read(system, path);
	for (const char *line = text; line && *line;) {
		size_t len = line_length(line);

		word_at(line, len, 0, word, sizeof(word));
		if (source_pattern(line, len, pattern, sizeof(pattern), &folder))
			append_all(system, pattern, folder, depth + 1, out);
		else if (strncmp(word, "source", 6))
			strbuf_printf(out, "%.*s", (int)len, line);
		line += len;
	}
	if (out->len && out->text[out->len - 1] != '\n')
		strbuf_printf(out, "\n");
	free(text);
}

char *interfaces_read(const struct ip_system *system)
{
	struct strbuf out = { 0 };

	if (!sysroot_exists(system->root, INTERFACES_PATH))
		return NULL;
	append_file(system, INTERFACES_PATH, 0, &out);
	if (!out.text)
		return strdup("");
	return out.text;
}

bool interfaces_next(const char **text, const char *name, struct interfaces_stanza *stanza)
{
	char word[32], interface[64];

	for (const char *line = *text; *line;) {
		size_t len = line_length(line);
		bool found = word_at(line, len, 0, word, sizeof(word)) && !strcmp(word, "iface") &&
			     word_at(line, len, 1, interface, sizeof(interface)) &&
			     !strcmp(interface, name);

		if (found) {
			word_at(line, len, 2, stanza->family, sizeof(stanza->family));
			word_at(line, len, 3, stanza->method, sizeof(stanza->method));
			stanza->inherits[0] = 0;
			if (word_at(line, len, 4, word, sizeof(word)) && !strcmp(word, "inherits") &&
			    word_at(line, len, 5, interface, 32))
				snprintf(stanza->inherits, sizeof(stanza->inherits), " inherits %.32s",
					 interface);
		}
		line += len;
		if (!found)
			continue;
		stanza->options = line;
		while (*line) {
			len = line_length(line);
			if (word_at(line, len, 0, word, sizeof(word)) && starts_stanza(word))
				break;
			line += len;
		}
		stanza->options_len = line - stanza->options;
		*text = line;
		return true;
	}
	return false;
}

bool interfaces_reads_folder(const struct ip_system *system)
{
	char *text = ip_files_read(system, INTERFACES_PATH), pattern[512];
	bool reads = false, folder;

	for (const char *line = text; line && *line && !reads;) {
		size_t len = line_length(line);

		reads = source_pattern(line, len, pattern, sizeof(pattern), &folder) &&
			!fnmatch(pattern, "/etc/network/interfaces.d/hvkvpd-0", FNM_PATHNAME);
		line += len;
	}
	free(text);
	return reads;
}

bool interfaces_names(const struct ip_system *system, const char *name)
{
	struct interfaces_stanza stanza;
	char *text;
	const char *at;
	bool found;

	if (!ip_tool_path(system, "ifup"))
		return false;
	text = interfaces_read(system);
	at = text;
	found = at && interfaces_next(&at, name, &stanza);
	free(text);
	return found;
}
