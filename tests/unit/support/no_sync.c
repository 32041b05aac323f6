// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests in which what the disk does is not the subject, and would only take time.
 */
#include <unistd.h>

int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int fsync(int fd)
{
	return fdatasync(fd);
}
