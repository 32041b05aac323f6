// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a change, before any of them is written.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ip/budget.h"
#include "ip/files.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "util/escape.h"
#include "util/file.h"
#include "util/log.h"

/* No configuration file that is worth reading is larger. */
#define TEXT_SIZE (1 << 18)

static struct ip_files_entry *add(struct ip_files *files, const char *format, va_list ap)
{
	struct ip_files_entry *entry;
	int n;

	if (files->count == IP_FILES_MAX) {
		files->failed = true;
		entry = &files->file[IP_FILES_MAX - 1];
	} else {
		entry = &files->file[files->count++];
	}
	n = vsnprintf(entry->path, sizeof(entry->path), format, ap);
	if (n < 0 || (size_t)n >= sizeof(entry->path))
		files->failed = true;
	return entry;
}

struct strbuf *ip_files_add(struct ip_files *files, mode_t mode, const char *format, ...)
{
	struct ip_files_entry *entry;
	va_list ap;

	va_start(ap, format);
	entry = add(files, format, ap);
	va_end(ap);
	entry->mode = mode;
	return &entry->text;
}

void ip_files_remove(struct ip_files *files, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	add(files, format, ap)->remove = true;
	va_end(ap);
}

static bool is_complete(const struct ip_files *files)
{
	bool failed = files->failed;

	for (unsigned int i = 0; i < files->count; i++)
		failed |= files->file[i].text.failed;
	return !failed;
}

/*
 * The sandbox of our unit. A hole in it for one file would close when another program
 * puts a new one in its place, and a rename needs the folder.
 */
static int write_outside(const char *path, mode_t mode, const char *text, const void *data)
{
	/* Its contents are never open to more users than before; after a failure nothing is left. */
	static const char script[] =
		"set -e; mkdir -p \"${0%/*}\"; umask 077; new=${0%/*}/.${0##*/}.hvkvpd~; trap 'rm -f \"$new\"' EXIT\n"
		"rm -f \"$new\"; cat >\"$new\"\n"
		"if [ -e \"$0\" ]; then chown --reference=\"$0\" \"$new\"; chmod --reference=\"$0\" \"$new\"\n"
		"else chmod \"$1\" \"$new\"; fi\n"
		"sync \"$new\"; mv -f \"$new\" \"$0\"; sync \"${0%/*}\" || :";
	char bits[8];

	if (!text)
		return IP_TOOL(data, IP_FILES_MS, true, "rm", "-f", path) ? -EIO : 0;
	snprintf(bits, sizeof(bits), "%o", mode);
	return ip_tool(data, IP_FILES_MS, true, text,
		       (const char *const[]){ "sh", "-c", script, path, bits, NULL }) ? -EIO : 0;
}

int ip_files_write(const struct ip_files *files, const struct ip_system *system,
		   struct file_set *set)
{
	char path[SYSROOT_PATH_SIZE];
	int err = is_complete(files) ? 0 : -ENOMEM;

	set->outside = write_outside;
	set->data = system;
	if (err)
		log_err("the configuration files cannot be made: %s", strerror(-err));
	for (unsigned int i = 0; i < files->count && !err; i++) {
		const struct ip_files_entry *entry = &files->file[i];
		const char *text = entry->remove ? NULL : entry->text.text ? entry->text.text : "";

		sysroot_path(system->root, path, "%s", entry->path);
		err = file_set_write(set, path, entry->mode, text, entry->text.len);
		if (err)
			log_err("%s: %s", path, strerror(-err));
	}
	return err;
}

char *ip_files_read(const struct ip_system *system, const char *path)
{
	char full[SYSROOT_PATH_SIZE], *text = malloc(TEXT_SIZE);
	int len = text ? file_read(sysroot_path(system->root, full, "%s", path), text, TEXT_SIZE) : -1;

	/* A file that was cut is not read at all. */
	if (len < 0 || len >= TEXT_SIZE - 1) {
		free(text);
		return NULL;
	}
	return text;
}

/* Return: the line behind @line. */
static const char *next_line(const char *line)
{
	line += strcspn(line, "\n");
	return *line ? line + 1 : line;
}

static void print_line(char mark, const char *line, FILE *out)
{
	char text[256], shown[1024];

	snprintf(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
	fprintf(out, "%c%s\n", mark, escape(text, shown, sizeof(shown)));
}

static bool same_line(const char *a, const char *b)
{
	size_t len = strcspn(a, "\n");

	return *a && *b && len == strcspn(b, "\n") && !memcmp(a, b, len);
}

/* How many lines ahead @line is found in @text; -1 if it is not. */
static int find_line(const char *line, const char *text)
{
	for (int n = 0; *text; n++, text = next_line(text))
		if (same_line(line, text))
			return n;
	return -1;
}

/* Not the shortest of all differences, but a correct one. */
static void diff(const char *old, const char *new, FILE *out)
{
	while (*old || *new) {
		int skip_old, skip_new;

		if (same_line(old, new)) {
			old = next_line(old);
			new = next_line(new);
			continue;
		}
		skip_old = *new ? find_line(new, old) : -1;
		skip_new = *old ? find_line(old, new) : -1;
		if (*old && (skip_new < 0 || (skip_old >= 0 && skip_old <= skip_new))) {
			print_line('-', old, out);
			old = next_line(old);
		} else {
			print_line('+', new, out);
			new = next_line(new);
		}
	}
}

void ip_files_diff(const struct ip_files *files, const struct ip_system *system, FILE *out)
{
	for (unsigned int i = 0; i < files->count; i++) {
		const struct ip_files_entry *entry = &files->file[i];
		const char *new = entry->remove || !entry->text.text ? "" : entry->text.text;
		char *old = ip_files_read(system, entry->path);

		if (!(entry->remove ? !old : old && !strcmp(old, new))) {
			fprintf(out, "%s %s\n", !old ? "new file" : entry->remove ? "removed file" :
				"changed file", entry->path);
			diff(old ? old : "", new, out);
		}
		free(old);
	}
}

void ip_files_free(struct ip_files *files)
{
	for (unsigned int i = 0; i < IP_FILES_MAX; i++)
		strbuf_free(&files->file[i].text);
	files->count = 0;
}
