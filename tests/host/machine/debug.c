// SPDX-License-Identifier: GPL-2.0-only
/*
 * debug.c - pauses, breakpoints and single steps
 *
 * A pause is a count in struct vm. A virtual CPU's thread looks at it before each
 * KVM_RUN. If it is not 0, it has KVM complete the last access to a device without
 * entering the guest, and waits; only then other threads can use its file, which
 * KVM_RUN locks. A virtual CPU that hits a breakpoint adds a pause itself.
 *
 * A software breakpoint is INT3. QEMU's emulated processor does not report one to KVM
 * (it takes INT3 for a software interrupt, which is not intercepted), and knows no
 * debug registers in a guest; there it is OUT to whatever port DX names. All ports must be
 * ours then: KVM's interrupt controllers would take some (struct vm_config, own_ioapic).
 *
 * Numbers: KVM's api.rst, KVM_SET_GUEST_DEBUG; the debug registers: AMD's manual.
 */
#include "machine/debug.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine/cpuid_leaves.h"
#include "machine/machine.h"

#define INT3		0xcc
#define OUT_DX_AL	0xee
/* KVM goes behind an OUT to this port before it reports it, as it always has. */
#define PORT_BEHIND	0x7e
#define BP_VECTOR	3
#define DR6_HIT(dr6, i)	((dr6) >> (i) & 1)
#define DR6_STEP	(1ull << 14)
#define DR7_ENABLE(i)	(2ull << 2 * (i))
#define DR7_FIXED	0x400
#define DR7_TYPE(i, t)	((u64)(t) << (16 + 4 * (i)))
#define DR7_LEN(i, l)	((u64)(l) << (18 + 4 * (i)))

/* Types of a debug register */
#define ON_EXECUTE	0
#define ON_WRITE	1
#define ON_ACCESS	3

int debug_init(struct vm *vm)
{
	vm->debug.emulated = cpuid_is_emulated();
	vm->debug.trap = vm->debug.emulated ? OUT_DX_AL : INT3;
	vm->debug.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return vm->debug.fd < 0 ? -errno : 0;
}

void debug_reset(struct vm *vm)
{
	memset(vm->debug.breakpoints, 0, sizeof(vm->debug.breakpoints));
	memset(vm->debug.watches, 0, sizeof(vm->debug.watches));
	atomic_store(&vm->debug.stepping, -1);
	vm->debug.attached = false;
	vm->debug.stopped = false;
}

void debug_release(struct vm *vm)
{
	if (vm->debug.fd >= 0)
		close(vm->debug.fd);
}

/* ---- pausing ---- */

void debug_notify(struct vm *vm)
{
	const u64 one = 1;

	/* It cannot fail: the counter never gets near its maximum. */
	if (write(vm->debug.fd, &one, sizeof(one)) < 0)
		perror("debug eventfd");
}

bool debug_must_hold(const struct vcpu *vcpu)
{
	const struct vm *vm = vcpu->vm;
	const unsigned int pauses = atomic_load(&vm->debug.pauses);

	return pauses && !(pauses == 1 && atomic_load(&vm->debug.stepping) == (int)vcpu->index);
}

void debug_hold(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;

	pthread_mutex_lock(&vm->lock);
	vcpu->held = true;
	pthread_cond_broadcast(&vm->changed);
	while (vm->state == VM_RUNNING && debug_must_hold(vcpu))
		pthread_cond_wait(&vm->changed, &vm->lock);
	vcpu->held = false;
	/* Whoever ends the machine changes its state before it kicks: the caller looks at that now. */
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&vm->lock);
}

/* With the lock held. */
static void add_pause(struct vm *vm)
{
	atomic_fetch_add(&vm->debug.pauses, 1);
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		vcpu_kick(&vm->vcpus[i]);
}

static bool all_held(const struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_cpus; i++) {
		if (vm->vcpus[i].started && !vm->vcpus[i].held)
			return false;
	}
	return true;
}

/* With the lock held. */
static int wait_held(struct vm *vm)
{
	while (vm->state == VM_RUNNING && !all_held(vm))
		pthread_cond_wait(&vm->changed, &vm->lock);
	return vm->state > VM_RUNNING || vm->state == VM_OFF ? -ESRCH : 0;
}

int debug_pause(struct vm *vm)
{
	int ret;

	pthread_mutex_lock(&vm->lock);
	add_pause(vm);
	ret = wait_held(vm);
	pthread_mutex_unlock(&vm->lock);
	return ret;
}

void debug_resume(struct vm *vm)
{
	pthread_mutex_lock(&vm->lock);
	if (atomic_load(&vm->debug.pauses))
		atomic_fetch_sub(&vm->debug.pauses, 1);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

int debug_fd(struct vm *vm)
{
	return vm->debug.fd;
}

bool debug_next_stop(struct vm *vm, struct debug_stop *stop)
{
	u64 count;
	bool found;

	pthread_mutex_lock(&vm->lock);
	if (read(vm->debug.fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		perror("debug eventfd");
	found = vm->debug.stopped;
	if (found) {
		*stop = vm->debug.stop;
		vm->debug.stopped = false;
		wait_held(vm);
	}
	pthread_mutex_unlock(&vm->lock);
	return found;
}

/* ---- breakpoints ---- */

static unsigned int hardware_type(enum debug_kind kind)
{
	return kind == DEBUG_HARDWARE ? ON_EXECUTE : kind == DEBUG_WRITE ? ON_WRITE : ON_ACCESS;
}

static int arm(struct vm *vm, unsigned int vcpu, u32 more)
{
	struct kvm_guest_debug debug = { .control = more };

	if (vm->debug.attached)
		debug.control |= KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	for (unsigned int i = 0; vm->debug.attached && i < DEBUG_WATCHES; i++) {
		const struct debug_watch *watch = &vm->debug.watches[i];

		if (!watch->len)
			continue;
		debug.control |= KVM_GUESTDBG_USE_HW_BP;
		debug.arch.debugreg[i] = watch->address;
		debug.arch.debugreg[7] |= DR7_FIXED | DR7_ENABLE(i) |
			DR7_TYPE(i, hardware_type(watch->kind)) |
			DR7_LEN(i, watch->len == 8 ? 2 : watch->len - 1);
	}
	return kvm_ioctl(vm->vcpus[vcpu].fd, KVM_SET_GUEST_DEBUG, &debug);
}

static int arm_all(struct vm *vm)
{
	int ret = 0;

	for (unsigned int i = 0; i < vm->nr_cpus && ret >= 0; i++)
		ret = arm(vm, i, 0);
	return ret < 0 ? ret : 0;
}

int debug_attach(struct vm *vm)
{
	vm->debug.attached = true;
	return arm_all(vm);
}

void debug_detach(struct vm *vm)
{
	for (unsigned int i = 0; i < DEBUG_BREAKPOINTS; i++) {
		if (vm->debug.breakpoints[i].used)
			debug_remove(vm, DEBUG_SOFTWARE, vm->debug.breakpoints[i].address, 1);
	}
	memset(vm->debug.watches, 0, sizeof(vm->debug.watches));
	vm->debug.attached = false;
	arm_all(vm);
}

static struct debug_breakpoint *find(struct vm *vm, u64 address)
{
	for (unsigned int i = 0; i < DEBUG_BREAKPOINTS; i++) {
		if (vm->debug.breakpoints[i].used && vm->debug.breakpoints[i].address == address)
			return &vm->debug.breakpoints[i];
	}
	return NULL;
}

static int insert_software(struct vm *vm, u64 address)
{
	struct debug_breakpoint *bp = vm->debug.breakpoints;
	u8 *byte;
	u64 gpa;

	if (find(vm, address))
		return 0;
	while (bp < vm->debug.breakpoints + DEBUG_BREAKPOINTS && bp->used)
		bp++;
	if (bp == vm->debug.breakpoints + DEBUG_BREAKPOINTS)
		return -ENOSPC;
	if (debug_translate(vm, 0, address, &gpa) < 0)
		return -EFAULT;
	byte = vm_mem(vm, gpa, 1);
	if (!byte)
		return -EFAULT;
	*bp = (struct debug_breakpoint){ .used = true, .address = address, .gpa = gpa, .saved = *byte };
	*byte = vm->debug.trap;
	return 0;
}

static int remove_software(struct vm *vm, u64 address)
{
	struct debug_breakpoint *bp = find(vm, address);
	u8 *byte;

	if (!bp)
		return -ENOENT;
	bp->used = false;
	byte = vm_mem(vm, bp->gpa, 1);
	/* A module that is gone has left its memory to others. */
	if (byte && *byte == vm->debug.trap)
		*byte = bp->saved;
	return 0;
}

static bool is_watch(const struct debug_watch *watch, enum debug_kind kind, u64 address,
		     unsigned int len)
{
	return watch->len == len && watch->kind == kind && watch->address == address;
}

int debug_insert(struct vm *vm, enum debug_kind kind, u64 address, unsigned int len)
{
	if (kind == DEBUG_SOFTWARE)
		return insert_software(vm, address);
	if (vm->debug.emulated)
		return -EOPNOTSUPP;
	if (kind == DEBUG_HARDWARE)
		len = 1;
	if ((len != 1 && len != 2 && len != 4 && len != 8) || address % len)
		return -EINVAL;
	for (unsigned int i = 0; i < DEBUG_WATCHES; i++) {
		if (is_watch(&vm->debug.watches[i], kind, address, len))
			return 0;
		if (vm->debug.watches[i].len)
			continue;
		vm->debug.watches[i] = (struct debug_watch){ .kind = kind, .address = address,
							     .len = len };
		return arm_all(vm);
	}
	return -ENOSPC;
}

int debug_remove(struct vm *vm, enum debug_kind kind, u64 address, unsigned int len)
{
	if (kind == DEBUG_SOFTWARE)
		return remove_software(vm, address);
	if (kind == DEBUG_HARDWARE)
		len = 1;
	for (unsigned int i = 0; i < DEBUG_WATCHES; i++) {
		if (!len || !is_watch(&vm->debug.watches[i], kind, address, len))
			continue;
		vm->debug.watches[i].len = 0;
		return arm_all(vm);
	}
	return -ENOENT;
}

int debug_step(struct vm *vm, unsigned int vcpu)
{
	const int irqs = kvm_ioctl_num(vm->kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_SET_GUEST_DEBUG2);
	/* Or each step ends in an interrupt handler: time goes on while the guest is paused. */
	const u32 block = irqs > 0 ? irqs & KVM_GUESTDBG_BLOCKIRQ : 0;
	int ret;

	ret = arm(vm, vcpu, KVM_GUESTDBG_SINGLESTEP | block);
	if (ret < 0)
		return ret;
	pthread_mutex_lock(&vm->lock);
	atomic_store(&vm->debug.stepping, (int)vcpu);
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

int debug_interrupt(struct vm *vm)
{
	int ret = debug_pause(vm);
	int vcpu;

	pthread_mutex_lock(&vm->lock);
	vcpu = atomic_exchange(&vm->debug.stepping, -1);
	/* A breakpoint or the end of a step was faster: its pause is the one that counts. */
	if (vcpu >= 0 || vm->debug.stopped)
		atomic_fetch_sub(&vm->debug.pauses, 1);
	pthread_mutex_unlock(&vm->lock);
	if (vcpu >= 0)
		arm(vm, vcpu, 0);
	return ret;
}

/* Which watch a debug exception was for, or NULL. */
static const struct debug_watch *hit(const struct vm *vm, u64 dr6)
{
	for (unsigned int i = 0; i < DEBUG_WATCHES; i++) {
		if (DR6_HIT(dr6, i) && vm->debug.watches[i].len)
			return &vm->debug.watches[i];
	}
	return NULL;
}

/* With the lock held. */
static void stop_here(struct vcpu *vcpu, const struct debug_stop *stop)
{
	struct vm *vm = vcpu->vm;

	if (atomic_load(&vm->debug.stepping) == (int)vcpu->index) {
		atomic_store(&vm->debug.stepping, -1);	/* its pause still counts */
	} else if (!vm->debug.stopped) {
		add_pause(vm);
	} else {
		/* The other is reported; this one runs into its breakpoint again. */
		return;
	}
	vm->debug.stop = *stop;
	vm->debug.stopped = true;
	debug_notify(vm);
}

void debug_exit(struct vcpu *vcpu)
{
	const struct kvm_debug_exit_arch *arch = &vcpu->run->debug.arch;
	struct vm *vm = vcpu->vm;
	struct debug_stop stop = { .vcpu = vcpu->index, .reason = DEBUG_STEPPED };
	const struct debug_watch *watch = NULL;

	pthread_mutex_lock(&vm->lock);
	if (arch->exception == BP_VECTOR && !find(vm, arch->pc)) {
		/* The guest's own, as the kernel uses it to change its code. */
		pthread_mutex_unlock(&vm->lock);
		arm(vm, vcpu->index, KVM_GUESTDBG_INJECT_BP);
		return;
	}
	if (arch->exception != BP_VECTOR)
		watch = hit(vm, arch->dr6);
	if (arch->exception == BP_VECTOR || watch) {
		stop.reason = DEBUG_HIT;
		stop.kind = watch ? watch->kind : DEBUG_SOFTWARE;
		stop.address = watch ? watch->address : arch->pc;
	}
	stop_here(vcpu, &stop);
	pthread_mutex_unlock(&vm->lock);
	/* A step is over. */
	arm(vm, vcpu->index, 0);
}

bool debug_trap(struct vcpu *vcpu)
{
	struct vm *vm = vcpu->vm;
	struct debug_stop stop = { .vcpu = vcpu->index, .reason = DEBUG_HIT, .kind = DEBUG_SOFTWARE };
	const bool behind = vcpu->run->io.port == PORT_BEHIND;
	struct kvm_regs regs;
	bool found;

	if (!vm->debug.attached || !vm->debug.emulated || kvm_ioctl(vcpu->fd, KVM_GET_REGS, &regs) < 0)
		return false;
	stop.address = regs.rip - behind;
	pthread_mutex_lock(&vm->lock);
	found = find(vm, stop.address);
	pthread_mutex_unlock(&vm->lock);
	if (!found)
		return false;
	/* KVM goes behind the instruction when it completes the access. */
	__atomic_store_n(&vcpu->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
	ioctl(vcpu->fd, KVM_RUN, 0);
	__atomic_store_n(&vcpu->run->immediate_exit, 0, __ATOMIC_SEQ_CST);
	regs.rip = stop.address;
	kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
	pthread_mutex_lock(&vm->lock);
	stop_here(vcpu, &stop);
	pthread_mutex_unlock(&vm->lock);
	return true;
}
