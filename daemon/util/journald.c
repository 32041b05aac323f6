// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log entries for systemd-journald, see journald.h.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "util/journald.h"

/* What an entry is made of: at most five pieces for each field. */
struct pieces {
	struct iovec list[5 * JOURNALD_FIELDS];
	uint64_t lengths[JOURNALD_FIELDS];
	size_t count;
};

static void add(struct pieces *pieces, const void *data, size_t len)
{
	pieces->list[pieces->count++] = (struct iovec){ .iov_base = (void *)data, .iov_len = len };
}

/* NAME=VALUE, or, for a value of several lines: NAME, its length in 64 bits, VALUE. */
static void add_field(struct pieces *pieces, const struct journald_field *field, uint64_t *length)
{
	size_t len = strlen(field->value);

	add(pieces, field->name, strlen(field->name));
	if (strchr(field->value, '\n')) {
		*length = htole64(len);
		add(pieces, "\n", 1);
		add(pieces, length, sizeof(*length));
	} else {
		add(pieces, "=", 1);
	}
	add(pieces, field->value, len);
	add(pieces, "\n", 1);
}

int journald_send(int *fd, const struct journald_field *fields, size_t count)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNALD_SOCKET };
	struct pieces pieces = { .count = 0 };
	struct msghdr message = {
		.msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = pieces.list,
	};
	int err;

	if (count > JOURNALD_FIELDS)
		return -E2BIG;
	for (size_t i = 0; i < count; i++)
		if (fields[i].value)
			add_field(&pieces, &fields[i], &pieces.lengths[i]);
	message.msg_iovlen = pieces.count;
	if (*fd < 0)
		*fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (*fd < 0)
		return -errno;
	if (sendmsg(*fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		return 0;
	err = -errno;
	close(*fd);
	*fd = -1;
	return err;
}
