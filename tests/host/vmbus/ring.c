// SPDX-License-Identifier: GPL-2.0-only
/*
 * One VMBus ring: a control page and a circular data area in guest memory.
 */
#include "vmbus/ring.h"

#include <stdlib.h>
#include <string.h>

#include "util/clock.h"

bool ring_init(struct ring *ring, u8 **pages, u32 npages)
{
	if (npages < 2)
		return false;
	ring->pages = pages;
	ring->size = (npages - 1) * PAGE_SIZE_4K;
	return true;
}

static u32 *field_at(const struct ring *ring, enum ring_field field)
{
	return (u32 *)(void *)(ring->pages[0] + field);
}

u32 ring_get(const struct ring *ring, enum ring_field field)
{
	return __atomic_load_n(field_at(ring, field), __ATOMIC_ACQUIRE);
}

void ring_put(const struct ring *ring, enum ring_field field, u32 value)
{
	__atomic_store_n(field_at(ring, field), value, __ATOMIC_RELEASE);
}

/* Copy between the data area and a buffer, page by page and around the end. */
static void copy(const struct ring *ring, u32 offset, u8 *buf, u32 len, bool in)
{
	while (len) {
		u8 *page = ring->pages[1 + offset / PAGE_SIZE_4K];
		u32 at = offset % PAGE_SIZE_4K;
		u32 n = PAGE_SIZE_4K - at;

		if (n > len)
			n = len;
		if (in)
			memcpy(page + at, buf, n);
		else
			memcpy(buf, page + at, n);
		buf += n;
		len -= n;
		offset += n;
		if (offset == ring->size)
			offset = 0;
	}
}

bool ring_poke(const struct ring *ring, u32 offset, const void *data, u32 len)
{
	if (offset >= ring->size || len > ring->size)
		return false;
	copy(ring, offset, (u8 *)(uintptr_t)data, len, true);
	return true;
}

bool ring_peek(const struct ring *ring, u32 offset, void *data, u32 len)
{
	if (offset >= ring->size || len > ring->size)
		return false;
	copy(ring, offset, data, len, false);
	return true;
}

static u32 used_bytes(const struct ring *ring, u32 wr, u32 rd)
{
	return wr >= rd ? wr - rd : ring->size - rd + wr;
}

/* An index is an offset in the data area, and packets are multiples of 8. */
static const char *bad_index(const struct ring *ring, u32 wr, u32 rd)
{
	if (wr >= ring->size)
		return "write index beyond the ring";
	if (rd >= ring->size)
		return "read index beyond the ring";
	if (wr % 8)
		return "write index is no multiple of 8";
	if (rd % 8)
		return "read index is no multiple of 8";
	return NULL;
}

u32 ring_space(const struct ring *ring)
{
	u32 wr = ring_get(ring, RING_WRITE);
	u32 rd = ring_get(ring, RING_READ);

	if (bad_index(ring, wr, rd))
		return 0;
	return ring->size - used_bytes(ring, wr, rd);
}

void ring_packet_init(struct ring_packet *packet, u32 len)
{
	memset(packet, 0, sizeof(*packet));
	packet->type = RING_IN_BAND;
	packet->offset8 = RING_HEADER / 8;
	packet->len8 = (u16)((RING_HEADER + (len + 7) / 8 * 8) / 8);
	packet->trailer = ~0ull;
}

enum ring_result ring_read(const struct ring *ring, struct ring_packet *packet, u8 **payload,
			   u32 *len, bool *signal, const char **why)
{
	u32 wr = ring_get(ring, RING_WRITE);
	u32 rd = ring_get(ring, RING_READ);
	u32 used, size, offset, space, next, pending;
	u16 head[4];
	u8 *buf;

	*why = bad_index(ring, wr, rd);
	if (*why)
		return RING_CORRUPT;
	used = used_bytes(ring, wr, rd);
	if (!used)
		return RING_EMPTY;
	*why = "less than a packet header and trailer in the ring";
	if (used < RING_HEADER + RING_TRAILER)
		return RING_CORRUPT;

	/* One look at the header: the guest may change it behind our back. */
	copy(ring, rd, (u8 *)head, sizeof(head), false);
	copy(ring, (rd + 8) % ring->size, (u8 *)&packet->id, 8, false);
	packet->type = head[0];
	packet->offset8 = head[1];
	packet->len8 = head[2];
	packet->flags = head[3];
	packet->start = rd;
	offset = head[1] * 8u;
	size = head[2] * 8u;
	*why = "packet length reaches behind the write index";
	if (size + RING_TRAILER > used)
		return RING_CORRUPT;
	*why = "packet payload starts inside the header or behind the packet";
	if (offset < RING_HEADER || offset > size)
		return RING_CORRUPT;

	*len = size - offset;
	buf = malloc(size);
	*why = "out of memory";
	if (!buf)
		return RING_CORRUPT;
	copy(ring, (rd + offset) % ring->size, buf, *len, false);
	copy(ring, (rd + RING_HEADER) % ring->size, buf + *len, offset - RING_HEADER, false);
	copy(ring, (rd + size) % ring->size, (u8 *)&packet->trailer, 8, false);
	*payload = buf;

	next = (rd + size + RING_TRAILER) % ring->size;
	ring_put(ring, RING_READ, next);

	/*
	 * The writer sets its wish, then looks at the read index; the read index
	 * is set, then the wish looked at. Signal only for the read that made
	 * enough room, not for each one after it.
	 */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	pending = ring_get(ring, RING_PENDING);
	if (pending) {
		wr = ring_get(ring, RING_WRITE);
		if (wr < ring->size) {
			space = ring->size - used_bytes(ring, wr, next);
			if (space > pending && space - (size + RING_TRAILER) <= pending)
				*signal = true;
		}
	}
	*why = NULL;
	return RING_OK;
}

enum ring_result ring_write(const struct ring *ring, struct ring_packet *packet,
			    const void *payload, u32 len, bool *signal, u64 *stamp,
			    const char **why)
{
	static const u8 zeros[8];
	u32 padded = (len + 7) / 8 * 8;
	u32 total = RING_HEADER + padded + RING_TRAILER;
	u32 wr = ring_get(ring, RING_WRITE);
	u32 rd = ring_get(ring, RING_READ);
	u16 head[4] = { packet->type, packet->offset8, packet->len8, packet->flags };
	u64 trailer;
	u32 at;

	*why = bad_index(ring, wr, rd);
	if (*why)
		return RING_CORRUPT;
	if (len > ring->size || total + RING_RESERVE > ring->size - used_bytes(ring, wr, rd))
		return RING_FULL;

	packet->start = wr;
	trailer = packet->trailer == ~0ull ? (u64)wr << 32 : packet->trailer;
	at = wr;
	copy(ring, at, (u8 *)head, sizeof(head), true);
	at = (at + 8) % ring->size;
	copy(ring, at, (u8 *)&packet->id, 8, true);
	at = (at + 8) % ring->size;
	copy(ring, at, (u8 *)(uintptr_t)payload, len, true);
	copy(ring, (at + len) % ring->size, (u8 *)(uintptr_t)zeros, padded - len, true);
	at = (at + padded) % ring->size;
	copy(ring, at, (u8 *)&trailer, 8, true);
	at = (at + 8) % ring->size;

	if (stamp)
		*stamp = clock_ns();
	ring_put(ring, RING_WRITE, at);

	/* The reader clears its mask, then looks at the write index. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!ring_get(ring, RING_MASK) && ring_get(ring, RING_READ) == wr)
		*signal = true;
	return RING_OK;
}
