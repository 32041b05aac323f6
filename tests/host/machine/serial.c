// SPDX-License-Identifier: GPL-2.0-only
/*
 * serial.c - a 16550A serial port with a log of what the guest wrote
 *
 * Facts: the PC16550D data sheet, and what Linux' 8250 driver probes for.
 */
#include "machine/serial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/waiting.h"

enum {
	REG_DATA = 0,		/* RBR, THR; DLL while DLAB */
	REG_IER = 1,		/* DLM while DLAB */
	REG_IIR_FCR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_MSR = 6,
	REG_SCRATCH = 7,
};

#define IER_RX			0x01
#define IER_TX			0x02
#define IER_MASK		0x0f

#define IIR_NONE		0x01
#define IIR_TX			0x02
#define IIR_RX			0x04
#define IIR_FIFO		0xc0

#define FCR_ENABLE		0x01
#define FCR_CLEAR_RX		0x02

#define LCR_DLAB		0x80

#define MCR_DTR			0x01
#define MCR_RTS			0x02
#define MCR_OUT1		0x04
#define MCR_OUT2		0x08
#define MCR_LOOP		0x10
#define MCR_MASK		0x1f

#define LSR_DATA		0x01
#define LSR_TX_EMPTY		0x60	/* holding and shift register */

#define MSR_CTS			0x10
#define MSR_DSR			0x20
#define MSR_RI			0x40
#define MSR_DCD			0x80

/* How long a text without a newline may stay unseen */
#define FIND_INTERVAL_MS	50

/**
 * struct bytes - a growing run of bytes whose front can be dropped
 * @data: @size bytes of room
 * @start: where the run begins in @data
 * @len: its length
 * @dropped: how many bytes have been dropped from its front so far
 */
struct bytes {
	u8 *data;
	size_t size;
	size_t start;
	size_t len;
	size_t dropped;
};

/**
 * struct serial - one port
 * @lock: guards all of it
 * @changed: signalled when the log grows or the guest ends
 * @log: from the guest, not taken yet
 * @queue: to the guest, not read yet
 * @tx_pending: the "transmitter empty" interrupt has not been seen by the guest
 * @line: level of the interrupt line
 * @hung_up: the guest has ended
 * @full: output has been dropped
 */
struct serial {
	struct serial_config cfg;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct bytes log;
	struct bytes queue;
	u8 ier, lcr, mcr, scratch, dll, dlm;
	bool fifo;
	bool tx_pending;
	bool line;
	bool hung_up;
	bool full;
};

static bool bytes_add(struct bytes *b, const void *data, size_t len, size_t max)
{
	if (len > max - b->len)
		return false;
	if (b->start && b->start + b->len + len > b->size) {
		memmove(b->data, b->data + b->start, b->len);
		b->start = 0;
	}
	if (b->len + len > b->size) {
		size_t size = b->size ? b->size : 4096;
		u8 *more;

		while (size < b->len + len)
			size *= 2;
		more = realloc(b->data, size);
		if (!more)
			return false;
		b->data = more;
		b->size = size;
	}
	memcpy(b->data + b->start + b->len, data, len);
	b->len += len;
	return true;
}

static void bytes_drop(struct bytes *b, size_t len)
{
	b->len -= len;
	b->dropped += len;
	b->start = b->len ? b->start + len : 0;
}

struct serial *serial_new(const struct serial_config *cfg)
{
	struct serial *serial = calloc(1, sizeof(*serial));

	if (!serial)
		return NULL;
	serial->cfg = *cfg;
	pthread_mutex_init(&serial->lock, NULL);
	wait_init(&serial->changed);
	return serial;
}

void serial_free(struct serial *serial)
{
	if (!serial)
		return;
	pthread_cond_destroy(&serial->changed);
	pthread_mutex_destroy(&serial->lock);
	free(serial->log.data);
	free(serial->queue.data);
	free(serial);
}

static u8 pending_interrupt(const struct serial *serial)
{
	if ((serial->ier & IER_RX) && serial->queue.len)
		return IIR_RX;
	if ((serial->ier & IER_TX) && serial->tx_pending)
		return IIR_TX;
	return IIR_NONE;
}

static void update_line(struct serial *serial)
{
	bool line = pending_interrupt(serial) != IIR_NONE && (serial->mcr & MCR_OUT2);

	if (line == serial->line)
		return;
	serial->line = line;
	serial->cfg.irq(serial->cfg.ctx, line);
}

static void transmit(struct serial *serial, u8 byte)
{
	if (serial->mcr & MCR_LOOP) {
		bytes_add(&serial->queue, &byte, 1, SERIAL_QUEUE_MAX);
		return;
	}
	if (!bytes_add(&serial->log, &byte, 1, SERIAL_LOG_MAX)) {
		if (!serial->full)
			fprintf(stderr, "%s: the guest wrote more than %u MiB, dropping the rest\n",
				serial->cfg.name, SERIAL_LOG_MAX >> 20);
		serial->full = true;
		return;
	}
	if (serial->cfg.copy)
		fputc(byte, serial->cfg.copy);
	/* serial_find() looks by itself for a line that is not finished. */
	if (byte == '\n' || !serial->cfg.copy)
		pthread_cond_broadcast(&serial->changed);
}

static u8 receive(struct serial *serial)
{
	u8 byte;

	if (!serial->queue.len)
		return 0;
	byte = serial->queue.data[serial->queue.start];
	bytes_drop(&serial->queue, 1);
	return byte;
}

/* In loopback the modem outputs appear at the modem inputs. */
static u8 modem_status(const struct serial *serial)
{
	u8 msr = 0;

	if (!(serial->mcr & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	if (serial->mcr & MCR_RTS)
		msr |= MSR_CTS;
	if (serial->mcr & MCR_DTR)
		msr |= MSR_DSR;
	if (serial->mcr & MCR_OUT1)
		msr |= MSR_RI;
	if (serial->mcr & MCR_OUT2)
		msr |= MSR_DCD;
	return msr;
}

static u8 interrupt_id(struct serial *serial)
{
	u8 iir = pending_interrupt(serial);

	if (iir == IIR_TX)
		serial->tx_pending = false;
	return iir | (serial->fifo ? IIR_FIFO : 0);
}

u8 serial_in(struct serial *serial, unsigned int reg)
{
	bool dlab;
	u8 value = 0;

	pthread_mutex_lock(&serial->lock);
	dlab = serial->lcr & LCR_DLAB;
	switch (reg) {
	case REG_DATA:
		value = dlab ? serial->dll : receive(serial);
		break;
	case REG_IER:
		value = dlab ? serial->dlm : serial->ier;
		break;
	case REG_IIR_FCR:
		value = interrupt_id(serial);
		break;
	case REG_LCR:
		value = serial->lcr;
		break;
	case REG_MCR:
		value = serial->mcr;
		break;
	case REG_LSR:
		value = LSR_TX_EMPTY | (serial->queue.len ? LSR_DATA : 0);
		break;
	case REG_MSR:
		value = modem_status(serial);
		break;
	case REG_SCRATCH:
		value = serial->scratch;
		break;
	}
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return value;
}

/* Enabling the interrupt while the transmitter is empty raises it: drivers test this. */
static void write_ier(struct serial *serial, u8 value)
{
	u8 enabled = value & ~serial->ier;

	serial->ier = value & IER_MASK;
	if (enabled & IER_TX)
		serial->tx_pending = true;
}

static void write_fcr(struct serial *serial, u8 value)
{
	serial->fifo = value & FCR_ENABLE;
	if (value & FCR_CLEAR_RX)
		bytes_drop(&serial->queue, serial->queue.len);
}

void serial_out(struct serial *serial, unsigned int reg, u8 value)
{
	bool dlab;

	pthread_mutex_lock(&serial->lock);
	dlab = serial->lcr & LCR_DLAB;
	switch (reg) {
	case REG_DATA:
		if (dlab) {
			serial->dll = value;
			break;
		}
		transmit(serial, value);
		serial->tx_pending = true;
		break;
	case REG_IER:
		if (dlab)
			serial->dlm = value;
		else
			write_ier(serial, value);
		break;
	case REG_IIR_FCR:
		write_fcr(serial, value);
		break;
	case REG_LCR:
		serial->lcr = value;
		break;
	case REG_MCR:
		serial->mcr = value & MCR_MASK;
		break;
	case REG_SCRATCH:
		serial->scratch = value;
		break;
	}
	update_line(serial);
	pthread_mutex_unlock(&serial->lock);
}

void serial_hang_up(struct serial *serial)
{
	pthread_mutex_lock(&serial->lock);
	serial->hung_up = true;
	if (serial->cfg.copy)
		fflush(serial->cfg.copy);
	pthread_cond_broadcast(&serial->changed);
	pthread_mutex_unlock(&serial->lock);
}

void serial_reset(struct serial *serial, bool forget)
{
	pthread_mutex_lock(&serial->lock);
	serial->ier = serial->lcr = serial->mcr = 0;
	serial->scratch = serial->dll = serial->dlm = 0;
	serial->fifo = serial->tx_pending = serial->line = serial->hung_up = false;
	bytes_drop(&serial->queue, serial->queue.len);
	if (forget)
		bytes_drop(&serial->log, serial->log.len);
	pthread_mutex_unlock(&serial->lock);
}

int serial_put(struct serial *serial, const void *data, size_t len)
{
	int ret = 0;

	pthread_mutex_lock(&serial->lock);
	if (serial->hung_up)
		ret = -EPIPE;
	else if (!bytes_add(&serial->queue, data, len, SERIAL_QUEUE_MAX))
		ret = -ENOBUFS;
	else
		update_line(serial);
	pthread_mutex_unlock(&serial->lock);
	return ret;
}

ssize_t serial_take(struct serial *serial, void *data, size_t len, int timeout_ms)
{
	struct timespec deadline = wait_deadline(timeout_ms < 0 ? 0 : timeout_ms);
	ssize_t ret;

	pthread_mutex_lock(&serial->lock);
	while (!serial->log.len && !serial->hung_up) {
		if (!wait_until(&serial->changed, &serial->lock, timeout_ms, &deadline))
			break;
	}
	if (serial->log.len) {
		ret = len < serial->log.len ? len : serial->log.len;
		memcpy(data, serial->log.data + serial->log.start, ret);
		bytes_drop(&serial->log, ret);
	} else {
		ret = serial->hung_up ? -EPIPE : -ETIMEDOUT;
	}
	pthread_mutex_unlock(&serial->lock);
	return ret;
}

ssize_t serial_find(struct serial *serial, const char *text, size_t from, int timeout_ms)
{
	struct timespec deadline = wait_deadline(timeout_ms < 0 ? 0 : timeout_ms);
	struct timespec look;
	const struct bytes *log = &serial->log;
	size_t want = strlen(text), at = from;
	ssize_t ret;

	pthread_mutex_lock(&serial->lock);
	for (;;) {
		const u8 *hit = NULL;

		if (at < log->dropped)
			at = log->dropped;
		if (at < log->dropped + log->len)
			hit = memmem(log->data + log->start + at - log->dropped,
				     log->len - (at - log->dropped), text, want);
		if (hit) {
			ret = hit - (log->data + log->start) + log->dropped + want;
			break;
		}
		/* What has been searched need not be again, but for a match cut in two. */
		if (log->len >= want && at < log->dropped + log->len - (want - 1))
			at = log->dropped + log->len - (want - 1);
		if (serial->hung_up) {
			ret = -EPIPE;
			break;
		}
		if (timeout_ms >= 0 && wait_is_over(&deadline)) {
			ret = -ETIMEDOUT;
			break;
		}
		look = wait_deadline(FIND_INTERVAL_MS);
		wait_until(&serial->changed, &serial->lock, FIND_INTERVAL_MS, &look);
	}
	pthread_mutex_unlock(&serial->lock);
	return ret;
}

size_t serial_size(struct serial *serial)
{
	size_t size;

	pthread_mutex_lock(&serial->lock);
	size = serial->log.dropped + serial->log.len;
	pthread_mutex_unlock(&serial->lock);
	return size;
}

size_t serial_copy(struct serial *serial, size_t from, void *data, size_t len)
{
	const struct bytes *log = &serial->log;
	size_t n = 0;

	pthread_mutex_lock(&serial->lock);
	if (from >= log->dropped && from - log->dropped < log->len) {
		n = log->len - (from - log->dropped);
		if (n > len)
			n = len;
		memcpy(data, log->data + log->start + (from - log->dropped), n);
	}
	pthread_mutex_unlock(&serial->lock);
	return n;
}
