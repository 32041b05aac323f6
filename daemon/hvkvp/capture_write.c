// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing captures, see capture.h.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include <hv_kvp_msg.h>

#include "hvkvp/capture.h"
#include "hvkvp/pcapng.h"
#include "wire/value.h"

/* The interfaces of each capture, in this order. */
static const uint16_t links[] = { CAPTURE_LINK_IC, CAPTURE_LINK_RING };
static const char channel_name[] = "kvp";

/**
 * struct block - a block under construction, without the packet's bytes
 * @bytes: of it
 * @len: how many
 */
struct block {
	uint8_t bytes[128];
	size_t len;
};

static void put(struct block *block, const void *bytes, size_t len)
{
	memcpy(block->bytes + block->len, bytes, len);
	memset(block->bytes + block->len + len, 0, PCAPNG_PADDED(len) - len);
	block->len += PCAPNG_PADDED(len);
}

static void put32(struct block *block, uint32_t value)
{
	value = htole32(value);
	put(block, &value, sizeof(value));
}

static void put_option(struct block *block, unsigned int code, const void *bytes, size_t len)
{
	put32(block, code | (uint32_t)len << 16);
	put(block, bytes, len);
}

static void put_option32(struct block *block, unsigned int code, uint32_t value)
{
	value = htole32(value);
	put_option(block, code, &value, sizeof(value));
}

static void put_option64(struct block *block, unsigned int code, uint64_t value)
{
	value = htole64(value);
	put_option(block, code, &value, sizeof(value));
}

static int write_error(FILE *file)
{
	return ferror(file) ? -(errno ? errno : EIO) : 0;
}

static void write_block(FILE *file, uint32_t type, const struct block *contents)
{
	struct block head = { .len = 0 }, tail = { .len = 0 };
	uint32_t len = contents->len + PCAPNG_BLOCK_MIN;

	put32(&head, type);
	put32(&head, len);
	put32(&tail, len);
	fwrite(head.bytes, 1, head.len, file);
	fwrite(contents->bytes, 1, contents->len, file);
	fwrite(tail.bytes, 1, tail.len, file);
}

int capture_begin(FILE *file)
{
	static const uint8_t resolution = PCAPNG_NANOSECONDS;
	struct block block = { .len = 0 };

	errno = 0;
	put32(&block, PCAPNG_MAGIC);
	put32(&block, PCAPNG_MAJOR);
	put32(&block, UINT32_MAX);	/* the length of the section is not known */
	put32(&block, UINT32_MAX);
	put_option(&block, PCAPNG_OPT_APPLICATION, "hvkvp", 5);
	put32(&block, PCAPNG_OPT_END);
	write_block(file, PCAPNG_SECTION, &block);
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		block.len = 0;
		put32(&block, links[i]);
		put32(&block, 0);	/* no limit of a packet's bytes */
		put_option(&block, PCAPNG_OPT_NAME, channel_name, sizeof(channel_name) - 1);
		put_option(&block, PCAPNG_OPT_RESOLUTION, &resolution, sizeof(resolution));
		put32(&block, PCAPNG_OPT_END);
		write_block(file, PCAPNG_INTERFACE, &block);
	}
	fflush(file);
	return write_error(file);
}

/* Is it an IC packet, all of it? Then the capture has it from its IC header on. */
static bool is_ic(const struct capture_packet *packet)
{
	uint32_t len;

	if (packet->len < HVKVP_PACKET_OVERHEAD ||
	    wire_get_le32(packet->bytes) != HVKVP_PIPE_DATA)
		return false;
	len = wire_get_le32(packet->bytes + 4);
	return len >= HVKVP_IC_HDR_SIZE && len <= packet->full_len - HVKVP_PIPE_HDR_SIZE;
}

int capture_write(FILE *file, const struct capture_packet *packet)
{
	static const uint8_t padding[4];
	struct block head = { .len = 0 }, options = { .len = 0 };
	const uint8_t *bytes = packet->bytes;
	size_t len = packet->len, full_len = packet->full_len;
	bool ic = is_ic(packet);
	uint32_t block_len;

	if (ic) {
		bytes += HVKVP_PIPE_HDR_SIZE;
		full_len = wire_get_le32(packet->bytes + 4);
		len -= HVKVP_PIPE_HDR_SIZE;
		if (len > full_len)
			len = full_len;
	}
	put_option32(&options, PCAPNG_OPT_FLAGS, packet->to_guest ? PCAPNG_OUTBOUND :
								     PCAPNG_INBOUND);
	if (packet->lost)
		put_option64(&options, PCAPNG_OPT_LOST, packet->lost);
	if (packet->has_id)
		put_option64(&options, PCAPNG_OPT_ID, packet->id);
	put32(&options, PCAPNG_OPT_END);
	block_len = PCAPNG_BLOCK_MIN + PCAPNG_PACKET_HEAD + PCAPNG_PADDED(len) + options.len;
	put32(&options, block_len);

	put32(&head, PCAPNG_PACKET);
	put32(&head, block_len);
	put32(&head, ic ? 0 : 1);
	put32(&head, packet->time_ns >> 32);
	put32(&head, packet->time_ns);
	put32(&head, len);
	put32(&head, full_len);
	errno = 0;
	fwrite(head.bytes, 1, head.len, file);
	fwrite(bytes, 1, len, file);
	fwrite(padding, 1, PCAPNG_PADDED(len) - len, file);
	fwrite(options.bytes, 1, options.len, file);
	fflush(file);
	return write_error(file);
}
