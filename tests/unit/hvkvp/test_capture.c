// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: what is written is read again, and files that lie or are cut off are refused.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "hvkvp/capture.h"
#include "support/body.h"
#include "support/child.h"
#include "support/scratch.h"
#include "wire/value.h"

#define BLOCK_SECTION	0x0a0d0d0a
#define BLOCK_INTERFACE	1
#define BLOCK_PACKET	6

static struct child child;

/* A file under construction. */
struct bytes {
	uint8_t at[16384];
	size_t len;
};

static void put32(struct bytes *b, uint32_t value)
{
	body_put32(b->at + b->len, value);
	b->len += 4;
}

static size_t block_begin(struct bytes *b, uint32_t type)
{
	put32(b, type);
	put32(b, 0);
	return b->len - 8;
}

static void block_end(struct bytes *b, size_t begin)
{
	put32(b, b->len - begin + 4);
	body_put32(b->at + begin + 4, b->len - begin);
}

static void put_section(struct bytes *b)
{
	size_t begin = block_begin(b, BLOCK_SECTION);

	put32(b, 0x1a2b3c4d);
	put32(b, 1);
	put32(b, UINT32_MAX);
	put32(b, UINT32_MAX);
	block_end(b, begin);
}

/* @resolution: 0 for none. */
static void put_interface(struct bytes *b, uint32_t link, const char *name, uint32_t resolution)
{
	size_t begin = block_begin(b, BLOCK_INTERFACE);
	char padded[16] = { 0 };

	put32(b, link);
	put32(b, 0);
	put32(b, 2 | strlen(name) << 16);
	memcpy(padded, name, strlen(name));
	memcpy(b->at + b->len, padded, (strlen(name) + 3) / 4 * 4);
	b->len += (strlen(name) + 3) / 4 * 4;
	if (resolution) {
		put32(b, 9 | 1 << 16);
		put32(b, resolution);
	}
	block_end(b, begin);
}

/* An IC packet of 20 bytes and a body. Return: offset of its block. */
static size_t put_packet(struct bytes *b, uint32_t interface, uint32_t ticks, int type, int flags,
			 const void *body, uint32_t body_len)
{
	size_t begin = block_begin(b, BLOCK_PACKET);

	put32(b, interface);
	put32(b, 0);
	put32(b, ticks);
	put32(b, 20 + body_len);
	put32(b, 20 + body_len);
	put32(b, 3);
	put32(b, type | 5 << 16);
	put32(b, body_len << 16);
	put32(b, 0);
	put32(b, 9 | flags << 8);
	memcpy(b->at + b->len, body, body_len);
	memset(b->at + b->len + body_len, 0, 3);
	b->len += (body_len + 3) / 4 * 4;
	block_end(b, begin);
	return begin;
}

/* What hvkvp prints of it. Return: its exit code. */
static int show(const struct bytes *b, const char *option)
{
	scratch_write("capture", b->at, b->len);
	return option ? child_run(&child, "hvkvp", option, "--read", scratch_path("capture"), "monitor") :
			child_run(&child, "hvkvp", "--read", scratch_path("capture"), "monitor");
}

/* Reads all of it. Return: how many packets there were; the error is in @reader. */
static int read_all(struct capture_reader *reader, const uint8_t *bytes, size_t len)
{
	uint8_t *exact = malloc(len ? len : 1);
	FILE *file = fmemopen(exact, len ? len : 1, "r");
	struct capture_packet packet;
	unsigned long sum = 0;
	int count = 0, ret;

	CHECK(file);
	memcpy(exact, bytes, len);
	if (!len)
		fgetc(file);
	CHECK_INT(capture_reader_init(reader, file), 0);
	while ((ret = capture_read(reader, &packet)) > 0) {
		count++;
		/* ASan sees what is not there. */
		for (size_t i = 0; i < packet.len; i++)
			sum += packet.bytes[i];
		sum += strlen(packet.channel->name);
	}
	CHECK(!ret == !reader->error[0]);
	CHECK(sum || !count);
	capture_reader_exit(reader);
	fclose(file);
	free(exact);
	return count;
}

static void of_hvhost(void)
{
	static struct bytes b;
	struct body body;

	b.len = 0;
	body_set(&body, 0, U(u"k"), U(u"v"));
	put_section(&b);
	put_interface(&b, 150, "vmbus", 9);
	put_interface(&b, 147, "kvp channel 1", 0);
	put_interface(&b, 147, "vss channel 2", 9);
	put_interface(&b, 148, "kvp channel 1", 9);
	put_packet(&b, 0, 1, 14, 0, "", 0);
	put_packet(&b, 1, 1000000, 2, 3, body.bytes, body.len);
	put_packet(&b, 2, 5, 5, 3, "\5", 1);
	/* An answer to nothing, and the one to the request; times are in microseconds. No packet
	 * has a direction, so the answer's flag decides.
	 */
	put_packet(&b, 1, 1000003, 0, 5, "\0\0\0\0\0\0\0\0", 8);
	put_packet(&b, 1, 1000123, 2, 5, body.bytes, body.len);
	put_packet(&b, 3, 2000000000, 2, 3, "", 0);
	CHECK_INT(show(&b, NULL), 0);
	CHECK_TEXT(child.out,
		   "    0.000000 1 host    set pool=external key=k value=v\n"
		   "    0.000003 guest   negotiate status=S_OK framework= kvp=\n"
		   "    0.000123 1 guest   set status=S_OK pool=external key=k after 123 us\n"
		   "    1.000000 2 host    error=\"it is shorter than it should be\"\n");
	CHECK(strstr(child.err, "capture: 2 packets of other channels were left out\n"));
	CHECK_INT(show(&b, "--json"), 0);
	CHECK(strstr(child.out, "\"time_ns\":1000123000,"));
}

static void as_written(void)
{
	static uint8_t bytes[4096];
	struct body body;
	struct hvkvp_packet head = {
		.pipe_type = HVKVP_PIPE_DATA, .fw_major = 3, .type = HVKVP_IC_TYPE_KVP,
		.msg_major = 5, .flags = 3,
	};
	struct capture_packet packet = { .has_id = true, .bytes = bytes }, got;
	struct capture_reader reader;
	char *text;
	size_t size;
	FILE *file = open_memstream(&text, &size);

	body_set(&body, 0, U(u"k"), U(u"v"));
	head.pipe_len = HVKVP_IC_HDR_SIZE + body.len;
	head.body_len = body.len;
	memcpy(bytes, &head, sizeof(head));
	memcpy(bytes + sizeof(head), body.bytes, body.len);
	CHECK_INT(capture_begin(file), 0);
	/* A whole packet; one that a message had no room for; what is no IC packet. */
	packet.time_ns = 0x123456789abcdef0;
	packet.id = 7;
	packet.lost = 3;
	packet.to_guest = true;
	packet.len = packet.full_len = sizeof(head) + body.len;
	CHECK_INT(capture_write(file, &packet), 0);
	packet.to_guest = false;
	packet.lost = 0;
	packet.len -= 9;
	CHECK_INT(capture_write(file, &packet), 0);
	packet.id = 0;
	packet.len = packet.full_len = 5;
	CHECK_INT(capture_write(file, &packet), 0);
	fclose(file);

	file = fmemopen(text, size, "r");
	CHECK_INT(capture_reader_init(&reader, file), 0);
	CHECK_INT(capture_read(&reader, &got), 1);
	CHECK(got.time_ns == 0x123456789abcdef0 && got.has_id && got.id == 7 && got.lost == 3);
	CHECK(got.to_guest && got.channel->link == CAPTURE_LINK_IC);
	CHECK_TEXT(got.channel->name, "kvp");
	CHECK_INT(got.len, sizeof(head) + body.len);
	CHECK(got.full_len == got.len && !memcmp(got.bytes, bytes, got.len));
	CHECK_INT(capture_read(&reader, &got), 1);
	CHECK_INT(got.len, sizeof(head) + body.len - 9);
	CHECK_INT(got.full_len, sizeof(head) + body.len);
	CHECK(!got.to_guest && !got.lost && !memcmp(got.bytes, bytes, got.len));
	CHECK_INT(capture_read(&reader, &got), 1);
	CHECK(got.channel->link == CAPTURE_LINK_RING && got.has_id && !got.id);
	CHECK(got.len == 5 && got.full_len == 5 && !memcmp(got.bytes, bytes, 5));
	CHECK_INT(capture_read(&reader, &got), 0);
	capture_reader_exit(&reader);
	fclose(file);
	free(text);
}

static void nothing_to_write_to(void)
{
	struct capture_packet packet = { .bytes = (const uint8_t *)"x", .len = 1, .full_len = 1 };
	FILE *file = fopen("/dev/full", "w");

	CHECK(file);
	CHECK_INT(capture_begin(file), -ENOSPC);
	CHECK_INT(capture_write(file, &packet), -ENOSPC);
	fclose(file);
}

/* A capture with one packet whose 32-bit word at @offset of the block is @value instead. */
static int with(struct capture_reader *reader, size_t offset, uint32_t value)
{
	static struct bytes b;
	size_t packet;

	b.len = 0;
	put_section(&b);
	put_interface(&b, 147, "kvp", 9);
	packet = put_packet(&b, 0, 1, 2, 3, "body", 4);
	body_put32(b.at + packet + offset, value);
	return read_all(reader, b.at, b.len);
}

static void lies(void)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *error;
	} fields[] = {
		{ 4,  0,	  "a block has the invalid length 0" },
		{ 4,  11,	  "a block has the invalid length 11" },
		{ 4,  0xfffffffc, "a block of 4294967292 bytes is larger than 1048576" },
		{ 4,  1 << 20,	  "the file ends within a block" },
		{ 4,  52,	  "a block has two different lengths" },
		{ 52, 60,	  "a block has two different lengths" },
		{ 8,  1,	  "a packet is of interface 1, which is not there" },
		{ 8,  UINT32_MAX, "a packet is of interface 4294967295, which is not there" },
		{ 20, 25,	  "a packet is longer than its block" },
		{ 20, UINT32_MAX, "a packet is longer than its block" },
	};
	struct capture_reader reader;

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		CHECK_INT(with(&reader, fields[i].offset, fields[i].value), 0);
		if (strncmp(reader.error, fields[i].error, strlen(fields[i].error)))
			CHECK_TEXT(reader.error, fields[i].error);
	}
	/* A packet that ends earlier: what was its body is an option that is too long. */
	CHECK_INT(with(&reader, 20, 20), 0);
	CHECK(strstr(reader.error, "an option is longer than its block"));
	CHECK_INT(with(&reader, 24, UINT32_MAX), 1);
	CHECK_TEXT(reader.error, "");
}

static void options_lie(void)
{
	static struct bytes b;
	struct capture_reader reader;
	size_t begin;

	for (uint32_t len = 1; len < 12; len++) {
		b.len = 0;
		put_section(&b);
		begin = block_begin(&b, BLOCK_INTERFACE);
		put32(&b, 147);
		put32(&b, 0);
		put32(&b, 2 | len << 16);
		put32(&b, 0x41414141);
		block_end(&b, begin);
		CHECK_INT(read_all(&reader, b.at, b.len), 0);
		CHECK(len <= 4 ? !reader.error[0] :
		      !!strstr(reader.error, "an option is longer than its block, at offset 28"));
	}
	/* A unit of time that is not supported. */
	b.len = 0;
	put_section(&b);
	put_interface(&b, 147, "kvp", 0x80);
	CHECK_INT(read_all(&reader, b.at, b.len), 0);
	CHECK(strstr(reader.error, "times in units of less than 1 ns"));
	/* More interfaces than there is room for. */
	b.len = 0;
	put_section(&b);
	for (int i = 0; i < 300; i++)
		put_interface(&b, 147, "", 0);
	CHECK_INT(read_all(&reader, b.at, b.len), 0);
	CHECK_TEXT(reader.error, "");
}

static void too_many_interfaces(void)
{
	struct capture_reader reader;
	static struct bytes b;
	size_t block;
	uint8_t *all;

	b.len = 0;
	put_section(&b);
	block = b.len;
	put_interface(&b, 147, "", 0);
	block = b.len - block;
	all = malloc(b.len + CAPTURE_CHANNELS_MAX * block);
	memcpy(all, b.at, b.len);
	for (int i = 0; i < CAPTURE_CHANNELS_MAX; i++)
		memcpy(all + b.len + i * block, all + b.len - block, block);
	CHECK_INT(read_all(&reader, all, b.len + CAPTURE_CHANNELS_MAX * block), 0);
	CHECK(strstr(reader.error, "more than 1024 interfaces"));
	CHECK_INT(read_all(&reader, all, b.len + (CAPTURE_CHANNELS_MAX - 1) * block), 0);
	CHECK_TEXT(reader.error, "");
	free(all);
}

static void no_captures(void)
{
	static const uint8_t big[28] = { 0x0a, 0x0d, 0x0d, 0x0a, 0, 0, 0, 28, 0x1a, 0x2b, 0x3c, 0x4d };
	struct capture_reader reader;
	static struct bytes b;

	CHECK_INT(read_all(&reader, big, sizeof(big)), 0);
	CHECK(strstr(reader.error, "big-endian"));
	CHECK_INT(read_all(&reader, (const uint8_t *)"#!/bin/sh\necho\n", 15), 0);
	CHECK(strstr(reader.error, "this is no pcapng file"));
	CHECK_INT(read_all(&reader, (const uint8_t *)"text", 4), 0);
	CHECK(strstr(reader.error, "this is no pcapng file"));
	b.len = 0;
	put_section(&b);
	b.at[12] = 2;
	CHECK_INT(read_all(&reader, b.at, b.len), 0);
	CHECK(strstr(reader.error, "this version of pcapng is not known"));
	/* Every way to cut it off. */
	b.len = 0;
	put_section(&b);
	put_interface(&b, 147, "kvp", 9);
	put_packet(&b, 0, 1, 2, 3, "body", 4);
	for (size_t len = 1; len < b.len; len++) {
		CHECK_INT(read_all(&reader, b.at, len), 0);
		if (len != 28 && len != 28 + 36)
			CHECK(strstr(reader.error, len < 12 ? "this is no pcapng file" :
							      "the file ends within a block"));
	}
	CHECK_INT(read_all(&reader, b.at, b.len), 1);
}

static void command_line(void)
{
	static struct bytes b;

	CHECK_INT(child_run(&child, "hvkvp", "--read", scratch_path("none"), "monitor"), 3);
	CHECK(strstr(child.err, "none: No such file or directory"));
	CHECK_INT(child_run(&child, "hvkvp", "--read", "a", "--write", "b", "monitor"), 2);
	CHECK_INT(child_run(&child, "hvkvp", "--json", "--write", "b", "monitor"), 2);
	CHECK_INT(child_run(&child, "hvkvp", "--read", "a", "--timeout", "1", "monitor"), 2);
	CHECK_INT(child_run(&child, "hvkvp", "--read", "a", "list"), 2);
	/* What was there is printed before the damage is reported. */
	put_section(&b);
	put_interface(&b, 147, "kvp", 9);
	put_packet(&b, 0, 1, 9, 3, "KVP", 3);
	put_section(&b);
	b.len -= 3;
	CHECK_INT(show(&b, "--hex"), 3);
	CHECK_TEXT(child.out,
		   "    0.000000 1 host    \"type 9\"\n"
		   "    0000  01 00 00 00 17 00 00 00 03 00 00 00 09 00 05 00  ................\n"
		   "    0010  00 00 03 00 00 00 00 00 09 03 00 00 4b 56 50     ............KVP\n");
	CHECK(strstr(child.err, "the file ends within a block, at offset 120\n"));
}

static void in_scratch(void (*test)(void))
{
	scratch_begin();
	test();
	scratch_end();
}

static void of_hvhost_case(void)
{
	in_scratch(of_hvhost);
}

static void command_line_case(void)
{
	in_scratch(command_line);
}

static const struct tap_case cases[] = {
	{ "a capture of the test host", of_hvhost_case },
	{ "what is written is read", as_written },
	{ "no room", nothing_to_write_to },
	{ "lengths and numbers that lie", lies },
	{ "options that lie", options_lie },
	{ "too many interfaces", too_many_interfaces },
	{ "files that are none, and those that are cut off", no_captures },
	{ "the command line, and a capture that is cut off", command_line_case },
};

TAP_MAIN("capture", cases)
