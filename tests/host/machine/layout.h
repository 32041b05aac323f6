/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * layout.h - every address, port and interrupt of the machine, in one place
 */
#ifndef HOST_LAYOUT_H
#define HOST_LAYOUT_H

/* Guest RAM: what the loader puts below 1 MiB, in order. */
#define LAYOUT_GDT		0x00000500
#define LAYOUT_ZERO_PAGE	0x00007000
#define LAYOUT_PAGE_TABLES	0x00009000	/* 6 pages: PML4, PDPT, 4 page directories */
#define LAYOUT_STACK		0x00010000	/* grows down, until the kernel has its own */
#define LAYOUT_CMDLINE		0x00020000
#define LAYOUT_CMDLINE_SIZE	0x00001000
#define LAYOUT_LOW_END		0x0009f000	/* usable RAM ends, the reserved hole begins */
#define LAYOUT_ACPI		0x000e0000
#define LAYOUT_ACPI_END		0x000f0000
#define LAYOUT_RESET_VECTOR	0x000ffff0	/* where a PC's firmware starts */
#define LAYOUT_HIGH		0x00100000	/* usable RAM again */

/* Above RAM. KVM needs four pages for itself on Intel. */
#define LAYOUT_IOAPIC		0xfec00000
#define LAYOUT_LAPIC		0xfee00000
#define LAYOUT_IDENTITY_MAP	0xfffbc000
#define LAYOUT_TSS		0xfffbd000

/* I/O ports */
#define LAYOUT_COM1		0x3f8
#define LAYOUT_COM2		0x2f8
#define LAYOUT_COM_SIZE		8
#define LAYOUT_RTC_INDEX	0x70
#define LAYOUT_RTC_DATA		0x71
#define LAYOUT_KEYBOARD		0x64
#define LAYOUT_RESET		0xcf9
#define LAYOUT_SLEEP_CONTROL	0x604
#define LAYOUT_SLEEP_STATUS	0x605

/* Written to the ports above */
#define LAYOUT_RESET_VALUE	0x06
#define LAYOUT_SLEEP_TYPE_S5	5

/* Inputs of the I/O APIC, which are ACPI's global interrupts as well */
#define LAYOUT_COM1_IRQ		4
#define LAYOUT_COM2_IRQ		3
#define LAYOUT_IOAPIC_PINS	24
/* KVM's interrupt routes behind those: one SynIC interrupt per virtual CPU */
#define LAYOUT_SINT_GSI		32

#endif
