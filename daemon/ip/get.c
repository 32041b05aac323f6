// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that GET_IP reports of an adapter.
 */
#include <string.h>

#include "ip/dhcp.h"
#include "ip/dns.h"
#include "ip/get.h"
#include "ip/manager/manager.h"
#include "ip/record.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "net/state.h"

/* Has an adapter an IPv4 address that is of use beyond its own link? */
static bool has_v4(const struct ip_config *config)
{
	const struct ip_family_config *cfg = &config->by_family[IP_V4];

	return cfg->count && !ip_is_link_local(IP_V4, cfg->address[0].bytes);
}

/*
 * The flag is about IPv4, as in Windows, unless only IPv6 is asked for. An
 * adapter that waits for a DHCP server has it already.
 */
static bool by_dhcp(const struct ip_system *system, const struct adapter *adapter,
		    uint8_t families, const struct ip_config *config, uint8_t dynamic)
{
	enum ip_mode mode;
	bool recorded;

	if (families == HVKVP_FAMILY_V6)
		return dynamic & HVKVP_FAMILY_V6;
	if (dynamic & HVKVP_FAMILY_V4)
		return true;
	recorded = ip_record_mode(system, adapter, IP_V4, &mode);
	/* A client that could not be stopped does not undo what the host set. */
	if (!(recorded && mode == IP_MODE_STATIC && has_v4(config)) &&
	    ip_dhcp_runs(system, adapter))
		return true;
	return recorded && mode == IP_MODE_AUTO && !has_v4(config);
}

void ip_query_complete(const struct ip_system *system, const struct adapter *adapter,
		       uint8_t families, uint8_t dynamic, struct ip_config *config)
{
	struct ip_family_config *v4 = &config->by_family[IP_V4];
	bool dhcp;

	ip_dns_read(system, adapter, config);
	if (families != HVKVP_FAMILY_V6 && ip_manager_uses_dhcp(system, adapter, &dhcp)) {
		config->dhcp = dhcp;
		for (unsigned int i = 0; !dhcp && i < v4->count; i++)
			if (!ip_is_link_local(IP_V4, v4->address[i].bytes))
				v4->address[i].origin = HVKVP_ORIGIN_STATIC;
	} else {
		config->dhcp = by_dhcp(system, adapter, families, config, dynamic);
	}
	/* Clients that give addresses no end: what they set is theirs all the same. */
	for (unsigned int i = 0; config->dhcp && i < v4->count; i++)
		v4->address[i].origin = HVKVP_ORIGIN_OTHER;
	for (int family = 0; families && family < IP_FAMILIES; family++) {
		if (families & ip_family_bit(family))
			continue;
		memset(&config->by_family[family], 0, sizeof(config->by_family[family]));
		config->families &= ~ip_family_bit(family);
	}
}

int ip_query(const struct ip_system *system, struct rtnl *rtnl, const struct adapter *adapter,
	     uint8_t families, bool unchecked, struct ip_config *config)
{
	uint8_t dynamic;
	int err = ip_read_kernel(rtnl, adapter, unchecked, config, &dynamic);

	if (!err)
		ip_query_complete(system, adapter, families, dynamic, config);
	return err;
}
