// SPDX-License-Identifier: GPL-2.0-only
/*
 * GET_IP and SET_IP.
 */
#include <errno.h>
#include <string.h>

#include "ip/budget.h"
#include "ip/cache.h"
#include "ip/get.h"
#include "ip/lock.h"
#include "ip/plan.h"
#include "ip/prepare.h"
#include "ip/request.h"
#include "ip/set.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/log.h"
#include "wire/ip_codec.h"

static uint32_t refuse(struct ip_call *call, uint32_t status, const char *why)
{
	error_set(&call->error, 0, "%s", why);
	return status;
}

static uint32_t refuse_adapter(struct ip_call *call, int err)
{
	if (err == -ENOENT)
		return refuse(call, HVKVP_E_GUID_NOTFOUND, "there is no such adapter");
	return refuse(call, HVKVP_E_FAIL, strerror(-err));
}

/* The families that the request names; others are an oddity. */
static uint8_t take_families(struct ip_call *call)
{
	const uint8_t both = HVKVP_FAMILY_V4 | HVKVP_FAMILY_V6;
	uint8_t families = ip_codec_families(call->body, call->msg_major);

	if (families & ~both)
		call->oddity = "the address family is unknown";
	return families & both;
}

uint32_t ip_request_get(struct ip_call *call)
{
	const char *why = ip_codec_adapter(call->body, call->msg_major, call->adapter);
	struct ip_known known;
	uint8_t families;
	int err;

	if (why)
		return refuse(call, HVKVP_E_INVALIDARG, why);
	/* To read more than was meant does no harm. */
	families = take_families(call);
	err = ip_cache_read(call->system, call->adapter, &known);
	if (err)
		return refuse_adapter(call, err);
	ip_query_complete(call->system, &known.adapter, families, known.dynamic, &known.config);
	if (!ip_codec_encode(&known.config, call->msg_major, call->body, call->out))
		log_info("%s: not all addresses fit into a GET_IP answer of KVP %u.0",
			 known.adapter.name, call->msg_major);
	return HVKVP_S_OK;
}

uint32_t ip_request_set(struct ip_call *call)
{
	const uint64_t end = clock_ms() + call->left_ms;
	int lock = ip_lock(call->system, ip_budget(call->left_ms / 2, IP_LOCK_MS), &call->error);
	struct ip_plan plan;
	struct rtnl rtnl;
	uint32_t status;

	if (lock < 0)
		return HVKVP_E_FAIL;
	/* Addresses say their family themselves. */
	take_families(call);
	status = ip_prepare(call->system, call->policy, &rtnl, call->body, call->msg_major,
			    call->adapter, &plan, &call->error);
	if (!status && ip_change(call->system, &rtnl, &plan, clock_left(end), &call->error))
		status = HVKVP_E_FAIL;
	/* Of a step that was tried again. */
	if (!status)
		error_clear(&call->error);
	rtnl_close(&rtnl);
	ip_unlock(lock);
	return status;
}
