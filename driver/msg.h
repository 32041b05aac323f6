/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages of the character device (uapi/hv_kvp.h): checked and made here.
 *
 * Pure: no allocation, no lock, no sleep. What user space wrote has been copied
 * into the kernel before it comes here.
 */
#ifndef KVP_MSG_H
#define KVP_MSG_H

#include <linux/types.h>

#include "hv_kvp.h"
#include "ic.h"

/**
 * kvp_msg_check() - is this a whole and well-formed message of a service?
 * @buf: what was written, at least eight-byte aligned
 * @len: its bytes
 *
 * Checks all that does not depend on the state of anything: lengths, types,
 * flags and reserved fields.
 *
 * Return: the message's enum hvkvp_type, or -EINVAL.
 */
int kvp_msg_check(const void *buf, size_t len);

/**
 * kvp_msg_is_compatible() - can the conversation start with this hello?
 * @theirs: the service's
 */
bool kvp_msg_is_compatible(const struct hvkvp_hello *theirs);

/**
 * kvp_msg_make_hello() - make the driver's hello
 * @timeout_ms: how long a request may take
 * @hello: filled in
 */
void kvp_msg_make_hello(u32 timeout_ms, struct hvkvp_hello *hello);

/**
 * kvp_msg_make_request() - make the request that the service will read
 * @id: of the transaction
 * @flags: of the header
 * @deadline_ns: of the transaction, CLOCK_MONOTONIC
 * @agreed: versions agreed with the host
 * @body: of the packet, from the KVP header on
 * @body_len: bytes of it, at most HVKVP_IP_SIZE
 * @req: filled in, HVKVP_MAX_MESSAGE bytes
 *
 * Return: bytes of the message.
 */
u32 kvp_msg_make_request(u64 id, u16 flags, u64 deadline_ns,
			 const struct kvp_ic_agreement *agreed, const u8 *body,
			 u32 body_len, struct hvkvp_request *req);

#endif /* KVP_MSG_H */
