// SPDX-License-Identifier: GPL-2.0-only
/*
 * ports.c - the I/O ports: two serial ports, the clock, and the ways to stop; the I/O APIC
 *
 * Everything else reads as all ones and ignores writes, as an empty bus does.
 */
#include <linux/kvm.h>
#include <string.h>

#include "machine/ioapic.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "machine/rtc.h"
#include "machine/serial.h"

/* ACPI sleep control register: sleep type in bits 2-4, sleep enable in bit 5 */
#define SLEEP_TYPE(v)		((v) >> 2 & 7)
#define SLEEP_ENABLE		0x20
#define RESET_CPU		0x04	/* of port 0xcf9 */
#define KEYBOARD_PULSE_RESET	0xfe

void port_irq(struct vm *vm, unsigned int gsi, bool level)
{
	struct kvm_irq_level line = { .irq = gsi, .level = level };

	if (vm->split)
		ioapic_set(vm->ioapic, gsi, level);
	else
		kvm_ioctl(vm->fd, KVM_IRQ_LINE, &line);
}

/* A kernel that panics and has no Hyper-V crash registers says so on the console only. */
static void end_by_reset(struct vm *vm, const char *how)
{
	if (vm->crashed || serial_find(vm->console, "Kernel panic - not syncing", 0, 0) > 0)
		vm_end(vm, VM_PANIC, "the guest's kernel panicked and was reset (%s)", how);
	else
		vm_end(vm, VM_RESET, "the guest asked for a reset (%s)", how);
}

static void sleep_control(struct vm *vm, u8 value)
{
	if (!(value & SLEEP_ENABLE))
		return;
	if (SLEEP_TYPE(value) == LAYOUT_SLEEP_TYPE_S5)
		vm_end(vm, VM_POWEROFF, "the guest powered off");
	else
		vm_end(vm, VM_FAILED, "the guest entered sleep type %u, which no table offers",
		       SLEEP_TYPE(value));
}

static bool is_com(u16 port, u16 base)
{
	return port >= base && port < base + LAYOUT_COM_SIZE;
}

static u8 port_in(struct vm *vm, u16 port)
{
	if (is_com(port, LAYOUT_COM1))
		return serial_in(vm->console, port - LAYOUT_COM1);
	if (is_com(port, LAYOUT_COM2))
		return serial_in(vm->agent, port - LAYOUT_COM2);
	switch (port) {
	case LAYOUT_RTC_DATA:
		return rtc_read(vm->rtc);
	case LAYOUT_SLEEP_CONTROL:
	case LAYOUT_SLEEP_STATUS:
		return 0;
	default:
		return 0xff;
	}
}

static void port_out(struct vm *vm, u16 port, u8 value)
{
	if (is_com(port, LAYOUT_COM1)) {
		serial_out(vm->console, port - LAYOUT_COM1, value);
		return;
	}
	if (is_com(port, LAYOUT_COM2)) {
		serial_out(vm->agent, port - LAYOUT_COM2, value);
		return;
	}
	switch (port) {
	case LAYOUT_RTC_INDEX:
		rtc_select(vm->rtc, value);
		break;
	case LAYOUT_SLEEP_CONTROL:
		sleep_control(vm, value);
		break;
	case LAYOUT_RESET:
		if (value & RESET_CPU)
			end_by_reset(vm, "port 0xcf9");
		break;
	case LAYOUT_KEYBOARD:
		if (value == KEYBOARD_PULSE_RESET)
			end_by_reset(vm, "keyboard controller");
		break;
	}
}

void port_access(struct vm *vm, bool out, u16 port, unsigned int size, void *data,
		 unsigned int count)
{
	u8 *bytes = data;

	for (unsigned int i = 0; i < count; i++, bytes += size) {
		/* All our registers are bytes; wider accesses are for devices we lack. */
		if (out && size == 1) {
			port_out(vm, port, *bytes);
		} else if (!out) {
			memset(bytes, 0xff, size);
			if (size == 1)
				*bytes = port_in(vm, port);
		}
	}
}

/* All registers of the I/O APIC have 32 bits. */
void memory_access(struct vm *vm, bool write, u64 gpa, unsigned int size, void *data)
{
	const u32 offset = gpa - LAYOUT_IOAPIC;
	u32 value;

	if (!vm->split || gpa < LAYOUT_IOAPIC || gpa >= LAYOUT_IOAPIC + IOAPIC_SIZE ||
	    size != sizeof(value)) {
		if (!write)
			memset(data, 0xff, size);
	} else if (write) {
		memcpy(&value, data, sizeof(value));
		ioapic_write(vm->ioapic, offset, value);
	} else {
		value = ioapic_read(vm->ioapic, offset);
		memcpy(data, &value, sizeof(value));
	}
}
