// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu.c - virtual CPUs: creation, the run loop, and what each exit means
 */
#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/machine.h"

/* Interrupts KVM_RUN; sent to a virtual CPU's thread only. */
#define KICK_SIGNAL	SIGUSR1

#define MSR_MISC_ENABLE		0x1a0
#define MISC_ENABLE_FAST_STRING	0x01
#define MSR_MTRR_DEF_TYPE	0x2ff
#define MTRR_ENABLED_WB		0xc06	/* as firmware leaves it: all RAM write-back */

static void on_kick(int sig)
{
	(void)sig;
}

static int set_reset_msrs(struct vcpu *vcpu)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WB },
	};
	struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(entries));
	int ret;

	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = ARRAY_SIZE(entries);
	memcpy(msrs->entries, entries, sizeof(entries));
	ret = kvm_ioctl(vcpu->fd, KVM_SET_MSRS, msrs);
	free(msrs);
	/* It says how many it has taken, and stops at the first that it does not. */
	if (ret >= 0 && ret < (int)ARRAY_SIZE(entries))
		fprintf(stderr, "hvhost: KVM does not take MSR %#x: the guest may be slower\n",
			entries[ret].index);
	return ret < 0 ? ret : 0;
}

static int map_run(struct vcpu *vcpu)
{
	int size = kvm_ioctl_num(vcpu->vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	void *run;

	if (size < 0)
		return size;
	run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu->fd, 0);
	if (run == MAP_FAILED)
		return -errno;
	vcpu->run = run;
	vcpu->run_size = size;
	return 0;
}

int vcpu_init(struct vcpu *vcpu, char *err, size_t errlen)
{
	const char *step = "KVM_CREATE_VCPU";
	int ret;

	ret = vcpu->fd = kvm_ioctl_num(vcpu->vm->fd, KVM_CREATE_VCPU, vcpu->index);
	if (ret >= 0) {
		step = "mapping its page";
		ret = map_run(vcpu);
	}
	if (ret >= 0) {
		step = "KVM_CAP_HYPERV_SYNIC2";
		ret = synic_enable_vcpu(vcpu);
	}
	if (ret >= 0) {
		step = "setting CPUID";
		ret = cpuid_set(vcpu);
	}
	if (ret >= 0) {
		step = "KVM_SET_MSRS";
		ret = set_reset_msrs(vcpu);
	}
	if (ret < 0)
		snprintf(err, errlen, "virtual CPU %u: %s failed (%s)", vcpu->index, step,
			 strerror(-ret));
	return ret;
}

static void report_stuck(struct vcpu *vcpu, const char *what, u64 code)
{
	struct kvm_regs regs = { 0 };

	kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs);
	vm_end(vcpu->vm, VM_FAILED, "virtual CPU %u: %s (%#llx) at rip %#llx", vcpu->index, what,
	       (unsigned long long)code, (unsigned long long)regs.rip);
}

static void handle_io(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	if (run->io.direction == KVM_EXIT_IO_OUT && debug_trap(vcpu))
		return;
	port_access(vcpu->vm, run->io.direction == KVM_EXIT_IO_OUT, run->io.port, run->io.size,
		    (u8 *)run + run->io.data_offset, run->io.count);
}

static void handle_mmio(struct vcpu *vcpu)
{
	struct kvm_run *run = vcpu->run;

	memory_access(vcpu->vm, run->mmio.is_write, run->mmio.phys_addr, run->mmio.len, run->mmio.data);
}

static void handle_hyperv(struct vcpu *vcpu)
{
	struct kvm_hyperv_exit *hv = &vcpu->run->hyperv;
	const u64 param[2] = { hv->u.hcall.params[0], hv->u.hcall.params[1] };

	switch (hv->type) {
	case KVM_EXIT_HYPERV_SYNIC:
		synic_set_pages(vcpu->vm, vcpu->index, hv->u.synic.control,
				hv->u.synic.evt_page, hv->u.synic.msg_page);
		break;
	case KVM_EXIT_HYPERV_HCALL:
		hv->u.hcall.result = hypercall(vcpu->vm, hv->u.hcall.input, param);
		break;
	default:
		report_stuck(vcpu, "unknown Hyper-V exit", hv->type);
	}
}

static void handle_system_event(struct vcpu *vcpu)
{
	switch (vcpu->run->system_event.type) {
	case KVM_SYSTEM_EVENT_CRASH:
		/* The guest has more to print; the reset that follows ends the run. */
		vcpu->vm->crashed = true;
		debug_print_vcpu(vcpu, "at the crash");
		break;
	case KVM_SYSTEM_EVENT_RESET:
		vm_end(vcpu->vm, vcpu->vm->crashed ? VM_PANIC : VM_RESET,
		       "the guest asked the hypervisor for a reset");
		break;
	default:
		report_stuck(vcpu, "unknown system event", vcpu->run->system_event.type);
	}
}

static void handle_exit(struct vcpu *vcpu)
{
	const struct kvm_run *run = vcpu->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		handle_io(vcpu);
		break;
	case KVM_EXIT_MMIO:
		handle_mmio(vcpu);
		break;
	case KVM_EXIT_HYPERV:
		handle_hyperv(vcpu);
		break;
	case KVM_EXIT_SYSTEM_EVENT:
		handle_system_event(vcpu);
		break;
	case KVM_EXIT_DEBUG:
		debug_exit(vcpu);
		break;
	case KVM_EXIT_INTR:
		break;
	case KVM_EXIT_SHUTDOWN:
		vm_end(vcpu->vm, VM_TRIPLE_FAULT, "virtual CPU %u shut down (triple fault)",
		       vcpu->index);
		break;
	case KVM_EXIT_FAIL_ENTRY:
		report_stuck(vcpu, "cannot be entered",
			     run->fail_entry.hardware_entry_failure_reason);
		break;
	case KVM_EXIT_INTERNAL_ERROR:
		report_stuck(vcpu, "KVM internal error", run->internal.suberror);
		break;
	default:
		report_stuck(vcpu, "unhandled exit", run->exit_reason);
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *vcpu = arg;
	char name[16];

	snprintf(name, sizeof(name), "vcpu%u", vcpu->index);
	pthread_setname_np(pthread_self(), name);
	while (vm_state(vcpu->vm) == VM_RUNNING) {
		u32 reason;

		/* So KVM completes the last access to a device, and does not enter the guest. */
		if (debug_must_hold(vcpu))
			__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
		if (ioctl(vcpu->fd, KVM_RUN, 0) < 0) {
			/* Kicked, or a virtual CPU that waits for its start-up message. */
			if (errno == EINTR || errno == EAGAIN) {
				if (debug_must_hold(vcpu))
					debug_hold(vcpu);
				continue;
			}
			report_stuck(vcpu, strerror(errno), errno);
			break;
		}
		reason = vcpu->run->exit_reason;
		vcpu->exits[reason < VCPU_EXIT_REASONS ? reason : VCPU_EXIT_REASONS - 1]++;
		handle_exit(vcpu);
	}
	return NULL;
}

int vcpu_start(struct vcpu *vcpu)
{
	struct sigaction sa = { .sa_handler = on_kick };
	int ret;

	sigaction(KICK_SIGNAL, &sa, NULL);
	ret = pthread_create(&vcpu->thread, NULL, vcpu_thread, vcpu);
	vcpu->started = ret == 0;
	return -ret;
}

void vcpu_kick(struct vcpu *vcpu)
{
	if (!vcpu->run)
		return;
	/* Set first: a thread between its check and KVM_RUN must not miss it. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	if (vcpu->started && !pthread_equal(vcpu->thread, pthread_self()))
		pthread_kill(vcpu->thread, KICK_SIGNAL);
}

void vcpu_join(struct vcpu *vcpu)
{
	if (vcpu->started)
		pthread_join(vcpu->thread, NULL);
	vcpu->started = false;
}

void vcpu_release(struct vcpu *vcpu)
{
	vcpu_join(vcpu);
	if (vcpu->run)
		munmap(vcpu->run, vcpu->run_size);
	vcpu->run = NULL;
	if (vcpu->fd >= 0)
		close(vcpu->fd);
	vcpu->fd = -1;
}
