// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a directory of site facts.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts/facts.h"
#include "facts/site.h"
#include "util/escape.h"
#include "util/log.h"
#include "util/spawn.h"
#include "util/utf.h"

/* What a message holds, in UTF-16 units. */
#define KEY_UNITS	255
#define VALUE_UNITS	1023

/* A program that has no value now. */
#define NO_VALUE	77

/**
 * struct gather - a directory that is being read
 * @dir: its path
 * @fd: the open directory
 * @limit_ms: see site_facts_gather()
 * @emit: likewise
 * @data: likewise
 */
struct gather {
	const char *dir;
	int fd;
	unsigned int limit_ms;
	bool (*emit)(const struct site_record *record, void *data);
	void *data;
};

/* What editors and package managers leave behind. */
static bool is_backup(const char *name)
{
	static const char *const ends[] = {
		"~", ".bak", ".old", ".orig", ".rej", ".swp", ".tmp", ".dpkg-old", ".dpkg-new",
		".dpkg-dist", ".dpkg-tmp", ".rpmsave", ".rpmnew", ".rpmorig", ".ucf-dist",
	};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		size_t end = strlen(ends[i]);

		if (len >= end && !strcmp(name + len - end, ends[i]))
			return true;
	}
	return name[0] == '#';
}

static bool is_candidate(const char *name)
{
	return name[0] != '.' && !is_backup(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void complain(const struct gather *gather, const char *name, const char *why)
{
	char shown[4 * NAME_MAX + 1];

	log_warn("%s/%s: %s; this fact is left out", gather->dir,
		 escape(name, shown, sizeof(shown)), why);
}

/* Return: NULL, or what is wrong with the name. */
static const char *check_name(const char *name)
{
	size_t len = strlen(name);
	ssize_t units = utf8_units(name, len);

	if (units < 0)
		return "the name is not valid UTF-8";
	if (units > KEY_UNITS || len >= SITE_KEY_SIZE)
		return "the name is longer than 255 UTF-16 units";
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)name[i]))
			return "the name has a control character";
	if (facts_find(name) >= 0)
		return "the name is that of a fact of hvkvpd; choose another";
	return NULL;
}

/* Return: NULL, or why nothing may be read from it. */
static const char *check_owner(const struct stat *st)
{
	if (st->st_uid && st->st_uid != geteuid())
		return "it is not owned by root; chown it";
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return "others than its owner may write it; chmod go-w";
	return NULL;
}

/*
 * Bytes to a value: valid UTF-8 without control characters, which the XML on the host
 * cannot hold, as long as a message.
 */
static void set_value(struct site_record *record, char *bytes, size_t len)
{
	size_t used = 0, repaired_len;
	char *repaired;

	while (len && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	memset(record->value, 0, sizeof(record->value));
	repaired = malloc(UTF8_REPLACEMENT_LEN * len + 1);
	if (!repaired)
		return;
	for (size_t i = 0; i < len; i++)
		if (iscntrl((unsigned char)bytes[i]) && bytes[i] != '\t' && bytes[i] != '\n' &&
		    bytes[i] != '\r')
			bytes[i] = (char)0xff;
	repaired_len = utf8_repair(bytes, len, repaired);
	used = utf8_prefix(repaired, repaired_len, VALUE_UNITS);
	if (used >= sizeof(record->value))
		used = utf8_prefix(repaired, sizeof(record->value) - 1, VALUE_UNITS);
	memcpy(record->value, repaired, used);
	if (used < repaired_len)
		log_info("the value of site fact %s is longer than a message holds: cut",
			 record->key);
	free(repaired);
}

static const char *read_file(int fd, struct site_record *record)
{
	char bytes[SITE_FACTS_OUTPUT];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(bytes)) {
		n = read(fd, bytes + len, sizeof(bytes) - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return strerror(errno);
		if (!n)
			break;
		len += n;
	}
	set_value(record, bytes, len);
	return NULL;
}

/* @none: it has no value now. Return: NULL, or what went wrong. */
static const char *run_program(const struct gather *gather, struct site_record *record,
			       char *why, size_t size, bool *none)
{
	char variable[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = { variable, NULL };
	char bytes[SITE_FACTS_OUTPUT], *path;
	size_t len;
	int ret;

	if (asprintf(&path, "%s/%s", gather->dir, record->key) < 0)
		return "out of memory";
	ret = spawn_output((const char *const[]){ path, NULL }, environment, gather->limit_ms,
			   bytes, sizeof(bytes), &len);
	free(path);
	*none = ret == NO_VALUE;
	if (!ret)
		set_value(record, bytes, len);
	if (!ret || *none)
		return NULL;
	if (ret == -ETIMEDOUT)
		snprintf(why, size, "it did not end within %u ms, and was killed", gather->limit_ms);
	else if (ret == -EFBIG)
		snprintf(why, size, "it wrote more than %d bytes, and was killed", SITE_FACTS_OUTPUT);
	else if (ret < 0)
		snprintf(why, size, "it cannot be run: %s", strerror(-ret));
	else if (ret > 128)
		snprintf(why, size, "it was killed by signal %d", ret - 128);
	else
		snprintf(why, size, "it ended with exit code %d", ret);
	return why;
}

/* One entry, in the pass for files or in that for programs. Return: false to stop. */
static bool take_entry(const struct gather *gather, const char *name, bool programs)
{
	const char *why = check_name(name);
	struct site_record record = { 0 };
	bool program = false, none = false;
	char text[128];
	struct stat st;
	int fd = -1;

	if (!why) {
		fd = openat(gather->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
		if (fd < 0 && errno == ENOENT)
			return true;
		if (fd < 0)
			why = errno == ELOOP ? "it is a symbolic link" : strerror(errno);
		else if (fstat(fd, &st))
			why = strerror(errno);
		else if (!S_ISREG(st.st_mode))
			why = "it is not a regular file";
		else
			why = check_owner(&st);
		program = !why && st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	}
	if (!why && program == programs) {
		strcpy(record.key, name);
		why = program ? run_program(gather, &record, text, sizeof(text), &none) :
				read_file(fd, &record);
	} else {
		none = true;
	}
	if (fd >= 0)
		close(fd);
	/* What is wrong with the file itself is logged in the first pass. */
	if (why && (program || !programs))
		complain(gather, name, why);
	return why || none || gather->emit(&record, gather->data);
}

static bool mark(const struct gather *gather, const char *what)
{
	struct site_record record = { 0 };

	strcpy(record.value, what);
	return gather->emit(&record, gather->data);
}

/* A missing directory is no error. Return: NULL, or why the directory is not used. */
static const char *open_dir(struct gather *gather)
{
	struct stat st;

	gather->fd = open(gather->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (gather->fd < 0)
		return errno == ENOENT ? NULL : strerror(errno);
	if (fstat(gather->fd, &st))
		return strerror(errno);
	return check_owner(&st);
}

static void free_names(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

/* Append the names of the candidates. Return: 0 or a negative errno. */
static int append_names(DIR *stream, char ***names, size_t *count)
{
	struct dirent *entry;

	while ((errno = 0, entry = readdir(stream))) {
		char **more;

		if (!is_candidate(entry->d_name))
			continue;
		more = realloc(*names, (*count + 1) * sizeof(*more));
		if (!more)
			return -ENOMEM;
		*names = more;
		more[*count] = strdup(entry->d_name);
		if (!more[*count])
			return -ENOMEM;
		++*count;
	}
	return -errno;
}

/*
 * The names of the candidates, sorted, for free_names(): scandirat(3) is glibc's
 * alone. Return: 0 or a negative errno.
 */
static int read_names(int dir, char ***names, size_t *count)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	int err;

	if (!stream) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	err = append_names(stream, names, count);
	closedir(stream);
	if (!err && *count)
		qsort(*names, *count, sizeof(**names), by_name);
	return err;
}

bool site_facts_gather(const char *dir, unsigned int limit_ms,
		       bool (*emit)(const struct site_record *record, void *data), void *data)
{
	struct gather gather = {
		.dir = dir, .limit_ms = limit_ms, .emit = emit, .data = data,
	};
	const char *why = open_dir(&gather);
	char **names = NULL;
	size_t found = 0, n;
	bool go_on = true;
	int err = 0;

	if (!why && gather.fd >= 0)
		err = read_names(gather.fd, &names, &found);
	if (err)
		why = strerror(-err);
	if (why)
		log_warn("%s: %s; no site fact is used", dir, why);
	n = why ? 0 : found;
	for (size_t i = SITE_FACTS_MAX; i < n; i++)
		complain(&gather, names[i], "there are more than 64 files");
	for (int pass = 0; pass < 2 && go_on; pass++) {
		for (size_t i = 0; i < n && i < SITE_FACTS_MAX && go_on; i++)
			go_on = take_entry(&gather, names[i], pass);
		if (go_on)
			go_on = mark(&gather, pass ? SITE_MARK_END : SITE_MARK_FILES);
	}
	free_names(names, found);
	if (gather.fd >= 0)
		close(gather.fd);
	return go_on;
}
