// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host may do to addresses.
 */
#include <string.h>
#include <strings.h>

#include "ip/policy.h"
#include "net/adapter.h"

static bool is_named(const char *adapters, const struct adapter *adapter)
{
	while (*adapters) {
		size_t len;

		adapters += strspn(adapters, " \t");
		len = strcspn(adapters, " \t");
		if ((len == strlen(adapter->name) && !strncmp(adapters, adapter->name, len)) ||
		    (len == strlen(adapter->mac) && !strncasecmp(adapters, adapter->mac, len)) ||
		    (len && len == strlen(adapter->guid) && !strncasecmp(adapters, adapter->guid, len)))
			return true;
		adapters += len;
	}
	return false;
}

const char *ip_policy_refuses_set(const struct ip_policy *policy, const struct adapter *adapter,
				  bool dhcp)
{
	if (!policy)
		return NULL;
	if (policy->set == IP_POLICY_SET_OFF)
		return "SET_IP is off in the configuration";
	if (policy->set == IP_POLICY_SET_STATIC && dhcp)
		return "only static addresses are allowed by the configuration";
	if (policy->adapters && policy->adapters[0] && !is_named(policy->adapters, adapter))
		return "this adapter is not among those that the configuration names";
	return NULL;
}
