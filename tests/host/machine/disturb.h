/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * disturb.h - faults of the hypervisor itself, which the bus knows nothing of
 *
 * A plan holds for the next so many occurrences of its kind. May be called from
 * any thread.
 */
#ifndef HVHOST_DISTURB_H
#define HVHOST_DISTURB_H

#include <stdbool.h>

#include "util/types.h"

struct vm;

/**
 * enum disturb_kind - what is disturbed
 * @DISTURB_POST: the guest's hypercall that posts a message
 * @DISTURB_SIGNAL: the guest's hypercall that signals an event
 * @DISTURB_MESSAGE: the interrupt for a message to the guest
 * @DISTURB_EVENT: the interrupt for an event flag
 */
enum disturb_kind {
	DISTURB_POST,
	DISTURB_SIGNAL,
	DISTURB_MESSAGE,
	DISTURB_EVENT,
	DISTURB_KINDS,
};

/**
 * struct disturb_plan - what happens
 * @times: to the next so many
 * @delay_us: so much later; of a hypercall the guest's processor waits so long
 * @fail: the hypercall does nothing and returns @status; the interrupt is lost
 */
struct disturb_plan {
	u32 times;
	u32 delay_us;
	bool fail;
	u16 status;
};

/** vm_disturb() - make a plan; it replaces the one of this kind */
void vm_disturb(struct vm *vm, enum disturb_kind kind, const struct disturb_plan *plan);

/** vm_disturbed() - how often the plan of this kind has still to happen */
u32 vm_disturbed(struct vm *vm, enum disturb_kind kind);

/** disturb_take() - one occurrence. Return: whether a plan is for it; then @plan is it. */
bool disturb_take(struct vm *vm, enum disturb_kind kind, struct disturb_plan *plan);

#endif
