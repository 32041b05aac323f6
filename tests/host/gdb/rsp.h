/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rsp.h - packets of gdb's remote serial protocol, "$data#checksum"
 *
 * A reader takes bytes as they come and says what they are. What comes may be
 * anything: a packet that is too long or has a wrong checksum is rejected.
 *
 * Numbers: gdb's manual, appendix "Remote Protocol".
 */
#ifndef HOST_RSP_H
#define HOST_RSP_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

/** RSP_PACKET_MAX - bytes of a packet's data, both directions */
#define RSP_PACKET_MAX	16384

/** enum rsp_event - what a byte completes */
enum rsp_event {
	RSP_NOTHING,
	RSP_PACKET,		/* in &rsp_reader.data, with a NUL behind it */
	RSP_BAD_PACKET,		/* to be rejected with "-" */
	RSP_INTERRUPT,		/* the user pressed ctrl-C */
	RSP_AGAIN,		/* the last answer was rejected */
};

/**
 * struct rsp_reader - a reader; all zero at the start
 * @data: the packet, @len bytes
 */
struct rsp_reader {
	unsigned int state;
	size_t len;
	u8 sum;
	u8 wanted;
	bool too_long;
	char data[RSP_PACKET_MAX + 1];
};

/** rsp_feed() - one more byte */
enum rsp_event rsp_feed(struct rsp_reader *reader, u8 byte);

/**
 * rsp_frame() - make a packet
 * @data: its data, printable
 * @packet: gets it, @size bytes
 *
 * Return: its length, or 0 if it does not fit.
 */
size_t rsp_frame(const char *data, char *packet, size_t size);

/** rsp_hex() - write @len bytes as 2 * @len hex digits and a NUL */
void rsp_hex(char *to, const void *bytes, size_t len);

/** rsp_unhex() - read 2 * @len hex digits. Return: false if they are none. */
bool rsp_unhex(void *to, const char *digits, size_t len);

#endif
