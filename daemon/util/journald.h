/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Log entries with fields, for systemd-journald
 *
 * The native protocol of the journal is one datagram for each entry. It is sent without libsystemd,
 * as util/notify.h does, so that static builds and the initramfs have it as well.
 */
#ifndef HVKVP_UTIL_JOURNALD_H
#define HVKVP_UTIL_JOURNALD_H

#include <stddef.h>

#define JOURNALD_SOCKET "/run/systemd/journal/socket"

/* The most fields of an entry. */
#define JOURNALD_FIELDS 16

/**
 * struct journald_field - a field of an entry
 * @name: upper-case letters, digits and '_'
 * @value: any text; a field with NULL is left out
 */
struct journald_field {
	const char *name;
	const char *value;
};

/**
 * journald_send() - write an entry
 * @fd: its socket, used again for each entry; -1: there is none yet, or none any more
 * @fields: of the entry
 * @count: of @fields, at most JOURNALD_FIELDS
 *
 * Does not wait. The socket is not connected: a journald that was restarted gets entries as well.
 *
 * Return: 0 or -errno, -ENOENT if there is no journald; then nothing was written.
 */
int journald_send(int *fd, const struct journald_field *fields, size_t count);

#endif /* HVKVP_UTIL_JOURNALD_H */
