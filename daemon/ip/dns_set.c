// SPDX-License-Identifier: GPL-2.0-only
/*
 * Setting an adapter's name servers where no network manager does.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ip/dns.h"
#include "ip/manager/manager.h"
#include "ip/system.h"
#include "net/adapter.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/spawn.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define FILE_SIZE	65536

static unsigned int count(const struct ip_config *config)
{
	return config->by_family[IP_V4].dns_count + config->by_family[IP_V6].dns_count;
}

static int by_resolved(const char *tool, const struct adapter *adapter,
		       const struct ip_config *config, unsigned int limit_ms, struct error *error)
{
	char texts[2 * HVKVP_ADDR_MAX][IP_TEXT_SIZE];
	const char *argv[2 * HVKVP_ADDR_MAX + 5] = { tool, "dns", adapter->name };
	size_t n = 3, t = 0;

	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].dns_count; i++, t++)
			argv[n++] = ip_text(family, config->by_family[family].dns[i], texts[t]);
	if (!t)
		argv[n++] = "";
	return spawn_program(argv, NULL, NULL, limit_ms) ?
	       error_set(error, -EREMOTEIO, "resolvectl fails") : 0;
}

static void print_servers(const struct ip_config *config, struct strbuf *out)
{
	char text[IP_TEXT_SIZE];

	for (int family = 0; family < IP_FAMILIES; family++)
		for (unsigned int i = 0; i < config->by_family[family].dns_count; i++)
			strbuf_printf(out, "nameserver %s\n",
				 ip_text(family, config->by_family[family].dns[i], text));
}

/* Its hooks write all over the system. */
static int by_resolvconf(const struct ip_system *system, const char *tool,
			 const struct adapter *adapter, const struct ip_config *config,
			 unsigned int limit_ms, struct error *error)
{
	struct strbuf servers = { 0 };
	char record[64];
	int ret;

	snprintf(record, sizeof(record), "%s.hvkvpd", adapter->name);
	print_servers(config, &servers);
	ret = ip_tool(system, limit_ms, true, servers.text,
		      (const char *const[]){ tool, servers.len ? "-a" : "-d", record, NULL });
	strbuf_free(&servers);
	return ret ? error_set(error, -EREMOTEIO, "resolvconf fails") : 0;
}

static int by_file(const struct ip_system *system, const struct adapter *adapter,
		   const struct ip_config *config, unsigned int limit_ms, struct error *error)
{
	static const char resolv_conf[] = "/etc/resolv.conf";
	char path[SYSROOT_PATH_SIZE], begin[96], end[96], *text = malloc(FILE_SIZE), *from, *to;
	struct strbuf out = { 0 };
	struct file_set files = { 0 };
	int len, err = -1;

	sysroot_path(system->root, path, "%s", resolv_conf);
	len = text ? file_read(path, text, FILE_SIZE) : -1;
	if (len >= FILE_SIZE - 1) {
		free(text);
		return error_set(error, -EFBIG, "/etc/resolv.conf is too large");
	}
	snprintf(begin, sizeof(begin), IP_DNS_BEGIN, adapter->name);
	snprintf(end, sizeof(end), IP_DNS_END, adapter->name);
	if (count(config)) {
		strbuf_printf(&out, "%s", begin);
		print_servers(config, &out);
		strbuf_printf(&out, "%s", end);
	}
	if (len > 0) {
		from = strstr(text, begin);
		to = from ? strstr(from, end) : NULL;
		if (to)
			memmove(from, to + strlen(end), strlen(to + strlen(end)) + 1);
		strbuf_printf(&out, "%s", text);
	}
	/* No file, and none needed. */
	if (len < 0 && !out.len)
		err = 0;
	else if (!out.failed)
		err = file_set_write(&files, path, 0644, out.text ? out.text : "", out.len);
	file_set_keep(&files);
	/*
	 * The sandbox of our unit. A hole in it for this file would close when another
	 * program puts a new one in its place, as dhclient does.
	 */
	if (err == -EROFS)
		err = ip_tool(system, limit_ms, true, out.text,
			      (const char *const[]){ "/usr/bin/cp", "/dev/stdin", resolv_conf, NULL });
	strbuf_free(&out);
	free(text);
	return err ? error_set(error, -EIO, "/etc/resolv.conf cannot be written") : 0;
}

const char *ip_dns_resolvconf(const struct ip_system *system)
{
	static const char *const tools[] = { "/usr/sbin/resolvconf", "/sbin/resolvconf" };
	char path[SYSROOT_PATH_SIZE], target[SYSROOT_PATH_SIZE];
	ssize_t len;

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		sysroot_path(system->root, path, "%s", tools[i]);
		if (access(path, X_OK))
			continue;
		/* systemd-resolved's own works only while that runs. */
		len = readlink(path, target, sizeof(target) - 1);
		target[len < 0 ? 0 : len] = 0;
		if (!strstr(target, "resolvectl"))
			return tools[i];
	}
	return NULL;
}

static bool is_link(const char *path)
{
	return readlink(path, (char[1]){ 0 }, 1) > 0;
}

int ip_dns_set(const struct ip_system *system, const struct adapter *adapter,
	       const struct ip_config *config, unsigned int limit_ms, struct error *error)
{
	const char *tool = ip_dns_resolvconf(system);
	const uint64_t end = clock_ms() + limit_ms;
	char path[SYSROOT_PATH_SIZE];
	int err;

	if (sysroot_exists(system->root, "/run/systemd/resolve/resolv.conf") &&
	    sysroot_exists(system->root, "/usr/bin/resolvectl")) {
		err = by_resolved(sysroot_path(system->root, path, "/usr/bin/resolvectl"), adapter, config,
				  limit_ms, error);
		/* Its file stays when it is stopped for good. A link would lead there. */
		if (!err || is_link(sysroot_path(system->root, path, "/etc/resolv.conf")))
			return err;
	}
	if (tool)
		return by_resolvconf(system, tool, adapter, config, clock_left(end), error);
	return by_file(system, adapter, config, clock_left(end), error);
}
