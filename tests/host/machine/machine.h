/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * machine.h - what the files of the machine share; private to this folder
 *
 *	main -> vm -> {kvm, boot, acpi, vcpu}    vcpu -> {cpuid, ports, synic}
 *	ports -> {serial, rtc, ioapic}    vcpu -> debug -> debug_state    dump -> debug_state
 */
#ifndef HOST_MACHINE_H
#define HOST_MACHINE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "machine/debug.h"
#include "machine/disturb.h"
#include "machine/vm.h"

struct ioapic;
struct kvm_run;
struct rtc;
struct serial;
struct synic;
struct synic_ops;

/** VCPU_EXIT_REASONS - exit reasons that are counted one by one; the last is "others" */
#define VCPU_EXIT_REASONS 48

/**
 * struct vcpu - one virtual CPU
 * @vm: the machine
 * @index: its number, APIC id and VP index at once
 * @fd: KVM's file, or -1
 * @run: the page shared with KVM, @run_size bytes
 * @thread: runs it, if @started
 * @held: it waits in debug_hold(); guarded by the machine's lock
 * @exits: how often KVM returned, by reason; written by @thread only
 */
struct vcpu {
	struct vm *vm;
	unsigned int index;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	atomic_bool started;
	bool held;
	u64 exits[VCPU_EXIT_REASONS];
};

/**
 * struct debug_breakpoint - a software breakpoint
 * @gpa: where its instruction is
 * @saved: the byte that the trap replaces
 */
struct debug_breakpoint {
	bool used;
	u8 saved;
	u64 address;
	u64 gpa;
};

/** struct debug_watch - a debug register; @len is 0 while it is free */
struct debug_watch {
	enum debug_kind kind;
	unsigned int len;
	u64 address;
};

/**
 * struct debug - what debug.c knows; guarded by the machine's lock, or by the pause
 * @fd: an eventfd, see debug_fd()
 * @pauses: the guest is paused while it is not 0; written with the lock
 * @stepping: the virtual CPU that executes one instruction in spite of one pause, or -1;
 *	written with the lock
 * @attached: breakpoints and steps are reported to us
 * @emulated: on QEMU's emulated processor
 * @trap: the instruction of a software breakpoint, which has one byte, as what it replaces may have
 * @stopped: @stop is new
 */
struct debug {
	int fd;
	atomic_uint pauses;
	atomic_int stepping;
	bool attached;
	bool emulated;
	u8 trap;
	bool stopped;
	struct debug_stop stop;
	struct debug_breakpoint breakpoints[DEBUG_BREAKPOINTS];
	struct debug_watch watches[DEBUG_WATCHES];
};

/**
 * struct vm - the machine
 * @cfg: as given to vm_create(), for the next boot; its strings are the caller's
 * @kvm_fd: /dev/kvm
 * @fd: KVM's virtual machine
 * @ram: guest RAM, from guest physical address 0
 * @ram_map: the mapping that @ram is the aligned part of
 * @entry: where the first virtual CPU starts
 * @stimer: the guest sees synthetic timers
 * @split: only the local APICs are KVM's
 * @ioapic: ours; used while @split
 * @crashed: the guest reported a crash; its reset is then a panic
 * @disturb_lock: guards @disturb; no other lock is taken inside
 * @lock: guards @state, @text; taken last of all locks
 * @changed: signalled when @state changes
 * @text: the state as a sentence
 */
struct vm {
	struct vm_config cfg;
	int kvm_fd;
	int fd;
	u8 *ram;
	u64 ram_size;
	void *ram_map;
	size_t ram_map_size;
	u64 entry;
	unsigned int nr_cpus;
	bool stimer;
	bool split;
	struct vcpu vcpus[VM_MAX_CPUS];
	FILE *console_file;
	struct serial *console;
	struct serial *agent;
	struct rtc *rtc;
	struct ioapic *ioapic;
	struct synic *synic;
	atomic_bool crashed;
	struct debug debug;
	pthread_mutex_t disturb_lock;
	struct disturb_plan disturb[DISTURB_KINDS];

	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum vm_state state;
	char text[160];
};

/**
 * vm_end() - the run is over; the first call wins
 * @state: a final state
 * @fmt: printf format of the sentence for people
 *
 * Context: any thread, with no lock of the machine held. Does not wait for the
 * virtual CPUs: each stops at its next exit, to which it is kicked.
 */
void vm_end(struct vm *vm, enum vm_state state, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* vcpu.c */

/** vcpu_init() - create a virtual CPU in its reset state. Return: 0, or -errno and a line. */
int vcpu_init(struct vcpu *vcpu, char *err, size_t errlen);

/** vcpu_start() - run it on a thread of its own. Return: 0 or -errno. */
int vcpu_start(struct vcpu *vcpu);

/** vcpu_kick() - make it look at the machine's state soon */
void vcpu_kick(struct vcpu *vcpu);

/** vcpu_join() - wait until its thread has ended; fine without one */
void vcpu_join(struct vcpu *vcpu);

/** vcpu_release() - vcpu_join() and free all; safe on one that vcpu_init() failed on */
void vcpu_release(struct vcpu *vcpu);

/* debug.c */

/** debug_init() / debug_release() - before the first virtual CPU, and after the last. Return: 0 or -errno. */
int debug_init(struct vm *vm);
void debug_release(struct vm *vm);

/** debug_reset() - the guest boots again: its memory has no breakpoints; a debugger must attach again */
void debug_reset(struct vm *vm);

/** debug_must_hold() - must this virtual CPU not run just now? A look without a lock. */
bool debug_must_hold(const struct vcpu *vcpu);

/**
 * debug_hold() - wait while the guest is paused
 *
 * Context: the virtual CPU's thread, when no access to a device is incomplete.
 */
void debug_hold(struct vcpu *vcpu);

/** debug_exit() - KVM reports a debug exception; on the virtual CPU's thread */
void debug_exit(struct vcpu *vcpu);

/**
 * debug_trap() - the guest has written to a port; maybe it was a breakpoint
 *
 * Context: the virtual CPU's thread. Return: whether it was one; then nothing is to be written.
 */
bool debug_trap(struct vcpu *vcpu);

/** debug_print_vcpu() - registers of one, for people; on its own thread, or as debug_print_registers() */
void debug_print_vcpu(struct vcpu *vcpu, const char *when);

/** debug_notify() - make debug_fd() readable */
void debug_notify(struct vm *vm);

/* kvm.c */

/**
 * kvm_open() - open /dev/kvm and check that it can run a Hyper-V guest
 *
 * Return: its descriptor, or -errno with a line in @err.
 */
int kvm_open(char *err, size_t errlen);

/** kvm_ioctl() - ioctl() that repeats on EINTR. Return: 0 or more, or -errno. */
int kvm_ioctl(int fd, unsigned long request, void *arg);

/** kvm_ioctl_num() - the same for requests that take a number */
int kvm_ioctl_num(int fd, unsigned long request, unsigned long arg);

/* cpuid.c */

/** cpuid_set() - give a virtual CPU its CPUID leaves. Return: 0 or -errno. */
int cpuid_set(struct vcpu *vcpu);

/* boot.c */

/**
 * boot_load() - put kernel, initramfs, command line and tables into RAM
 * @cfg: names of the files
 *
 * Return: 0, or -errno with a line in @err that names the file.
 */
int boot_load(struct vm *vm, const struct vm_config *cfg, char *err, size_t errlen);

/** boot_set_regs() - registers for the kernel's 64-bit entry point. Return: 0 or -errno. */
int boot_set_regs(struct vcpu *vcpu);

/* acpi.c */

/**
 * acpi_write() - write the ACPI tables into RAM
 * @cpus: number of virtual CPUs
 *
 * Return: guest physical address of the RSDP, or 0 if they do not fit.
 */
u64 acpi_write(struct vm *vm, unsigned int cpus);

/* ports.c */

/** port_access() - one or more accesses of @size bytes to an I/O port */
void port_access(struct vm *vm, bool out, u16 port, unsigned int size, void *data,
		 unsigned int count);

/** memory_access() - an access of @size bytes to guest physical memory where no RAM is */
void memory_access(struct vm *vm, bool write, u64 gpa, unsigned int size, void *data);

/** port_irq() - set the level of an interrupt line of the I/O APIC */
void port_irq(struct vm *vm, unsigned int gsi, bool level);

/* synic.c */

/**
 * synic_new() - make the SynIC's interrupt routes; after all vcpu_init()
 *
 * Return: it, or NULL with a line in @err.
 */
struct synic *synic_new(struct vm *vm, char *err, size_t errlen);

/** synic_attached() - what synic_attach() was given */
void synic_attached(const struct vm *vm, const struct synic_ops **ops, void **ctx);

/** synic_free() - after the virtual CPUs stopped; NULL is fine */
void synic_free(struct synic *synic);

/** synic_enable_vcpu() - turn KVM's SynIC on for a virtual CPU. Return: 0 or -errno. */
int synic_enable_vcpu(struct vcpu *vcpu);

/** synic_set_pages() - the guest wrote one of SCONTROL, SIEFP, SIMP */
void synic_set_pages(struct vm *vm, u32 vp, u64 control, u64 event_page, u64 message_page);

/* hypercall.c */

/**
 * hypercall() - a hypercall that KVM leaves to us
 * @input: the control word
 * @param: the two input registers: addresses, or the input itself when fast
 *
 * Return: the result word for the guest.
 */
u64 hypercall(struct vm *vm, u64 input, const u64 param[2]);

/** synic_post() / synic_signal() - hand a decoded hypercall to the bus */
u16 synic_post(struct vm *vm, u32 connection, u32 type, const void *payload, u32 len);
u16 synic_signal(struct vm *vm, u32 connection, u16 flag);

#endif
