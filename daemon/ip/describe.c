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
#include "ip/system.h"
#include "net/adapter.h"
#include "net/rtnl.h"
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

static const char *keeper(const struct ip_system *system, const struct adapter *adapter)
{
	const struct ip_manager *manager = ip_manager_find(system, adapter);

	return manager ? manager->name : "hvkvpd";
}

int ip_describe_interface(const struct ip_system *system, const char *name, FILE *out)
{
	struct ip_config config;
	struct adapter adapter;
	struct rtnl rtnl;
	int err;

	rtnl.nl = NULL;
	err = rtnl_open(&rtnl);
	if (!err)
		err = adapter_find_name(&rtnl, name, &adapter);
	if (!err)
		err = ip_query(system, &rtnl, &adapter, 0, false, &config);
	rtnl_close(&rtnl);
	if (err)
		return err;
	fprintf(out, "INTERFACE=%s\nMAC=%s\nMANAGER=%s\nDHCP=%s\n", adapter.name, adapter.mac,
		keeper(system, &adapter), config.dhcp ? "yes" : "no");
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

static int describe(const struct ip_system *system, const uint8_t *body, unsigned int major,
		    struct rtnl *rtnl, FILE *out)
{
	char id[IP_ADAPTER_SIZE], shown[4 * IP_ADAPTER_SIZE], path[SYSROOT_PATH_SIZE];
	struct ip_config request, current;
	const struct ip_manager *manager;
	struct adapter adapter;
	struct ip_plan plan;
	uint8_t change;
	const char *why = ip_codec_adapter(body, major, id);
	int err;

	if (why)
		return refused(out, why);
	fprintf(out, "FORM=%s\nADAPTER=%s\n", major >= IP_WIRE_BINARY_MAJOR ? "binary" : "text",
		escape(id, shown, sizeof(shown)));
	why = ip_codec_decode(body, major, &request);
	if (!why)
		why = ip_check(&request, &change);
	if (why)
		return refused(out, why);
	err = rtnl_open(rtnl);
	if (!err)
		err = adapter_find(system->root, rtnl, id, &adapter);
	if (err == -ENOENT)
		return refused(out, "there is no such adapter");
	if (!err)
		err = ip_query(system, rtnl, &adapter, 0, true, &current);
	if (err)
		return err;
	ip_plan_make(&adapter, &request, change, &current, &plan);
	ip_plan_lines(&plan, print_line, out);
	sysroot_path(system->root, path, "%s", system->site_script);
	if (!access(path, X_OK)) {
		fprintf(out, "SCRIPT=%s\n", path);
		return 0;
	}
	manager = ip_manager_find(system, &adapter);
	fprintf(out, "MANAGER=%s\n", keeper(system, &adapter));
	if (manager)
		fprintf(out, "FILE=%s\n", manager->path(system, &adapter, path));
	return 0;
}

int ip_describe_body(const struct ip_system *system, const char *path, FILE *out)
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
	ret = describe(system, body, major, &rtnl, out);
	rtnl_close(&rtnl);
	return ret;
}
