// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a remote desktop can be reached.
 *
 * From /proc/net/tcp and tcp6, not by sock_diag(7): that is a module of its own on
 * many kernels, and a guest without it would start modprobe for each request.
 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "facts/facts.h"
#include "facts/rdp.h"
#include "util/file.h"
#include "util/sysroot.h"

#define RDP_PORT 3389

/* States of a socket in /proc/net/tcp. */
#define STATE_SYN_RECV	0x03
#define STATE_LISTEN	0x0a

/**
 * struct listeners - sockets at the port of RDP
 * @family: that is asked for
 * @any: one listens at every address of @family
 * @text: the addresses of the others
 * @size: of @text
 * @len: used of @text
 */
struct listeners {
	int family;
	bool any;
	char *text;
	size_t size;
	size_t len;
};

static bool has_address(const struct listeners *listeners, const char *one, size_t len)
{
	for (const char *at = listeners->text; *at; at += strspn(at, ";")) {
		size_t n = strcspn(at, ";");

		if (n == len && !memcmp(at, one, len))
			return true;
		at += n;
	}
	return false;
}

static void add_address(struct listeners *listeners, const void *address)
{
	char one[INET6_ADDRSTRLEN];
	size_t len;

	inet_ntop(listeners->family, address, one, sizeof(one));
	len = strlen(one);
	/* Several sockets can share an address (SO_REUSEPORT). */
	if (listeners->len + len + 2 > listeners->size || has_address(listeners, one, len))
		return;
	if (listeners->len)
		listeners->text[listeners->len++] = ';';
	memcpy(listeners->text + listeners->len, one, len + 1);
	listeners->len += len;
}

static void note_ipv4(struct listeners *listeners, const uint8_t *address)
{
	static const uint8_t any[4];

	if (listeners->family != AF_INET)
		return;
	if (!memcmp(address, any, sizeof(any)))
		listeners->any = true;
	else if (address[0] != 127)
		add_address(listeners, address);
}

static void note_ipv6(struct listeners *listeners, const uint8_t *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct in6_addr in;

	memcpy(&in, address, sizeof(in));
	if (IN6_IS_ADDR_UNSPECIFIED(&in))
		listeners->any = true;
	else if (!memcmp(address, mapped, sizeof(mapped)))
		note_ipv4(listeners, address + sizeof(mapped));
	else if (listeners->family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&in))
		add_address(listeners, address);
}

/* The kernel prints words as it has them in memory. Return: words, 0 if there are not 1 or 4. */
static int parse_address(const char *hex, uint8_t *address)
{
	size_t digits = strspn(hex, "0123456789ABCDEF");
	unsigned int word;

	if (digits != 8 && digits != 32)
		return 0;
	for (size_t i = 0; i < digits / 8; i++) {
		if (sscanf(hex + 8 * i, "%8X", &word) != 1)
			return 0;
		memcpy(address + 4 * i, &(uint32_t){ word }, 4);
	}
	return digits / 8;
}

/* Listening sockets come first: behind them the table can be long. */
static bool note_socket(char *line, void *data)
{
	struct listeners *listeners = data;
	unsigned int port, state;
	uint8_t address[16];
	char hex[33];
	int words;

	if (sscanf(line, " %*u: %32[0-9A-F]:%4X %*[0-9A-F]:%*4X %2X", hex, &port, &state) != 3)
		return false;
	if (state != STATE_LISTEN)
		return state != STATE_SYN_RECV;
	if (port != RDP_PORT)
		return false;
	words = parse_address(hex, address);
	if (words == 1)
		note_ipv4(listeners, address);
	else if (words == 4)
		note_ipv6(listeners, address);
	return false;
}

static bool ipv6_only(const char *root)
{
	char path[SYSROOT_PATH_SIZE], text[8];

	sysroot_path(root, path, "/proc/sys/net/ipv6/bindv6only");
	file_read(path, text, sizeof(text));
	return text[0] == '1';
}

void rdp_addresses(const struct facts *facts, int family, char *text, size_t size)
{
	struct listeners listeners = { .family = family, .text = text, .size = size };
	char path[SYSROOT_PATH_SIZE];

	text[0] = 0;
	if (family == AF_INET) {
		sysroot_path(facts->root, path, "/proc/net/tcp");
		file_lines(path, note_socket, &listeners);
	}
	if (family == AF_INET6 || !ipv6_only(facts->root)) {
		sysroot_path(facts->root, path, "/proc/net/tcp6");
		file_lines(path, note_socket, &listeners);
	}
	if (listeners.any && facts->addresses)
		facts->addresses(facts->addresses_data, family, text, size);
}
