/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * GET_IP and SET_IP: bodies in, a status and a body out
 */
#ifndef HVKVP_IP_REQUEST_H
#define HVKVP_IP_REQUEST_H

#include <stdint.h>

#include "util/error.h"

struct ip_policy;
struct ip_system;

/**
 * struct ip_call - an IP request
 * @system: the machine
 * @policy: what the host may do; NULL: everything
 * @msg_major: agreed KVP version; it decides the form of the body
 * @body: the request's body, at least ip_codec_size() bytes
 * @out: GET_IP: the answer's body, as large; zero but for operation and pool
 * @left_ms: how long the host still waits, milliseconds
 * @adapter: gets the adapter's id, for the log; IP_ADAPTER_SIZE bytes
 * @oddity: gets what was unusual about a request that is accepted; NULL in the beginning
 * @error: gets the reason of a refusal; empty in the beginning, and after a success
 */
struct ip_call {
	const struct ip_system *system;
	const struct ip_policy *policy;
	unsigned int msg_major;
	const uint8_t *body;
	uint8_t *out;
	unsigned int left_ms;
	char *adapter;
	const char *oddity;
	struct error error;
};

/**
 * ip_request_get() - GET_IP
 * @call: the request
 *
 * Return: status; HVKVP_E_GUID_NOTFOUND for an adapter that is not there.
 */
uint32_t ip_request_get(struct ip_call *call);

/**
 * ip_request_set() - SET_IP
 * @call: the request
 *
 * All of it is checked before anything is changed; see ip_check(). After any
 * status but success the adapter and all files are as they were.
 *
 * Takes its time, at most @left_ms: addresses have to come up, tools of network
 * managers have to end. The loop waits for it, since there is nothing else to do:
 * a host has one transaction outstanding, both drivers hand out one request at a
 * time and negotiate without us, nothing of ours has a timer, and programs that
 * read the pools do it without us.
 *
 * Return: status.
 */
uint32_t ip_request_set(struct ip_call *call);

#endif /* HVKVP_IP_REQUEST_H */
