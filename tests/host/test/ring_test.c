// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings: the layout to the byte, wrap, full and empty, signalling, and what a
 * hostile guest may write into one.
 */
#include "vmbus/ring.h"

#include <stdlib.h>
#include <string.h>

#include "test/suites.h"

#define DATA_PAGES 2u

static u8 memory[1 + DATA_PAGES][PAGE_SIZE_4K] __attribute__((aligned(8)));
static u8 *pages[1 + DATA_PAGES];

/* A fresh ring whose pages lie in memory in reverse, to prove that it copes. */
static struct ring fresh(u32 at)
{
	struct ring ring;
	u32 i;

	memset(memory, 0, sizeof(memory));
	for (i = 0; i <= DATA_PAGES; i++)
		pages[i] = memory[DATA_PAGES - i];
	ring_init(&ring, pages, 1 + DATA_PAGES);
	ring_put(&ring, RING_WRITE, at);
	ring_put(&ring, RING_READ, at);
	return ring;
}

static enum ring_result put(struct ring *ring, u32 len, u8 fill, bool *signal)
{
	struct ring_packet packet;
	const char *why;
	u8 data[8192];

	memset(data, fill, sizeof(data));
	ring_packet_init(&packet, len);
	return ring_write(ring, &packet, data, len, signal, NULL, &why);
}

static enum ring_result take(struct ring *ring, u32 *len, u8 *fill, bool *signal)
{
	struct ring_packet packet;
	enum ring_result result;
	const char *why;
	u8 *payload;

	result = ring_read(ring, &packet, &payload, len, signal, &why);
	if (result == RING_OK) {
		*fill = *len ? payload[0] : 0;
		free(payload);
	} else if (result == RING_CORRUPT) {
		REQUIRE(why);
	}
	return result;
}

static void layout(void)
{
	struct ring ring = fresh(0);
	struct ring_packet packet;
	bool signal = false;
	const char *why;
	u64 stamp = 0;
	const u8 *data = pages[1];

	ring_packet_init(&packet, 5);
	packet.id = 0x1122334455667788;
	packet.flags = 1;
	REQUIRE_INT(ring_write(&ring, &packet, "hello", 5, &signal, &stamp, &why), RING_OK);
	REQUIRE_INT(get32(pages[0]), 32);		/* 16 + 8 + 8 */
	REQUIRE_INT(get32(pages[0] + 4), 0);
	REQUIRE_INT(get32(data), 6 | 2 << 16);	/* in-band, payload at 16 */
	REQUIRE_INT(get32(data + 4), 3 | 1 << 16);	/* 24 bytes, flags */
	REQUIRE_INT(get32(data + 8), 0x55667788);
	REQUIRE(!memcmp(data + 16, "hello\0\0\0", 8));
	REQUIRE_INT(get32(data + 24), 0);
	REQUIRE_INT(get32(data + 28), 0);
	REQUIRE(signal && stamp);

	/* The trailer holds where its packet starts. */
	REQUIRE_INT(ring_write(&ring, &packet, "hello", 5, &signal, &stamp, &why), RING_OK);
	REQUIRE_INT(get32(data + 32 + 24), 0);
	REQUIRE_INT(get32(data + 32 + 28), 32);
}

static void round_trip_at_every_offset(void)
{
	u32 at, len;

	for (at = 0; at < DATA_PAGES * PAGE_SIZE_4K; at += 8) {
		for (len = 0; len < 40; len += 3) {
			struct ring ring = fresh(at);
			bool signal = false;
			u32 got;
			u8 fill;

			REQUIRE_INT(put(&ring, len, (u8)(at + len) | 1, &signal), RING_OK);
			REQUIRE(signal);
			REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_OK);
			REQUIRE_INT(got, (len + 7) / 8 * 8);
			REQUIRE(!len || fill == ((u8)(at + len) | 1));
			REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_EMPTY);
		}
	}
}

static void full_leaves_eight_bytes(void)
{
	struct ring ring = fresh(8);
	u32 size = DATA_PAGES * PAGE_SIZE_4K;
	bool signal = false;
	u32 got;
	u8 fill;

	REQUIRE_INT(ring_space(&ring), size);
	REQUIRE_INT(put(&ring, size - 16 - 8, 1, &signal), RING_FULL);
	REQUIRE_INT(put(&ring, size - 16 - 8 - 8 + 1, 1, &signal), RING_FULL);
	REQUIRE_INT(put(&ring, size - 16 - 8 - 8, 7, &signal), RING_OK);
	REQUIRE_INT(ring_space(&ring), 8);
	REQUIRE_INT(put(&ring, 0, 1, &signal), RING_FULL);
	REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_OK);
	REQUIRE_INT(got, size - 32);
	REQUIRE_INT(fill, 7);
	REQUIRE_INT(ring_space(&ring), size);
}

static void interrupts_only_when_it_was_empty(void)
{
	struct ring ring = fresh(0);
	bool signal = false;

	REQUIRE_INT(put(&ring, 8, 1, &signal), RING_OK);
	REQUIRE(signal);
	signal = false;
	REQUIRE_INT(put(&ring, 8, 2, &signal), RING_OK);
	REQUIRE(!signal);

	ring = fresh(0);
	ring_put(&ring, RING_MASK, 1);
	REQUIRE_INT(put(&ring, 8, 1, &signal), RING_OK);
	REQUIRE(!signal);
}

static void a_waiting_writer_is_signalled_once(void)
{
	struct ring ring = fresh(0);
	bool signal = false;
	int i, signals = 0;
	u32 got;
	u8 fill;

	for (i = 0; i < 10; i++)
		REQUIRE_INT(put(&ring, 776, (u8)i, &signal), RING_OK);	/* 800 bytes each */
	signal = false;
	ring_put(&ring, RING_PENDING, 2000);	/* 192 are free: the third read makes room */
	for (i = 0; i < 10; i++) {
		REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_OK);
		REQUIRE_INT(fill, i);
		if (signal) {
			signals++;
			REQUIRE_INT(i, 2);
		}
		signal = false;
	}
	REQUIRE_INT(signals, 1);
}

static void hostile_indexes(void)
{
	static const u32 bad[] = { 8192, 8193, 1, 4, 0xffffffff, 0x80000000, 0xfffffff8, 9000 };
	struct ring ring;
	bool signal = false;
	u32 i, got;
	u8 fill;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ring = fresh(0);
		ring_put(&ring, RING_WRITE, bad[i]);
		REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_CORRUPT);
		REQUIRE_INT(put(&ring, 8, 1, &signal), RING_CORRUPT);
		REQUIRE_INT(ring_space(&ring), 0);
		ring = fresh(0);
		ring_put(&ring, RING_READ, bad[i]);
		REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_CORRUPT);
		REQUIRE_INT(put(&ring, 8, 1, &signal), RING_CORRUPT);
	}
	ring = fresh(0);
	ring_put(&ring, RING_WRITE, 16);	/* no room for a header and trailer */
	REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_CORRUPT);
	REQUIRE(!signal);
}

static void hostile_packets(void)
{
	static const u16 bad[][2] = {	/* data offset / 8, length / 8 */
		{ 2, 0 }, { 2, 1 }, { 2, 0xffff }, { 2, 1024 }, { 2, 4 },
		{ 0, 3 }, { 1, 3 }, { 4, 3 }, { 0xffff, 3 }, { 0xffff, 0xffff }, { 0, 0 },
	};
	struct ring ring;
	bool signal = false;
	u32 i, got;
	u8 fill;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ring = fresh(8184);
		REQUIRE_INT(put(&ring, 8, 1, &signal), RING_OK);
		REQUIRE(ring_poke(&ring, 8184 + 2, &bad[i][0], 2));
		REQUIRE(ring_poke(&ring, 8184 + 4, &bad[i][1], 2));
		REQUIRE_INT(take(&ring, &got, &fill, &signal), RING_CORRUPT);
		REQUIRE_INT(ring_get(&ring, RING_READ), 8184);
	}
}

static void lying_packets_move_the_index_truly(void)
{
	struct ring ring = fresh(0);
	struct ring_packet packet;
	bool signal = false;
	const char *why;

	ring_packet_init(&packet, 64);
	packet.len8 = 0xffff;
	packet.offset8 = 0x7fff;
	packet.trailer = 0x1234;
	REQUIRE_INT(ring_write(&ring, &packet, memory, 64, &signal, NULL, &why), RING_OK);
	REQUIRE_INT(ring_get(&ring, RING_WRITE), 16 + 64 + 8);
	REQUIRE_INT(get32(pages[1] + 80), 0x1234);
}

static void poke_and_peek_stay_inside(void)
{
	struct ring ring = fresh(0);
	u8 in[16] = "0123456789abcde", got[16];

	REQUIRE(ring_poke(&ring, 8188, in, 16));
	REQUIRE(ring_peek(&ring, 8188, got, 16));
	REQUIRE(!memcmp(in, got, 16));
	REQUIRE(!memcmp(pages[1], in + 4, 12));
	REQUIRE(!ring_poke(&ring, 8192, in, 1));
	REQUIRE(!ring_poke(&ring, 0, in, 8193));
	REQUIRE(!ring_peek(&ring, 0xffffffff, got, 1));
	REQUIRE(!ring_init(&ring, pages, 1));
	REQUIRE(!ring_init(&ring, pages, 0));
}

/* Numbers that repeat: a failure can be looked at again. */
static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void noise_never_reads_outside(void)
{
	u32 state = 1, i, k, got;
	bool signal = false;
	u8 fill;

	for (i = 0; i < 20000; i++) {
		struct ring ring = fresh(0);

		for (k = 0; k < 64; k += 4) {
			u32 v = next_random(&state) % (i % 2 ? 64 : 0x1000000);

			ring_poke(&ring, k, &v, 4);
		}
		ring_put(&ring, RING_WRITE, next_random(&state) % 8200 / 8 * 8);
		ring_put(&ring, RING_READ, next_random(&state) % 8200 / 8 * 8);
		ring_put(&ring, RING_PENDING, next_random(&state));
		for (k = 0; k < 8; k++)
			if (take(&ring, &got, &fill, &signal) != RING_OK)
				break;
		put(&ring, next_random(&state) % 8192, 1, &signal);
	}
}

static const struct tap_case ring_cases[] = {
	{ "a packet's layout, to the byte", layout },
	{ "round trip at every offset, over page ends and the ring's end",
	  round_trip_at_every_offset },
	{ "full leaves eight bytes free", full_leaves_eight_bytes },
	{ "the reader is interrupted only when it was empty and unmasked",
	  interrupts_only_when_it_was_empty },
	{ "a writer that waits for room is signalled once", a_waiting_writer_is_signalled_once },
	{ "hostile indexes are corrupt, never followed", hostile_indexes },
	{ "hostile packet headers are corrupt, never followed", hostile_packets },
	{ "a lying packet moves the write index by its true length",
	  lying_packets_move_the_index_truly },
	{ "poke and peek stay inside", poke_and_peek_stay_inside },
	{ "noise never reads outside", noise_never_reads_outside },
};

const struct tap_suite ring_tests = TAP_SUITE("ring", ring_cases);
