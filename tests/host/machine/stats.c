// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats.c - what the virtual CPUs did, and where they stopped
 *
 * For a guest that hangs: is it halted or does it run, are interrupts on, does
 * one wait in the local APIC, has its timer been set for a time that is past?
 */
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/machine.h"

#define APIC_ISR		0x100
#define APIC_IRR		0x200
#define APIC_VECTOR_STRIDE	16	/* bytes between 32-bit words of vectors */

#define MSR_TIME_REF_COUNT	0x40000020
#define MSR_STIMER0_CONFIG	0x400000b0
#define MSR_STIMER0_COUNT	0x400000b1

static const char *exit_name(unsigned int reason)
{
	switch (reason) {
	case KVM_EXIT_IO:
		return "io";
	case KVM_EXIT_MMIO:
		return "mmio";
	case KVM_EXIT_HYPERV:
		return "hyperv";
	case KVM_EXIT_INTR:
		return "intr";
	default:
		return "other";
	}
}

static void print_exits(const struct vcpu *vcpu)
{
	fprintf(stderr, "vcpu%u exits:", vcpu->index);
	for (unsigned int r = 0; r < VCPU_EXIT_REASONS; r++) {
		if (vcpu->exits[r])
			fprintf(stderr, " %s(%u)=%llu", exit_name(r), r,
				(unsigned long long)vcpu->exits[r]);
	}
	fputc('\n', stderr);
}

static void print_registers(const struct vcpu *vcpu)
{
	struct kvm_mp_state mp = { 0 };
	struct kvm_regs regs = { 0 };

	if (kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0 ||
	    kvm_ioctl(vcpu->fd, KVM_GET_MP_STATE, &mp) < 0)
		return;
	fprintf(stderr, "vcpu%u %s, rip %#llx rsp %#llx rflags %#llx\n", vcpu->index,
		mp.mp_state == KVM_MP_STATE_HALTED ? "halted" :
		mp.mp_state == KVM_MP_STATE_RUNNABLE ? "runs" : "not started",
		(unsigned long long)regs.rip, (unsigned long long)regs.rsp,
		(unsigned long long)regs.rflags);
}

static void print_vectors(const struct kvm_lapic_state *apic, unsigned int at)
{
	for (unsigned int vector = 0; vector < 256; vector++) {
		u32 word;

		memcpy(&word, apic->regs + at + vector / 32 * APIC_VECTOR_STRIDE, sizeof(word));
		if (word >> vector % 32 & 1)
			fprintf(stderr, " %u", vector);
	}
}

static void print_interrupts(const struct vcpu *vcpu)
{
	struct kvm_lapic_state apic;

	if (kvm_ioctl(vcpu->fd, KVM_GET_LAPIC, &apic) < 0)
		return;
	fprintf(stderr, "vcpu%u interrupts that wait:", vcpu->index);
	print_vectors(&apic, APIC_IRR);
	fputs("; in service:", stderr);
	print_vectors(&apic, APIC_ISR);
	fputc('\n', stderr);
}

static void print_timer(const struct vcpu *vcpu)
{
	static const u32 wanted[] = { MSR_TIME_REF_COUNT, MSR_STIMER0_CONFIG, MSR_STIMER0_COUNT };
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) +
					  ARRAY_SIZE(wanted) * sizeof(struct kvm_msr_entry));

	if (!msrs)
		return;
	msrs->nmsrs = ARRAY_SIZE(wanted);
	for (unsigned int i = 0; i < ARRAY_SIZE(wanted); i++)
		msrs->entries[i].index = wanted[i];
	if (kvm_ioctl_num(vcpu->fd, KVM_GET_MSRS, (unsigned long)msrs) == ARRAY_SIZE(wanted))
		fprintf(stderr, "vcpu%u timer: config %#llx, due %lld us from now\n", vcpu->index,
			(unsigned long long)msrs->entries[1].data,
			((long long)msrs->entries[2].data - (long long)msrs->entries[0].data) / 10);
	free(msrs);
}

void vm_print_stats(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_cpus; i++) {
		const struct vcpu *vcpu = &vm->vcpus[i];

		print_exits(vcpu);
		/* A thread in KVM_RUN would keep these calls waiting. */
		if (vcpu->started)
			continue;
		print_registers(vcpu);
		print_interrupts(vcpu);
		print_timer(vcpu);
	}
}
