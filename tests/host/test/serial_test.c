// SPDX-License-Identifier: GPL-2.0-only
/*
 * The serial port: what Linux' 8250 driver relies on, and the host's side of the line.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/serial.h"
#include "test/tap.h"

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

	check(serial);
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
	check_eq(serial_size(serial), 7);
	check_eq(serial_copy(serial, 4, text, sizeof(text)), 3);
	check(!strcmp(text, "two"));
	check_eq(serial_copy(serial, 7, text, sizeof(text)), 0);
	check_eq(serial_copy(serial, 1000, text, sizeof(text)), 0);
	serial_free(serial);
}

static void test_find(void)
{
	struct serial *serial = port();

	print(serial, "abcab");
	check_eq(serial_find(serial, "ab", 0, 0), 2);
	check_eq(serial_find(serial, "ab", 1, 0), 5);
	check_eq(serial_find(serial, "abx", 0, 0), -ETIMEDOUT);
	check_eq(serial_find(serial, "ab", 1000, 0), -ETIMEDOUT);
	print(serial, "x");
	check_eq(serial_find(serial, "abx", 0, 0), 6);
	serial_hang_up(serial);
	check_eq(serial_find(serial, "abx", 0, -1), 6);
	check_eq(serial_find(serial, "nothing", 0, -1), -EPIPE);
	serial_free(serial);
}

static void test_take(void)
{
	struct serial *serial = port();
	char text[4];

	check_eq(serial_take(serial, text, sizeof(text), 0), -ETIMEDOUT);
	print(serial, "abcdef");
	check_eq(serial_take(serial, text, 4, -1), 4);
	check(!memcmp(text, "abcd", 4));
	check_eq(serial_size(serial), 6);
	serial_hang_up(serial);
	check_eq(serial_take(serial, text, 4, -1), 2);
	check(!memcmp(text, "ef", 2));
	check_eq(serial_take(serial, text, 4, -1), -EPIPE);
	check_eq(serial_put(serial, "x", 1), -EPIPE);
	serial_free(serial);
}

static void test_receive(void)
{
	struct serial *serial = port();

	serial_out(serial, MCR, 0x0b);
	serial_out(serial, IER, 0x01);
	check(!line);
	check_eq(serial_in(serial, IIR), IIR_NO);
	check_eq(serial_put(serial, "hi", 2), 0);
	check(line);
	check_eq(serial_in(serial, IIR), IIR_RX);
	check_eq(serial_in(serial, LSR) & 1, 1);
	check_eq(serial_in(serial, DATA), 'h');
	check(line);
	check_eq(serial_in(serial, DATA), 'i');
	check(!line);
	check_eq(serial_in(serial, LSR), 0x60);
	check_eq(serial_in(serial, DATA), 0);
	check_eq(rises, 1);
	serial_free(serial);
}

static void test_clear_fifo(void)
{
	struct serial *serial = port();

	serial_put(serial, "old", 3);
	serial_out(serial, FCR, 0x03);
	check_eq(serial_in(serial, LSR) & 1, 0);
	check_eq(serial_in(serial, IIR), 0xc0 | IIR_NO);
	serial_free(serial);
}

/* Enable, see it, disable, enable: a port that is silent the second time gets a timer. */
static void test_transmitter(void)
{
	struct serial *serial = port();

	serial_out(serial, MCR, 0x08);
	serial_out(serial, IER, 0x02);
	check(line);
	check_eq(serial_in(serial, IIR), IIR_TX);
	check(!line);
	check_eq(serial_in(serial, IIR), IIR_NO);
	serial_out(serial, IER, 0);
	serial_out(serial, IER, 0x02);
	check_eq(serial_in(serial, IIR), IIR_TX);
	print(serial, "16 bytes, or so.");
	check_eq(rises, 3);
	serial_free(serial);
}

static void test_line_needs_out2(void)
{
	struct serial *serial = port();

	serial_out(serial, IER, 0x02);
	check(!line);
	serial_out(serial, MCR, 0x08);
	check(line);
	serial_free(serial);
}

static void test_divisor(void)
{
	struct serial *serial = port();

	serial_out(serial, LCR, 0x83);
	serial_out(serial, 0, 0x12);
	serial_out(serial, 1, 0x34);
	check_eq(serial_in(serial, 0), 0x12);
	check_eq(serial_in(serial, 1), 0x34);
	serial_out(serial, LCR, 0x03);
	check_eq(serial_in(serial, IER), 0);
	check_eq(serial_size(serial), 0);
	serial_free(serial);
}

static void test_loopback(void)
{
	struct serial *serial = port();

	check_eq(serial_in(serial, MSR), 0xb0);
	serial_out(serial, MCR, 0x10 | 0x0a);	/* what Linux probes with */
	check_eq(serial_in(serial, MSR) & 0xf0, 0x90);
	serial_out(serial, DATA, 'x');
	check_eq(serial_size(serial), 0);
	check_eq(serial_in(serial, DATA), 'x');
	serial_free(serial);
}

static void test_growth(void)
{
	struct serial *serial = port();
	static char block[10000];
	size_t taken = 0;

	for (int i = 0; i < 100; i++) {
		memset(block, i, sizeof(block));
		check_eq(serial_put(serial, block, sizeof(block)), 0);
		for (int n = 0; n < 7000; n++)
			check_eq(serial_in(serial, DATA), taken++ / sizeof(block));
	}
	serial_free(serial);
}

const struct tap_test serial_tests[] = {
	{ "serial: what the guest writes is kept", test_log },
	{ "serial: a text is found, also one that came in two", test_find },
	{ "serial: taking is in order, and ends after the guest", test_take },
	{ "serial: receiving raises the line until all is read", test_receive },
	{ "serial: clearing the FIFO drops what waits", test_clear_fifo },
	{ "serial: the transmitter interrupts each time it is enabled", test_transmitter },
	{ "serial: the line is cut without OUT2", test_line_needs_out2 },
	{ "serial: the divisor hides data and interrupt enable", test_divisor },
	{ "serial: loopback", test_loopback },
	{ "serial: a long queue keeps its order", test_growth },
	{ NULL, NULL },
};
