// SPDX-License-Identifier: GPL-2.0-only
/*
 * GPADLs: page lists in one and in many messages, good and malformed.
 */
#include "vmbus/gpadl.h"

#include <stdlib.h>
#include <string.h>

#include "test/fakevm.h"
#include "test/suites.h"
#include "vmbus/vmbus_msg.h"

struct message {
	struct msg_gpadl_header h;
	u32 range[2];
	u8 pfn[8 * 26];		/* unaligned in the message: 28 bytes precede them */
} __attribute__((packed));

static struct message header(u32 pages, u32 in_message)
{
	struct message m = {
		.h = { .h.type = MSG_GPADL_HEADER, .relid = 3, .gpadl = 0x77,
		       .range_bytes = (u16)(8 + 8 * pages), .range_count = 1 },
		.range = { pages * PAGE_SIZE_4K, 0 },
	};
	u64 i;

	for (i = 0; i < in_message; i++) {
		u64 pfn = 16 + i;

		memcpy(m.pfn + i * 8, &pfn, 8);
	}
	return m;
}

static u32 header_len(u32 in_message)
{
	return 28 + in_message * 8;
}

static void one_message(void)
{
	struct message m = header(8, 8);
	struct vm *vm = fakevm_new(1);
	struct gpadl *g;
	const char *why;
	u8 **pages;
	u32 i;

	g = gpadl_new(&m, header_len(8), &why);
	REQUIRE(g);
	REQUIRE(gpadl_complete(g));
	REQUIRE_INT(g->npages, 8);
	REQUIRE_INT(g->id, 0x77);
	REQUIRE_INT(g->relid, 3);
	pages = gpadl_map(g, vm);
	REQUIRE(pages);
	for (i = 0; i < 8; i++)
		REQUIRE(pages[i] == fakevm_ram(vm) + (16 + i) * PAGE_SIZE_4K);
	free(pages);
	free(g);
	fakevm_free(vm);
}

static void many_messages(void)
{
	struct message m = header(60, 26);
	struct { struct msg_gpadl_body h; u64 pfn[28]; } body = {
		.h = { .h.type = MSG_GPADL_BODY, .number = 1, .gpadl = 0x77 },
	};
	struct gpadl *g;
	const char *why;
	u32 i;

	g = gpadl_new(&m, header_len(26), &why);
	REQUIRE(g && !gpadl_complete(g));
	for (i = 0; i < 28; i++)
		body.pfn[i] = 100 + i;
	REQUIRE(!gpadl_add(g, &body, sizeof(body)));
	REQUIRE(!gpadl_complete(g));
	REQUIRE_INT(g->filled, 54);
	REQUIRE(!gpadl_add(g, &body, sizeof(body)));	/* 22 too many: padding */
	REQUIRE(gpadl_complete(g));
	REQUIRE_INT(g->filled, 60);
	REQUIRE_INT(g->pfn[25], 16 + 25);
	REQUIRE_INT(g->pfn[26], 100);
	REQUIRE_INT(g->pfn[59], 105);
	REQUIRE(gpadl_add(g, &body, sizeof(body)));
	free(g);
}

static void refused(struct message *m, u32 len)
{
	const char *why = NULL;
	struct gpadl *g = gpadl_new(m, len, &why);

	free(g);
	REQUIRE(!g && why);
}

static void malformed_headers(void)
{
	struct message m = header(8, 8);

	refused(&m, 20);
	refused(&m, 27);
	m = header(8, 8);
	m.h.range_count = 2;
	refused(&m, header_len(8));
	m.h.range_count = 0;
	refused(&m, header_len(8));
	m = header(8, 8);
	m.h.range_bytes = 0;
	refused(&m, header_len(8));
	m.h.range_bytes = 8;
	refused(&m, header_len(8));
	m.h.range_bytes = 0xffff;
	refused(&m, header_len(8));
	m.h.range_bytes = 0xfff8;
	refused(&m, header_len(8));
	m = header(8, 8);
	m.range[0] = 0xffffffff;
	refused(&m, header_len(8));
	m.range[0] = 0;
	refused(&m, header_len(8));
	m = header(8, 8);
	m.range[1] = 4096;
	refused(&m, header_len(8));
	m.range[1] = 4000;	/* would need a ninth page */
	refused(&m, header_len(8));
}

static void pages_outside_of_ram(void)
{
	static const u64 bad[] = { 1 << 20, 0xfffffffffffffffful, 1ull << 52, 0x000fffffffffffffull,
				   FAKEVM_RAM / PAGE_SIZE_4K };
	struct vm *vm = fakevm_new(1);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		struct message m = header(8, 8);
		struct gpadl *g;
		const char *why;

		memcpy(m.pfn + 24, &bad[i], 8);
		g = gpadl_new(&m, header_len(8), &why);
		REQUIRE(g);
		REQUIRE(!gpadl_map(g, vm));
		free(g);
	}
	fakevm_free(vm);
}

static void reading_and_writing(void)
{
	static const u8 bytes[16] = "0123456789abcde";
	struct message m = header(3, 3);
	struct vm *vm = fakevm_new(1);
	struct gpadl *g;
	const char *why;
	u8 back[16];
	u64 far = FAKEVM_RAM / PAGE_SIZE_4K;

	/* Across two pages that are not neighbours; the range starts within its first page. */
	memcpy(m.pfn + 8, "\x30\0\0\0\0\0\0\0", 8);
	m.range[0] = 2 * PAGE_SIZE_4K;
	m.range[1] = 100;
	g = gpadl_new(&m, header_len(3), &why);
	REQUIRE(g);
	REQUIRE(gpadl_write(g, vm, PAGE_SIZE_4K - 108, bytes, 16));
	REQUIRE(!memcmp(fakevm_ram(vm) + 17 * PAGE_SIZE_4K - 8, "01234567", 8));
	REQUIRE(!memcmp(fakevm_ram(vm) + 0x30 * PAGE_SIZE_4K, "89abcde", 8));
	REQUIRE(gpadl_read(g, vm, PAGE_SIZE_4K - 108, back, 16));
	REQUIRE(!memcmp(back, bytes, 16));

	REQUIRE(gpadl_read(g, vm, 2 * PAGE_SIZE_4K - 16, back, 16));
	REQUIRE(gpadl_read(g, vm, 2 * PAGE_SIZE_4K, back, 0));
	REQUIRE(!gpadl_read(g, vm, 2 * PAGE_SIZE_4K - 15, back, 16));
	REQUIRE(!gpadl_read(g, vm, 2 * PAGE_SIZE_4K + 1, back, 0));
	REQUIRE(!gpadl_read(g, vm, ~0ull, back, 16));
	REQUIRE(!gpadl_write(g, vm, 0, bytes, 0xffffffff));
	free(g);

	memcpy(m.pfn + 8, &far, 8);
	g = gpadl_new(&m, header_len(3), &why);
	REQUIRE(!gpadl_read(g, vm, PAGE_SIZE_4K, back, 16));
	free(g);
	g = gpadl_new(&m, header_len(2), &why);
	REQUIRE(g && !gpadl_read(g, vm, 0, back, 16));	/* not complete */
	free(g);
	fakevm_free(vm);
}

static const struct tap_case gpadl_cases[] = {
	{ "a list in one message", one_message },
	{ "a list in three messages, padded", many_messages },
	{ "malformed headers are refused", malformed_headers },
	{ "pages outside of RAM are refused", pages_outside_of_ram },
	{ "reading and writing within the range only", reading_and_writing },
};

const struct tap_suite gpadl_tests = TAP_SUITE("gpadl", gpadl_cases);
