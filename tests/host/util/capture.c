// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pcapng file (draft-ietf-opsawg-pcapng): section header, interface descriptions,
 * enhanced packets.
 */
#include "util/capture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "util/clock.h"

#define BLOCK_SECTION	0x0a0d0d0au
#define BLOCK_INTERFACE	1u
#define BLOCK_PACKET	6u
#define BYTE_ORDER_MAGIC 0x1a2b3c4du

#define OPT_END		0u
#define OPT_COMMENT	1u
#define OPT_SHB_APPLICATION 4u
#define OPT_IF_NAME	2u
#define OPT_IF_TSRESOL	9u
#define OPT_PACKET_FLAGS 2u

#define INBOUND		1u
#define OUTBOUND	2u
#define NANOSECONDS	9	/* decimal exponent of a time stamp's unit */

/**
 * struct capture - an open file.
 * @lock: guards all of it.
 * @realtime: what to add to the monotonic clock for the time of day, in nanoseconds.
 * @interfaces: how many there are.
 */
struct capture {
	FILE *file;
	pthread_mutex_t lock;
	u64 realtime;
	u32 interfaces;
};

/* A block under construction: everything is padded to 4 bytes. */
struct block {
	u8 *bytes;
	u32 len;
	u32 room;
};

static void put(struct block *b, const void *data, u32 len)
{
	u32 padded = (len + 3) & ~3u;

	if (!b->bytes || b->len + padded > b->room)
		return;
	memcpy(b->bytes + b->len, data, len);
	memset(b->bytes + b->len + len, 0, padded - len);
	b->len += padded;
}

static void put32(struct block *b, u32 value)
{
	put(b, &value, sizeof(value));
}

static void put_option(struct block *b, u16 code, const void *data, size_t len)
{
	put32(b, code | (u32)len << 16);
	put(b, data, (u32)len);
}

static struct block begin(u32 type, u32 payload)
{
	struct block b = { .room = payload + 512 };

	b.bytes = malloc(b.room);
	put32(&b, type);
	put32(&b, 0);	/* the length, in finish() */
	return b;
}

/* Capture's lock is held. */
static void finish(struct capture *c, struct block *b)
{
	put32(b, OPT_END);
	put32(b, b->len + 4);
	if (b->bytes) {
		memcpy(b->bytes + 4, &b->len, 4);
		fwrite(b->bytes, 1, b->len, c->file);
		fflush(c->file);
	}
	free(b->bytes);
}

struct capture *capture_open(const char *path)
{
	static const u64 unknown_length = ~0ull;
	struct capture *c = calloc(1, sizeof(*c));
	struct timespec now;
	struct block b;

	if (!c)
		return NULL;
	c->file = fopen(path, "we");
	if (!c->file) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	clock_gettime(CLOCK_REALTIME, &now);
	c->realtime = (u64)now.tv_sec * 1000000000u + (u64)now.tv_nsec - clock_ns();
	b = begin(BLOCK_SECTION, 0);
	put32(&b, BYTE_ORDER_MAGIC);
	put32(&b, 1);	/* version 1.0 */
	put(&b, &unknown_length, sizeof(unknown_length));
	put_option(&b, OPT_SHB_APPLICATION, "hvhost", 6);
	finish(c, &b);
	return c;
}

bool capture_close(struct capture *c)
{
	bool good;

	if (!c)
		return true;
	good = !ferror(c->file);
	if (fclose(c->file))
		good = false;
	pthread_mutex_destroy(&c->lock);
	free(c);
	return good;
}

u32 capture_interface(struct capture *c, enum capture_link link, const char *name)
{
	const u8 resolution = NANOSECONDS;
	struct block b;
	u32 number;

	if (!c)
		return 0;
	b = begin(BLOCK_INTERFACE, (u32)strlen(name));
	put32(&b, link);
	put32(&b, 0);	/* no limit of a packet's bytes */
	put_option(&b, OPT_IF_NAME, name, strlen(name));
	put_option(&b, OPT_IF_TSRESOL, &resolution, 1);
	pthread_mutex_lock(&c->lock);
	number = c->interfaces++;
	finish(c, &b);
	pthread_mutex_unlock(&c->lock);
	return number;
}

void capture_packet(struct capture *c, u32 interface, u64 at, bool to_guest, const void *data,
		    u32 len, const char *comment)
{
	const u32 flags = to_guest ? OUTBOUND : INBOUND;
	struct block b;

	if (!c)
		return;
	at += c->realtime;
	b = begin(BLOCK_PACKET, len + (comment ? (u32)strlen(comment) : 0));
	put32(&b, interface);
	put32(&b, (u32)(at >> 32));
	put32(&b, (u32)at);
	put32(&b, len);
	put32(&b, len);
	put(&b, data, len);
	put_option(&b, OPT_PACKET_FLAGS, &flags, sizeof(flags));
	if (comment)
		put_option(&b, OPT_COMMENT, comment, strlen(comment));
	pthread_mutex_lock(&c->lock);
	finish(c, &b);
	pthread_mutex_unlock(&c->lock);
}
