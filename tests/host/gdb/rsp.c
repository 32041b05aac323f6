// SPDX-License-Identifier: GPL-2.0-only
/*
 * rsp.c - packets of gdb's remote serial protocol
 */
#include "gdb/rsp.h"

#include <stdio.h>

#define INTERRUPT	3

enum state { OUTSIDE, DATA, FIRST_DIGIT, SECOND_DIGIT };

/* Return: the value of a hex digit, or -1. */
static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum rsp_event outside(struct rsp_reader *r, u8 byte)
{
	if (byte == INTERRUPT)
		return RSP_INTERRUPT;
	if (byte == '-')
		return RSP_AGAIN;
	if (byte == '$') {
		r->state = DATA;
		r->len = 0;
		r->sum = 0;
		r->too_long = false;
	}
	return RSP_NOTHING;
}

static enum rsp_event end(struct rsp_reader *r, int second)
{
	const bool good = second >= 0 && r->wanted != 0xff &&
			  (u8)(r->wanted << 4 | second) == r->sum && !r->too_long;

	r->state = OUTSIDE;
	r->data[r->len] = 0;
	return good ? RSP_PACKET : RSP_BAD_PACKET;
}

enum rsp_event rsp_feed(struct rsp_reader *r, u8 byte)
{
	int first;

	switch (r->state) {
	case DATA:
		if (byte == '#') {
			r->state = FIRST_DIGIT;
		} else if (r->len == RSP_PACKET_MAX) {
			r->too_long = true;
		} else {
			r->data[r->len++] = byte;
			r->sum += byte;
		}
		return RSP_NOTHING;
	case FIRST_DIGIT:
		first = digit(byte);
		r->wanted = first < 0 ? 0xff : first;
		r->state = SECOND_DIGIT;
		return RSP_NOTHING;
	case SECOND_DIGIT:
		return end(r, digit(byte));
	default:
		return outside(r, byte);
	}
}

size_t rsp_frame(const char *data, char *packet, size_t size)
{
	u8 sum = 0;
	int n;

	for (const char *at = data; *at; at++)
		sum += (u8)*at;
	n = snprintf(packet, size, "$%s#%02x", data, sum);
	return n > 0 && (size_t)n < size ? n : 0;
}

void rsp_hex(char *to, const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const u8 *from = bytes;

	for (size_t i = 0; i < len; i++) {
		*to++ = digits[from[i] >> 4];
		*to++ = digits[from[i] & 15];
	}
	*to = 0;
}

bool rsp_unhex(void *to, const char *digits, size_t len)
{
	u8 *bytes = to;

	for (size_t i = 0; i < len; i++, digits += 2) {
		int high = digit(digits[0]);
		int low = high < 0 ? -1 : digit(digits[1]);

		if (low < 0)
			return false;
		bytes[i] = high << 4 | low;
	}
	return true;
}
