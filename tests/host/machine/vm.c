// SPDX-License-Identifier: GPL-2.0-only
/*
 * vm.c - the machine: built, started, ended, booted again, taken apart
 */
#include "machine/vm.h"

#include <errno.h>
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/ioapic.h"
#include "machine/layout.h"
#include "machine/machine.h"
#include "machine/rtc.h"
#include "machine/serial.h"
#include "machine/synic.h"
#include "util/waiting.h"

#define HUGE_PAGE	(2ull << 20)

static const char *const state_names[] = {
	[VM_CREATED] = "created",
	[VM_OFF] = "off",
	[VM_RUNNING] = "running",
	[VM_POWEROFF] = "poweroff",
	[VM_RESET] = "reset",
	[VM_PANIC] = "panic",
	[VM_TRIPLE_FAULT] = "triple-fault",
	[VM_FAILED] = "failed",
	[VM_STOPPED] = "stopped",
};

static void console_irq(void *ctx, bool level)
{
	port_irq(ctx, LAYOUT_COM1_IRQ, level);
}

static void agent_irq(void *ctx, bool level)
{
	port_irq(ctx, LAYOUT_COM2_IRQ, level);
}

static void send_message(void *ctx, u32 address, u32 data)
{
	struct vm *vm = ctx;
	struct kvm_msi msi = { .address_lo = address, .data = data };

	kvm_ioctl(vm->fd, KVM_SIGNAL_MSI, &msi);
}

static int check_config(const struct vm_config *cfg, char *err, size_t errlen)
{
	if (cfg->cpus < 1 || cfg->cpus > VM_MAX_CPUS) {
		snprintf(err, errlen, "%u virtual CPUs are not possible, 1 to %u are", cfg->cpus,
			 VM_MAX_CPUS);
		return -EINVAL;
	}
	if (cfg->mem_mib < VM_MIN_MEM_MIB || cfg->mem_mib > VM_MAX_MEM_MIB) {
		snprintf(err, errlen, "%u MiB of RAM are not possible, %u to %u are",
			 cfg->mem_mib, VM_MIN_MEM_MIB, VM_MAX_MEM_MIB);
		return -EINVAL;
	}
	return 0;
}

static int add_ram(struct vm *vm, char *err, size_t errlen)
{
	struct kvm_userspace_memory_region region = { 0 };
	int ret;

	region.memory_size = vm->ram_size;
	region.userspace_addr = (uintptr_t)vm->ram;
	ret = kvm_ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region);
	if (ret < 0)
		snprintf(err, errlen, "KVM takes no %llu MiB of RAM (%s)",
			 (unsigned long long)vm->ram_size >> 20, strerror(-ret));
	return ret;
}

/*
 * Nested paging on small pages is what makes a guest slow: huge pages on both
 * sides halve its boot.
 */
static int map_ram(struct vm *vm, unsigned int mib, char *err, size_t errlen)
{
	int ret;

	if (vm->ram_map)
		return add_ram(vm, err, errlen);
	vm->ram_size = (u64)mib << 20;
	vm->ram_map_size = vm->ram_size + HUGE_PAGE;
	vm->ram_map = mmap(NULL, vm->ram_map_size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram_map == MAP_FAILED) {
		ret = -errno;
		vm->ram_map = NULL;
		snprintf(err, errlen, "cannot map %u MiB of guest RAM (%s)", mib, strerror(-ret));
		return ret;
	}
	vm->ram = (u8 *)(((uintptr_t)vm->ram_map + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
	madvise(vm->ram, vm->ram_size, MADV_HUGEPAGE);
	return add_ram(vm, err, errlen);
}

/*
 * KVM's whole interrupt controller, or its local APICs alone. The first is better: KVM reports the
 * end of a message only there (synic.c). The ACPI tables list no PIC.
 */
static int create_interrupt_controller(struct vm *vm)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { LAYOUT_IOAPIC_PINS } };
	int ret = vm->cfg.own_ioapic ? -ENOTTY : kvm_ioctl_num(vm->fd, KVM_CREATE_IRQCHIP, 0);

	vm->split = ret == -ENOTTY || ret == -EINVAL;
	return vm->split ? kvm_ioctl(vm->fd, KVM_ENABLE_CAP, &cap) : ret;
}

static int create_chips(struct vm *vm, char *err, size_t errlen)
{
	u64 identity_map = LAYOUT_IDENTITY_MAP;
	int ret;

	vm->fd = kvm_ioctl_num(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0) {
		snprintf(err, errlen, "KVM creates no virtual machine (%s): is the hardware's virtualization on?",
			 strerror(-vm->fd));
		return vm->fd;
	}
	ret = kvm_ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
	if (ret >= 0)
		ret = kvm_ioctl_num(vm->fd, KVM_SET_TSS_ADDR, LAYOUT_TSS);
	if (ret >= 0)
		ret = create_interrupt_controller(vm);
	if (ret < 0)
		snprintf(err, errlen, "KVM makes no %s (%s)",
			 vm->split ? "local APICs without an I/O APIC" : "interrupt controllers",
			 strerror(-ret));
	return ret;
}

static FILE *open_console(const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "we") : fdopen(dup(STDERR_FILENO), "we");

	if (file)
		setvbuf(file, NULL, _IOLBF, 0);
	return file;
}

static int create_devices(struct vm *vm, const struct vm_config *cfg, char *err, size_t errlen)
{
	struct serial_config com1 = { .name = "console", .irq = console_irq, .ctx = vm };
	struct serial_config com2 = { .name = "agent", .irq = agent_irq, .ctx = vm };
	const struct ioapic_config ioapic = { .send = send_message, .ctx = vm };

	if (vm->console) {
		serial_reset(vm->console, false);
		serial_reset(vm->agent, true);
		ioapic_reset(vm->ioapic);
		return 0;
	}
	if (cfg->console) {
		vm->console_file = open_console(cfg->console);
		if (!vm->console_file) {
			int ret = -errno;

			snprintf(err, errlen, "cannot write the console to %s (%s)",
				 cfg->console, strerror(-ret));
			return ret;
		}
		com1.copy = vm->console_file;
	}
	vm->console = serial_new(&com1);
	vm->agent = serial_new(&com2);
	vm->rtc = rtc_new();
	vm->ioapic = ioapic_new(&ioapic);
	if (!vm->console || !vm->agent || !vm->rtc || !vm->ioapic) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

/* All that a machine has when it is switched on. What outlives a power cut is kept if it is there. */
static int power_up(struct vm *vm, const struct vm_config *cfg, char *err, size_t errlen)
{
	int ret;

	ret = create_chips(vm, err, errlen);
	if (ret < 0)
		return ret;
	ret = map_ram(vm, cfg->mem_mib, err, errlen);
	if (ret < 0)
		return ret;
	ret = create_devices(vm, cfg, err, errlen);
	if (ret < 0)
		return ret;
	for (unsigned int i = 0; i < vm->nr_cpus; i++) {
		ret = vcpu_init(&vm->vcpus[i], err, errlen);
		if (ret < 0)
			return ret;
	}
	vm->synic = synic_new(vm, err, errlen);
	if (!vm->synic)
		return -EIO;
	ret = boot_load(vm, cfg, err, errlen);
	if (ret < 0)
		return ret;
	ret = boot_set_regs(&vm->vcpus[0]);
	if (ret < 0)
		snprintf(err, errlen, "KVM takes no registers (%s)", strerror(-ret));
	return ret;
}

static int create_all(struct vm *vm, const struct vm_config *cfg, char *err, size_t errlen)
{
	int ret;

	ret = check_config(cfg, err, errlen);
	if (ret < 0)
		return ret;
	ret = debug_init(vm);
	if (ret < 0) {
		snprintf(err, errlen, "no eventfd (%s)", strerror(-ret));
		return ret;
	}
	vm->kvm_fd = kvm_open(err, errlen);
	if (vm->kvm_fd < 0)
		return vm->kvm_fd;
	vm->cfg = *cfg;
	return power_up(vm, cfg, err, errlen);
}

/* A machine that nothing has been created of. */
static struct vm *new_vm(unsigned int cpus, bool stimer, char *err, size_t errlen)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	vm->kvm_fd = -1;
	vm->fd = -1;
	vm->debug.fd = -1;
	vm->debug.stepping = -1;
	vm->stimer = stimer;
	vm->nr_cpus = cpus;
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		vm->vcpus[i] = (struct vcpu){ .vm = vm, .index = i, .fd = -1 };
	vm->state = VM_CREATED;
	pthread_mutex_init(&vm->lock, NULL);
	pthread_mutex_init(&vm->disturb_lock, NULL);
	wait_init(&vm->changed);
	return vm;
}

/* All that KVM may refuse: a /dev/kvm without working hardware behind it, or without a part of it. */
static bool can_create(struct vm *vm, char *err, size_t errlen)
{
	vm->kvm_fd = kvm_open(err, errlen);
	if (vm->kvm_fd < 0 || create_chips(vm, err, errlen) < 0)
		return false;
	if (vcpu_init(&vm->vcpus[0], err, errlen) < 0)
		return false;
	vm->synic = synic_new(vm, err, errlen);
	return vm->synic != NULL;
}

bool vm_probe(char *err, size_t errlen)
{
	struct vm *vm = new_vm(1, true, err, errlen);
	bool can = vm && can_create(vm, err, errlen);

	vm_destroy(vm);
	return can;
}

struct vm *vm_create(const struct vm_config *cfg, char *err, size_t errlen)
{
	struct vm *vm = new_vm(cfg->cpus <= VM_MAX_CPUS ? cfg->cpus : 0, cfg->stimer, err, errlen);

	if (!vm)
		return NULL;
	if (create_all(vm, cfg, err, errlen) < 0) {
		vm_destroy(vm);
		return NULL;
	}
	return vm;
}

int vm_start(struct vm *vm)
{
	int ret = 0;

	pthread_mutex_lock(&vm->lock);
	vm->state = VM_RUNNING;
	pthread_mutex_unlock(&vm->lock);
	for (unsigned int i = 0; i < vm->nr_cpus && ret >= 0; i++)
		ret = vcpu_start(&vm->vcpus[i]);
	if (ret < 0)
		vm_end(vm, VM_FAILED, "a virtual CPU got no thread (%s)", strerror(-ret));
	return ret;
}

/* The state says that the guest must not run: have everyone look at it. */
static void halt(struct vm *vm)
{
	serial_hang_up(vm->console);
	serial_hang_up(vm->agent);
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		vcpu_kick(&vm->vcpus[i]);
}

void vm_end(struct vm *vm, enum vm_state state, const char *fmt, ...)
{
	bool first;
	va_list ap;

	pthread_mutex_lock(&vm->lock);
	/* A guest without power ends nothing. */
	first = vm->state <= VM_RUNNING && (vm->state != VM_OFF || state >= VM_FAILED);
	if (first) {
		va_start(ap, fmt);
		vsnprintf(vm->text, sizeof(vm->text), fmt, ap);
		va_end(ap);
		vm->state = state;
		pthread_cond_broadcast(&vm->changed);
	}
	pthread_mutex_unlock(&vm->lock);
	if (!first)
		return;
	halt(vm);
	debug_notify(vm);
}

void vm_power_off(struct vm *vm)
{
	bool ran;

	pthread_mutex_lock(&vm->lock);
	ran = vm->state == VM_RUNNING;
	if (ran) {
		vm->state = VM_OFF;
		pthread_cond_broadcast(&vm->changed);
	}
	pthread_mutex_unlock(&vm->lock);
	if (ran) {
		halt(vm);
		debug_notify(vm);
	}
}

/* What KVM has of the machine. */
static void power_down(struct vm *vm)
{
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		vcpu_release(&vm->vcpus[i]);
	synic_free(vm->synic);
	vm->synic = NULL;
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

bool vm_power_on(struct vm *vm, char *err, size_t errlen)
{
	const struct synic_ops *ops;
	void *ctx;
	int ret;

	synic_attached(vm, &ops, &ctx);
	power_down(vm);
	madvise(vm->ram, vm->ram_size, MADV_DONTNEED);
	vm->crashed = false;
	debug_reset(vm);
	ret = power_up(vm, &vm->cfg, err, errlen);
	if (ret >= 0) {
		synic_attach(vm, ops, ctx);
		ret = vm_start(vm);
		if (ret < 0)
			snprintf(err, errlen, "%s", vm_state_text(vm));
	}
	if (ret < 0)
		vm_end(vm, VM_FAILED, "it cannot be switched on again");
	return ret >= 0;
}

void vm_stop(struct vm *vm)
{
	vm_end(vm, VM_STOPPED, "stopped by the host");
}

void vm_join(struct vm *vm)
{
	if (vm_state(vm) == VM_RUNNING)
		vm_stop(vm);
	for (unsigned int i = 0; i < vm->nr_cpus; i++)
		vcpu_join(&vm->vcpus[i]);
}

void vm_destroy(struct vm *vm)
{
	if (!vm)
		return;
	vm_join(vm);
	power_down(vm);
	debug_release(vm);
	ioapic_free(vm->ioapic);
	rtc_free(vm->rtc);
	serial_free(vm->agent);
	serial_free(vm->console);
	if (vm->console_file)
		fclose(vm->console_file);
	if (vm->kvm_fd >= 0)
		close(vm->kvm_fd);
	if (vm->ram_map)
		munmap(vm->ram_map, vm->ram_map_size);
	pthread_cond_destroy(&vm->changed);
	pthread_mutex_destroy(&vm->disturb_lock);
	pthread_mutex_destroy(&vm->lock);
	free(vm);
}

enum vm_state vm_state(struct vm *vm)
{
	enum vm_state state;

	pthread_mutex_lock(&vm->lock);
	state = vm->state;
	pthread_mutex_unlock(&vm->lock);
	return state;
}

bool vm_ended(struct vm *vm)
{
	return vm_state(vm) > VM_RUNNING;
}

bool vm_crashing(struct vm *vm)
{
	return !vm_ended(vm) &&
	       (vm->crashed || serial_find(vm->console, "Kernel panic - not syncing", 0, 0) > 0);
}

const char *vm_state_text(struct vm *vm)
{
	enum vm_state state = vm_state(vm);

	/* The text is written once, before the state is a final one. */
	return state > VM_RUNNING ? vm->text : state_names[state];
}

const char *vm_state_name(enum vm_state state)
{
	return state < ARRAY_SIZE(state_names) ? state_names[state] : "unknown";
}

enum vm_state vm_wait(struct vm *vm, int timeout_ms)
{
	struct timespec deadline = wait_deadline(timeout_ms < 0 ? 0 : timeout_ms);
	enum vm_state state;

	pthread_mutex_lock(&vm->lock);
	while (vm->state <= VM_RUNNING) {
		if (!wait_until(&vm->changed, &vm->lock, timeout_ms, &deadline))
			break;
	}
	state = vm->state;
	pthread_mutex_unlock(&vm->lock);
	return state;
}

unsigned int vm_cpus(const struct vm *vm)
{
	return vm->nr_cpus;
}

void *vm_mem(struct vm *vm, u64 gpa, u64 len)
{
	if (!len || gpa >= vm->ram_size || len > vm->ram_size - gpa)
		return NULL;
	return vm->ram + gpa;
}

int vm_agent_write(struct vm *vm, const void *data, size_t len)
{
	return serial_put(vm->agent, data, len);
}

ssize_t vm_agent_read(struct vm *vm, void *data, size_t len, int timeout_ms)
{
	return serial_take(vm->agent, data, len, timeout_ms);
}

ssize_t vm_console_wait(struct vm *vm, const char *text, size_t from, int timeout_ms)
{
	return serial_find(vm->console, text, from, timeout_ms);
}

size_t vm_console_size(struct vm *vm)
{
	return serial_size(vm->console);
}

size_t vm_console_copy(struct vm *vm, size_t from, char *buf, size_t len)
{
	return serial_copy(vm->console, from, buf, len);
}
