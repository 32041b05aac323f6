// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - the CPU that the guest sees: the host's, on Hyper-V
 *
 * Base leaves are KVM's supported ones less what this machine does not do. The
 * hypervisor leaves are KVM's Hyper-V ones; its own signature must not appear,
 * or Linux prefers it.
 *
 * Numbers: TLFS chapter "Feature and Interface Discovery", AMD's and Intel's manuals.
 */
#include <cpuid.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

#define MAX_LEAVES		160

#define HYPERVISOR_FIRST	0x40000000u
#define HYPERVISOR_LAST		0x4fffffffu
#define HV_VENDOR		0x40000000u
#define HV_FEATURES		0x40000003u
#define HV_RECOMMENDATIONS	0x40000004u
#define HV_LIMITS		0x40000005u

/* HV_FEATURES: eax privileges, ebx rights, edx miscellany */
#define HV_SYNTIMERS		(1u << 3)
#define HV_REENLIGHTENMENT	(1u << 13)
#define HV_INVARIANT_TSC	(1u << 15)
#define HV_RIGHT_DEBUGGING	(1u << 11)
#define HV_GUEST_DEBUGGING	(1u << 1)
#define HV_DEBUG_MSRS		(1u << 11)
#define HV_DIRECT_SYNTIMERS	(1u << 19)
/* HV_RECOMMENDATIONS eax */
#define HV_ENLIGHTENED_VMCS	(1u << 14)

/* Leaf 1 */
#define ECX1_VMX		(1u << 5)
#define ECX1_FMA		(1u << 12)
#define ECX1_CMPXCHG16B		(1u << 13)
#define ECX1_X2APIC		(1u << 21)
#define ECX1_TSC_DEADLINE	(1u << 24)
#define ECX1_XSAVE		(3u << 26)	/* and OSXSAVE */
#define ECX1_AVX_F16C		(3u << 28)
#define ECX1_HYPERVISOR		(1u << 31)
#define EDX1_HTT		(1u << 28)
/* Leaf 7: what needs state that only XSAVE saves */
#define EBX7_AVX2		(1u << 5)
#define EBX7_AVX512		0xdc230000u
#define ECX7_AVX512		0x00005842u
#define ECX7_VAES		(3u << 9)	/* and VPCLMULQDQ */
#define ECX7_PKU		(3u << 3)	/* and OSPKE */
#define ECX7_SHSTK		(1u << 7)
#define EDX7_AVX512_AMX_IBT	0x03d0010cu
/* Leaf 0x80000001 */
#define ECX81_SVM		(1u << 2)
#define ECX81_XOP		(1u << 11)
#define ECX81_FMA4		(1u << 16)
#define ECX81_TOPOEXT		(1u << 22)
/* Leaf 0x80000007 */
#define EDX87_INVARIANT_TSC	(1u << 8)

#define LEAF_CACHE		4
#define LEAF_EXTENDED		7
#define LEAF_PMU		0xa
#define LEAF_TOPOLOGY		0xb
#define LEAF_XSAVE		0xd
#define LEAF_AMX		0x1d
#define LEAF_AMX2		0x1e
#define LEAF_TOPOLOGY2		0x1f
#define TOPOLOGY_THREAD		1
#define TOPOLOGY_CORE		2

static struct kvm_cpuid2 *table_new(void)
{
	struct kvm_cpuid2 *table;

	table = calloc(1, sizeof(*table) + MAX_LEAVES * sizeof(table->entries[0]));
	if (table)
		table->nent = MAX_LEAVES;
	return table;
}

static bool is_hypervisor_leaf(u32 function)
{
	return function >= HYPERVISOR_FIRST && function <= HYPERVISOR_LAST;
}

/* Bits of an APIC id that number the virtual CPUs of the one package. */
static u32 package_bits(u32 cpus)
{
	u32 bits = 0;

	while (1u << bits < cpus)
		bits++;
	return bits;
}

static void clear(struct kvm_cpuid_entry2 *e)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

/* Is this level 1, on an emulated processor? */
static bool is_emulated(void)
{
	u32 eax, ebx, ecx, edx;

	__cpuid(HYPERVISOR_FIRST, eax, ebx, ecx, edx);
	return !memcmp(&ebx, "TCGT", 4) && !memcmp(&ecx, "CGTC", 4) && !memcmp(&edx, "GTCG", 4);
}

/*
 * What QEMU's emulator (7.2) gets wrong under KVM, found the hard way:
 * - It does not intercept XSETBV: KVM never learns what the guest switched on, and
 *   the guest warns of sizes that do not fit. So XSAVE and all that needs it go.
 * - CMPXCHG16B computes its flags from a stale state: an interrupt right after it
 *   saves rubbish in RFLAGS, up to trap and nested task, and the guest dies of
 *   debug exceptions and double faults. Linux 6.12 branches on it in its allocator.
 */
static void mask_emulator_faults(struct kvm_cpuid_entry2 *e)
{
	switch (e->function) {
	case 1:
		e->ecx &= ~(ECX1_XSAVE | ECX1_AVX_F16C | ECX1_FMA | ECX1_CMPXCHG16B);
		break;
	case LEAF_EXTENDED:
		if (e->index) {
			clear(e);
			break;
		}
		e->eax = 0;		/* no further leaves */
		e->ebx &= ~(EBX7_AVX2 | EBX7_AVX512);
		e->ecx &= ~(ECX7_AVX512 | ECX7_VAES | ECX7_PKU | ECX7_SHSTK);
		e->edx &= ~EDX7_AVX512_AMX_IBT;
		break;
	case LEAF_XSAVE:
	case LEAF_AMX:
	case LEAF_AMX2:
		clear(e);
		break;
	case 0x80000001:
		e->ecx &= ~(ECX81_XOP | ECX81_FMA4);
		break;
	}
}

/* One thread a core, all cores in one package. */
static void set_topology(struct kvm_cpuid_entry2 *e, u32 cpu, u32 cpus)
{
	u32 level = e->index;

	e->eax = level == 1 ? package_bits(cpus) : 0;
	e->ebx = level == 0 ? 1 : level == 1 ? cpus : 0;
	e->ecx = level | (level == 0 ? TOPOLOGY_THREAD : level == 1 ? TOPOLOGY_CORE : 0) << 8;
	e->edx = cpu;
}

static void set_base_leaf(struct kvm_cpuid_entry2 *e, u32 cpu, u32 cpus)
{
	switch (e->function) {
	case 1:
		e->ebx = (e->ebx & 0x0000ffff) | cpus << 16 | cpu << 24;
		e->ecx &= ~ECX1_VMX;
		e->ecx |= ECX1_HYPERVISOR | ECX1_X2APIC | ECX1_TSC_DEADLINE;
		e->edx = cpus > 1 ? e->edx | EDX1_HTT : e->edx & ~EDX1_HTT;
		break;
	case LEAF_CACHE:
		/* Cores in the package, less one; each cache belongs to one core. */
		e->eax &= 0x3fff;
		if (e->eax & 0x1f)
			e->eax |= (cpus - 1) << 26;
		break;
	case LEAF_PMU:
		clear(e);
		break;
	case LEAF_TOPOLOGY:
	case LEAF_TOPOLOGY2:
		set_topology(e, cpu, cpus);
		break;
	case 0x80000001:
		e->ecx &= ~(ECX81_SVM | ECX81_TOPOEXT);
		break;
	case 0x80000007:
		/* It is, or Hyper-V's clock would not work; saves calibrating each CPU. */
		e->edx |= EDX87_INVARIANT_TSC;
		break;
	case 0x80000008:
		e->ecx = (e->ecx & ~0xf0ffu) | (cpus - 1) | package_bits(cpus) << 12;
		break;
	case 0x8000000a:
	case 0x8000001d:
	case 0x8000001e:
		/* SVM and extended topology, which are masked above. */
		clear(e);
		break;
	}
}

static void set_hyperv_leaf(struct kvm_cpuid_entry2 *e, bool stimer)
{
	switch (e->function) {
	case HV_VENDOR:
		e->eax = HV_LIMITS;
		memcpy(&e->ebx, "Micr", 4);
		memcpy(&e->ecx, "osof", 4);
		memcpy(&e->edx, "t Hv", 4);
		break;
	case HV_FEATURES:
		e->eax &= ~(HV_REENLIGHTENMENT | HV_INVARIANT_TSC);
		e->ebx &= ~HV_RIGHT_DEBUGGING;
		e->edx &= ~(HV_GUEST_DEBUGGING | HV_DEBUG_MSRS);
		/*
		 * Direct timers raise a vector of their own; the others send messages
		 * on the interrupt source that VMBus uses, so they go both or none.
		 */
		if (!stimer || !(e->edx & HV_DIRECT_SYNTIMERS)) {
			e->eax &= ~HV_SYNTIMERS;
			e->edx &= ~HV_DIRECT_SYNTIMERS;
		}
		break;
	case HV_RECOMMENDATIONS:
		e->eax &= ~HV_ENLIGHTENED_VMCS;
		break;
	}
}

/* Append what the guest shall see of @from to @to. */
static int add_leaves(struct kvm_cpuid2 *to, const struct kvm_cpuid2 *from, bool hyperv,
		      const struct vcpu *vcpu, u32 cpus)
{
	const bool emulated = is_emulated();

	for (u32 i = 0; i < from->nent; i++) {
		struct kvm_cpuid_entry2 e = from->entries[i];

		if (is_hypervisor_leaf(e.function) != hyperv)
			continue;
		if (hyperv && e.function > HV_LIMITS)
			continue;
		if (to->nent == MAX_LEAVES)
			return -E2BIG;
		if (hyperv) {
			set_hyperv_leaf(&e, vcpu->vm->stimer);
		} else {
			set_base_leaf(&e, vcpu->index, cpus);
			if (emulated)
				mask_emulator_faults(&e);
		}
		to->entries[to->nent++] = e;
	}
	return 0;
}

int cpuid_set(struct vcpu *vcpu)
{
	struct kvm_cpuid2 *base = table_new(), *hyperv = table_new(), *guest = table_new();
	const u32 cpus = vcpu->vm->nr_cpus;
	int ret = -ENOMEM;

	if (!base || !hyperv || !guest)
		goto out;
	ret = kvm_ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, base);
	if (ret < 0)
		goto out;
	ret = kvm_ioctl(vcpu->fd, KVM_GET_SUPPORTED_HV_CPUID, hyperv);
	if (ret < 0)
		goto out;
	guest->nent = 0;
	ret = add_leaves(guest, base, false, vcpu, cpus);
	if (ret < 0)
		goto out;
	ret = add_leaves(guest, hyperv, true, vcpu, cpus);
	if (ret < 0)
		goto out;
	ret = kvm_ioctl(vcpu->fd, KVM_SET_CPUID2, guest);
out:
	free(guest);
	free(hyperv);
	free(base);
	return ret < 0 ? ret : 0;
}
