// SPDX-License-Identifier: GPL-2.0-only
/*
 * ioapic.c - an I/O APIC with edge-triggered inputs
 *
 * Facts: Intel's 82093AA data sheet; the message format of Intel's Software Developer's
 * Manual, volume 3, "Message Signalled Interrupts".
 */
#include "machine/ioapic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "machine/layout.h"

enum {
	REG_SELECT = 0x00,	/* which register the window shows */
	REG_WINDOW = 0x10,
};

enum {
	INDEX_ID = 0,
	INDEX_VERSION = 1,
	INDEX_TABLE = 0x10,	/* two for each input: low, high */
};

#define ID_MASK			0x0f000000u

/* Of an entry of the table */
#define ENTRY_VECTOR_MODE	0x7ffull	/* vector and delivery mode, where a message has them too */
#define ENTRY_LOGICAL		(1ull << 11)
#define ENTRY_STATUS		(1ull << 12 | 1ull << 14)	/* read-only */
#define ENTRY_MASKED		(1ull << 16)
#define ENTRY_LOW_MASK		0x1ffffull
#define ENTRY_HIGH_MASK		(0xffull << 56)
#define ENTRY_DEST_SHIFT	56

#define MESSAGE_BASE		0xfee00000u
#define MESSAGE_DEST_SHIFT	12
#define MESSAGE_LOGICAL		(1u << 2)

/**
 * struct ioapic - the controller
 * @lock: guards all of it
 * @select: index of the register in the window
 * @levels: of the inputs, one bit each
 */
struct ioapic {
	struct ioapic_config cfg;
	pthread_mutex_t lock;
	u32 select;
	u32 id;
	u32 levels;
	u64 table[LAYOUT_IOAPIC_PINS];
};

void ioapic_reset(struct ioapic *ioapic)
{
	pthread_mutex_lock(&ioapic->lock);
	ioapic->select = 0;
	ioapic->id = 0;
	ioapic->levels = 0;
	for (unsigned int pin = 0; pin < LAYOUT_IOAPIC_PINS; pin++)
		ioapic->table[pin] = ENTRY_MASKED;
	pthread_mutex_unlock(&ioapic->lock);
}

struct ioapic *ioapic_new(const struct ioapic_config *cfg)
{
	struct ioapic *ioapic = calloc(1, sizeof(*ioapic));

	if (!ioapic)
		return NULL;
	ioapic->cfg = *cfg;
	pthread_mutex_init(&ioapic->lock, NULL);
	ioapic_reset(ioapic);
	return ioapic;
}

void ioapic_free(struct ioapic *ioapic)
{
	if (!ioapic)
		return;
	pthread_mutex_destroy(&ioapic->lock);
	free(ioapic);
}

static void deliver(const struct ioapic *ioapic, u64 entry)
{
	u32 address = MESSAGE_BASE | (u32)(entry >> ENTRY_DEST_SHIFT) << MESSAGE_DEST_SHIFT;

	if (entry & ENTRY_LOGICAL)
		address |= MESSAGE_LOGICAL;
	ioapic->cfg.send(ioapic->cfg.ctx, address, entry & ENTRY_VECTOR_MODE);
}

void ioapic_set(struct ioapic *ioapic, unsigned int pin, bool level)
{
	const u32 bit = 1u << pin % 32;

	if (pin >= LAYOUT_IOAPIC_PINS)
		return;
	pthread_mutex_lock(&ioapic->lock);
	if (level && !(ioapic->levels & bit) && !(ioapic->table[pin] & ENTRY_MASKED))
		deliver(ioapic, ioapic->table[pin]);
	if (level)
		ioapic->levels |= bit;
	else
		ioapic->levels &= ~bit;
	pthread_mutex_unlock(&ioapic->lock);
}

static u32 read_window(const struct ioapic *ioapic)
{
	const u32 word = ioapic->select - INDEX_TABLE;

	switch (ioapic->select) {
	case INDEX_ID:
		return ioapic->id;
	case INDEX_VERSION:
		return (LAYOUT_IOAPIC_PINS - 1) << 16 | IOAPIC_VERSION;
	}
	if (ioapic->select < INDEX_TABLE || word / 2 >= LAYOUT_IOAPIC_PINS)
		return 0;
	return ioapic->table[word / 2] >> (word % 2 ? 32 : 0);
}

static void write_window(struct ioapic *ioapic, u32 value)
{
	const u32 word = ioapic->select - INDEX_TABLE;
	u64 *entry;

	if (ioapic->select == INDEX_ID)
		ioapic->id = value & ID_MASK;
	if (ioapic->select < INDEX_TABLE || word / 2 >= LAYOUT_IOAPIC_PINS)
		return;
	entry = &ioapic->table[word / 2];
	if (word % 2)
		*entry = (*entry & ENTRY_LOW_MASK) | ((u64)value << 32 & ENTRY_HIGH_MASK);
	else
		*entry = (*entry & ENTRY_HIGH_MASK) | (value & ENTRY_LOW_MASK & ~ENTRY_STATUS);
}

u32 ioapic_read(struct ioapic *ioapic, u32 offset)
{
	u32 value = 0;

	pthread_mutex_lock(&ioapic->lock);
	if (offset == REG_SELECT)
		value = ioapic->select;
	else if (offset == REG_WINDOW)
		value = read_window(ioapic);
	pthread_mutex_unlock(&ioapic->lock);
	return value;
}

void ioapic_write(struct ioapic *ioapic, u32 offset, u32 value)
{
	pthread_mutex_lock(&ioapic->lock);
	if (offset == REG_SELECT)
		ioapic->select = value & 0xff;
	else if (offset == REG_WINDOW)
		write_window(ioapic, value);
	pthread_mutex_unlock(&ioapic->lock);
}
