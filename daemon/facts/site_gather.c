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
 * @how: see site_facts_gather()
 * @fd: the open directory
 * @used: files and programs that can be used
 * @complaints: files that cannot
 */
struct gather {
	const struct site_gather *how;
	int fd;
	unsigned int used;
	unsigned int complaints;
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

bool site_facts_candidate(const char *name)
{
	return name[0] != '.' && !is_backup(name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void complain(struct gather *gather, const char *name, const char *why)
{
	char shown[4 * NAME_MAX + 1];

	if (++gather->complaints <= SITE_COMPLAINTS)
		log_warn("%s/%s: %s; this fact is left out", gather->how->dir,
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

	if (asprintf(&path, "%s/%s", gather->how->dir, record->key) < 0)
		return "out of memory";
	ret = spawn_output((const char *const[]){ path, NULL }, environment, gather->how->limit_ms,
			   gather->how->reader, bytes, sizeof(bytes), &len);
	free(path);
	*none = ret == NO_VALUE;
	if (!ret)
		set_value(record, bytes, len);
	if (!ret || *none)
		return NULL;
	if (ret == -ETIMEDOUT)
		snprintf(why, size, "it did not end within %u ms, and was killed",
			 gather->how->limit_ms);
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

/*
 * Open a candidate. Return: NULL, or why it cannot be used; without either it has gone meanwhile, and
 * *@fd is -1.
 */
static const char *open_entry(struct gather *gather, const char *name, int *fd, bool *program)
{
	const char *why = check_name(name);
	struct stat st;

	*fd = -1;
	if (why)
		return why;
	*fd = openat(gather->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0 && errno == ENOENT)
		return NULL;
	if (*fd < 0)
		return errno == ELOOP ? "it is a symbolic link" : strerror(errno);
	if (fstat(*fd, &st))
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	*program = st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH);
	why = check_owner(&st);
	if (!why && gather->used++ >= SITE_FACTS_MAX)
		why = "there are more than 64 others";
	return why;
}

/* One entry. Return: false to stop. */
static bool take_entry(struct gather *gather, const char *name)
{
	const struct site_gather *how = gather->how;
	struct site_record record = { 0 };
	bool program = false, none = false;
	char text[128];
	int fd;
	const char *why = open_entry(gather, name, &fd, &program);

	if (!why && fd < 0)
		return true;
	if (why) {
		/* Once: the other part does not say it again. */
		if (how->part == SITE_FILES)
			complain(gather, name, why);
		none = true;
	} else {
		strcpy(record.key, name);
		if (program && how->part == SITE_PROGRAMS)
			why = run_program(gather, &record, text, sizeof(text), &none);
		else if (program)
			strcpy(record.value, SITE_PROGRAM);
		else if (how->part == SITE_FILES)
			why = read_file(fd, &record);
		else
			none = true;
		if (why)
			complain(gather, name, why);
	}
	if (fd >= 0)
		close(fd);
	return why || none || how->emit(&record, how->data);
}

/* A missing directory is no error. Return: NULL, or why the directory is not used. */
static const char *open_dir(struct gather *gather)
{
	struct stat st;

	gather->fd = open(gather->how->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

		if (!site_facts_candidate(entry->d_name))
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

bool site_facts_gather(const struct site_gather *how)
{
	const struct site_record end = { 0 };
	struct gather gather = { .how = how };
	const char *why = open_dir(&gather);
	char **names = NULL;
	size_t found = 0;
	bool go_on = true;
	int err = 0;

	if (!why && gather.fd >= 0)
		err = read_names(gather.fd, &names, &found);
	if (err)
		why = strerror(-err);
	if (why && how->part == SITE_FILES)
		log_warn("%s: %s; no site fact is used", how->dir, why);
	for (size_t i = 0; !why && i < found && go_on; i++)
		go_on = take_entry(&gather, names[i]);
	if (gather.complaints > SITE_COMPLAINTS)
		log_warn("%s: %u more of its facts are left out", how->dir,
			 gather.complaints - SITE_COMPLAINTS);
	free_names(names, found);
	if (gather.fd >= 0)
		close(gather.fd);
	return go_on && how->emit(&end, how->data);
}
