// SPDX-License-Identifier: GPL-2.0-only
/*
 * disturb.c - faults of the hypervisor itself
 */
#include "machine/disturb.h"

#include "machine/machine.h"

void vm_disturb(struct vm *vm, enum disturb_kind kind, const struct disturb_plan *plan)
{
	pthread_mutex_lock(&vm->disturb_lock);
	vm->disturb[kind] = *plan;
	pthread_mutex_unlock(&vm->disturb_lock);
}

u32 vm_disturbed(struct vm *vm, enum disturb_kind kind)
{
	u32 left;

	pthread_mutex_lock(&vm->disturb_lock);
	left = vm->disturb[kind].times;
	pthread_mutex_unlock(&vm->disturb_lock);
	return left;
}

bool disturb_take(struct vm *vm, enum disturb_kind kind, struct disturb_plan *plan)
{
	bool found;

	pthread_mutex_lock(&vm->disturb_lock);
	found = vm->disturb[kind].times > 0;
	if (found) {
		*plan = vm->disturb[kind];
		vm->disturb[kind].times--;
	}
	pthread_mutex_unlock(&vm->disturb_lock);
	return found;
}
