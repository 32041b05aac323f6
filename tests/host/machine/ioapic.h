/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ioapic.h - an I/O APIC of our own, for a KVM that has none (CONFIG_KVM_IOAPIC=n)
 *
 * It has LAYOUT_IOAPIC_PINS inputs. An input that rises becomes a message to the local
 * APICs, which stay KVM's. Inputs are edge-triggered, as the ACPI tables say: an end of
 * interrupt means nothing here, and an edge on a masked input is lost.
 */
#ifndef HOST_IOAPIC_H
#define HOST_IOAPIC_H

#include <stdbool.h>

#include "util/types.h"

/** IOAPIC_SIZE - bytes of its registers in the guest's physical memory */
#define IOAPIC_SIZE	0x1000
/** IOAPIC_VERSION - what it calls itself; KVM's own is 0x11 */
#define IOAPIC_VERSION	0x20

struct ioapic;

/**
 * struct ioapic_config - how it is connected
 * @send: delivers a message, an address and its data as PCI's MSI have them; called with
 *	the I/O APIC's lock held
 * @ctx: for @send
 */
struct ioapic_config {
	void (*send)(void *ctx, u32 address, u32 data);
	void *ctx;
};

/** ioapic_new() - make one, all inputs masked. Return: it, or NULL when out of memory. */
struct ioapic *ioapic_new(const struct ioapic_config *cfg);
void ioapic_free(struct ioapic *ioapic);

/** ioapic_reset() - as after ioapic_new(); the guest must not run */
void ioapic_reset(struct ioapic *ioapic);

/** ioapic_set() - the level of an input; any thread. An unknown @pin is ignored. */
void ioapic_set(struct ioapic *ioapic, unsigned int pin, bool level);

/**
 * ioapic_read() / ioapic_write() - the guest accesses the register at @offset
 *
 * All registers have 32 bits. Where there is none, zero is read and writes are ignored.
 */
u32 ioapic_read(struct ioapic *ioapic, u32 offset);
void ioapic_write(struct ioapic *ioapic, u32 offset, u32 value);

#endif
