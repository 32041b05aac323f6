/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures: pcapng files of the packets between host and guest
 *
 * The framing is that of the test host's --write. An interface stands for a
 * channel. Its link type says what its packets are:
 *
 *	CAPTURE_LINK_IC		an IC packet from its 20-byte IC header on
 *	CAPTURE_LINK_RING	the payload of a ring packet that is no IC packet
 *
 * The direction is that of the host: outbound goes to the guest.
 */
#ifndef HVKVP_HVKVP_CAPTURE_H
#define HVKVP_HVKVP_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CAPTURE_LINK_IC		147
#define CAPTURE_LINK_RING	148

/* Limits of a file that is read; the packets of a ring are much smaller. */
#define CAPTURE_BLOCK_MAX	(1U << 20)
#define CAPTURE_CHANNELS_MAX	1024

/**
 * struct capture_channel - an interface of a capture
 * @link: link type, any
 * @tick_ns: nanoseconds in a unit of its time stamps
 * @name: what it is called, cut; "" if it has no name
 */
struct capture_channel {
	unsigned int link;
	uint64_t tick_ns;
	char name[48];
};

/**
 * struct capture_packet - a packet
 * @time_ns: when, since 1970, nanoseconds
 * @id: the driver's id of it, 0 if the driver dropped it
 * @has_id: the capture knows @id
 * @to_guest: it is the host's
 * @lost: events that were lost before this one
 * @channel: of a packet that was read: where it was; in the reader. Not used for
 *	writing
 * @bytes: struct hvkvp_packet (hv_kvp_msg.h), not checked
 * @len: how many there are
 * @full_len: how many there were in the ring; not less than @len when it is written
 */
struct capture_packet {
	uint64_t time_ns;
	uint64_t id;
	bool has_id;
	bool to_guest;
	uint64_t lost;
	const struct capture_channel *channel;
	const uint8_t *bytes;
	size_t len;
	size_t full_len;
};

/**
 * capture_begin() - write the start of a capture
 * @file: where to; stays the caller's
 *
 * Return: 0, or -errno of the stream.
 */
int capture_begin(FILE *file);

/**
 * capture_write() - write a packet, and flush it
 * @file: after capture_begin()
 * @packet: @bytes of it as they were in the ring
 *
 * Return: 0, or -errno of the stream.
 */
int capture_write(FILE *file, const struct capture_packet *packet);

/**
 * struct capture_reader - a capture that is read
 * @file: the caller's
 * @error: what is wrong with it, after capture_read() has failed
 * @offset: of the block that is read, bytes
 * @block: that block
 * @channels: of this section
 * @channel_count: how many
 * @in_section: a section has begun
 */
struct capture_reader {
	FILE *file;
	char error[96];
	uint64_t offset;
	uint8_t *block;
	struct capture_channel *channels;
	unsigned int channel_count;
	bool in_section;
};

/**
 * capture_reader_init() - begin to read a capture
 * @reader: the object
 * @file: open for reading; stays the caller's. Any bytes may be in it
 *
 * Return: 0 or -ENOMEM.
 */
int capture_reader_init(struct capture_reader *reader, FILE *file);

/**
 * capture_read() - the next packet
 * @reader: the object
 * @packet: gets it; its memory is good until the next call. A packet of
 *	CAPTURE_LINK_IC has a pipe header in front, as it was in the ring
 *
 * Return: 1; 0 at the end of the file; -EBADMSG if the file is damaged, or -errno:
 * then @error says what is wrong.
 */
int capture_read(struct capture_reader *reader, struct capture_packet *packet);

/** capture_reader_exit() - release the memory; @file stays open. */
void capture_reader_exit(struct capture_reader *reader);

#endif /* HVKVP_HVKVP_CAPTURE_H */
