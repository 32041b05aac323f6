// SPDX-License-Identifier: GPL-2.0-only
/*
 * A state directory for a fuzzer.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dir.h"
#include "util/log.h"

static char path[64];

static int drop(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

static void clean(void)
{
	nftw(path, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static void silent(int level, const char *line)
{
	(void)level;
	(void)line;
}

const char *fuzz_dir(void)
{
	if (path[0])
		return path;
	snprintf(path, sizeof(path), "%s/hvkvp-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	if (!mkdtemp(path))
		abort();
	atexit(clean);
	log_set_sink(silent);
	return path;
}

void fuzz_put(const char *name, const uint8_t *data, size_t len)
{
	char file[128];
	int fd;

	snprintf(file, sizeof(file), "%s/%s", fuzz_dir(), name);
	fd = open(file, O_RDWR | O_CREAT, 0644);
	MUST(fd >= 0 && pwrite(fd, data, len, 0) == (ssize_t)len && !ftruncate(fd, len));
	close(fd);
}
