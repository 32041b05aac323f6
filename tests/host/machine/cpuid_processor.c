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
#define ECX_PDCM		(1u << 15)	/* capabilities of performance counters */
#define ECX_X2APIC		(1u << 21)
#define ECX_TSC_DEADLINE	(1u << 24)
#define ECX_HYPERVISOR		(1u << 31)
#define EDX_HTT			(1u << 28)	/* more than one APIC id in the package */
/* Leaf 4 */
#define EAX_CACHE_TYPE		0x0000001fu
#define EAX_CACHE_ITSELF	0x00003fffu	/* less who shares it, and the cores */
/* Leaf 7, and its second sub-leaf */
#define ECX_LA57		(1u << 16)
#define EDX_HYBRID		(1u << 15)
#define EDX_ARCH_LBR		(1u << 19)
#define EDX_AMX			(1u << 22 | 3u << 24)
#define EAX_AMX_1		(1u << 21)
#define EDX_AMX_1		(1u << 8)
/* Leaf 0xd: states of AMX, and its second sub-leaf */
#define XSTATE_TILES		(3u << 17)
#define XSTATE_TILE_CONFIG	17
#define XSTATE_TILE_DATA	18
#define EAX_XFD			(1u << 4)
/* Leaf 0x80000001 */
#define ECX_CMP_LEGACY		(1u << 1)	/* AMD: leaf 0x80000008 counts cores */
#define ECX_SVM			(1u << 2)
#define ECX_TOPOEXT		(1u << 22)
#define ECX_COUNTERS		(3u << 23 | 3u << 27)	/* performance counters of core, bus, time, cache */
/* Leaf 0x80000007 */
#define EDX_INVARIANT_TSC	(1u << 8)
/* Leaf 0x80000008 */
#define ECX_CORES		0x0000f0ffu
#define EAX_LINEAR_BITS		0x0000ff00u
#define LINEAR_BITS_4_LEVELS	(48u << 8)

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
	e->ecx &= ~(ECX_VMX | ECX_PDCM);
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

/*
 * AMX: KVM lists its instructions in leaf 7 whether or not this process may use its state, which
 * leaf 0xd has only with permission; a guest must not see one without the other. Five levels of
 * page tables: 3 GiB of RAM do not need them, and the kernel's way there needs low memory that
 * a firmware would describe.
 */
static void set_leaf_7(struct kvm_cpuid_entry2 *e)
{
	if (e->index == 0) {
		e->ecx &= ~ECX_LA57;
		e->edx &= ~(EDX_HYBRID | EDX_ARCH_LBR | EDX_AMX);
	} else if (e->index == 1) {
		e->eax &= ~EAX_AMX_1;
		e->edx &= ~EDX_AMX_1;
	}
}

/* Return: false to remove the sub-leaf. */
static bool set_xsave(struct kvm_cpuid_entry2 *e)
{
	if (e->index == 0)
		e->eax &= ~XSTATE_TILES;
	else if (e->index == 1)
		e->eax &= ~EAX_XFD;
	return e->index != XSTATE_TILE_CONFIG && e->index != XSTATE_TILE_DATA;
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
	case 7:
		set_leaf_7(e);
		break;
	case 0xd:
		return set_xsave(e);
	case 0xa:		/* performance counters */
		cpuid_clear(e);
		break;
	case 0x1a:		/* which kind of core this is, in a hybrid processor */
	case 0x1c:		/* branch records */
	case 0x1d:		/* AMX */
	case 0x1e:
	case 0x23:		/* performance counters */
	case 0x80000022:
	case 0x8000001f:	/* memory encryption */
		return false;
	case 0xb:		/* topology: cpuid_topology() has another */
	case 0x1f:
	case 0x8000000a:	/* SVM */
	case 0x8000001d:	/* caches and topology with TOPOEXT */
	case 0x8000001e:
	case 0x80000026:
		return false;
	case 0x80000001:
		e->ecx &= ~(ECX_SVM | ECX_TOPOEXT | ECX_CMP_LEGACY | ECX_COUNTERS);
		if (place.cpus > 1)
			e->ecx |= ECX_CMP_LEGACY;
		break;
	case 0x80000007:
		/* It is, or Hyper-V's clock would not work; saves calibrating each CPU. */
		e->edx |= EDX_INVARIANT_TSC;
		break;
	case 0x80000008:
		if ((e->eax & EAX_LINEAR_BITS) > LINEAR_BITS_4_LEVELS)
			e->eax = (e->eax & ~EAX_LINEAR_BITS) | LINEAR_BITS_4_LEVELS;
		e->ecx &= ~ECX_CORES;
		e->ecx |= (place.cpus - 1) | core_bits(place.cpus) << 12;
		break;
	}
	return true;
}
