// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpuid.c - the CPU that the guest sees: the host's, on Hyper-V
 *
 * The processor's leaves are what KVM supports, the hypervisor's are KVM's Hyper-V
 * ones. KVM's own signature must not appear, or Linux prefers it.
 */
#include "machine/cpuid_leaves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

#define MAX_LEAVES	256	/* what KVM takes */

static struct kvm_cpuid2 *table_new(u32 leaves)
{
	struct kvm_cpuid2 *table;

	table = calloc(1, sizeof(*table) + MAX_LEAVES * sizeof(table->entries[0]));
	if (table)
		table->nent = leaves;
	return table;
}

static int add(struct kvm_cpuid2 *table, const struct kvm_cpuid_entry2 *e)
{
	if (table->nent == MAX_LEAVES)
		return -E2BIG;
	table->entries[table->nent++] = *e;
	return 0;
}

static bool is_hypervisor(const struct kvm_cpuid_entry2 *e)
{
	return e->function >= CPUID_HYPERVISOR_FIRST && e->function <= CPUID_HYPERVISOR_LAST;
}

static int add_processor(struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *kvm,
			 struct cpuid_place place)
{
	const bool emulated = cpuid_is_emulated();
	struct kvm_cpuid_entry2 e;
	int ret = 0;

	for (u32 i = 0; i < kvm->nent && !ret; i++) {
		e = kvm->entries[i];
		if (is_hypervisor(&e) || !cpuid_processor(&e, place))
			continue;
		if (emulated)
			cpuid_mask_emulator(&e);
		ret = add(guest, &e);
	}
	for (u32 level = 0; level < CPUID_TOPOLOGY_LEVELS && !ret; level++) {
		cpuid_topology(&e, level, place);
		ret = add(guest, &e);
	}
	return ret;
}

static int add_hyperv(struct kvm_cpuid2 *guest, const struct kvm_cpuid2 *kvm, bool stimer)
{
	int ret = 0;

	for (u32 i = 0; i < kvm->nent && !ret; i++) {
		struct kvm_cpuid_entry2 e = kvm->entries[i];

		if (is_hypervisor(&e) && cpuid_hyperv(&e, stimer))
			ret = add(guest, &e);
	}
	return ret;
}

int cpuid_set(struct vcpu *vcpu)
{
	const struct cpuid_place place = { .cpu = vcpu->index, .cpus = vcpu->vm->nr_cpus };
	struct kvm_cpuid2 *kvm = table_new(MAX_LEAVES), *hyperv = table_new(MAX_LEAVES);
	struct kvm_cpuid2 *guest = table_new(0);
	int ret = -ENOMEM;

	if (!kvm || !hyperv || !guest)
		goto out;
	ret = kvm_ioctl(vcpu->vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, kvm);
	if (ret < 0)
		goto out;
	ret = kvm_ioctl(vcpu->fd, KVM_GET_SUPPORTED_HV_CPUID, hyperv);
	if (ret < 0)
		goto out;
	ret = add_processor(guest, kvm, place);
	if (ret < 0)
		goto out;
	ret = add_hyperv(guest, hyperv, vcpu->vm->stimer);
	if (ret < 0)
		goto out;
	ret = kvm_ioctl(vcpu->fd, KVM_SET_CPUID2, guest);
out:
	free(guest);
	free(hyperv);
	free(kvm);
	return ret < 0 ? ret : 0;
}
