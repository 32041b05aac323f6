/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vm.h - the virtual machine: one guest on /dev/kvm, from creation to its end
 *
 * A machine is created stopped, gets its bus attached (synic.h), is started and
 * ends; vm_power_on() boots it again. It has guest RAM from address 0, one to
 * VM_MAX_CPUS virtual CPUs with a thread each, two serial ports and the few
 * registers that Linux needs to start and to stop. It has no PCI, PIT or disk.
 *
 * How a boot ends is a state that the guest (or vm_stop()) reaches exactly once:
 * every blocking call below returns then, so no caller needs a timeout to
 * survive a guest that died.
 *
 * All functions may be called from any thread, except vm_create(), vm_start(),
 * vm_power_on() and vm_destroy(), which belong to one owner. Errors are negative errno.
 */
#ifndef HVHOST_VM_H
#define HVHOST_VM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "util/types.h"

/** VM_MAX_CPUS - most virtual CPUs of a machine (one Hyper-V VP bank is 64) */
#define VM_MAX_CPUS	16
/** VM_MIN_MEM_MIB - least guest RAM with which a distribution kernel starts */
#define VM_MIN_MEM_MIB	128
/** VM_MAX_MEM_MIB - RAM is one range and must end below the APIC registers */
#define VM_MAX_MEM_MIB	3072

struct vm;

/**
 * enum vm_state - where in its life the machine is
 * @VM_CREATED: not started
 * @VM_OFF: the power was cut; vm_power_on() boots it again
 * @VM_RUNNING: the guest runs
 * @VM_POWEROFF: the guest entered S5; the only good end
 * @VM_RESET: the guest asked for a reset (reboot)
 * @VM_PANIC: the guest's kernel panicked (Hyper-V crash registers, or console)
 * @VM_TRIPLE_FAULT: a virtual CPU shut down
 * @VM_FAILED: KVM or the host could not go on; vm_state_text() says why
 * @VM_STOPPED: vm_stop() ended it
 */
enum vm_state {
	VM_CREATED,
	VM_OFF,
	VM_RUNNING,
	VM_POWEROFF,
	VM_RESET,
	VM_PANIC,
	VM_TRIPLE_FAULT,
	VM_FAILED,
	VM_STOPPED,
};

/**
 * struct vm_config - what to build and boot; strings stay the caller's
 * @kernel: path of an x86-64 bzImage
 * @initrd: path of the initramfs, or NULL
 * @append: words added to the kernel's command line, or NULL
 * @console: file that receives the first serial port's output, "-" for standard
 *	error, or NULL
 * @cpus: number of virtual CPUs, 1 to VM_MAX_CPUS
 * @mem_mib: guest RAM in MiB, VM_MIN_MEM_MIB to VM_MAX_MEM_MIB
 * @stimer: offer Hyper-V's synthetic timers to the guest
 * @own_ioapic: do without KVM's I/O APIC, as where it has none
 */
struct vm_config {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *console;
	unsigned int cpus;
	unsigned int mem_mib;
	bool stimer;
	bool own_ioapic;
};

/**
 * vm_create() - build a machine and load the guest into it
 * @cfg: what to build; not needed after the call
 * @err: receives one line that names what failed and the remedy
 * @errlen: size of @err in bytes
 *
 * Return: the machine, to be released with vm_destroy(), or NULL.
 */
struct vm *vm_create(const struct vm_config *cfg, char *err, size_t errlen);

/** vm_start() - let the guest run. Return: 0, or a negative errno. */
int vm_start(struct vm *vm);

/**
 * vm_power_off() - stop the guest where it is; no effect unless it runs
 *
 * Context: any thread, also a virtual CPU's. Does not wait until all of them have stopped:
 * see vm_join().
 */
void vm_power_off(struct vm *vm);

/**
 * vm_power_on() - boot the guest from the beginning, with memory that is all zero
 * @err: receives one line if it fails
 * @errlen: size of @err in bytes
 *
 * After vm_power_off() or the guest's end, and vm_join(). The bus stays attached. Pointers from
 * vm_mem() stay valid. The console's output goes on; what the agent's line held is forgotten.
 *
 * Return: false if the machine cannot be made; it has ended then.
 */
bool vm_power_on(struct vm *vm, char *err, size_t errlen);

/** vm_stop() - end the run from outside; no effect once the guest has ended */
void vm_stop(struct vm *vm);

/** vm_join() - vm_stop(), and wait until no virtual CPU runs: the bus is not called again */
void vm_join(struct vm *vm);

/** vm_destroy() - vm_join() and release everything; NULL is fine */
void vm_destroy(struct vm *vm);

/** vm_probe() - can this machine run guests? Return: as vm_create(): true, or a line in @err */
bool vm_probe(char *err, size_t errlen);

/** vm_state() - the state just now */
enum vm_state vm_state(struct vm *vm);

/** vm_ended() - the guest has reached a final state */
bool vm_ended(struct vm *vm);

/** vm_crashing() - the guest has reported a crash, or printed one, and has not ended yet */
bool vm_crashing(struct vm *vm);

/** vm_state_text() - one line about the state, for people; valid as long as @vm */
const char *vm_state_text(struct vm *vm);

/** vm_state_name() - short fixed word for a state: "running", "poweroff", ... */
const char *vm_state_name(enum vm_state state);

/**
 * vm_wait() - wait for the guest's end
 * @timeout_ms: milliseconds, or -1 for ever
 *
 * Return: the state when it ended or when the time was over.
 */
enum vm_state vm_wait(struct vm *vm, int timeout_ms);

/** vm_cpus() - number of virtual CPUs; their VP indexes are 0 to this - 1 */
unsigned int vm_cpus(const struct vm *vm);

/**
 * vm_mem() - the host's view of a range of guest RAM
 * @gpa: guest physical address, any alignment
 * @len: bytes, not 0
 *
 * The memory is shared with a running, untrusted guest: copy what must not
 * change between check and use. Valid until vm_destroy().
 *
 * Return: a pointer, or NULL unless all of the range is guest RAM.
 */
void *vm_mem(struct vm *vm, u64 gpa, u64 len);

/**
 * vm_agent_write() - send bytes to the guest's second serial port
 *
 * Queues all of @len bytes and returns at once; the guest takes them as it reads.
 *
 * Return: 0, or -EPIPE when the guest has ended, -ENOBUFS when it does not read.
 */
int vm_agent_write(struct vm *vm, const void *data, size_t len);

/**
 * vm_agent_read() - take bytes that the guest wrote to its second serial port
 * @timeout_ms: milliseconds to wait for the first byte, or -1 for ever
 *
 * Return: 1 to @len bytes taken, -ETIMEDOUT, or -EPIPE when the guest has ended
 * and everything it wrote has been taken.
 */
ssize_t vm_agent_read(struct vm *vm, void *data, size_t len, int timeout_ms);

/**
 * vm_console_wait() - wait for a text on the guest's console
 * @text: plain text (no pattern), not empty
 * @from: offset in the console's output to search from (0 is its beginning)
 * @timeout_ms: milliseconds, 0 to look once, -1 for ever
 *
 * Return: the offset just behind the first match, to go on from there;
 * -ETIMEDOUT, or -EPIPE when the guest has ended without writing it.
 */
ssize_t vm_console_wait(struct vm *vm, const char *text, size_t from, int timeout_ms);

/** vm_console_size() - bytes that the console has written so far */
size_t vm_console_size(struct vm *vm);

/**
 * vm_console_copy() - copy console output from offset @from
 *
 * Return: bytes copied, 0 when there is nothing behind @from. No NUL is added.
 */
size_t vm_console_copy(struct vm *vm, size_t from, char *buf, size_t len);

/**
 * vm_print_stats() - exit counts of each virtual CPU, and after vm_join() where it
 * stopped, on standard error; for measuring and for guests that hang
 */
void vm_print_stats(struct vm *vm);

#endif
