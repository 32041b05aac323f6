// SPDX-License-Identifier: GPL-2.0-only
/*
 * The I/O APIC: registers as Linux programs them, and the messages that its inputs become.
 */
#include "machine/ioapic.h"
#include "machine/layout.h"
#include "test/suites.h"

#define MASKED	(1u << 16)
#define LOGICAL	(1u << 11)
#define LEVEL	(1u << 15)

static unsigned int sent;
static u32 last_address, last_data;

static void take(void *ctx, u32 address, u32 data)
{
	(void)ctx;
	sent++;
	last_address = address;
	last_data = data;
}

static struct ioapic *chip(void)
{
	const struct ioapic_config cfg = { .send = take };
	struct ioapic *ioapic = ioapic_new(&cfg);

	REQUIRE(ioapic);
	sent = 0;
	return ioapic;
}

static u32 get(struct ioapic *ioapic, u32 index)
{
	ioapic_write(ioapic, 0, index);
	REQUIRE_INT(ioapic_read(ioapic, 0), index);
	return ioapic_read(ioapic, 0x10);
}

static void put(struct ioapic *ioapic, u32 index, u32 value)
{
	ioapic_write(ioapic, 0, index);
	ioapic_write(ioapic, 0x10, value);
}

static void test_registers(void)
{
	struct ioapic *ioapic = chip();

	REQUIRE_INT(get(ioapic, 1), (LAYOUT_IOAPIC_PINS - 1) << 16 | IOAPIC_VERSION);
	put(ioapic, 1, 0xffffffff);
	REQUIRE_INT(get(ioapic, 1) & 0xff, IOAPIC_VERSION);
	put(ioapic, 0, 0xffffffff);
	REQUIRE_INT(get(ioapic, 0), 0x0f000000);
	for (u32 pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++) {
		REQUIRE_INT(get(ioapic, 0x10 + 2 * pin), MASKED);
		REQUIRE_INT(get(ioapic, 0x11 + 2 * pin), 0);
	}
	/* The two read-only bits stay 0, and each half its own. */
	put(ioapic, 0x10 + 2 * 23, 0xffffffff);
	REQUIRE_INT(get(ioapic, 0x10 + 2 * 23), 0x1afff);
	put(ioapic, 0x11 + 2 * 23, 0xffffffff);
	REQUIRE_INT(get(ioapic, 0x11 + 2 * 23), 0xff000000);
	REQUIRE_INT(get(ioapic, 0x10 + 2 * 23), 0x1afff);
	ioapic_reset(ioapic);
	REQUIRE_INT(get(ioapic, 0x10 + 2 * 23), MASKED);
	REQUIRE_INT(get(ioapic, 0x11 + 2 * 23), 0);
	ioapic_free(ioapic);
}

/* What is no register: behind the table, between the registers, wherever a guest may write. */
static void test_elsewhere(void)
{
	static const u32 indexes[] = { 2, 0x0f, 0x10 + 2 * LAYOUT_IOAPIC_PINS, 0xff };
	struct ioapic *ioapic = chip();

	for (size_t i = 0; i < ARRAY_SIZE(indexes); i++) {
		put(ioapic, indexes[i], 0xffffffff);
		REQUIRE_INT(get(ioapic, indexes[i]), 0);
	}
	put(ioapic, 0x1ff, 1);	/* the index has 8 bits */
	REQUIRE_INT(ioapic_read(ioapic, 0), 0xff);
	ioapic_write(ioapic, 0x40, 1);
	REQUIRE_INT(ioapic_read(ioapic, 0x40), 0);
	ioapic_write(ioapic, 0xfffffff0, 1);
	REQUIRE_INT(ioapic_read(ioapic, 0xfffffff0), 0);
	ioapic_set(ioapic, LAYOUT_IOAPIC_PINS, true);
	ioapic_set(ioapic, ~0u, true);
	REQUIRE_INT(sent, 0);
	ioapic_free(ioapic);
}

static void test_edges(void)
{
	struct ioapic *ioapic = chip();

	put(ioapic, 0x11 + 2 * 4, 3u << 24);
	put(ioapic, 0x10 + 2 * 4, 0x31);
	ioapic_set(ioapic, 4, true);
	REQUIRE_INT(sent, 1);
	REQUIRE_INT(last_address, 0xfee03000);
	REQUIRE_INT(last_data, 0x31);
	ioapic_set(ioapic, 4, true);	/* it is high already */
	REQUIRE_INT(sent, 1);
	ioapic_set(ioapic, 4, false);
	ioapic_set(ioapic, 3, true);	/* masked, another */
	REQUIRE_INT(sent, 1);
	/* Lowest priority, to a set of processors. */
	put(ioapic, 0x10 + 2 * 4, LOGICAL | 1u << 8 | 0x41);
	ioapic_set(ioapic, 4, true);
	REQUIRE_INT(sent, 2);
	REQUIRE_INT(last_address, 0xfee03004);
	REQUIRE_INT(last_data, 0x141);
	ioapic_free(ioapic);
}

static void test_masked(void)
{
	struct ioapic *ioapic = chip();

	put(ioapic, 0x10, MASKED | 0x50);
	ioapic_set(ioapic, 0, true);
	put(ioapic, 0x10, 0x50);	/* its edge is over */
	REQUIRE_INT(sent, 0);
	ioapic_set(ioapic, 0, false);
	ioapic_set(ioapic, 0, true);
	REQUIRE_INT(sent, 1);
	/* After a reset the inputs are low. */
	ioapic_reset(ioapic);
	put(ioapic, 0x10, 0x51);
	ioapic_set(ioapic, 0, true);
	REQUIRE_INT(sent, 2);
	REQUIRE_INT(last_data, 0x51);
	/* Level-triggered or not, one message a rise. */
	put(ioapic, 0x10, LEVEL | 0x52);
	ioapic_set(ioapic, 0, false);
	ioapic_set(ioapic, 0, true);
	REQUIRE_INT(sent, 3);
	REQUIRE_INT(last_data, 0x52);
	ioapic_free(ioapic);
}

static const struct tap_case ioapic_cases[] = {
	{ "registers", test_registers },
	{ "what is no register", test_elsewhere },
	{ "edges become messages", test_edges },
	{ "an edge on a masked input is lost", test_masked },
};

const struct tap_suite ioapic_tests = TAP_SUITE("ioapic", ioapic_cases);
