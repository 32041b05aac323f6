// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID leaves: whose signature, which features, how many cores.
 */
#include <string.h>

#include "machine/cpuid_leaves.h"
#include "test/tap.h"

static const struct cpuid_place third_of_five = { .cpu = 2, .cpus = 5 };

static struct kvm_cpuid_entry2 all_ones(u32 function)
{
	return (struct kvm_cpuid_entry2){
		.function = function, .eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u,
	};
}

static void test_signature(void)
{
	struct kvm_cpuid_entry2 e = all_ones(0x40000000);

	check(cpuid_hyperv(&e, true));
	check_eq(e.eax, 0x40000005);
	check(!memcmp(&e.ebx, "Microsoft Hv", 12));
	e = all_ones(0x40000006);
	check(!cpuid_hyperv(&e, true));
	e = all_ones(0x40000082);
	check(!cpuid_hyperv(&e, true));
}

static void test_features(void)
{
	struct kvm_cpuid_entry2 e = all_ones(0x40000003);

	check(cpuid_hyperv(&e, true));
	check(e.eax & 1u << 3);			/* synthetic timers */
	check(e.edx & 1u << 19);		/* direct ones */
	check(!(e.eax & 1u << 13));		/* re-enlightenment */
	check(!(e.ebx & 1u << 11));		/* debugging */
	e = all_ones(0x40000003);
	cpuid_hyperv(&e, false);
	check(!(e.eax & 1u << 3) && !(e.edx & 1u << 19));
	e = all_ones(0x40000003);
	e.edx &= ~(1u << 19);
	cpuid_hyperv(&e, true);
	check(!(e.eax & 1u << 3));
	e = all_ones(0x40000004);
	cpuid_hyperv(&e, true);
	check(!(e.eax & 1u << 14));		/* enlightened VMCS */
}

static void test_processor(void)
{
	struct kvm_cpuid_entry2 e = all_ones(1);

	check(cpuid_processor(&e, third_of_five));
	check_eq(e.ebx >> 24, 2);
	check_eq(e.ebx >> 16 & 0xff, 5);
	check(!(e.ecx & 1u << 5));		/* VMX */
	check(e.ecx & 1u << 31);		/* a hypervisor */
	e = all_ones(0x80000001);
	cpuid_processor(&e, third_of_five);
	check(!(e.ecx & (1u << 2 | 1u << 22)));	/* SVM, TOPOEXT */
	e = all_ones(0x80000008);
	cpuid_processor(&e, third_of_five);
	check_eq(e.ecx & 0xff, 4);
	check_eq(e.ecx >> 12 & 0xf, 3);
	e = all_ones(0x8000001e);
	check(!cpuid_processor(&e, third_of_five));
}

static void test_topology(void)
{
	struct kvm_cpuid_entry2 e;

	cpuid_topology(&e, 0, third_of_five);
	check_eq(e.eax, 0);
	check_eq(e.ebx, 1);
	check_eq(e.ecx, 1 << 8);
	check_eq(e.edx, 2);
	cpuid_topology(&e, 1, third_of_five);
	check_eq(e.eax, 3);
	check_eq(e.ebx, 5);
	check_eq(e.ecx, 2 << 8 | 1);
	cpuid_topology(&e, 2, third_of_five);
	check_eq(e.ebx, 0);
	check_eq(e.ecx, 2);
}

static void test_emulator(void)
{
	struct kvm_cpuid_entry2 e = all_ones(1);

	cpuid_mask_emulator(&e);
	check(!(e.ecx & (1u << 13 | 3u << 26 | 1u << 28)));	/* CX16, XSAVE, AVX */
	e = all_ones(7);
	cpuid_mask_emulator(&e);
	check(!(e.ebx & (1u << 5 | 1u << 9 | 1u << 16)));	/* AVX2, ERMS, AVX512F */
	check(!(e.ecx & (1u << 3 | 1u << 16)));			/* PKU, LA57 */
	e = all_ones(0xd);
	cpuid_mask_emulator(&e);
	check_eq(e.eax | e.ebx | e.ecx | e.edx, 0);
}

const struct tap_test cpuid_tests[] = {
	{ "cpuid: Hyper-V's signature, and no leaves behind its own", test_signature },
	{ "cpuid: synthetic timers are direct or absent", test_features },
	{ "cpuid: an APIC id, and no virtualization of its own", test_processor },
	{ "cpuid: one package of single-threaded cores", test_topology },
	{ "cpuid: what the emulator gets wrong is taken out", test_emulator },
	{ NULL, NULL },
};
