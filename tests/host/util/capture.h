/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A pcapng file of what passed between host and guest, for Wireshark and for replay.
 *
 * An interface stands for a channel, or for the bus itself; its name says which:
 * "kvp channel 3", "vmbus". Link types:
 *
 *	CAPTURE_IC	an IC packet from its 20-byte IC header on, as in hvkvp monitor --write
 *	CAPTURE_PACKET	the payload of a ring packet that is no IC packet
 *	CAPTURE_MESSAGE	a VMBus message from its 8-byte header on
 *
 * The direction is that of the host: outbound goes to the guest.
 */
#ifndef HOST_CAPTURE_H
#define HOST_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

/* pcapng link types, from the range that is reserved for private use; 149 is taken by PKTAP. */
enum capture_link {
	CAPTURE_IC = 147,
	CAPTURE_PACKET = 148,
	CAPTURE_MESSAGE = 150,
};

struct capture;

/**
 * capture_open() - start a capture.
 * @path: file to create or truncate.
 *
 * Return: the capture, or NULL with errno set.
 */
struct capture *capture_open(const char *path);
/** capture_close() - close it; NULL is fine. Return: false if bytes were lost (disk full). */
bool capture_close(struct capture *capture);

/**
 * capture_interface() - add an interface.
 * @name: its name; copied.
 *
 * Context: any thread. Return: its number, for capture_packet(); 0 if @capture is NULL.
 */
u32 capture_interface(struct capture *capture, enum capture_link link, const char *name);

/**
 * capture_packet() - add a packet.
 * @capture: where to; NULL writes nothing.
 * @interface: from capture_interface().
 * @at: monotonic nanoseconds.
 * @to_guest: direction.
 * @data: the bytes. @len: how many.
 * @comment: for people, NULL for none.
 *
 * Context: any thread. Flushed at once, so that a crash loses nothing.
 */
void capture_packet(struct capture *capture, u32 interface, u64 at, bool to_guest,
		    const void *data, u32 len, const char *comment);

#endif
