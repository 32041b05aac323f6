// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading captures, see capture.h. A capture may come from anywhere: each length is checked
 * against its block, and each block against the file, before it is used.
 */
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <hv_kvp_msg.h>

#include "hvkvp/capture.h"
#include "hvkvp/pcapng.h"
#include "wire/value.h"

#define TICK_DEFAULT_NS 1000	/* where a capture does not say: microseconds */

/**
 * struct span - a part of a block
 * @at: where it begins
 * @len: bytes that are left
 */
struct span {
	const uint8_t *at;
	size_t len;
};

/**
 * struct option - an option of a block
 * @code: what it is
 * @value: its bytes
 * @len: how many
 */
struct option {
	unsigned int code;
	const uint8_t *value;
	size_t len;
};

static int __attribute__((format(printf, 2, 3)))
damaged(struct capture_reader *reader, const char *format, ...)
{
	char what[64];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(reader->error, sizeof(reader->error), "%s, at offset %llu", what,
		 (unsigned long long)reader->offset);
	return -EBADMSG;
}

static uint64_t get64(const uint8_t *bytes)
{
	return wire_get_le32(bytes) | (uint64_t)wire_get_le32(bytes + 4) << 32;
}

/* Return: 1 for @option, 0 if there is none left, or -EBADMSG. */
static int next_option(struct capture_reader *reader, struct span *rest, struct option *option)
{
	if (rest->len < PCAPNG_OPTION_HEAD)
		return 0;
	option->code = rest->at[0] | rest->at[1] << 8;
	option->len = rest->at[2] | rest->at[3] << 8;
	option->value = rest->at + PCAPNG_OPTION_HEAD;
	rest->at += PCAPNG_OPTION_HEAD;
	rest->len -= PCAPNG_OPTION_HEAD;
	if (option->code == PCAPNG_OPT_END)
		return 0;
	if (PCAPNG_PADDED(option->len) > rest->len)
		return damaged(reader, "an option is longer than its block");
	rest->at += PCAPNG_PADDED(option->len);
	rest->len -= PCAPNG_PADDED(option->len);
	return 1;
}

static int read_section(struct capture_reader *reader, struct span contents)
{
	if (contents.len < PCAPNG_SECTION_HEAD)
		return damaged(reader, "the section header is too short");
	if ((contents.at[4] | contents.at[5] << 8) != PCAPNG_MAJOR)
		return damaged(reader, "this version of pcapng is not known");
	reader->in_section = true;
	reader->channel_count = 0;
	return 0;
}

static int set_resolution(struct capture_reader *reader, struct capture_channel *channel,
			  unsigned int exponent)
{
	if (exponent > PCAPNG_NANOSECONDS)
		return damaged(reader, "times in units of less than 1 ns, or of a power of 2");
	for (channel->tick_ns = 1; exponent < PCAPNG_NANOSECONDS; exponent++)
		channel->tick_ns *= 10;
	return 0;
}

static int read_interface(struct capture_reader *reader, struct span contents)
{
	struct capture_channel *channel = &reader->channels[reader->channel_count];
	struct option option;
	int ret;

	if (contents.len < PCAPNG_INTERFACE_HEAD)
		return damaged(reader, "an interface block is too short");
	if (reader->channel_count == CAPTURE_CHANNELS_MAX)
		return damaged(reader, "more than %u interfaces", CAPTURE_CHANNELS_MAX);
	memset(channel, 0, sizeof(*channel));
	channel->link = contents.at[0] | contents.at[1] << 8;
	channel->tick_ns = TICK_DEFAULT_NS;
	contents.at += PCAPNG_INTERFACE_HEAD;
	contents.len -= PCAPNG_INTERFACE_HEAD;
	while ((ret = next_option(reader, &contents, &option)) > 0) {
		if (option.code == PCAPNG_OPT_NAME)
			snprintf(channel->name, sizeof(channel->name), "%.*s", (int)option.len,
				 (const char *)option.value);
		if (option.code == PCAPNG_OPT_RESOLUTION && option.len == 1)
			ret = set_resolution(reader, channel, option.value[0]);
		if (ret < 0)
			return ret;
	}
	reader->channel_count++;
	return ret;
}

static int read_options(struct capture_reader *reader, struct span contents,
			struct capture_packet *packet)
{
	struct option option;
	uint32_t direction;
	int ret;

	while ((ret = next_option(reader, &contents, &option)) > 0) {
		if (option.code == PCAPNG_OPT_FLAGS && option.len == 4) {
			direction = wire_get_le32(option.value) & PCAPNG_DIRECTION;
			if (direction)
				packet->to_guest = direction == PCAPNG_OUTBOUND;
		} else if (option.code == PCAPNG_OPT_LOST && option.len == 8) {
			packet->lost = get64(option.value);
		} else if (option.code == PCAPNG_OPT_ID && option.len == 8) {
			packet->has_id = true;
			packet->id = get64(option.value);
		}
	}
	return ret;
}

/* In front of an IC packet is its block's head, which is no longer needed: the pipe header. */
static void add_pipe_header(struct capture_packet *packet, uint8_t *data)
{
	const uint32_t header[] = { htole32(HVKVP_PIPE_DATA), htole32(packet->full_len) };

	memcpy(data - sizeof(header), header, sizeof(header));
	packet->bytes = data - sizeof(header);
	packet->len += sizeof(header);
	packet->full_len += sizeof(header);
}

/* The answer's flag says where a packet went, if the capture does not. */
static bool is_answer(const uint8_t *ic, size_t len)
{
	return len >= HVKVP_IC_HDR_SIZE && ic[17] & HVKVP_IC_FLAG_RESPONSE;
}

static int read_packet(struct capture_reader *reader, struct span contents,
		       struct capture_packet *packet)
{
	uint8_t *data = reader->block + PCAPNG_BLOCK_HEAD + PCAPNG_PACKET_HEAD;
	uint32_t channel, len;

	if (contents.len < PCAPNG_PACKET_HEAD)
		return damaged(reader, "a packet block is too short");
	channel = wire_get_le32(contents.at);
	len = wire_get_le32(contents.at + 12);
	if (channel >= reader->channel_count)
		return damaged(reader, "a packet is of interface %u, which is not there", channel);
	if (len > contents.len - PCAPNG_PACKET_HEAD)
		return damaged(reader, "a packet is longer than its block");
	*packet = (struct capture_packet){
		.channel = &reader->channels[channel],
		.time_ns = ((uint64_t)wire_get_le32(contents.at + 4) << 32 |
			    wire_get_le32(contents.at + 8)) * reader->channels[channel].tick_ns,
		.bytes = data, .len = len, .full_len = wire_get_le32(contents.at + 16),
		.to_guest = !is_answer(data, len),
	};
	/* A block's length is a multiple of 4, so the padding is within. */
	contents.at += PCAPNG_PACKET_HEAD + PCAPNG_PADDED(len);
	contents.len -= PCAPNG_PACKET_HEAD + PCAPNG_PADDED(len);
	if (read_options(reader, contents, packet))
		return -EBADMSG;
	if (packet->channel->link == CAPTURE_LINK_IC)
		add_pipe_header(packet, data);
	return 1;
}

static int read_bytes(struct capture_reader *reader, uint8_t *bytes, size_t len)
{
	errno = 0;
	if (fread(bytes, 1, len, reader->file) == len)
		return 0;
	if (!ferror(reader->file))
		return damaged(reader, "the file ends within a block");
	snprintf(reader->error, sizeof(reader->error), "%s", strerror(errno ? errno : EIO));
	return -(errno ? errno : EIO);
}

/* Return: its length; 0 at the end of the file; or an error. */
static int read_block(struct capture_reader *reader)
{
	uint32_t type, len;
	int c = getc(reader->file), ret;

	if (c == EOF && !ferror(reader->file))
		return 0;
	ungetc(c, reader->file);
	ret = read_bytes(reader, reader->block, PCAPNG_BLOCK_MIN);
	if (ret)
		return reader->in_section || ret != -EBADMSG ? ret :
		       damaged(reader, "this is no pcapng file");
	type = wire_get_le32(reader->block);
	if (type == PCAPNG_SECTION &&
	    wire_get_le32(reader->block + PCAPNG_BLOCK_HEAD) == __builtin_bswap32(PCAPNG_MAGIC))
		return damaged(reader, "written by a big-endian machine, which is not supported");
	if (type == PCAPNG_SECTION ?
	    wire_get_le32(reader->block + PCAPNG_BLOCK_HEAD) != PCAPNG_MAGIC : !reader->in_section)
		return damaged(reader, "this is no pcapng file");
	len = wire_get_le32(reader->block + 4);
	if (len < PCAPNG_BLOCK_MIN || len % 4)
		return damaged(reader, "a block has the invalid length %u", len);
	if (len > CAPTURE_BLOCK_MAX)
		return damaged(reader, "a block of %u bytes is larger than %u", len,
			       CAPTURE_BLOCK_MAX);
	ret = read_bytes(reader, reader->block + PCAPNG_BLOCK_MIN, len - PCAPNG_BLOCK_MIN);
	if (ret)
		return ret;
	if (wire_get_le32(reader->block + len - 4) != len)
		return damaged(reader, "a block has two different lengths");
	return len;
}

int capture_read(struct capture_reader *reader, struct capture_packet *packet)
{
	int len, ret = 0;

	while (!ret && (len = read_block(reader))) {
		struct span contents = { .at = reader->block + PCAPNG_BLOCK_HEAD };

		if (len < 0)
			return len;
		contents.len = len - PCAPNG_BLOCK_MIN;
		switch (wire_get_le32(reader->block)) {
		case PCAPNG_SECTION:
			ret = read_section(reader, contents);
			break;
		case PCAPNG_INTERFACE:
			ret = read_interface(reader, contents);
			break;
		case PCAPNG_PACKET:
			ret = read_packet(reader, contents, packet);
			break;
		}
		reader->offset += len;
	}
	return ret;
}

int capture_reader_init(struct capture_reader *reader, FILE *file)
{
	*reader = (struct capture_reader){ .file = file };
	reader->block = malloc(CAPTURE_BLOCK_MAX);
	reader->channels = calloc(CAPTURE_CHANNELS_MAX, sizeof(*reader->channels));
	if (reader->block && reader->channels)
		return 0;
	capture_reader_exit(reader);
	return -ENOMEM;
}

void capture_reader_exit(struct capture_reader *reader)
{
	free(reader->block);
	free(reader->channels);
	reader->block = NULL;
	reader->channels = NULL;
}
