// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses for people.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "ip/describe.h"
#include "ip/get.h"
#include "ip/manager/manager.h"
#include "ip/plan.h"
#include "ip/prepare.h"
#include "ip/record.h"
#include "ip/set.h"
#include "ip/site.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "net/rtnl.h"
#include "util/error.h"
#include "util/escape.h"
#include "util/sysroot.h"
#include "wire/ip_codec.h"

static void print_line(const char *key, const char *value, void *data)
{
	fprintf(data, "%s=%s\n", key, value);
}

static void print_list(const char *key, const struct ip_config *config, enum ip_list_kind kind, FILE *out)
{
	char text[IP_PLAN_VALUE_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++)
		fprintf(out, "IPV%d_%s=%s\n", family == IP_V4 ? 4 : 6, key,
			ip_plan_list(family, &config->by_family[family], kind, " ", text, sizeof(text)));
}

static void print_origins(const struct ip_config *config, FILE *out)
{
	static const char *const names[] = { "unknown", "other", "static" };

	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &config->by_family[family];

		fprintf(out, "IPV%d_ORIGINS=", family == IP_V4 ? 4 : 6);
		for (unsigned int i = 0; i < cfg->count; i++)
			fprintf(out, "%s%s", i ? " " : "", names[cfg->address[i].origin]);
		fputc('\n', out);
	}
}

/* Has the host set a bridge or bond that the adapter was in, and that is not there? */
static bool waits(const struct ip_system *system, struct rtnl *rtnl, const struct adapter *adapter,
		  struct ip_record *record)
{
	struct adapter top;

	return !ip_record_find(system, adapter, record) && record->plan.adapter.is_master &&
	       !adapter_find(system->root, rtnl, adapter->guid[0] ? adapter->guid : adapter->mac,
			     &top) && !top.is_master;
}

int ip_describe_interface(const struct ip_system *system, const char *name, FILE *out)
{
	struct ip_config config;
	struct ip_record record;
	struct adapter adapter;
	struct rtnl rtnl;
	bool waiting;
	int err;

	rtnl.nl = NULL;
	err = rtnl_open(&rtnl);
	if (!err)
		err = adapter_find_name(system->root, &rtnl, name, &adapter);
	if (!err)
		err = ip_query(system, &rtnl, &adapter, 0, false, &config);
	waiting = !err && waits(system, &rtnl, &adapter, &record);
	rtnl_close(&rtnl);
	if (err)
		return err;
	fprintf(out, "INTERFACE=%s\nMAC=%s\nMANAGER=%s\nDHCP=%s\n", adapter.name, adapter.mac,
		ip_manager_name(ip_manager_find(system, &adapter)), config.dhcp ? "yes" : "no");
	if (waiting)
		fprintf(out, "WAITS_FOR=%s %s\n", record.plan.adapter.kind,
			record.plan.adapter.name);
	print_list("ADDRESSES", &config, IP_LIST_ADDRESSES, out);
	print_origins(&config, out);
	print_list("GATEWAYS", &config, IP_LIST_GATEWAYS, out);
	print_list("DNS", &config, IP_LIST_DNS, out);
	return 0;
}

static int refused(FILE *out, const char *why)
{
	fprintf(out, "REFUSED=%s\n", why);
	return 1;
}

static void print_addresses(char mark, const struct ip_config *config, int family, FILE *out)
{
	static const char *const kinds[] = { "address", "gateway" };
	const struct ip_family_config *cfg = &config->by_family[family];

	for (int kind = IP_LIST_ADDRESSES; kind <= IP_LIST_GATEWAYS; kind++)
		for (unsigned int i = 0; i < ip_cfg_count(cfg, kind); i++) {
			char text[IP_TEXT_SIZE];

			if (kind == IP_LIST_ADDRESSES)
				ip_text_prefix(family, &cfg->address[i], text);
			else
				ip_text(family, ip_cfg_bytes(cfg, kind, i), text);
			fprintf(out, "%c%s %s\n", mark, kinds[kind], text);
		}
}

/* What the adapter has, and will have, of the families that change. */
static int diff_addresses(const struct ip_system *system, struct rtnl *rtnl,
			  const struct ip_plan *plan, FILE *out)
{
	struct ip_config current;
	int err = ip_query(system, rtnl, &plan->adapter, 0, true, &current);

	if (err)
		return err;
	fprintf(out, "addresses of %s\n", plan->adapter.name);
	for (int family = 0; family < IP_FAMILIES; family++) {
		if (!(plan->change & ip_family_bit(family)))
			continue;
		print_addresses('-', &current, family, out);
		print_addresses('+', &plan->config, family, out);
	}
	return 0;
}

static int describe(const struct ip_system *system, const struct ip_policy *policy,
		    const uint8_t *body, unsigned int major, struct rtnl *rtnl, FILE *out)
{
	char id[IP_ADAPTER_SIZE] = "", shown[4 * IP_ADAPTER_SIZE], path[SYSROOT_PATH_SIZE];
	const struct ip_manager *manager;
	struct ip_files files = { 0 };
	struct ip_plan plan;
	struct error error;
	uint32_t status = ip_prepare(system, policy, rtnl, body, major, id, &plan, &error);
	int err;

	fprintf(out, "FORM=%s\nADAPTER=%s\n", major >= IP_WIRE_BINARY_MAJOR ? "binary" : "text",
		escape(id, shown, sizeof(shown)));
	if (status)
		return refused(out, error.text);
	ip_plan_lines(&plan, plan.change, print_line, out);
	if (ip_site_exists(system, path)) {
		fprintf(out, "SCRIPT=%s\n", path);
		return 0;
	}
	manager = ip_manager_find(system, &plan.adapter);
	fprintf(out, "MANAGER=%s\n", ip_manager_name(manager));
	err = ip_change_compile(system, &plan, manager, &files, &error);
	if (err) {
		ip_files_free(&files);
		return refused(out, error.text);
	}
	fputc('\n', out);
	err = diff_addresses(system, rtnl, &plan, out);
	if (!err)
		ip_files_diff(&files, system, out);
	ip_files_free(&files);
	return err;
}

int ip_describe_body(const struct ip_system *system, const struct ip_policy *policy,
		     const char *path, FILE *out)
{
	uint8_t body[HVKVP_IP_SIZE + 1] = { 0 };
	FILE *file = fopen(path, "re");
	unsigned int major;
	struct rtnl rtnl;
	size_t len;
	int ret;

	if (!file)
		return -errno;
	len = fread(body, 1, sizeof(body), file);
	ret = ferror(file) ? -EIO : 0;
	fclose(file);
	if (ret)
		return ret;
	/* The binary form has padding where the text form has its adapter id. */
	major = body[2] || body[3] ? IP_WIRE_BINARY_MAJOR - 1 : IP_WIRE_BINARY_MAJOR;
	if (len < ip_codec_size(major) || len > HVKVP_IP_SIZE || body[0] != HVKVP_OP_SET_IP)
		return -EINVAL;
	rtnl.nl = NULL;
	ret = describe(system, policy, body, major, &rtnl, out);
	rtnl_close(&rtnl);
	return ret;
}

const char *ip_describe_error(int err, char *text, size_t size)
{
	if (err == -EINVAL)
		snprintf(text, size, "is not the body of a SET_IP: %zu bytes, or %zu and more from KVP %u.0 on",
			 ip_codec_size(IP_WIRE_BINARY_MAJOR - 1), ip_codec_size(IP_WIRE_BINARY_MAJOR),
			 IP_WIRE_BINARY_MAJOR);
	else
		snprintf(text, size, "%s", strerror(-err));
	return text;
}
