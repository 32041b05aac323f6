// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine without KVM, for tests of the bus and the script.
 */
#include "test/fakevm.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "machine/debug.h"
#include "machine/disturb.h"
#include "machine/synic.h"
#include "machine/vm.h"

#define MAILBOX 1024u
#define TEXT_MAX (1u << 20)

struct mail {
	u32 len;
	u8 bytes[SYNIC_PAYLOAD_MAX];
};

struct text {
	char *bytes;
	size_t len;
	size_t taken;
};

struct vm {
	u8 *ram;
	unsigned int cpus;
	const struct synic_ops *ops;
	void *ctx;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct mail mail[MAILBOX];
	u32 first, count;
	bool flags[SYNIC_FLAGS];
	u32 nflags;
	u32 last_vp;
	struct text to_agent, from_agent, console;
	bool dead;
	bool off;
};

struct vm *fakevm_new(unsigned int cpus)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	pthread_condattr_t attr;

	vm->ram = aligned_alloc(PAGE_SIZE_4K, FAKEVM_RAM);
	memset(vm->ram, 0, FAKEVM_RAM);
	vm->cpus = cpus;
	vm->to_agent.bytes = malloc(TEXT_MAX);
	vm->from_agent.bytes = malloc(TEXT_MAX);
	vm->console.bytes = malloc(TEXT_MAX);
	pthread_mutex_init(&vm->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&vm->cond, &attr);
	pthread_condattr_destroy(&attr);
	return vm;
}

void fakevm_free(struct vm *vm)
{
	free(vm->ram);
	free(vm->to_agent.bytes);
	free(vm->from_agent.bytes);
	free(vm->console.bytes);
	free(vm);
}

u8 *fakevm_ram(struct vm *vm)
{
	return vm->ram;
}

static struct timespec in_ms(int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += ms % 1000 * 1000000L;
	if (ts.tv_nsec >= 1000000000L) {
		ts.tv_nsec -= 1000000000L;
		ts.tv_sec++;
	}
	return ts;
}

/* ---- what vm.h and synic.h promise ---- */

void *vm_mem(struct vm *vm, u64 gpa, u64 len)
{
	if (!len || gpa >= FAKEVM_RAM || len > FAKEVM_RAM - gpa)
		return NULL;
	return vm->ram + gpa;
}

unsigned int vm_cpus(const struct vm *vm)
{
	return vm->cpus;
}

enum vm_state vm_state(struct vm *vm)
{
	return vm_ended(vm) ? VM_PANIC : VM_RUNNING;
}

bool vm_ended(struct vm *vm)
{
	return __atomic_load_n(&vm->dead, __ATOMIC_ACQUIRE);
}

const char *vm_state_text(struct vm *vm)
{
	return vm_ended(vm) ? "the fake guest died" : "running";
}

const char *vm_state_name(enum vm_state state)
{
	return state == VM_RUNNING ? "running" : "panic";
}

void synic_attach(struct vm *vm, const struct synic_ops *ops, void *ctx)
{
	vm->ops = ops;
	vm->ctx = ctx;
}

int synic_send(struct vm *vm, u32 vp, u32 sint, u32 type, const void *payload, u32 len)
{
	struct mail *mail;

	if (vp >= vm->cpus || sint != 2 || type != 1 || len > SYNIC_PAYLOAD_MAX)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (vm->count < MAILBOX) {
		mail = &vm->mail[(vm->first + vm->count++) % MAILBOX];
		memcpy(mail->bytes, payload, len);
		mail->len = len;
		vm->last_vp = vp;
	}
	pthread_cond_broadcast(&vm->cond);
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

int synic_set_flag(struct vm *vm, u32 vp, u32 sint, u32 flag)
{
	if (vp >= vm->cpus || sint != 2 || flag >= SYNIC_FLAGS)
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	vm->nflags += !vm->flags[flag];
	vm->flags[flag] = true;
	vm->last_vp = vp;
	pthread_cond_broadcast(&vm->cond);
	pthread_mutex_unlock(&vm->lock);
	return 0;
}

static void text_add(struct vm *vm, struct text *text, const void *bytes, size_t len)
{
	pthread_mutex_lock(&vm->lock);
	if (len > TEXT_MAX - text->len)
		len = TEXT_MAX - text->len;
	memcpy(text->bytes + text->len, bytes, len);
	text->len += len;
	pthread_cond_broadcast(&vm->cond);
	pthread_mutex_unlock(&vm->lock);
}

/* With the lock held. */
static size_t text_take(struct text *text, void *bytes, size_t len)
{
	size_t n = text->len - text->taken;

	if (n > len)
		n = len;
	memcpy(bytes, text->bytes + text->taken, n);
	text->taken += n;
	if (text->taken == text->len)
		text->taken = text->len = 0;
	return n;
}

int vm_agent_write(struct vm *vm, const void *data, size_t len)
{
	text_add(vm, &vm->to_agent, data, len);
	return 0;
}

ssize_t vm_agent_read(struct vm *vm, void *data, size_t len, int timeout_ms)
{
	struct timespec end = in_ms(timeout_ms);
	size_t n;

	pthread_mutex_lock(&vm->lock);
	while (!vm->from_agent.len && !vm->dead)
		if (pthread_cond_timedwait(&vm->cond, &vm->lock, &end))
			break;
	n = text_take(&vm->from_agent, data, len);
	pthread_mutex_unlock(&vm->lock);
	return n ? (ssize_t)n : vm_ended(vm) ? -EPIPE : -ETIMEDOUT;
}

static struct disturb_plan disturb[DISTURB_KINDS];

void vm_disturb(struct vm *vm, enum disturb_kind kind, const struct disturb_plan *plan)
{
	(void)vm;
	disturb[kind] = *plan;
}

u32 vm_disturbed(struct vm *vm, enum disturb_kind kind)
{
	(void)vm;
	return disturb[kind].times;
}

bool disturb_take(struct vm *vm, enum disturb_kind kind, struct disturb_plan *plan)
{
	(void)vm;
	*plan = disturb[kind];
	return disturb[kind].times && disturb[kind].times--;
}

int debug_pause(struct vm *vm)
{
	return vm_ended(vm) ? -ESRCH : 0;
}

void debug_resume(struct vm *vm)
{
	(void)vm;
}

int debug_dump(struct vm *vm, const char *path, char *err, unsigned int errlen)
{
	(void)vm;
	snprintf(err, errlen, "%s: a machine without processors has no dump", path);
	return -ENOTSUP;
}

size_t vm_console_size(struct vm *vm)
{
	size_t n;

	pthread_mutex_lock(&vm->lock);
	n = vm->console.len;
	pthread_mutex_unlock(&vm->lock);
	return n;
}

size_t vm_console_copy(struct vm *vm, size_t from, char *buf, size_t len)
{
	size_t n = 0;

	pthread_mutex_lock(&vm->lock);
	if (from < vm->console.len) {
		n = vm->console.len - from;
		if (n > len)
			n = len;
		memcpy(buf, vm->console.bytes + from, n);
	}
	pthread_mutex_unlock(&vm->lock);
	return n;
}

void vm_power_off(struct vm *vm)
{
	__atomic_store_n(&vm->off, true, __ATOMIC_RELEASE);
}

void vm_join(struct vm *vm)
{
	(void)vm;
}

bool vm_power_on(struct vm *vm, char *err, size_t errlen)
{
	(void)err;
	(void)errlen;
	memset(vm->ram, 0, FAKEVM_RAM);
	pthread_mutex_lock(&vm->lock);
	vm->count = 0;
	memset(vm->flags, 0, sizeof(vm->flags));
	vm->nflags = 0;
	pthread_mutex_unlock(&vm->lock);
	__atomic_store_n(&vm->off, false, __ATOMIC_RELEASE);
	return true;
}

bool fakevm_is_off(struct vm *vm)
{
	return __atomic_load_n(&vm->off, __ATOMIC_ACQUIRE);
}

/* ---- the guest's side ---- */

u16 fakevm_post_type(struct vm *vm, u32 connection, u32 type, const void *message, u32 len)
{
	return vm->ops->post_message(vm->ctx, connection, type, message, len);
}

u16 fakevm_post(struct vm *vm, u32 connection, const void *message, u32 len)
{
	return fakevm_post_type(vm, connection, 1, message, len);
}

u16 fakevm_signal(struct vm *vm, u32 connection, u16 flag)
{
	return vm->ops->signal_event(vm->ctx, connection, flag);
}

u32 fakevm_next(struct vm *vm, void *message, int timeout_ms)
{
	struct timespec end = in_ms(timeout_ms);
	u32 len = 0;

	pthread_mutex_lock(&vm->lock);
	while (!vm->count)
		if (pthread_cond_timedwait(&vm->cond, &vm->lock, &end))
			break;
	if (vm->count) {
		len = vm->mail[vm->first].len;
		memcpy(message, vm->mail[vm->first].bytes, len);
		vm->first = (vm->first + 1) % MAILBOX;
		vm->count--;
	}
	pthread_mutex_unlock(&vm->lock);
	return len;
}

bool fakevm_flag(struct vm *vm, u32 flag)
{
	bool set;

	pthread_mutex_lock(&vm->lock);
	set = vm->flags[flag];
	vm->flags[flag] = false;
	vm->nflags -= set;
	pthread_mutex_unlock(&vm->lock);
	return set;
}

void fakevm_wait(struct vm *vm, int timeout_ms)
{
	struct timespec end = in_ms(timeout_ms);

	pthread_mutex_lock(&vm->lock);
	while (!vm->count && !vm->nflags && !vm->to_agent.len)
		if (pthread_cond_timedwait(&vm->cond, &vm->lock, &end))
			break;
	pthread_mutex_unlock(&vm->lock);
}

u32 fakevm_last_vp(struct vm *vm)
{
	u32 vp;

	pthread_mutex_lock(&vm->lock);
	vp = vm->last_vp;
	pthread_mutex_unlock(&vm->lock);
	return vp;
}

void fakevm_print(struct vm *vm, const char *text)
{
	text_add(vm, &vm->console, text, strlen(text));
}

void fakevm_agent_say(struct vm *vm, const void *bytes, size_t len)
{
	text_add(vm, &vm->from_agent, bytes, len);
}

size_t fakevm_agent_hear(struct vm *vm, void *bytes, size_t len)
{
	size_t n;

	pthread_mutex_lock(&vm->lock);
	n = text_take(&vm->to_agent, bytes, len);
	pthread_mutex_unlock(&vm->lock);
	return n;
}

void fakevm_die(struct vm *vm)
{
	__atomic_store_n(&vm->dead, true, __ATOMIC_RELEASE);
}
