/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One VMBus ring: a control page and a circular data area in guest memory.
 *
 * Knows packets and indexes, no bus and no lock. The guest can change any byte
 * of a ring at any time: every index is read once and checked before use, and
 * no length out of the ring reaches a copy unchecked.
 *
 * Layout (docs/protocol.md section 5): write index @0, read index @4, interrupt
 * mask @8, pending send size @12, feature bits @64; data from 4096 on. A packet
 * is {type u16, data offset / 8 u16, length / 8 u16, flags u16, transaction
 * u64}, payload padded to 8, and 8 bytes of trailer that the length leaves out.
 */
#ifndef HOST_RING_H
#define HOST_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

#define RING_HEADER	16u	/* bytes of a packet's header */
#define RING_TRAILER	8u	/* bytes behind a packet that its length does not count */
#define RING_RESERVE	8u	/* bytes that always stay free, so that full is not empty */

/* Packet types. */
enum ring_type {
	RING_IN_BAND = 6,
	RING_TRANSFER_PAGES = 7,	/* to the guest: data is in a buffer that it lent before */
	RING_GPA_DIRECT = 9,		/* to the host: data is in guest pages that the packet lists */
	RING_COMPLETION = 11,		/* answers the packet with the same transaction id */
};

#define RING_WANTS_COMPLETION	1u	/* bit of a packet's flags */

/* Offsets in the control page. */
enum ring_field {
	RING_WRITE = 0,
	RING_READ = 4,
	RING_MASK = 8,
	RING_PENDING = 12,
	RING_FEATURES = 64,
};

/**
 * struct ring - one direction of a channel.
 * @pages: host addresses of the ring's pages, the control page first; the
 *	   pages need not be contiguous. Owned by the caller.
 * @size: bytes of the data area, a multiple of 4096.
 */
struct ring {
	u8 **pages;
	u32 size;
};

/**
 * struct ring_packet - a packet's header, and what surrounds it.
 * @type: 6 is in-band data, see enum ring_type.
 * @offset8: start of the payload in units of 8 bytes, from the header's start.
 * @len8: header and payload in units of 8 bytes.
 * @flags: bit 0 asks for a completion.
 * @id: transaction id.
 * @trailer: word behind the packet: its start in the ring, in the upper 32 bits.
 * @start: where in the data area the packet begins.
 */
struct ring_packet {
	u16 type;
	u16 offset8;
	u16 len8;
	u16 flags;
	u64 id;
	u64 trailer;
	u32 start;
};

enum ring_result {
	RING_OK,
	RING_EMPTY,	/* nothing to read */
	RING_FULL,	/* no room to write */
	RING_CORRUPT,	/* what the guest wrote into the ring makes no sense */
};

/**
 * ring_init() - use some pages as a ring.
 * @ring: what to set up.
 * @pages: control page and at least one data page.
 * @npages: number of @pages.
 *
 * Return: false when there are too few pages.
 */
bool ring_init(struct ring *ring, u8 **pages, u32 npages);

/** ring_get() - read one field of the control page. */
u32 ring_get(const struct ring *ring, enum ring_field field);

/** ring_put() - write one field of the control page. */
void ring_put(const struct ring *ring, enum ring_field field, u32 value);

/**
 * ring_read() - take one packet out.
 * @ring: the guest-to-host ring.
 * @packet: receives the header.
 * @payload: receives the payload, then what ring_extra() finds; malloc()ed, the
 *	     caller frees it.
 * @len: receives the payload's bytes, padding included.
 * @signal: set to true when the writer waits for room and must be signalled.
 * @why: receives a constant text when the result is RING_CORRUPT.
 *
 * After the last packet the write index must be looked at once more, since the
 * writer does not signal while it sees a ring that is not empty: call until
 * RING_EMPTY.
 *
 * Return: RING_OK, RING_EMPTY or RING_CORRUPT (the ring is left as it is).
 */
enum ring_result ring_read(const struct ring *ring, struct ring_packet *packet, u8 **payload,
			   u32 *len, bool *signal, const char **why);

/**
 * ring_extra() - the bytes between a packet's header and its payload.
 * @packet, @payload, @len: as ring_read() gave them.
 * @extra_len: receives their number; a packet in band has none.
 *
 * Return: the bytes, inside @payload's memory.
 */
static inline const u8 *ring_extra(const struct ring_packet *packet, const u8 *payload, u32 len,
				   u32 *extra_len)
{
	*extra_len = packet->offset8 * 8u - RING_HEADER;
	return payload + len;
}

/**
 * ring_write() - put one packet in.
 * @ring: the host-to-guest ring.
 * @packet: header to write as it is, truth or not; @start and, if it is
 *	    ~0, @trailer are filled in.
 * @payload: @len bytes, bytes between header and payload included; padded
 *	     with zeros to 8.
 * @len: length of @payload.
 * @signal: set to true when the reader must be interrupted: its mask is 0 and
 *	    the ring was empty before.
 * @stamp: if not NULL, receives the monotonic time in nanoseconds just before
 *	   the packet becomes visible to the reader.
 * @why: receives a constant text when the result is RING_CORRUPT.
 *
 * The write index moves by the true length, whatever @packet->len8 says.
 *
 * Return: RING_OK, RING_FULL or RING_CORRUPT.
 */
enum ring_result ring_write(const struct ring *ring, struct ring_packet *packet,
			    const void *payload, u32 len, bool *signal, u64 *stamp,
			    const char **why);

/** ring_packet_init() - a true header for @len bytes of payload. */
void ring_packet_init(struct ring_packet *packet, u32 len);

/** ring_space() - free bytes, or 0 when the indexes make no sense. */
u32 ring_space(const struct ring *ring);

/**
 * ring_poke(), ring_peek() - access to the data area, around its end.
 *
 * Return: false unless @offset is in the data area and @len fits it.
 */
bool ring_poke(const struct ring *ring, u32 offset, const void *data, u32 len);
bool ring_peek(const struct ring *ring, u32 offset, void *data, u32 len);

#endif
