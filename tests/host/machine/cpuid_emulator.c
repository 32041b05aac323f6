// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid_emulator.c - features that do not work on QEMU's emulated processor
 *
 * Found the hard way with QEMU 7.2, under KVM's SVM code:
 * - It does not intercept XSETBV: KVM never learns what the guest switched on, and
 *   the guest warns of sizes that do not fit. So XSAVE and all that needs it go.
 * - CMPXCHG16B computes its flags from a stale state: an interrupt right after it
 *   saves rubbish in RFLAGS, up to trap and nested task, and the guest dies of
 *   debug exceptions and double faults. Linux 6.12 branches on it in its allocator.
 * And what it only does slowly:
 * - Each level of page tables is walked through all of the nested ones.
 * - String instructions go element by element: by bytes where a kernel trusts them
 *   to be "enhanced", by words where not.
 */
#include <cpuid.h>
#include <string.h>

#include "machine/cpuid_leaves.h"

/* Leaf 1, ecx */
#define FMA			(1u << 12)
#define CMPXCHG16B		(1u << 13)
#define XSAVE			(3u << 26)	/* and OSXSAVE */
#define AVX_F16C		(3u << 28)
/* Leaf 7 */
#define EBX_AVX2		(1u << 5)
#define EBX_ERMS		(1u << 9)
#define EBX_AVX512		0xdc230000u
#define ECX_AVX512		0x00005842u
#define ECX_PKU			(3u << 3)	/* and OSPKE */
#define ECX_SHSTK		(1u << 7)
#define ECX_VAES		(3u << 9)	/* and VPCLMULQDQ */
#define ECX_LA57		(1u << 16)
#define EDX_FSRM		(1u << 4)
#define EDX_AVX512_AMX_IBT	0x03d0010cu
/* Leaf 0x80000001, ecx */
#define XOP			(1u << 11)
#define FMA4			(1u << 16)

bool cpuid_is_emulated(void)
{
	u32 eax, ebx, ecx, edx;

	__cpuid(CPUID_HYPERVISOR_FIRST, eax, ebx, ecx, edx);
	return !memcmp(&ebx, "TCGT", 4) && !memcmp(&ecx, "CGTC", 4) && !memcmp(&edx, "GTCG", 4);
}

static void mask_leaf_7(struct kvm_cpuid_entry2 *e)
{
	if (e->index) {
		cpuid_clear(e);
		return;
	}
	e->eax = 0;	/* no further ones */
	e->ebx &= ~(EBX_AVX2 | EBX_ERMS | EBX_AVX512);
	e->ecx &= ~(ECX_AVX512 | ECX_PKU | ECX_SHSTK | ECX_VAES |
		    ECX_LA57);
	e->edx &= ~(EDX_FSRM | EDX_AVX512_AMX_IBT);
}

void cpuid_mask_emulator(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 1:
		e->ecx &= ~(FMA | CMPXCHG16B | XSAVE | AVX_F16C);
		break;
	case 7:
		mask_leaf_7(e);
		break;
	case 0xd:
		cpuid_clear(e);	/* XSAVE */
		break;
	case 0x80000001:
		e->ecx &= ~(XOP | FMA4);
		break;
	}
}
