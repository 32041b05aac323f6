// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid_processor.c - the processor leaves: the host's, less what this machine does
 * not do, and its own topology: one package of single-threaded cores
 *
 * Numbers: AMD's and Intel's manuals.
 */
#include <string.h>

#include "machine/cpuid_leaves.h"

/* Leaf 1 */
#define ECX_VMX			(1u << 5)
#define ECX_X2APIC		(1u << 21)
#define ECX_TSC_DEADLINE	(1u << 24)
#define ECX_HYPERVISOR		(1u << 31)
#define EDX_HTT			(1u << 28)	/* more than one APIC id in the package */
/* Leaf 4 */
#define EAX_CACHE_TYPE		0x0000001fu
#define EAX_CACHE_ITSELF	0x00003fffu	/* less who shares it, and the cores */
/* Leaf 0x80000001 */
#define ECX_CMP_LEGACY		(1u << 1)	/* AMD: leaf 0x80000008 counts cores */
#define ECX_SVM			(1u << 2)
#define ECX_TOPOEXT		(1u << 22)
/* Leaf 0x80000007 */
#define EDX_INVARIANT_TSC	(1u << 8)
/* Leaf 0x80000008 */
#define ECX_CORES		0x0000f0ffu

#define LEVEL_THREAD		1
#define LEVEL_CORE		2

/* Bits of an APIC id that number the cores of the package. */
static u32 core_bits(u32 cpus)
{
	u32 bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

void cpuid_topology(struct kvm_cpuid_entry2 *e, u32 level, struct cpuid_place place)
{
	memset(e, 0, sizeof(*e));
	e->function = 0xb;
	e->index = level;
	e->flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
	e->ecx = level;
	e->edx = place.cpu;
	if (level == 0) {
		e->ebx = 1;
		e->ecx |= LEVEL_THREAD << 8;
	} else if (level == 1) {
		e->eax = core_bits(place.cpus);
		e->ebx = place.cpus;
		e->ecx |= LEVEL_CORE << 8;
	}
}

static void set_leaf_1(struct kvm_cpuid_entry2 *e, struct cpuid_place place)
{
	e->ebx = (e->ebx & 0xffff) | place.cpus << 16 | place.cpu << 24;
	e->ecx &= ~ECX_VMX;
	e->ecx |= ECX_HYPERVISOR | ECX_X2APIC | ECX_TSC_DEADLINE;
	e->edx &= ~EDX_HTT;
	if (place.cpus > 1)
		e->edx |= EDX_HTT;
}

static void set_cache(struct kvm_cpuid_entry2 *e, struct cpuid_place place)
{
	e->eax &= EAX_CACHE_ITSELF;
	if (e->eax & EAX_CACHE_TYPE)
		e->eax |= (place.cpus - 1) << 26;
}

bool cpuid_processor(struct kvm_cpuid_entry2 *e, struct cpuid_place place)
{
	switch (e->function) {
	case 1:
		set_leaf_1(e, place);
		break;
	case 4:
		set_cache(e, place);
		break;
	case 0xa:		/* performance counters */
		cpuid_clear(e);
		break;
	case 0xb:		/* topology: cpuid_topology() has another */
	case 0x1f:
	case 0x8000000a:	/* SVM */
	case 0x8000001d:	/* caches and topology with TOPOEXT */
	case 0x8000001e:
	case 0x80000026:
		return false;
	case 0x80000001:
		e->ecx &= ~(ECX_SVM | ECX_TOPOEXT | ECX_CMP_LEGACY);
		if (place.cpus > 1)
			e->ecx |= ECX_CMP_LEGACY;
		break;
	case 0x80000007:
		/* It is, or Hyper-V's clock would not work; saves calibrating each CPU. */
		e->edx |= EDX_INVARIANT_TSC;
		break;
	case 0x80000008:
		e->ecx &= ~ECX_CORES;
		e->ecx |= (place.cpus - 1) | core_bits(place.cpus) << 12;
		break;
	}
	return true;
}
