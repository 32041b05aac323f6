// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug_state.c - registers and memory of a guest that is paused or has ended
 */
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>

#include "machine/debug.h"
#include "machine/machine.h"

#define PAGE		4096ull

static int get(struct vm *vm, unsigned int vcpu, struct kvm_regs *regs, struct kvm_sregs *sregs)
{
	int ret;

	if (vcpu >= vm->nr_cpus)
		return -EINVAL;
	ret = kvm_ioctl(vm->vcpus[vcpu].fd, KVM_GET_REGS, regs);
	return ret < 0 ? ret : kvm_ioctl(vm->vcpus[vcpu].fd, KVM_GET_SREGS, sregs);
}

int debug_get_regs(struct vm *vm, unsigned int vcpu, struct debug_regs *out)
{
	struct kvm_regs r;
	struct kvm_sregs s;
	int ret = get(vm, vcpu, &r, &s);

	if (ret < 0)
		return ret;
	*out = (struct debug_regs){
		.gpr = { r.rax, r.rbx, r.rcx, r.rdx, r.rsi, r.rdi, r.rbp, r.rsp,
			 r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15 },
		.rip = r.rip, .rflags = r.rflags,
		.segment = { s.cs.selector, s.ss.selector, s.ds.selector, s.es.selector,
			     s.fs.selector, s.gs.selector },
		.fs_base = s.fs.base, .gs_base = s.gs.base,
		.cr0 = s.cr0, .cr2 = s.cr2, .cr3 = s.cr3, .cr4 = s.cr4, .efer = s.efer,
	};
	return 0;
}

int debug_set_regs(struct vm *vm, unsigned int vcpu, const struct debug_regs *in)
{
	struct kvm_regs r = {
		.rax = in->gpr[0], .rbx = in->gpr[1], .rcx = in->gpr[2], .rdx = in->gpr[3],
		.rsi = in->gpr[4], .rdi = in->gpr[5], .rbp = in->gpr[6], .rsp = in->gpr[7],
		.r8 = in->gpr[8], .r9 = in->gpr[9], .r10 = in->gpr[10], .r11 = in->gpr[11],
		.r12 = in->gpr[12], .r13 = in->gpr[13], .r14 = in->gpr[14], .r15 = in->gpr[15],
		.rip = in->rip, .rflags = in->rflags,
	};

	if (vcpu >= vm->nr_cpus)
		return -EINVAL;
	return kvm_ioctl(vm->vcpus[vcpu].fd, KVM_SET_REGS, &r);
}

int debug_translate(struct vm *vm, unsigned int vcpu, u64 address, u64 *gpa)
{
	struct kvm_translation tr = { .linear_address = address };

	if (vcpu >= vm->nr_cpus || kvm_ioctl(vm->vcpus[vcpu].fd, KVM_TRANSLATE, &tr) < 0 || !tr.valid)
		return -EFAULT;
	*gpa = tr.physical_address;
	return 0;
}

/* The part of a range that lies in one page, or NULL. */
static u8 *part(struct vm *vm, unsigned int vcpu, u64 address, unsigned int left,
		unsigned int *len)
{
	u64 gpa, room = PAGE - address % PAGE;

	*len = left < room ? left : room;
	if (debug_translate(vm, vcpu, address, &gpa) < 0)
		return NULL;
	return vm_mem(vm, gpa, *len);
}

static void hide_breakpoints(const struct vm *vm, u64 address, u8 *bytes, unsigned int len)
{
	for (unsigned int i = 0; i < DEBUG_BREAKPOINTS; i++) {
		const struct debug_breakpoint *bp = &vm->debug.breakpoints[i];

		if (bp->used && bp->address >= address && bp->address - address < len)
			bytes[bp->address - address] = bp->saved;
	}
}

int debug_read(struct vm *vm, unsigned int vcpu, u64 address, void *to, unsigned int len)
{
	unsigned int done = 0, n;

	while (done < len) {
		const u8 *from = part(vm, vcpu, address + done, len - done, &n);

		if (!from)
			break;
		memcpy((u8 *)to + done, from, n);
		done += n;
	}
	hide_breakpoints(vm, address, to, done);
	return done || !len ? (int)done : -EFAULT;
}

int debug_write(struct vm *vm, unsigned int vcpu, u64 address, const void *from, unsigned int len)
{
	unsigned int done = 0, n;

	while (done < len) {
		u8 *to = part(vm, vcpu, address + done, len - done, &n);

		if (!to)
			break;
		memcpy(to, (const u8 *)from + done, n);
		done += n;
	}
	return done || !len ? (int)done : -EFAULT;
}

static void print_one(unsigned int vcpu, const char *when, const struct debug_regs *r)
{
	static const char *const names[] = {
		"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	};

	fprintf(stderr, "vcpu%u registers %s: rip %016llx rflags %08llx cs %04x ss %04x", vcpu, when,
		(unsigned long long)r->rip, (unsigned long long)r->rflags, r->segment[0],
		r->segment[1]);
	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		fprintf(stderr, "%s%-3s %016llx", i % 4 ? "  " : "\n  ", names[i],
			(unsigned long long)r->gpr[i]);
	fprintf(stderr, "\n  fs  %016llx  gs  %016llx  cr2 %016llx  cr3 %016llx\n",
		(unsigned long long)r->fs_base, (unsigned long long)r->gs_base,
		(unsigned long long)r->cr2, (unsigned long long)r->cr3);
}

void debug_print_vcpu(struct vcpu *vcpu, const char *when)
{
	struct debug_regs regs;

	if (debug_get_regs(vcpu->vm, vcpu->index, &regs) == 0)
		print_one(vcpu->index, when, &regs);
}

void debug_print_registers(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		debug_print_vcpu(&vm->vcpus[i], "at the end");
}
