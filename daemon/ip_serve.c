// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_IP and SET_IP.
 */
#include <errno.h>
#include <string.h>

#include "adapter.h"
#include "ip_change.h"
#include "ip_plan.h"
#include "ip_query.h"
#include "ip_serve.h"
#include "ip_system.h"
#include "ip_wire.h"
#include "log.h"
#include "rtnl.h"

static uint32_t refuse(struct ip_call *call, uint32_t status, const char *why)
{
	call->why = why;
	return status;
}

/* Find the adapter that the body names. @rtnl is then open. Return: status. */
static uint32_t find(struct ip_call *call, struct rtnl *rtnl, struct adapter *adapter)
{
	const char *why = ip_wire_adapter(call->body, call->msg_major, call->adapter);
	int err;

	if (why)
		return refuse(call, HVKVP_E_INVALIDARG, why);
	err = rtnl_open(rtnl);
	if (!err)
		err = adapter_find(call->system, rtnl, call->adapter, adapter);
	if (err == -ENOENT)
		return refuse(call, HVKVP_E_GUID_NOTFOUND, "there is no such adapter");
	return err ? refuse(call, HVKVP_E_FAIL, strerror(-err)) : HVKVP_S_OK;
}

uint32_t ip_serve_get(struct ip_call *call)
{
	uint8_t family = ip_wire_family(call->body, call->msg_major);
	struct ip_config config;
	struct adapter adapter;
	struct rtnl rtnl;
	uint32_t status;
	int err;

	if (family & ~(HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6))
		return refuse(call, HVKVP_E_INVALIDARG, "an unknown address family");
	rtnl.nl = NULL;
	status = find(call, &rtnl, &adapter);
	if (!status) {
		err = ip_query(call->system, &rtnl, &adapter, family, false, &config);
		if (err)
			status = refuse(call, HVKVP_E_FAIL, strerror(-err));
	}
	rtnl_close(&rtnl);
	if (!status && !ip_wire_encode(&config, call->msg_major, call->body, call->out))
		log_info("%s: not all addresses fit into a GET_IP answer of KVP %u.0",
			 adapter.name, call->msg_major);
	return status;
}

uint32_t ip_serve_set(struct ip_call *call)
{
	struct ip_config request, current;
	struct adapter adapter;
	struct ip_plan plan;
	struct rtnl rtnl;
	uint32_t status;
	const char *why;
	uint8_t change;
	int err;

	rtnl.nl = NULL;
	status = find(call, &rtnl, &adapter);
	if (status)
		goto close;
	why = ip_wire_decode(call->body, call->msg_major, &request);
	if (!why)
		why = ip_check(&request, &change);
	if (why) {
		status = refuse(call, HVKVP_E_INVALIDARG, why);
		goto close;
	}
	err = ip_query(call->system, &rtnl, &adapter, 0, true, &current);
	if (err) {
		status = refuse(call, HVKVP_E_FAIL, strerror(-err));
		goto close;
	}
	ip_plan_make(&adapter, &request, change, &current, &plan);
	why = ip_change(call->system, &rtnl, &plan, call->left_ms);
	if (why)
		status = refuse(call, HVKVP_E_FAIL, why);
close:
	rtnl_close(&rtnl);
	return status;
}
