/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the body of a SET_IP to a plan: for the request, and for a dry run
 */
#ifndef HVKVP_IP_PREPARE_H
#define HVKVP_IP_PREPARE_H

#include "ip/plan.h"

struct error;
struct ip_policy;
struct ip_system;
struct rtnl;

/**
 * ip_prepare() - check a SET_IP, find its adapter, make the plan
 * @system: the machine
 * @policy: what the host may do; NULL: everything
 * @rtnl: opened here; the caller closes it, whatever the result
 * @body: at least ip_codec_size() bytes
 * @msg_major: agreed KVP version
 * @id: gets the adapter's id, IP_ADAPTER_SIZE bytes
 * @plan: filled in
 * @error: gets the reason of a refusal
 *
 * Changes nothing.
 *
 * Return: HVKVP_S_OK; HVKVP_E_INVALIDARG; HVKVP_E_GUID_NOTFOUND;
 * PROTOCOL_E_ACCESS_DENIED, with @plan filled in; HVKVP_E_FAIL.
 */
uint32_t ip_prepare(const struct ip_system *system, const struct ip_policy *policy,
		    struct rtnl *rtnl, const uint8_t *body, unsigned int msg_major, char *id,
		    struct ip_plan *plan, struct error *error);

#endif /* HVKVP_IP_PREPARE_H */
