// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the body of a SET_IP to a plan.
 */
#include <errno.h>
#include <string.h>

#include "ip/get.h"
#include "ip/policy.h"
#include "ip/prepare.h"
#include "ip/record.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/error.h"
#include "wire/ip_codec.h"
#include "wire/protocol.h"

uint32_t ip_prepare(const struct ip_system *system, const struct ip_policy *policy,
		    struct rtnl *rtnl, const uint8_t *body, unsigned int msg_major, char *id,
		    struct ip_plan *plan, struct error *error)
{
	struct ip_config request, current;
	struct ip_record record;
	struct adapter adapter;
	const char *why;
	uint8_t change;
	int err;

	rtnl->nl = NULL;
	why = ip_codec_adapter(body, msg_major, id);
	if (!why)
		why = ip_codec_decode(body, msg_major, &request);
	if (!why) {
		ip_normalize(&request);
		why = ip_check(&request, &change);
	}
	if (why) {
		error_set(error, -EINVAL, "%s", why);
		return HVKVP_E_INVALIDARG;
	}
	err = rtnl_open(rtnl);
	if (!err)
		err = adapter_find(system->root, rtnl, id, &adapter);
	if (err == -ENOENT) {
		error_set(error, err, "there is no such adapter");
		return HVKVP_E_GUID_NOTFOUND;
	}
	if (!err)
		err = ip_query(system, rtnl, &adapter, 0, true, &current);
	if (err) {
		error_set(error, err, "the adapter's state cannot be read: %s", strerror(-err));
		return HVKVP_E_FAIL;
	}
	err = ip_record_find(system, &adapter, &record);
	ip_plan_make(&adapter, &request, change, &current, err ? NULL : &record.plan, plan);
	why = ip_policy_refuses_set(policy, &adapter, plan->config.dhcp);
	if (why) {
		error_set(error, -EACCES, "%s", why);
		return PROTOCOL_E_ACCESS_DENIED;
	}
	return HVKVP_S_OK;
}
