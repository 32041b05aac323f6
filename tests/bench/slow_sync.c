// SPDX-License-Identifier: GPL-2.0-only
/*
 * To be loaded before libc: fdatasync(2) takes SLOW_SYNC_US microseconds longer, as on a slower disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
	int (*sync)(int fd) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
	const char *us = getenv("SLOW_SYNC_US");
	int err = sync(fd);

	if (us)
		usleep(atoi(us));	/* sleep: it stands for a disk */
	return err;
}
