// SPDX-License-Identifier: GPL-2.0-only
/*
 * hypercall.c - decode the two hypercalls that KVM leaves to us
 *
 * Numbers: TLFS chapter "Hypercall Interface", HvCallPostMessage, HvCallSignalEvent.
 */
#include <string.h>
#include <time.h>

#include "machine/disturb.h"
#include "machine/machine.h"
#include "machine/synic.h"

#define CALL_POST_MESSAGE	0x5c
#define CALL_SIGNAL_EVENT	0x5d

#define CONTROL_CODE(c)		((u16)(c))
#define CONTROL_FAST		(1ull << 16)
#define CONTROL_VARIABLE	(0x3ffull << 17)
#define CONTROL_REP		(0xfffull << 32)

#define INPUT_ALIGN		8
#define INPUT_PAGE		4096

/**
 * struct post_input - input of HvCallPostMessage, followed by the payload
 * @connection: connection id
 * @type: message type
 * @size: bytes of payload
 */
struct post_input {
	u32 connection;
	u32 reserved;
	u32 type;
	u32 size;
};

/**
 * struct signal_input - input of HvCallSignalEvent
 * @connection: connection id
 * @flag: event flag, relative to the port's first
 */
struct signal_input {
	u32 connection;
	u16 flag;
	u16 reserved;
};

/* Input must be aligned and lie within one page. Return: a hypercall status. */
static u16 read_input(struct vm *vm, u64 gpa, void *to, u64 len)
{
	const void *from;

	if (gpa % INPUT_ALIGN || gpa % INPUT_PAGE + len > INPUT_PAGE)
		return HV_STATUS_INVALID_ALIGNMENT;
	from = vm_mem(vm, gpa, len);
	if (!from)
		return HV_STATUS_INVALID_PARAMETER;
	memcpy(to, from, len);
	return HV_STATUS_SUCCESS;
}

static u16 post_message(struct vm *vm, bool fast, const u64 param[2])
{
	struct post_input in;
	u8 payload[SYNIC_PAYLOAD_MAX] = { 0 };
	u16 status;

	if (fast) {
		/* Two registers hold the header; a payload would need the XMM form. */
		memcpy(&in, param, sizeof(in));
		if (in.size)
			return HV_STATUS_INVALID_HYPERCALL_INPUT;
		return synic_post(vm, in.connection, in.type, payload, 0);
	}
	status = read_input(vm, param[0], &in, sizeof(in));
	if (status != HV_STATUS_SUCCESS)
		return status;
	if (in.size > SYNIC_PAYLOAD_MAX)
		return HV_STATUS_INVALID_PARAMETER;
	if (in.size) {
		status = read_input(vm, param[0] + sizeof(in), payload, in.size);
		if (status != HV_STATUS_SUCCESS)
			return status;
	}
	return synic_post(vm, in.connection, in.type, payload, in.size);
}

static u16 signal_event(struct vm *vm, bool fast, const u64 param[2])
{
	struct signal_input in;

	if (fast) {
		memcpy(&in, param, sizeof(in));
	} else {
		u16 status = read_input(vm, param[0], &in, sizeof(in));

		if (status != HV_STATUS_SUCCESS)
			return status;
	}
	return synic_signal(vm, in.connection, in.flag);
}

/* Return: whether the hypercall fails, with *@status. */
static bool is_disturbed(struct vm *vm, enum disturb_kind kind, u16 *status)
{
	struct disturb_plan plan;
	struct timespec delay;

	if (!disturb_take(vm, kind, &plan))
		return false;
	delay = (struct timespec){ plan.delay_us / 1000000, plan.delay_us % 1000000 * 1000L };
	nanosleep(&delay, NULL);	/* sleep: the script wants a slow hypervisor */
	*status = plan.status;
	return plan.fail;
}

u64 hypercall(struct vm *vm, u64 input, const u64 param[2])
{
	bool fast = input & CONTROL_FAST;
	u16 status;

	if (input & (CONTROL_VARIABLE | CONTROL_REP))
		return HV_STATUS_INVALID_HYPERCALL_INPUT;
	switch (CONTROL_CODE(input)) {
	case CALL_POST_MESSAGE:
		return is_disturbed(vm, DISTURB_POST, &status) ? status : post_message(vm, fast, param);
	case CALL_SIGNAL_EVENT:
		return is_disturbed(vm, DISTURB_SIGNAL, &status) ? status : signal_event(vm, fast, param);
	default:
		return HV_STATUS_INVALID_HYPERCALL_CODE;
	}
}
