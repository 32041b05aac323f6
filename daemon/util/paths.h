/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where things are on a system: device nodes of the two drivers, state directory
 */
#ifndef HVKVP_UTIL_PATHS_H
#define HVKVP_UTIL_PATHS_H

#include <stdbool.h>

#include <hv_kvp.h>

#define DEVICE_OURS	"/dev/" HVKVP_DEVICE_NAME
#define DEVICE_STOCK	"/dev/vmbus/hv_kvp"

#define STATE_DIR		"/var/lib/hyperv"
/* On a read-only root without the first. systemd makes it before the daemon starts. */
#define STATE_DIR_VOLATILE	"/run/hvkvpd"

/**
 * paths_state_dir() - the state directory, where none is given
 * @usual: STATE_DIR, or a test's
 * @fallback: STATE_DIR_VOLATILE, or a test's
 * @create: create @usual if it is missing, and only where a read-only file system
 *	prevents that take @fallback; else take what is there
 *
 * A directory that is there is used even if its file system is read-only: what it
 * holds can be read.
 *
 * Return: @usual or @fallback.
 */
const char *paths_state_dir(const char *usual, const char *fallback, bool create);

#endif /* HVKVP_UTIL_PATHS_H */
