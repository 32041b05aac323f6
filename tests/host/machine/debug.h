/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * debug.h - stop the guest, look at its processors and memory, go on
 *
 * The guest runs or is paused. While it is paused no virtual CPU executes, each
 * has completed its last access to a device, and registers and memory can be
 * read and written. Breakpoints and single steps pause it by themselves and are
 * reported by debug_next_stop(); they need debug_attach().
 *
 * One thread at a time may use these functions; others may pause the machine
 * meanwhile (pauses are counted). Errors are negative errno; -ESRCH means that
 * the guest has ended.
 */
#ifndef HVHOST_DEBUG_H
#define HVHOST_DEBUG_H

#include <stdbool.h>

#include "util/types.h"

struct vm;

/** DEBUG_BREAKPOINTS - most software breakpoints at one time */
#define DEBUG_BREAKPOINTS	256
/** DEBUG_WATCHES - hardware breakpoints and watchpoints of the processor */
#define DEBUG_WATCHES		4

/**
 * enum debug_kind - kinds of breakpoints
 * @DEBUG_SOFTWARE: an instruction, by a trap in its place
 * @DEBUG_HARDWARE: an instruction, by a debug register
 * @DEBUG_WRITE: writes of data
 * @DEBUG_ACCESS: reads and writes of data
 */
enum debug_kind {
	DEBUG_SOFTWARE,
	DEBUG_HARDWARE,
	DEBUG_WRITE,
	DEBUG_ACCESS,
};

/**
 * enum debug_reason - why the guest paused
 * @DEBUG_PAUSED: debug_pause()
 * @DEBUG_STEPPED: the end of debug_step()
 * @DEBUG_HIT: a breakpoint
 */
enum debug_reason {
	DEBUG_PAUSED,
	DEBUG_STEPPED,
	DEBUG_HIT,
};

/**
 * struct debug_stop - a pause that the guest ran into
 * @vcpu: the virtual CPU
 * @reason: why
 * @kind: kind of the breakpoint, for DEBUG_HIT
 * @address: of the breakpoint, for DEBUG_HIT
 */
struct debug_stop {
	unsigned int vcpu;
	enum debug_reason reason;
	enum debug_kind kind;
	u64 address;
};

/**
 * struct debug_regs - registers of a virtual CPU, as debuggers want them
 * @gpr: rax rbx rcx rdx rsi rdi rbp rsp r8 to r15
 * @segment: cs ss ds es fs gs
 */
struct debug_regs {
	u64 gpr[16];
	u64 rip;
	u64 rflags;
	u16 segment[6];
	u64 fs_base;
	u64 gs_base;
	u64 cr0, cr2, cr3, cr4, efer;
};

/**
 * debug_pause() - pause the guest
 *
 * Context: not a virtual CPU's thread.
 * Return: 0 when no virtual CPU executes; -ESRCH, then the registers can be read all the same.
 */
int debug_pause(struct vm *vm);

/** debug_resume() - take back one debug_pause(), or a pause that debug_next_stop() returned */
void debug_resume(struct vm *vm);

/**
 * debug_attach() / debug_detach() - let breakpoints and steps work; all are removed at the end
 *
 * Context: the guest is paused.
 * Return: 0, or -errno from KVM.
 */
int debug_attach(struct vm *vm);
void debug_detach(struct vm *vm);

/** debug_fd() - readable when debug_next_stop() has something, or the guest has ended */
int debug_fd(struct vm *vm);

/** debug_next_stop() - Return: whether the guest has paused by itself; @stop has why */
bool debug_next_stop(struct vm *vm, struct debug_stop *stop);

/**
 * debug_step() - let one virtual CPU execute one instruction, and no other run
 *
 * Context: the guest is paused, by one pause, and attached; debug_next_stop() reports the end.
 */
int debug_step(struct vm *vm, unsigned int vcpu);

/** debug_interrupt() - as debug_pause(), for the one who steps: also ends a step that does not end */
int debug_interrupt(struct vm *vm);

/**
 * debug_insert() / debug_remove() - breakpoints; @len is bytes of data
 *
 * Return: 0; -ENOSPC: there are no more; -EOPNOTSUPP: not of this kind, on this processor.
 */
int debug_insert(struct vm *vm, enum debug_kind kind, u64 address, unsigned int len);
int debug_remove(struct vm *vm, enum debug_kind kind, u64 address, unsigned int len);

/** debug_get_regs() / debug_set_regs() - the control registers are not written */
int debug_get_regs(struct vm *vm, unsigned int vcpu, struct debug_regs *regs);
int debug_set_regs(struct vm *vm, unsigned int vcpu, const struct debug_regs *regs);

/**
 * debug_translate() - guest physical address of a virtual one, as this virtual CPU has it mapped
 *
 * Return: 0, or -EFAULT.
 */
int debug_translate(struct vm *vm, unsigned int vcpu, u64 address, u64 *gpa);

/**
 * debug_read() / debug_write() - memory at a virtual address
 *
 * Software breakpoints are not seen in what is read. A write may be read-only to the guest.
 * Return: bytes, up to the first that is not mapped to RAM; -EFAULT if that is the first.
 */
int debug_read(struct vm *vm, unsigned int vcpu, u64 address, void *to, unsigned int len);
int debug_write(struct vm *vm, unsigned int vcpu, u64 address, const void *from, unsigned int len);

/**
 * debug_print_registers() - all registers of all virtual CPUs, for people
 *
 * Context: the guest is paused, or has ended and is joined.
 */
void debug_print_registers(struct vm *vm);

/**
 * debug_dump() - write an ELF core of the guest, for gdb, crash and drgn
 * @path: the file; written from its beginning to its end
 * @err: receives one line on failure
 *
 * Has a note with the registers of each processor, the kernel's VMCOREINFO if it has one, and all
 * RAM, at the virtual addresses at which the kernel has it mapped.
 *
 * Context: the guest is paused, or has ended and is joined.
 * Return: 0 or -errno.
 */
int debug_dump(struct vm *vm, const char *path, char *err, unsigned int errlen);

#endif
