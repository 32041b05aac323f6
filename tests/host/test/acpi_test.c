// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ACPI tables: found from the root, summed up right, with what Linux looks for.
 */
#include <string.h>

#include "machine/aml.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "test/fakevm.h"
#include "test/suites.h"

static u8 sum(const u8 *bytes, size_t len)
{
	u8 total = 0;

	while (len--)
		total += *bytes++;
	return total;
}

/* A table by its address, its sums checked. */
static const u8 *table(struct vm *vm, u64 gpa, const char *signature)
{
	const u8 *t = vm_mem(vm, gpa, 36);

	REQUIRE(t);
	REQUIRE(!memcmp(t, signature, 4));
	REQUIRE(vm_mem(vm, gpa, get32(t + 4)));
	REQUIRE_INT(sum(t, get32(t + 4)), 0);
	return t;
}

static const u8 *xsdt_of(struct vm *vm, unsigned int cpus)
{
	const u8 *rsdp = vm_mem(vm, acpi_write(vm, cpus), 36);

	REQUIRE(rsdp);
	REQUIRE(!memcmp(rsdp, "RSD PTR ", 8));
	REQUIRE_INT(sum(rsdp, 20), 0);
	REQUIRE_INT(sum(rsdp, 36), 0);
	return table(vm, get64(rsdp + 24), "XSDT");
}

static void test_fadt(void)
{
	struct vm *vm = fakevm_new(1);
	const u8 *fadt = table(vm, get64(xsdt_of(vm, 1) + 36), "FACP");

	REQUIRE_INT(get32(fadt + 4), 276);
	REQUIRE(get32(fadt + 112) & 1u << 20);	/* hardware-reduced */
	REQUIRE(get32(fadt + 112) & 1u << 10);	/* has a reset register */
	REQUIRE_INT(get64(fadt + 120), LAYOUT_RESET);
	REQUIRE_INT(fadt[128], LAYOUT_RESET_VALUE);
	REQUIRE_INT(get64(fadt + 248), LAYOUT_SLEEP_CONTROL);
	REQUIRE_INT(get64(fadt + 260), LAYOUT_SLEEP_STATUS);
	fakevm_free(vm);
}

static void test_dsdt(void)
{
	static const u8 pnp0501[] = { 0x0c, 0x41, 0xd0, 0x05, 0x01 };
	struct vm *vm = fakevm_new(1);
	const u8 *fadt = table(vm, get64(xsdt_of(vm, 1) + 36), "FACP");
	const u8 *dsdt = table(vm, get64(fadt + 140), "DSDT");
	u32 len = get32(dsdt + 4);
	const u8 *com1 = memmem(dsdt, len, pnp0501, sizeof(pnp0501));

	REQUIRE(com1);
	REQUIRE(memmem(com1 + 1, dsdt + len - com1 - 1, pnp0501, sizeof(pnp0501)));
	REQUIRE(memmem(dsdt, len, "\x0dVMBUS", 7));
	REQUIRE(memmem(dsdt, len, "\x0d" "ACPI0004", 10));
	REQUIRE(memmem(dsdt, len, "\\_S5_\x12", 6));
	fakevm_free(vm);
}

static void test_madt(void)
{
	struct vm *vm = fakevm_new(1);
	const u8 *madt = table(vm, get64(xsdt_of(vm, VM_MAX_CPUS) + 44), "APIC");
	unsigned int cpus = 0, ioapics = 0;
	u32 at = 44;

	while (at < get32(madt + 4)) {
		const u8 *entry = madt + at;

		if (entry[0] == 0) {
			REQUIRE_INT(entry[3], cpus);
			cpus++;
		}
		ioapics += entry[0] == 1;
		REQUIRE(entry[1] >= 2);
		at += entry[1];
	}
	REQUIRE_INT(at, get32(madt + 4));
	REQUIRE_INT(cpus, VM_MAX_CPUS);
	REQUIRE_INT(ioapics, 1);
	fakevm_free(vm);
}

static void test_lengths(void)
{
	/* Two-byte lengths: 0x40 | low four bits, then the rest. */
	static const u8 wanted[] = {
		0x10, 0x4f, 0x00, '\\', '_', 'S', 'B', '_',
		0x5b, 0x82, 0x46, 0x00, 'A', '_', '_', '_',
	};
	u8 buf[64];
	struct aml aml = { .buf = buf, .size = sizeof(buf) };
	size_t scope = aml_scope(&aml, "\\_SB"), device = aml_device(&aml, "A");

	aml_close(&aml, device);
	aml_close(&aml, scope);
	REQUIRE(!aml.full);
	REQUIRE_INT(aml.len, sizeof(wanted));
	REQUIRE(!memcmp(buf, wanted, sizeof(wanted)));
}

static void test_full(void)
{
	u8 buf[8];
	struct aml aml = { .buf = buf, .size = sizeof(buf) };

	aml_string(&aml, "too long for this");
	REQUIRE(aml.full);
	REQUIRE_INT(aml.len, 1);
}

static const struct tap_case acpi_cases[] = {
	{ "a hardware-reduced FADT with reset and sleep ports", test_fadt },
	{ "the DSDT has VMBUS, both serial ports and S5", test_dsdt },
	{ "the MADT has every CPU once and the I/O APIC", test_madt },
	{ "package lengths count themselves", test_lengths },
	{ "a full buffer is noticed", test_full },
};

const struct tap_suite acpi_tests = TAP_SUITE("acpi", acpi_cases);
