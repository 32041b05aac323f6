/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * synic.h - Hyper-V's synthetic interrupt controller, seen from the bus
 *
 * The guest posts messages and signals events by hypercall: the bus gets them
 * through struct synic_ops. The host sends messages and sets event flags with
 * the functions below. KVM keeps the registers; this file owns the guest's
 * message and event pages and the interrupts.
 *
 * Numbers: TLFS chapters "Inter-Partition Communication" and "Virtual Interrupts".
 */
#ifndef HVHOST_SYNIC_H
#define HVHOST_SYNIC_H

#include "util/types.h"

struct vm;

/** SYNIC_PAYLOAD_MAX - payload bytes of a message, both directions */
#define SYNIC_PAYLOAD_MAX	240
/** SYNIC_SINTS - interrupt sources of a virtual CPU */
#define SYNIC_SINTS		16
/** SYNIC_FLAGS - event flags of an interrupt source */
#define SYNIC_FLAGS		2048

/* Hypercall status codes */
#define HV_STATUS_SUCCESS			0x0000
#define HV_STATUS_INVALID_HYPERCALL_CODE	0x0002
#define HV_STATUS_INVALID_HYPERCALL_INPUT	0x0003
#define HV_STATUS_INVALID_ALIGNMENT		0x0004
#define HV_STATUS_INVALID_PARAMETER		0x0005
#define HV_STATUS_INSUFFICIENT_MEMORY		0x000b
#define HV_STATUS_INVALID_PORT_ID		0x0011
#define HV_STATUS_INVALID_CONNECTION_ID		0x0012
#define HV_STATUS_INSUFFICIENT_BUFFERS		0x0013

/**
 * struct synic_ops - what the bus does with the guest's hypercalls
 * @post_message: the guest posted a message; @payload (@len bytes, at most
 *	SYNIC_PAYLOAD_MAX) is a copy that the guest cannot change
 * @signal_event: the guest signalled event @flag of a connection
 *
 * Both run on the thread of the calling virtual CPU, which waits: be short, and
 * return a hypercall status. They may call synic_send() and synic_set_flag().
 * Two virtual CPUs may call at the same time.
 */
struct synic_ops {
	u16 (*post_message)(void *ctx, u32 connection, u32 type,
			    const void *payload, u32 len);
	u16 (*signal_event)(void *ctx, u32 connection, u16 flag);
};

/**
 * synic_attach() - connect the bus; before vm_start()
 *
 * Without a bus every connection id is answered HV_STATUS_INVALID_CONNECTION_ID.
 */
void synic_attach(struct vm *vm, const struct synic_ops *ops, void *ctx);

/**
 * synic_send() - send a message to the guest
 * @vp: virtual CPU index
 * @sint: interrupt source, below SYNIC_SINTS
 * @type: message type, not 0
 * @len: payload bytes, at most SYNIC_PAYLOAD_MAX; copied
 *
 * Messages of one (@vp, @sint) arrive in the order of the calls. Never waits: a
 * message whose slot is still in use is queued until the guest's end of message.
 *
 * Return: 0; -EINVAL for numbers out of range; -ENOTCONN while the guest has no
 * message page there; -ENOBUFS when the guest has stopped taking messages.
 */
int synic_send(struct vm *vm, u32 vp, u32 sint, u32 type, const void *payload, u32 len);

/**
 * synic_set_flag() - set an event flag, and interrupt if it was clear
 * @flag: below SYNIC_FLAGS
 *
 * Return: 0; -EINVAL for numbers out of range; -ENOTCONN while the guest has no
 * event page there.
 */
int synic_set_flag(struct vm *vm, u32 vp, u32 sint, u32 flag);

#endif
