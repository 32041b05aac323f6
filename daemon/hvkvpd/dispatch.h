/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The KVP operations: a request's body in, a status and an answer's body out
 *
 * Knows the store and the facts, and neither a device nor a transport.
 */
#ifndef HVKVP_HVKVPD_DISPATCH_H
#define HVKVP_HVKVPD_DISPATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "hvkvpd/rate.h"
#include "wire/protocol.h"

struct config;
struct facts;
struct ip_system;
struct store;

/* At least as many as there are texts of oddities. */
#define TOLERATED_KINDS 8

/**
 * struct tolerated - requests that were accepted in spite of an oddity
 * @count: how many
 * @logged: texts of the kinds that are in the log; each once, NULL behind the last one
 */
struct tolerated {
	unsigned long count;
	const char *logged[TOLERATED_KINDS];
};

/**
 * struct dispatch - what the operations work on
 * @store: the pools
 * @facts: pool "auto"
 * @ip: the machine whose addresses are reported and set; NULL: GET_IP and SET_IP are
 *	refused with NOT_SUPPORTED
 * @config: what the host may do; NULL: everything
 * @rate: counts the changes that the host makes, for a limit in @config; not NULL if that is not
 * @lock_wait_ms: how long a request may wait for a locked pool, milliseconds
 * @early: @store has only what the host has set since the boot: a request that depends on the
 *	rest fails
 * @leaves: with @early: what it cannot answer for good is left to the system's service, see
 *	dispatch_is_left()
 * @tolerated: counts requests that were accepted in spite of an oddity of a string, number or
 *	address family; the first of each kind is logged. NULL: neither
 */
struct dispatch {
	struct store *store;
	const struct facts *facts;
	const struct ip_system *ip;
	const struct config *config;
	struct change_rate *rate;
	unsigned int lock_wait_ms;
	bool early;
	bool leaves;
	struct tolerated *tolerated;
};

/**
 * struct dispatch_request - one request
 * @id: for the log and for the reply
 * @again: a service before this one had it, and may have carried it out
 * @deadline_ns: when the answer is of no use any more, CLOCK_MONOTONIC; 0 if
 *	there is none
 * @fw_major: agreed framework version
 * @fw_minor: likewise
 * @msg_major: agreed KVP version
 * @msg_minor: likewise
 * @body: as in &struct hvkvp_request; not checked yet
 * @body_len: bytes of @body
 * @confirm: called as soon as a SET or DELETE is on stable storage, before what the host need not
 *	wait for, to send S_OK without a body. If it returns an error, the change is rolled back. Not
 *	called for all others, and not if it fails. NULL: not needed
 * @confirm_data: for @confirm
 */
struct dispatch_request {
	uint64_t id;
	bool again;
	uint64_t deadline_ns;
	uint16_t fw_major;
	uint16_t fw_minor;
	uint16_t msg_major;
	uint16_t msg_minor;
	const uint8_t *body;
	uint32_t body_len;
	int (*confirm)(void *data);
	void *confirm_data;
};

/**
 * struct dispatch_reply - its answer
 * @status: HRESULT
 * @body_len: the request's body_len if the operation returns data, with zeros
 *	where there is none; else 0, and the host gets its own body back, which
 *	is what Windows and Linux guests send
 * @body: the answer's body
 */
struct dispatch_reply {
	uint32_t status;
	uint32_t body_len;
	uint8_t body[PROTOCOL_BODY_MAX];
};

/**
 * dispatch_is_left() - is a request for the service that comes after this one?
 * @dispatch: the object
 * @request: the request
 *
 * One that serves before the pools of the system are there answers what needs none of them, and takes
 * the pairs about the host, which it writes at each boot. Success for any other change would not
 * survive a power failure. Who leaves a request closes the driver without an answer.
 */
bool dispatch_is_left(const struct dispatch *dispatch, const struct dispatch_request *request);

/**
 * dispatch_handle() - carry a request out
 * @dispatch: what to work on
 * @request: what to do
 * @reply: filled in
 *
 * A successful SET or DELETE is on stable storage when this returns. After any
 * other status nothing has changed, as far as the disk obeys. Refusals are
 * logged with their reason.
 */
void dispatch_handle(const struct dispatch *dispatch, const struct dispatch_request *request,
		  struct dispatch_reply *reply);

/**
 * dispatch_is_slow() - may a request take seconds?
 * @dispatch: what to work on
 * @request: what to do
 *
 * Return: true for a SET_IP that is not refused out of hand.
 */
bool dispatch_is_slow(const struct dispatch *dispatch, const struct dispatch_request *request);

#endif /* HVKVP_HVKVPD_DISPATCH_H */
