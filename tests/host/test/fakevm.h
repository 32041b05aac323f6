/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without KVM: some memory, a mailbox for messages, event flags, an
 * agent line and a console. It implements as much of vm.h and synic.h as the
 * bus and the script use; fakeguest.h puts a guest into it.
 */
#ifndef TEST_FAKEVM_H
#define TEST_FAKEVM_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

#define FAKEVM_RAM (8u << 20)

struct vm;

struct vm *fakevm_new(unsigned int cpus);
void fakevm_free(struct vm *vm);
u8 *fakevm_ram(struct vm *vm);

/* The guest's hypercalls. */
u16 fakevm_post(struct vm *vm, u32 connection, const void *message, u32 len);
u16 fakevm_post_type(struct vm *vm, u32 connection, u32 type, const void *message, u32 len);
u16 fakevm_signal(struct vm *vm, u32 connection, u16 flag);

/* Take the next message from the host; its length, 0 at the time limit. */
u32 fakevm_next(struct vm *vm, void *message, int timeout_ms);
/* Was this event flag set? Clears it. */
bool fakevm_flag(struct vm *vm, u32 flag);
/* Wait until a message or a flag is there, or the time is over. */
void fakevm_wait(struct vm *vm, int timeout_ms);
/* On which virtual processor did the last message or flag arrive? */
u32 fakevm_last_vp(struct vm *vm);

/* The guest's console and agent line. */
void fakevm_print(struct vm *vm, const char *text);
void fakevm_agent_say(struct vm *vm, const void *bytes, size_t len);
size_t fakevm_agent_hear(struct vm *vm, void *bytes, size_t len);
/* Did the host cut the power? */
bool fakevm_is_off(struct vm *vm);
/* The guest dies. */
void fakevm_die(struct vm *vm);

#endif
