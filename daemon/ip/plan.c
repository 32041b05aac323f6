// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plan: what the host wants of an adapter. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "ip/plan.h"

/* A family that the host has not set, as it is now: its static addresses, or the way it gets others. */
static enum ip_mode adopt(int family, const struct ip_config *current, struct ip_family_config *cfg)
{
	const struct ip_family_config *from = &current->by_family[family];

	for (unsigned int i = 0; i < from->count; i++)
		if (from->address[i].origin == HVKVP_ORIGIN_STATIC &&
		    !ip_is_link_local(family, from->address[i].bytes))
			cfg->address[cfg->count++] = from->address[i];
	if (cfg->count) {
		cfg->gateway_count = from->gateway_count;
		memcpy(cfg->gateway, from->gateway, sizeof(cfg->gateway));
		return IP_MODE_STATIC;
	}
	/* IPv6 uses router advertisements by default. */
	return family == IP_V6 || current->dhcp ? IP_MODE_AUTO : IP_MODE_NONE;
}

static void take_dns(struct ip_config *config, const struct ip_config *from)
{
	for (int family = 0; family < IP_FAMILIES; family++) {
		config->by_family[family].dns_count = from->by_family[family].dns_count;
		memcpy(config->by_family[family].dns, from->by_family[family].dns,
		       sizeof(config->by_family[family].dns));
	}
}

static bool has_dns(const struct ip_config *config)
{
	return config->by_family[IP_V4].dns_count || config->by_family[IP_V6].dns_count;
}

static void plan_dns(const struct ip_config *request, const struct ip_config *current,
		     const struct ip_plan *recorded, struct ip_plan *plan)
{
	const struct ip_config *from = current;

	plan->dns_before = recorded && recorded->dns;
	if (request->dhcp) {
		plan->dns = false;
	} else if (has_dns(request)) {
		plan->dns = true;
		from = request;
	} else if (plan->dns_before) {
		plan->dns = true;
		from = &recorded->config;
	} else {
		plan->dns = current->dhcp && plan->change & HVKVP_FAMILY_V4 && has_dns(current);
	}
	take_dns(&plan->config, from);
	if (request->dhcp)
		take_dns(&plan->config, &(struct ip_config){ 0 });
}

void ip_plan_make(const struct adapter *adapter, const struct ip_config *request,
		  uint8_t change, const struct ip_config *current,
		  const struct ip_plan *recorded, struct ip_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->adapter = *adapter;
	plan->change = change;
	plan->kept = change | (recorded ? recorded->kept : 0);
	plan->config.dhcp = request->dhcp;
	for (int family = 0; family < IP_FAMILIES; family++) {
		struct ip_family_config *cfg = &plan->config.by_family[family];

		if (change & ip_family_bit(family)) {
			plan->mode[family] = request->dhcp ? IP_MODE_AUTO : IP_MODE_STATIC;
			if (!request->dhcp)
				*cfg = request->by_family[family];
		} else if (ip_plan_keeps(plan, family)) {
			plan->mode[family] = recorded->mode[family];
			*cfg = recorded->config.by_family[family];
		} else {
			plan->mode[family] = adopt(family, current, cfg);
		}
		if (plan->mode[family] == IP_MODE_STATIC)
			plan->config.families |= ip_family_bit(family);
	}
	plan_dns(request, current, recorded, plan);
}

bool ip_plan_wants_dhcp(const struct ip_plan *plan)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (plan->change & ip_family_bit(family) && plan->mode[family] == IP_MODE_AUTO)
			return true;
	return false;
}

const char *ip_mode_name(enum ip_mode mode)
{
	static const char *const names[] = {
		[IP_MODE_NONE] = "none", [IP_MODE_AUTO] = "auto", [IP_MODE_STATIC] = "static",
	};

	return names[mode];
}

char *ip_plan_list(int family, const struct ip_family_config *cfg, enum ip_list_kind kind,
		   const char *separator, char *text, size_t size)
{
	size_t len = 0;

	text[0] = 0;
	for (unsigned int i = 0; i < ip_cfg_count(cfg, kind) && len < size; i++) {
		char one[IP_TEXT_SIZE];

		if (kind == IP_LIST_ADDRESSES)
			ip_text_prefix(family, &cfg->address[i], one);
		else
			ip_text(family, ip_cfg_bytes(cfg, kind, i), one);
		len += snprintf(text + len, size - len, "%s%s", i ? separator : "", one);
	}
	return text;
}

void ip_plan_lines(const struct ip_plan *plan, uint8_t families,
		   void (*emit)(const char *key, const char *value, void *data), void *data)
{
	static const char *const names[] = { "none", "ipv4", "ipv6", "both" };
	char text[IP_PLAN_VALUE_SIZE], key[32];
	size_t len;

	emit("INTERFACE", plan->adapter.name, data);
	snprintf(text, sizeof(text), "%u", plan->adapter.index);
	emit("IFINDEX", text, data);
	emit("MAC", plan->adapter.mac, data);
	emit("GUID", plan->adapter.guid, data);
	emit("FAMILY", names[families & 3], data);
	for (int family = 0; family < IP_FAMILIES; family++) {
		const char *name = family == IP_V4 ? "IPV4" : "IPV6";
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		snprintf(key, sizeof(key), "%s_MODE", name);
		emit(key, ip_mode_name(plan->mode[family]), data);
		snprintf(key, sizeof(key), "%s_ADDRESSES", name);
		emit(key, ip_plan_list(family, cfg, IP_LIST_ADDRESSES, " ", text, sizeof(text)), data);
		snprintf(key, sizeof(key), "%s_GATEWAYS", name);
		emit(key, ip_plan_list(family, cfg, IP_LIST_GATEWAYS, " ", text, sizeof(text)), data);
	}
	ip_plan_list(IP_V4, &plan->config.by_family[IP_V4], IP_LIST_DNS, " ", text, sizeof(text));
	len = strlen(text);
	if (len && plan->config.by_family[IP_V6].dns_count)
		text[len++] = ' ';
	ip_plan_list(IP_V6, &plan->config.by_family[IP_V6], IP_LIST_DNS, " ", text + len,
		     sizeof(text) - len);
	emit("DNS", text, data);
}
