// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port: what Linux' 8250 driver relies on, and the host's side of the line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/serial.h"
#include "test/suites.h"

#define DATA	0
#define IER	1
#define IIR	2
#define FCR	2
#define LCR	3
#define MCR	4
#define LSR	5
#define MSR	6

#define IIR_TX	0x02
#define IIR_RX	0x04
#define IIR_NO	0x01

static bool line;
static unsigned int rises;

static void set_line(void *ctx, bool level)
{
	(void)ctx;
	rises += level && !line;
	line = level;
}

static struct serial *port(void)
{
	const struct serial_config cfg = { .name = "test", .irq = set_line };
	struct serial *serial = serial_new(&cfg);

	REQUIRE(serial);
	line = false;
	rises = 0;
	return serial;
}

static void print(struct serial *serial, const char *text)
{
	while (*text)
		serial_out(serial, DATA, *text++);
}

static void test_log(void)
{
	struct serial *serial = port();
	char text[8] = "";

	print(serial, "one two");
	REQUIRE_INT(serial_size(serial), 7);
	REQUIRE_INT(serial_copy(serial, 4, text, sizeof(text)), 3);
	REQUIRE(!strcmp(text, "two"));
	REQUIRE_INT(serial_copy(serial, 7, text, sizeof(text)), 0);
	REQUIRE_INT(serial_copy(serial, 1000, text, sizeof(text)), 0);
	serial_free(serial);
}

static void test_find(void)
{
	struct serial *serial = port();

	print(serial, "abcab");
	REQUIRE_INT(serial_find(serial, "ab", 0, 0), 2);
	REQUIRE_INT(serial_find(serial, "ab", 1, 0), 5);
	REQUIRE_INT(serial_find(serial, "abx", 0, 0), -ETIMEDOUT);
	REQUIRE_INT(serial_find(serial, "ab", 1000, 0), -ETIMEDOUT);
	print(serial, "x");
	REQUIRE_INT(serial_find(serial, "abx", 0, 0), 6);
	serial_hang_up(serial);
	REQUIRE_INT(serial_find(serial, "abx", 0, -1), 6);
	REQUIRE_INT(serial_find(serial, "nothing", 0, -1), -EPIPE);
	serial_free(serial);
}

static void test_take(void)
{
	struct serial *serial = port();
	char text[4];

	REQUIRE_INT(serial_take(serial, text, sizeof(text), 0), -ETIMEDOUT);
	print(serial, "abcdef");
	REQUIRE_INT(serial_take(serial, text, 4, -1), 4);
	REQUIRE(!memcmp(text, "abcd", 4));
	REQUIRE_INT(serial_size(serial), 6);
	serial_hang_up(serial);
	REQUIRE_INT(serial_take(serial, text, 4, -1), 2);
	REQUIRE(!memcmp(text, "ef", 2));
	REQUIRE_INT(serial_take(serial, text, 4, -1), -EPIPE);
	REQUIRE_INT(serial_put(serial, "x", 1), -EPIPE);
	serial_free(serial);
}

static void test_receive(void)
{
	struct serial *serial = port();

	serial_out(serial, MCR, 0x0b);
	serial_out(serial, IER, 0x01);
	REQUIRE(!line);
	REQUIRE_INT(serial_in(serial, IIR), IIR_NO);
	REQUIRE_INT(serial_put(serial, "hi", 2), 0);
	REQUIRE(line);
	REQUIRE_INT(serial_in(serial, IIR), IIR_RX);
	REQUIRE_INT(serial_in(serial, LSR) & 1, 1);
	REQUIRE_INT(serial_in(serial, DATA), 'h');
	REQUIRE(line);
	REQUIRE_INT(serial_in(serial, DATA), 'i');
	REQUIRE(!line);
	REQUIRE_INT(serial_in(serial, LSR), 0x60);
	REQUIRE_INT(serial_in(serial, DATA), 0);
	REQUIRE_INT(rises, 1);
	serial_free(serial);
}

static void test_clear_fifo(void)
{
	struct serial *serial = port();

	serial_put(serial, "old", 3);
	serial_out(serial, FCR, 0x03);
	REQUIRE_INT(serial_in(serial, LSR) & 1, 0);
	REQUIRE_INT(serial_in(serial, IIR), 0xc0 | IIR_NO);
	serial_free(serial);
}

/* Enable, see it, disable, enable: a port that is silent the second time gets a timer. */
static void test_transmitter(void)
{
	struct serial *serial = port();

	serial_out(serial, MCR, 0x08);
	serial_out(serial, IER, 0x02);
	REQUIRE(line);
	REQUIRE_INT(serial_in(serial, IIR), IIR_TX);
	REQUIRE(!line);
	REQUIRE_INT(serial_in(serial, IIR), IIR_NO);
	serial_out(serial, IER, 0);
	serial_out(serial, IER, 0x02);
	REQUIRE_INT(serial_in(serial, IIR), IIR_TX);
	print(serial, "16 bytes, or so.");
	REQUIRE_INT(rises, 3);
	serial_free(serial);
}

static void test_line_needs_out2(void)
{
	struct serial *serial = port();

	serial_out(serial, IER, 0x02);
	REQUIRE(!line);
	serial_out(serial, MCR, 0x08);
	REQUIRE(line);
	serial_free(serial);
}

static void test_divisor(void)
{
	struct serial *serial = port();

	serial_out(serial, LCR, 0x83);
	serial_out(serial, 0, 0x12);
	serial_out(serial, 1, 0x34);
	REQUIRE_INT(serial_in(serial, 0), 0x12);
	REQUIRE_INT(serial_in(serial, 1), 0x34);
	serial_out(serial, LCR, 0x03);
	REQUIRE_INT(serial_in(serial, IER), 0);
	REQUIRE_INT(serial_size(serial), 0);
	serial_free(serial);
}

static void test_loopback(void)
{
	struct serial *serial = port();

	REQUIRE_INT(serial_in(serial, MSR), 0xb0);
	serial_out(serial, MCR, 0x10 | 0x0a);	/* what Linux probes with */
	REQUIRE_INT(serial_in(serial, MSR) & 0xf0, 0x90);
	serial_out(serial, DATA, 'x');
	REQUIRE_INT(serial_size(serial), 0);
	REQUIRE_INT(serial_in(serial, DATA), 'x');
	serial_free(serial);
}

static void test_growth(void)
{
	struct serial *serial = port();
	static char block[10000];
	size_t taken = 0;

	for (int i = 0; i < 100; i++) {
		memset(block, i, sizeof(block));
		REQUIRE_INT(serial_put(serial, block, sizeof(block)), 0);
		for (int n = 0; n < 7000; n++)
			REQUIRE_INT(serial_in(serial, DATA), taken++ / sizeof(block));
	}
	serial_free(serial);
}

static const struct tap_case serial_cases[] = {
	{ "what the guest writes is kept", test_log },
	{ "a text is found, also one that came in two", test_find },
	{ "taking is in order, and ends after the guest", test_take },
	{ "receiving raises the line until all is read", test_receive },
	{ "clearing the FIFO drops what waits", test_clear_fifo },
	{ "the transmitter interrupts each time it is enabled", test_transmitter },
	{ "the line is cut without OUT2", test_line_needs_out2 },
	{ "the divisor hides data and interrupt enable", test_divisor },
	{ "loopback", test_loopback },
	{ "a long queue keeps its order", test_growth },
};

const struct tap_suite serial_tests = TAP_SUITE("serial", serial_cases);
