/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVP operations: a request's body in, a status and an answer's body out
 *
 * Knows the store and the facts, and neither a device nor a transport.
 */
#ifndef HVKVP_PROTO_H
#define HVKVP_PROTO_H

#include <stdint.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

struct facts;
struct ip_system;
struct store;

/* A body can have what a message has behind the larger of the two headers. */
#define PROTO_BODY_MAX	(HVKVP_MAX_MESSAGE - sizeof(struct hvkvp_request))

/*
 * Two statuses that hosts know from Windows, though not from Linux so far.
 *
 * A key that is not there is ERROR_FILE_NOT_FOUND, as in the registry, which is
 * where a Windows guest looks: not E_FAIL, which is what a host sees when the
 * guest is ill or silent, and not NO_MORE_ITEMS, which ends an enumeration. A
 * host that knows none of these still sees an error.
 *
 * Pool "auto" is the guest's own account of itself. Nothing that the host
 * stored there could ever be read back, so SET and DELETE are refused with
 * ERROR_ACCESS_DENIED instead of being accepted and forgotten.
 */
#define PROTO_E_KEY_NOT_FOUND	0x80070002U
#define PROTO_E_READ_ONLY	0x80070005U

/**
 * struct proto - what the operations work on
 * @store: the pools
 * @facts: pool "auto"
 * @ip: the machine whose addresses are told and set; NULL: GET_IP and SET_IP are
 *	refused with NOT_SUPPORTED
 * @lock_wait_ms: how long a request may wait for a locked pool, milliseconds
 */
struct proto {
	struct store *store;
	const struct facts *facts;
	const struct ip_system *ip;
	unsigned int lock_wait_ms;
};

/**
 * struct proto_request - one request
 * @id: for the log and for the reply
 * @deadline_ns: when the answer is of no use any more, CLOCK_MONOTONIC; 0 if
 *	there is none
 * @fw_major: agreed framework version
 * @fw_minor: likewise
 * @msg_major: agreed KVP version
 * @msg_minor: likewise
 * @body: as in &struct hvkvp_request; not checked yet
 * @body_len: bytes of @body
 */
struct proto_request {
	uint64_t id;
	uint64_t deadline_ns;
	uint16_t fw_major;
	uint16_t fw_minor;
	uint16_t msg_major;
	uint16_t msg_minor;
	const uint8_t *body;
	uint32_t body_len;
};

/**
 * struct proto_reply - its answer
 * @status: HRESULT
 * @body_len: the request's body_len if the operation returns data, with zeros
 *	where there is none; else 0, and the host gets its own body back, which
 *	is what Windows and Linux guests send
 * @body: the answer's body
 */
struct proto_reply {
	uint32_t status;
	uint32_t body_len;
	uint8_t body[PROTO_BODY_MAX];
};

/**
 * proto_handle() - carry a request out
 * @proto: what to work on
 * @request: what to do
 * @reply: filled in
 *
 * A successful SET or DELETE is on stable storage when this returns. After any
 * other status nothing has changed, as far as the disk obeys. Refusals are
 * logged with their reason.
 */
void proto_handle(const struct proto *proto, const struct proto_request *request,
		  struct proto_reply *reply);

/**
 * proto_operation_name() - the name of an operation
 * @operation: enum hvkvp_operation
 *
 * Return: "GET" and so on; "?" for any other number.
 */
const char *proto_operation_name(unsigned int operation);

#endif /* HVKVP_PROTO_H */
