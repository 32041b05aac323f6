/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Paths below a root directory: "" on a real machine, a scratch folder in a test
 */
#ifndef HVKVP_UTIL_SYSROOT_H
#define HVKVP_UTIL_SYSROOT_H

#include <stdbool.h>

/* Room for a path with its root, NUL included. */
#define SYSROOT_PATH_SIZE	512

/**
 * sysroot_path() - a path below the root
 * @root: directory in front of /etc, /run, /sys, /usr; "" for the real ones
 * @path: gets it, SYSROOT_PATH_SIZE bytes
 * @format: printf(3) format, starts with '/'
 *
 * Return: @path; "" if it is too long.
 */
char *sysroot_path(const char *root, char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * sysroot_exists() - is there a file below the root?
 * @root: as in sysroot_path()
 * @format: printf(3) format, starts with '/'
 */
bool sysroot_exists(const char *root, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* HVKVP_UTIL_SYSROOT_H */
