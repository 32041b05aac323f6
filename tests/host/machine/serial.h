/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * serial.h - a 16550A serial port with a log of what the guest wrote
 *
 * The guest's side are eight registers. The host's side is a log of bytes that
 * can be searched, copied and taken, and a queue of bytes towards the guest.
 * The line is infinitely fast: the transmitter is always empty.
 */
#ifndef HOST_SERIAL_H
#define HOST_SERIAL_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "util/types.h"

/** SERIAL_LOG_MAX - bytes kept of the guest's output; more is dropped, said once */
#define SERIAL_LOG_MAX		(64u << 20)
/** SERIAL_QUEUE_MAX - bytes that may wait for the guest to read them */
#define SERIAL_QUEUE_MAX	(64u << 20)

struct serial;

/**
 * struct serial_config - how a port is connected
 * @name: for messages
 * @copy: stream that gets every byte the guest writes, or NULL; stays the caller's
 * @irq: sets the interrupt line; called with the port's lock held
 * @ctx: for @irq
 */
struct serial_config {
	const char *name;
	FILE *copy;
	void (*irq)(void *ctx, bool level);
	void *ctx;
};

/** serial_new() - make a port. Return: it, or NULL when out of memory. */
struct serial *serial_new(const struct serial_config *cfg);
void serial_free(struct serial *serial);

/** serial_in() - the guest reads register @reg, 0 to 7 */
u8 serial_in(struct serial *serial, unsigned int reg);

/** serial_out() - the guest writes register @reg, 0 to 7 */
void serial_out(struct serial *serial, unsigned int reg, u8 value);

/** serial_hang_up() - the guest has ended: wake every waiter */
void serial_hang_up(struct serial *serial);

/**
 * serial_reset() - the guest boots again
 * @forget: drop what is in the log; else it goes on
 *
 * The guest must not run. What waits for the guest to read it is dropped.
 */
void serial_reset(struct serial *serial, bool forget);

/** serial_put() - queue bytes for the guest; see vm_agent_write() */
int serial_put(struct serial *serial, const void *data, size_t len);

/** serial_take() - wait for and take bytes off the log; see vm_agent_read() */
ssize_t serial_take(struct serial *serial, void *data, size_t len, int timeout_ms);

/** serial_find() - wait for a text in the log; see vm_console_wait() */
ssize_t serial_find(struct serial *serial, const char *text, size_t from, int timeout_ms);

/** serial_size() - bytes that the guest has written so far, taken ones included */
size_t serial_size(struct serial *serial);

/** serial_copy() - copy from offset @from of the log; see vm_console_copy() */
size_t serial_copy(struct serial *serial, size_t from, void *data, size_t len);

#endif
