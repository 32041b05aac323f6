// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory for one test case, and what is said in its log.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/scratch.h"
#include "util/log.h"

char scratch_dir[128];
static char logged[65536];
static size_t logged_len;

static void note(int level, const char *line)
{
	size_t room = sizeof(logged) - logged_len;
	int n = snprintf(logged + logged_len, room, "%d %s\n", level, line);

	logged_len += (size_t)n < room ? (size_t)n : 0;
}

void scratch_begin(void)
{
	const char *base = getenv("HVKVP_SCRATCH");

	snprintf(scratch_dir, sizeof(scratch_dir), "%s/hvkvp-unit-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(scratch_dir)) {
		printf("Bail out! cannot make %s\n", scratch_dir);
		exit(1);
	}
	logged[0] = 0;
	logged_len = 0;
	log_open(LOG_DEBUG, 0);
	log_set_sink(note);
}

static int drop(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

void scratch_end(void)
{
	nftw(scratch_dir, drop, 16, FTW_DEPTH | FTW_PHYS);
	log_set_sink(NULL);
}

const char *scratch_path(const char *name)
{
	static char paths[16][192];
	static int next;

	next = (next + 1) % 16;
	snprintf(paths[next], sizeof(paths[next]), "%s/%s", scratch_dir, name);
	return paths[next];
}

void scratch_write(const char *name, const void *data, size_t len)
{
	FILE *f = fopen(scratch_path(name), "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f)) {
		printf("Bail out! cannot write %s\n", scratch_path(name));
		exit(1);
	}
}

size_t scratch_read(const char *name, void *data, size_t room)
{
	FILE *f = fopen(scratch_path(name), "r");
	size_t len;

	if (!f)
		return 0;
	len = fread(data, 1, room, f);
	fclose(f);
	return len;
}

bool scratch_logged(const char *text)
{
	return strstr(logged, text) != NULL;
}

int scratch_log_count(const char *text)
{
	int count = 0;

	for (const char *at = logged; (at = strstr(at, text)); at += strlen(text))
		count++;
	return count;
}
