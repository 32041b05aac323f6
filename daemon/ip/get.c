// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that GET_IP tells of an adapter.
 */
#include <string.h>

#include "ip/dhcp.h"
#include "ip/dns.h"
#include "ip/get.h"
#include "ip/record.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "net/state.h"

/* Has an adapter an IPv4 address that is of use beyond its own link? */
static bool has_v4(const struct ip_config *config)
{
	const struct ip_half *part = &config->half[IP_V4];

	return part->count && !ip_is_link_local(IP_V4, part->address[0].bytes);
}

/*
 * The flag is about IPv4, as in Windows, unless only IPv6 is asked for. An
 * adapter that waits for a DHCP server has it already.
 */
static bool by_dhcp(const struct ip_system *system, const struct adapter *adapter,
		    uint8_t family, const struct ip_config *config, uint8_t dynamic)
{
	enum ip_mode mode;
	bool recorded;

	if (family == HVKVP_FAMILY_V6)
		return dynamic & HVKVP_FAMILY_V6;
	if (dynamic & HVKVP_FAMILY_V4)
		return true;
	recorded = ip_record_mode(system, adapter, IP_V4, &mode);
	/* A client that nobody could stop does not undo what the host set. */
	if (!(recorded && mode == IP_MODE_STATIC && has_v4(config)) &&
	    ip_dhcp_runs(system, adapter))
		return true;
	return recorded && mode == IP_MODE_AUTO && !has_v4(config);
}

void ip_query_complete(const struct ip_system *system, const struct adapter *adapter,
		       uint8_t family, uint8_t dynamic, struct ip_config *config)
{
	ip_dns_read(system, adapter, config);
	config->dhcp = by_dhcp(system, adapter, family, config, dynamic);
	/* Clients that give addresses no end: what they set is theirs all the same. */
	for (unsigned int i = 0; config->dhcp && i < config->half[IP_V4].count; i++)
		config->half[IP_V4].address[i].origin = HVKVP_ORIGIN_OTHER;
	for (int half = 0; family && half < IP_HALVES; half++) {
		if (family & ip_bit(half))
			continue;
		memset(&config->half[half], 0, sizeof(config->half[half]));
		config->family &= ~ip_bit(half);
	}
}

int ip_query(const struct ip_system *system, struct rtnl *rtnl, const struct adapter *adapter,
	     uint8_t family, bool unchecked, struct ip_config *config)
{
	uint8_t dynamic;
	int err = ip_read_kernel(rtnl, adapter, unchecked, config, &dynamic);

	if (!err)
		ip_query_complete(system, adapter, family, dynamic, config);
	return err;
}
