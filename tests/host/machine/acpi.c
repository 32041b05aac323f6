// SPDX-License-Identifier: GPL-2.0-only
/*
 * acpi.c - the ACPI tables of a machine without legacy hardware
 *
 *	RSDP -> XSDT -> FADT -> DSDT    (hardware-reduced; reset and sleep by port)
 *	             -> MADT            (local APICs, the I/O APIC of the serial ports)
 *
 * Facts: ACPI specification 6, chapter "ACPI Software Programming Model"; the
 * device ids by which Linux' hv_vmbus and 8250_pnp find their devices.
 */
#include <string.h>

#include "machine/aml.h"
#include "machine/layout.h"
#include "machine/machine.h"

#define TABLE_ALIGN		16
#define HEADER_SIZE		36	/* of every table but the RSDP */
#define CHECKSUM_OFFSET		9
#define RSDP_V1_SIZE		20
#define RSDP_SIZE		36

#define FADT_SIZE		276
#define FADT_REVISION		6
#define FADT_BOOT_FLAGS		109	/* offsets in the table */
#define FADT_FLAGS		112
#define FADT_RESET_REG		116
#define FADT_RESET_VALUE	128
#define FADT_X_DSDT		140
#define FADT_SLEEP_CONTROL	244
#define FADT_SLEEP_STATUS	256

#define BOOT_NO_VGA		(1 << 2)
#define FLAG_WBINVD		(1u << 0)
#define FLAG_NO_POWER_BUTTON	(1u << 4)
#define FLAG_NO_SLEEP_BUTTON	(1u << 5)
#define FLAG_RESET_REG		(1u << 10)
#define FLAG_HW_REDUCED		(1u << 20)

#define MADT_REVISION		4
#define MADT_LAPIC		0
#define MADT_IOAPIC		1
#define MADT_ENABLED		1
#define IOAPIC_ID		0xf0	/* no virtual CPU has it */

#define SPACE_IO		1	/* of a generic address */
#define ACCESS_BYTE		1

static u8 sum(const u8 *bytes, size_t len)
{
	u8 total = 0;

	while (len--)
		total += *bytes++;
	return total;
}

/* Begin a table on its boundary. Return: its offset in the area. */
static size_t table_open(struct aml *t, const char *signature, u8 revision)
{
	static const u8 zero[TABLE_ALIGN];
	size_t start;

	aml_bytes(t, zero, -t->len % TABLE_ALIGN);
	start = t->len;
	aml_bytes(t, signature, 4);
	aml_u32(t, 0);			/* length, set at the end */
	aml_u8(t, revision);
	aml_u8(t, 0);			/* checksum, set at the end */
	aml_bytes(t, "HVHOST", 6);
	aml_bytes(t, "HVHOSTVM", 8);
	aml_u32(t, 1);			/* revision */
	aml_bytes(t, "HVH ", 4);	/* creator */
	aml_u32(t, 1);
	return start;
}

static void table_close(struct aml *t, size_t start)
{
	u32 len = t->len - start;

	if (t->full)
		return;
	memcpy(t->buf + start + 4, &len, sizeof(len));
	t->buf[start + CHECKSUM_OFFSET] = -sum(t->buf + start, len);
}

static void add_ports(struct aml *t, const char *name, const char *id, u32 uid, u16 port,
		      u8 ports, u32 gsi)
{
	size_t device = aml_device(t, name);

	aml_name(t, "_HID");
	aml_eisa_id(t, id);
	aml_name(t, "_UID");
	aml_integer(t, uid);
	aml_name(t, "_CRS");
	aml_resources(t, port, ports, gsi);
	aml_close(t, device);
}

/* hv_vmbus looks for its device, and above it for windows of memory: there are none. */
static void add_vmbus(struct aml *t)
{
	size_t module = aml_device(t, "VMOD"), device;

	aml_name(t, "_HID");
	aml_string(t, "ACPI0004");
	aml_name(t, "_UID");
	aml_integer(t, 0);
	device = aml_device(t, "VMBS");
	aml_name(t, "_HID");
	aml_string(t, "VMBUS");
	aml_name(t, "_UID");
	aml_integer(t, 0);
	aml_name(t, "_STA");
	aml_integer(t, 0x0f);
	aml_close(t, device);
	aml_close(t, module);
}

static void add_power_off(struct aml *t)
{
	size_t package;

	aml_name(t, "\\_S5");
	package = aml_package(t, 4);
	aml_integer(t, LAYOUT_SLEEP_TYPE_S5);
	for (int i = 0; i < 3; i++)
		aml_integer(t, 0);
	aml_close(t, package);
}

static size_t add_dsdt(struct aml *t)
{
	size_t start = table_open(t, "DSDT", 2), scope;

	add_power_off(t);
	scope = aml_scope(t, "\\_SB");
	add_ports(t, "COM1", "PNP0501", 1, LAYOUT_COM1, LAYOUT_COM_SIZE, LAYOUT_COM1_IRQ);
	add_ports(t, "COM2", "PNP0501", 2, LAYOUT_COM2, LAYOUT_COM_SIZE, LAYOUT_COM2_IRQ);
	/* Without it Linux wants interrupt 8 for its clock driver, which no device here has. */
	add_ports(t, "RTC", "PNP0B00", 0, LAYOUT_RTC_INDEX, 2, AML_NO_IRQ);
	add_vmbus(t);
	aml_close(t, scope);
	table_close(t, start);
	return start;
}

static void put_port(u8 *field, u16 port)
{
	const u8 address[12] = { SPACE_IO, 8, 0, ACCESS_BYTE, port & 0xff, port >> 8 };

	memcpy(field, address, sizeof(address));
}

static size_t add_fadt(struct aml *t, u64 dsdt)
{
	const u32 flags = FLAG_WBINVD | FLAG_NO_POWER_BUTTON | FLAG_NO_SLEEP_BUTTON |
			  FLAG_RESET_REG | FLAG_HW_REDUCED;
	const u16 boot_flags = BOOT_NO_VGA;
	size_t start = table_open(t, "FACP", FADT_REVISION);
	u8 fadt[FADT_SIZE] = { 0 };

	memcpy(fadt + FADT_BOOT_FLAGS, &boot_flags, sizeof(boot_flags));
	memcpy(fadt + FADT_FLAGS, &flags, sizeof(flags));
	put_port(fadt + FADT_RESET_REG, LAYOUT_RESET);
	fadt[FADT_RESET_VALUE] = LAYOUT_RESET_VALUE;
	memcpy(fadt + FADT_X_DSDT, &dsdt, sizeof(dsdt));
	put_port(fadt + FADT_SLEEP_CONTROL, LAYOUT_SLEEP_CONTROL);
	put_port(fadt + FADT_SLEEP_STATUS, LAYOUT_SLEEP_STATUS);
	aml_bytes(t, fadt + HEADER_SIZE, FADT_SIZE - HEADER_SIZE);
	table_close(t, start);
	return start;
}

static size_t add_madt(struct aml *t, unsigned int cpus)
{
	size_t start = table_open(t, "APIC", MADT_REVISION);

	aml_u32(t, LAYOUT_LAPIC);
	aml_u32(t, 0);			/* no PC-AT interrupt controllers */
	for (unsigned int i = 0; i < cpus; i++) {
		aml_u8(t, MADT_LAPIC);
		aml_u8(t, 8);		/* length */
		aml_u8(t, i);		/* processor */
		aml_u8(t, i);		/* APIC id */
		aml_u32(t, MADT_ENABLED);
	}
	aml_u8(t, MADT_IOAPIC);
	aml_u8(t, 12);			/* length */
	aml_u8(t, IOAPIC_ID);
	aml_u8(t, 0);
	aml_u32(t, LAYOUT_IOAPIC);
	aml_u32(t, 0);			/* first global interrupt */
	table_close(t, start);
	return start;
}

static size_t add_xsdt(struct aml *t, u64 fadt, u64 madt)
{
	size_t start = table_open(t, "XSDT", 1);

	aml_u64(t, fadt);
	aml_u64(t, madt);
	table_close(t, start);
	return start;
}

static void put_rsdp(u8 *rsdp, u64 xsdt)
{
	const u32 len = RSDP_SIZE;

	memset(rsdp, 0, RSDP_SIZE);
	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "HVHOST", 6);
	rsdp[15] = 2;			/* ACPI 2.0 and later */
	memcpy(rsdp + 20, &len, sizeof(len));
	memcpy(rsdp + 24, &xsdt, sizeof(xsdt));
	rsdp[8] = -sum(rsdp, RSDP_V1_SIZE);
	rsdp[32] = -sum(rsdp, RSDP_SIZE);
}

u64 acpi_write(struct vm *vm, unsigned int cpus)
{
	const u64 base = LAYOUT_ACPI;
	struct aml t = {
		.buf = vm_mem(vm, base, LAYOUT_ACPI_END - LAYOUT_ACPI),
		.size = LAYOUT_ACPI_END - LAYOUT_ACPI,
		.len = RSDP_SIZE,
	};
	u64 dsdt, fadt, madt, xsdt;

	if (!t.buf)
		return 0;
	dsdt = base + add_dsdt(&t);
	fadt = base + add_fadt(&t, dsdt);
	madt = base + add_madt(&t, cpus);
	xsdt = base + add_xsdt(&t, fadt, madt);
	if (t.full)
		return 0;
	put_rsdp(t.buf, xsdt);
	return base;
}
