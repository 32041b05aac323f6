// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUID leaves: whose signature, which features, how many cores.
 */
#include <string.h>

#include "machine/cpuid_leaves.h"
#include "test/suites.h"

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

	REQUIRE(cpuid_hyperv(&e, true));
	REQUIRE_INT(e.eax, 0x40000005);
	REQUIRE(!memcmp(&e.ebx, "Microsoft Hv", 12));
	e = all_ones(0x40000006);
	REQUIRE(!cpuid_hyperv(&e, true));
	e = all_ones(0x40000082);
	REQUIRE(!cpuid_hyperv(&e, true));
}

static void test_features(void)
{
	struct kvm_cpuid_entry2 e = all_ones(0x40000003);

	REQUIRE(cpuid_hyperv(&e, true));
	REQUIRE(e.eax & 1u << 3);			/* synthetic timers */
	REQUIRE(e.edx & 1u << 19);		/* direct ones */
	REQUIRE(!(e.eax & 1u << 13));		/* re-enlightenment */
	REQUIRE(!(e.ebx & 1u << 11));		/* debugging */
	e = all_ones(0x40000003);
	cpuid_hyperv(&e, false);
	REQUIRE(!(e.eax & 1u << 3) && !(e.edx & 1u << 19));
	e = all_ones(0x40000003);
	e.edx &= ~(1u << 19);
	cpuid_hyperv(&e, true);
	REQUIRE(!(e.eax & 1u << 3));
	e = all_ones(0x40000004);
	cpuid_hyperv(&e, true);
	REQUIRE(!(e.eax & 1u << 14));		/* enlightened VMCS */
}

static void test_processor(void)
{
	struct kvm_cpuid_entry2 e = all_ones(1);

	REQUIRE(cpuid_processor(&e, third_of_five));
	REQUIRE_INT(e.ebx >> 24, 2);
	REQUIRE_INT(e.ebx >> 16 & 0xff, 5);
	REQUIRE(!(e.ecx & 1u << 5));		/* VMX */
	REQUIRE(e.ecx & 1u << 31);		/* a hypervisor */
	e = all_ones(0x80000001);
	cpuid_processor(&e, third_of_five);
	REQUIRE(!(e.ecx & (1u << 2 | 1u << 22)));	/* SVM, TOPOEXT */
	e = all_ones(0x80000008);
	cpuid_processor(&e, third_of_five);
	REQUIRE_INT(e.ecx & 0xff, 4);
	REQUIRE_INT(e.ecx >> 12 & 0xf, 3);
	e = all_ones(0x8000001e);
	REQUIRE(!cpuid_processor(&e, third_of_five));
}

/* KVM on a machine with AMX, when this process has no permission for its state; a hybrid one; counters. */
static void test_new_processors(void)
{
	struct kvm_cpuid_entry2 e = all_ones(7);
	static const u32 gone[] = { 0x1a, 0x1c, 0x1d, 0x1e, 0x23, 0x8000001f, 0x80000022 };

	REQUIRE(cpuid_processor(&e, third_of_five));
	REQUIRE_INT(e.edx & (1u << 22 | 1u << 24 | 1u << 25), 0);	/* AMX */
	REQUIRE_INT(e.edx & (1u << 15 | 1u << 19), 0);			/* hybrid, branch records */
	REQUIRE_INT(e.ecx & 1u << 16, 0);				/* five levels */
	REQUIRE(e.ebx == ~0u && e.ecx & 1u << 3);
	e = all_ones(7);
	e.index = 1;
	REQUIRE(cpuid_processor(&e, third_of_five));
	REQUIRE_INT(e.eax & 1u << 21, 0);
	REQUIRE_INT(e.edx & 1u << 8, 0);
	e = all_ones(0xd);
	REQUIRE(cpuid_processor(&e, third_of_five));
	REQUIRE(e.eax == ~(3u << 17) && e.ecx == ~0u);
	for (e.index = 16; e.index < 20; e.index++)
		REQUIRE_INT(cpuid_processor(&e, third_of_five), e.index != 17 && e.index != 18);
	for (unsigned int i = 0; i < ARRAY_SIZE(gone); i++) {
		e = all_ones(gone[i]);
		REQUIRE(!cpuid_processor(&e, third_of_five));
	}
	e = all_ones(1);
	cpuid_processor(&e, third_of_five);
	REQUIRE_INT(e.ecx & 1u << 15, 0);
	e = all_ones(0x80000001);
	cpuid_processor(&e, third_of_five);
	REQUIRE_INT(e.ecx & (3u << 23 | 3u << 27), 0);
	e = all_ones(0x80000008);
	e.eax = 52 | 57 << 8;
	cpuid_processor(&e, third_of_five);
	REQUIRE_INT(e.eax, 52 | 48 << 8);
	e.eax = 40 | 48 << 8 | 36 << 16;
	cpuid_processor(&e, third_of_five);
	REQUIRE_INT(e.eax, 40 | 48 << 8 | 36 << 16);
}

static void test_topology(void)
{
	struct kvm_cpuid_entry2 e;

	cpuid_topology(&e, 0, third_of_five);
	REQUIRE_INT(e.eax, 0);
	REQUIRE_INT(e.ebx, 1);
	REQUIRE_INT(e.ecx, 1 << 8);
	REQUIRE_INT(e.edx, 2);
	cpuid_topology(&e, 1, third_of_five);
	REQUIRE_INT(e.eax, 3);
	REQUIRE_INT(e.ebx, 5);
	REQUIRE_INT(e.ecx, 2 << 8 | 1);
	cpuid_topology(&e, 2, third_of_five);
	REQUIRE_INT(e.ebx, 0);
	REQUIRE_INT(e.ecx, 2);
}

static void test_emulator(void)
{
	struct kvm_cpuid_entry2 e = all_ones(1);

	cpuid_mask_emulator(&e);
	REQUIRE(!(e.ecx & (1u << 13 | 3u << 26 | 1u << 28)));	/* CX16, XSAVE, AVX */
	e = all_ones(7);
	cpuid_mask_emulator(&e);
	REQUIRE(!(e.ebx & (1u << 5 | 1u << 9 | 1u << 16)));	/* AVX2, ERMS, AVX512F */
	REQUIRE(!(e.ecx & (1u << 3 | 1u << 16)));			/* PKU, LA57 */
	e = all_ones(0xd);
	cpuid_mask_emulator(&e);
	REQUIRE_INT(e.eax | e.ebx | e.ecx | e.edx, 0);
}

static const struct tap_case cpuid_cases[] = {
	{ "Hyper-V's signature, and no leaves behind its own", test_signature },
	{ "synthetic timers are direct or absent", test_features },
	{ "an APIC id, and no virtualization of its own", test_processor },
	{ "no AMX, performance counters or five levels, in any leaf", test_new_processors },
	{ "one package of single-threaded cores", test_topology },
	{ "what the emulator gets wrong is taken out", test_emulator },
};

const struct tap_suite cpuid_tests = TAP_SUITE("cpuid", cpuid_cases);
