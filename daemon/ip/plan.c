// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plan: how an adapter is to be configured, for good. Pure.
 */
#include <stdio.h>
#include <string.h>

#include "ip/plan.h"

/* Take a family over as it is: its static addresses, or the way it gets others. */
static enum ip_mode adopt(int half, const struct ip_config *current, struct ip_half *part)
{
	const struct ip_half *from = &current->half[half];

	for (unsigned int i = 0; i < from->count; i++)
		if (from->address[i].origin == HVKVP_ORIGIN_STATIC &&
		    !ip_is_link_local(half, from->address[i].bytes))
			part->address[part->count++] = from->address[i];
	if (part->count) {
		part->gateway_count = from->gateway_count;
		memcpy(part->gateway, from->gateway, sizeof(part->gateway));
		return IP_MODE_STATIC;
	}
	/* IPv6 listens to routers unless it is told otherwise. */
	return half == IP_V6 || current->dhcp ? IP_MODE_AUTO : IP_MODE_NONE;
}

static void take_dns(struct ip_config *config, const struct ip_config *from)
{
	for (int half = 0; half < IP_HALVES; half++) {
		config->half[half].dns_count = from->half[half].dns_count;
		memcpy(config->half[half].dns, from->half[half].dns,
		       sizeof(config->half[half].dns));
	}
}

void ip_plan_make(const struct adapter *adapter, const struct ip_config *request,
		  uint8_t change, const struct ip_config *current, struct ip_plan *plan)
{
	memset(plan, 0, sizeof(*plan));
	plan->adapter = *adapter;
	plan->change = change;
	plan->config.dhcp = request->dhcp;
	for (int half = 0; half < IP_HALVES; half++) {
		struct ip_half *part = &plan->config.half[half];

		if (!(change & ip_bit(half))) {
			plan->mode[half] = adopt(half, current, part);
		} else if (request->dhcp) {
			plan->mode[half] = IP_MODE_AUTO;
		} else {
			plan->mode[half] = IP_MODE_STATIC;
			*part = request->half[half];
		}
		if (plan->mode[half] == IP_MODE_STATIC)
			plan->config.family |= ip_bit(half);
	}
	if (!request->dhcp && (request->half[IP_V4].dns_count || request->half[IP_V6].dns_count))
		take_dns(&plan->config, request);
	else if (plan->mode[IP_V4] == IP_MODE_STATIC)
		take_dns(&plan->config, current);
}

const char *ip_mode_name(enum ip_mode mode)
{
	static const char *const names[] = {
		[IP_MODE_NONE] = "none", [IP_MODE_AUTO] = "auto", [IP_MODE_STATIC] = "static",
	};

	return names[mode];
}

char *ip_plan_list(int half, const struct ip_half *part, char which, const char *separator,
		   char *text, size_t size)
{
	unsigned int count = which == 'a' ? part->count :
			     which == 'g' ? part->gateway_count : part->dns_count;
	size_t len = 0;

	text[0] = 0;
	for (unsigned int i = 0; i < count && len < size; i++) {
		char one[IP_TEXT_SIZE];

		if (which == 'a')
			ip_text_prefix(half, &part->address[i], one);
		else
			ip_text(half, which == 'g' ? part->gateway[i] : part->dns[i], one);
		len += snprintf(text + len, size - len, "%s%s", i ? separator : "", one);
	}
	return text;
}

void ip_plan_lines(const struct ip_plan *plan,
		   void (*emit)(const char *key, const char *value, void *data), void *data)
{
	static const char *const families[] = { "none", "ipv4", "ipv6", "both" };
	char text[IP_PLAN_VALUE_SIZE], key[32];
	size_t len;

	emit("INTERFACE", plan->adapter.name, data);
	snprintf(text, sizeof(text), "%u", plan->adapter.index);
	emit("IFINDEX", text, data);
	emit("MAC", plan->adapter.mac, data);
	emit("FAMILY", families[plan->change & 3], data);
	for (int half = 0; half < IP_HALVES; half++) {
		const char *name = half == IP_V4 ? "IPV4" : "IPV6";
		const struct ip_half *part = &plan->config.half[half];

		snprintf(key, sizeof(key), "%s_MODE", name);
		emit(key, ip_mode_name(plan->mode[half]), data);
		snprintf(key, sizeof(key), "%s_ADDRESSES", name);
		emit(key, ip_plan_list(half, part, 'a', " ", text, sizeof(text)), data);
		snprintf(key, sizeof(key), "%s_GATEWAYS", name);
		emit(key, ip_plan_list(half, part, 'g', " ", text, sizeof(text)), data);
	}
	ip_plan_list(IP_V4, &plan->config.half[IP_V4], 'd', " ", text, sizeof(text));
	len = strlen(text);
	if (len && plan->config.half[IP_V6].dns_count)
		text[len++] = ' ';
	ip_plan_list(IP_V6, &plan->config.half[IP_V6], 'd', " ", text + len, sizeof(text) - len);
	emit("DNS", text, data);
}
