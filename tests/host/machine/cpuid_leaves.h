/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cpuid_leaves.h - the parts that the guest's CPUID leaves are made of
 *
 * Each function changes one leaf from what KVM offers to what the guest sees.
 */
#ifndef HOST_CPUID_LEAVES_H
#define HOST_CPUID_LEAVES_H

#include <linux/kvm.h>
#include <stdbool.h>

#include "util/types.h"

#define CPUID_HYPERVISOR_FIRST	0x40000000u
#define CPUID_HYPERVISOR_LAST	0x4fffffffu

/** struct cpuid_place - which virtual CPU, of how many */
struct cpuid_place {
	u32 cpu;
	u32 cpus;
};

/** cpuid_clear() - a leaf that says nothing */
static inline void cpuid_clear(struct kvm_cpuid_entry2 *e)
{
	e->eax = e->ebx = e->ecx = e->edx = 0;
}

/**
 * cpuid_processor() - a leaf of the processor itself
 *
 * Return: false to remove this leaf.
 */
bool cpuid_processor(struct kvm_cpuid_entry2 *e, struct cpuid_place place);

/** CPUID_TOPOLOGY_LEVELS - number of levels of the topology leaf, the end included */
#define CPUID_TOPOLOGY_LEVELS	3

/** cpuid_topology() - one level of the extended topology leaf */
void cpuid_topology(struct kvm_cpuid_entry2 *e, u32 level, struct cpuid_place place);

/**
 * cpuid_hyperv() - a leaf of the hypervisor
 * @stimer: offer synthetic timers
 *
 * Return: false to remove this leaf.
 */
bool cpuid_hyperv(struct kvm_cpuid_entry2 *e, bool stimer);

/** cpuid_is_emulated() - is this level 1, on QEMU's emulated processor? */
bool cpuid_is_emulated(void);

/** cpuid_mask_emulator() - take out of a leaf what the emulator gets wrong */
void cpuid_mask_emulator(struct kvm_cpuid_entry2 *e);

#endif
