// SPDX-License-Identifier: GPL-2.0-only
/*
 * dhcpcd, as the manager of all interfaces.
 *
 * It has one file, /etc/dhcpcd.conf, and no folder for parts of it. A second block of
 * an interface adds to the first, but does not replace its address: of two addresses it
 * takes the prefix length of the first. So the user's lines that the host's setting
 * replaces become comments with a mark, and a marked block at the end has the host's.
 *
 * It reads the file again when its socket gets what "dhcpcd -n" sends, or at SIGHUP; inotify
 * shows whether it does. The socket of version 9, in Debian 12, serves one client and no
 * other until it is started again, so that version gets the signal, and is not asked by
 * "dhcpcd -U" either: the kernel knows whose the address is. It loses signals that arrive
 * while it waits for one of its own processes, for example because an address has just gone.
 * Version 10, in Debian 13, gives up reading the file then, and goes on without any of it:
 * that one gets the command.
 */
#include <errno.h>
#include <fnmatch.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ip/manager/manager.h"
#include "ip/snapshot.h"
#include "ip/system.h"
#include "net/rtnl.h"
#include "util/clock.h"
#include "util/error.h"
#include "util/file.h"
#include "util/strbuf.h"
#include "util/sysroot.h"

#define PATH		"/etc/dhcpcd.conf"
#define SOCKET		"/run/dhcpcd/sock"
#define BLANK		" \t"
#define VALUE_SIZE	1024
/* How long a signal may take; then it is sent again. */
#define SIGNAL_MS	1000
/* Whose socket can be used; how long it may take to print that. */
#define SOCKET_VERSION	10
#define VERSION_MS	3000

/* Around our block, and in front of a line of the user's; %s is the record's key. */
#define BEGIN		"# hvkvpd-%s: begin\n"
#define END		"# hvkvpd-%s: end"
#define MARK		"#hvkvpd-%s# "
#define MARK_SIZE	(sizeof(MARK) + IP_RECORD_KEY_SIZE)

/* Its process id, if it runs for all interfaces. */
static bool read_pid(const struct ip_system *system, char *pid, size_t size)
{
	static const char *const paths[] = { "/run/dhcpcd/pid", "/run/dhcpcd.pid" };
	char path[SYSROOT_PATH_SIZE], text[32];

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		sysroot_path(system->root, path, "%s", paths[i]);
		if (file_read(path, text, sizeof(text)) <= 0)
			continue;
		snprintf(pid, size, "%.*s", (int)strspn(text, "0123456789"), text);
		if (pid[0])
			return true;
	}
	return false;
}

/**
 * struct line - a line of the file
 * @text: from its start
 * @len: with its newline, if it has one
 * @section: in which it is; of other sections none is known
 * @name: of the interface
 * @word: the option
 * @value: what is behind it; for "static KEY=value" all of that
 */
struct line {
	const char *text;
	size_t len;
	enum { GLOBAL, INTERFACE, OTHER } section;
	char name[64];
	char word[64];
	char value[VALUE_SIZE];
};

/* @line: all zero but for @text, which is the file, for the first. */
static bool next_line(struct line *line)
{
	const char *text = line->text + line->len, *at;
	size_t left;

	if (!*text)
		return false;
	line->text = text;
	line->len = strcspn(text, "\n");
	at = text + strspn(text, BLANK);
	snprintf(line->word, sizeof(line->word), "%.*s", (int)strcspn(at, BLANK "\n"), at);
	at += strcspn(at, BLANK "\n");
	at += strspn(at, BLANK);
	left = line->len - (at - text);
	while (left && strchr(BLANK, at[left - 1]))
		left--;
	snprintf(line->value, sizeof(line->value), "%.*s", (int)left, at);
	line->len += text[line->len] == '\n';
	if (!strcmp(line->word, "interface")) {
		line->section = INTERFACE;
		snprintf(line->name, sizeof(line->name), "%.60s", line->value);
	} else if (!strcmp(line->word, "profile") || !strcmp(line->word, "ssid")) {
		line->section = OTHER;
	}
	return true;
}

static bool in_block_of(const struct line *line, const char *name)
{
	return line->section == INTERFACE && !strcmp(line->name, name);
}

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(word, *words))
		words++;
	return *words;
}

/* The key of a "static KEY=value". Return: false for any other line. */
static bool static_key(const struct line *line, char *key, size_t size)
{
	if (strcmp(line->word, "static"))
		return false;
	snprintf(key, size, "%.*s", (int)strcspn(line->value, "= \t"), line->value);
	return true;
}

/* Options that keep a family, or its DHCP, off. */
static bool keeps_off(const struct line *line, int family, enum ip_mode mode)
{
	static const char *const family_off[IP_FAMILIES][4] = {
		{ "noipv4", "ipv6only" }, { "noipv6", "ipv4only" },
	};
	static const char *const auto_off[IP_FAMILIES][4] = {
		{ "nodhcp", "inform" }, { "nodhcp6", "noipv6rs" },
	};

	return is_one_of(line->word, family_off[family]) ||
	       (mode == IP_MODE_AUTO && is_one_of(line->word, auto_off[family]));
}

static bool sets_address(const struct line *line, int family)
{
	static const char *const keys[IP_FAMILIES][8] = {
		{ "ip_address", "subnet_mask", "broadcast_address", "routers" }, { "ip6_address" },
	};
	char key[64];

	if (static_key(line, key, sizeof(key)))
		return is_one_of(key, keys[family]);
	return family == IP_V4 && !strcmp(line->word, "inform");
}

/* Does the host's setting take the place of a line of the interface's? */
static bool is_replaced(const struct ip_plan *plan, const struct line *line)
{
	char key[64];

	if (plan->dns && static_key(line, key, sizeof(key)) && !strcmp(key, "domain_name_servers"))
		return true;
	for (int family = 0; family < IP_FAMILIES; family++)
		if (ip_plan_keeps(plan, family) &&
		    (sets_address(line, family) || keeps_off(line, family, plan->mode[family])))
			return true;
	return false;
}

/* The user's file: without our block, and with the lines that it had replaced. */
static void strip(const char *text, const char *key, struct strbuf *out)
{
	char begin[MARK_SIZE], end[MARK_SIZE], mark[MARK_SIZE];
	struct line line = { .text = text };
	bool ours = false;

	snprintf(begin, sizeof(begin), BEGIN, key);
	snprintf(end, sizeof(end), END, key);
	snprintf(mark, sizeof(mark), MARK, key);
	while (next_line(&line)) {
		size_t skip = strncmp(line.text, mark, strlen(mark)) ? 0 : strlen(mark);
		bool begins = !strncmp(line.text, begin, strlen(begin));

		/* Without an end, what follows may be the user's. */
		ours |= begins && strstr(line.text, end);
		if (!ours && !begins)
			strbuf_printf(out, "%.*s", (int)(line.len - skip), line.text + skip);
		ours &= strncmp(line.text, end, strlen(end)) != 0;
	}
}

static void render(const struct ip_plan *plan, const char *key, struct strbuf *out)
{
	const struct ip_config *config = &plan->config;
	char text[IP_TEXT_SIZE];

	strbuf_printf(out, BEGIN IP_FILES_BANNER "interface %s\n", key, plan->adapter.name);
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &config->by_family[family];

		if (!ip_plan_keeps_static(plan, family) || !cfg->count)
			continue;
		strbuf_printf(out, "static %s=%s\n", family == IP_V4 ? "ip_address" : "ip6_address",
			      ip_text_prefix(family, &cfg->address[0], text));
		if (cfg->gateway_count)
			strbuf_printf(out, "static routers=%s\n", ip_text(family, cfg->gateway[0], text));
	}
	if (plan->dns && (config->by_family[IP_V4].dns_count || config->by_family[IP_V6].dns_count)) {
		strbuf_printf(out, "static domain_name_servers=");
		for (int family = 0, n = 0; family < IP_FAMILIES; family++)
			for (unsigned int i = 0; i < config->by_family[family].dns_count; i++)
				strbuf_printf(out, "%s%s", n++ ? " " : "",
					      ip_text(family, config->by_family[family].dns[i], text));
		strbuf_printf(out, "\n");
	}
	strbuf_printf(out, END "\n", key);
}

/* What it cannot keep. */
static int check(const struct ip_plan *plan, struct error *error)
{
	for (int family = 0; family < IP_FAMILIES; family++) {
		const struct ip_family_config *cfg = &plan->config.by_family[family];

		if (!ip_plan_keeps_static(plan, family))
			continue;
		if (cfg->count > 1)
			return error_set(error, -EOPNOTSUPP,
					 "dhcpcd keeps one IPv%d address of an adapter, not %u",
					 family == IP_V4 ? 4 : 6, cfg->count);
		if (family == IP_V6 && cfg->gateway_count)
			return error_set(error, -EOPNOTSUPP,
					 "dhcpcd keeps no IPv6 gateway: it takes that of router advertisements");
		if (cfg->gateway_count > 1)
			return error_set(error, -EOPNOTSUPP,
					 "dhcpcd keeps one IPv4 gateway of an adapter, not %u",
					 cfg->gateway_count);
	}
	return 0;
}

/* An option for all interfaces cannot be taken back for one. */
static int check_global(const struct ip_plan *plan, const struct line *line, struct error *error)
{
	for (int family = 0; family < IP_FAMILIES; family++)
		if (ip_plan_keeps(plan, family) &&
		    (sets_address(line, family) || keeps_off(line, family, plan->mode[family])))
			return error_set(error, -EOPNOTSUPP,
					 PATH ": \"%s\" is for all interfaces: move it into an \"interface\" block",
					 line->word);
	return 0;
}

static int compile(const struct ip_system *system, const struct ip_plan *plan,
		   struct ip_files *files, struct error *error)
{
	char key[IP_RECORD_KEY_SIZE], *text = ip_files_read(system, PATH);
	struct strbuf user = { 0 }, *out;
	struct line line;
	int err = check(plan, error);

	if (!text && sysroot_exists(system->root, PATH))
		return error_set(error, -EIO, PATH " cannot be read");
	strip(text ? text : "", ip_record_key(&plan->adapter, key), &user);
	free(text);
	out = ip_files_add(files, 0644, PATH);
	line = (struct line){ .text = user.text ? user.text : "" };
	while (!err && next_line(&line)) {
		bool mine = in_block_of(&line, plan->adapter.name);

		if (line.section == GLOBAL)
			err = check_global(plan, &line, error);
		if (mine && is_replaced(plan, &line))
			strbuf_printf(out, MARK, key);
		strbuf_printf(out, "%.*s", (int)line.len, line.text);
	}
	if (out->len && out->text[out->len - 1] != '\n')
		strbuf_printf(out, "\n");
	render(plan, key, out);
	out->failed |= user.failed;
	strbuf_free(&user);
	return err;
}

static void revert(const struct ip_system *system, const struct ip_record *record,
		   const char *key, struct ip_files *files)
{
	char *text = ip_files_read(system, PATH);

	(void)record;
	if (text)
		strip(text, key, ip_files_add(files, 0644, PATH));
	free(text);
}

/* Is one of the patterns, with blanks or commas between them, the interface's? */
static bool any_pattern(const char *patterns, const char *name)
{
	char copy[VALUE_SIZE], *word, *rest = copy;

	snprintf(copy, sizeof(copy), "%s", patterns);
	while ((word = strsep(&rest, BLANK ",")))
		if (*word && !fnmatch(word, name, 0))
			return true;
	return false;
}

/* Of all interfaces; as the client of one it belongs to another manager. */
static bool in_charge(const struct ip_system *system, const struct adapter *adapter)
{
	bool allowed = true, denied = false;
	char pid[16], *text;
	struct line line;

	if (!ip_unit_enabled(system, "dhcpcd.service") && !read_pid(system, pid, sizeof(pid)))
		return false;
	text = ip_files_read(system, PATH);
	line = (struct line){ .text = text ? text : "" };
	while (next_line(&line)) {
		if (!strcmp(line.word, "allowinterfaces"))
			allowed = any_pattern(line.value, adapter->name);
		else if (!strcmp(line.word, "denyinterfaces"))
			denied |= any_pattern(line.value, adapter->name);
	}
	free(text);
	return allowed && !denied;
}

static int running(const struct ip_system *system, const struct adapter *adapter,
		   struct error *error)
{
	char pid[16];

	(void)adapter;
	if (read_pid(system, pid, sizeof(pid)))
		return 1;
	/* It removes both when it ends; one that ends late has removed the file of the next one. */
	if (sysroot_exists(system->root, SOCKET))
		return error_set(error, -ESRCH, "dhcpcd has no /run/dhcpcd/pid, but a socket: restart it");
	return 0;
}

/*
 * It belongs to a user of its own, to whom hvkvpd's sandbox forbids to send signals, and whose
 * processes it does not see. One that was killed has left its number, which may be another's now.
 */
static bool send_signal(const struct ip_system *system, unsigned int limit_ms)
{
	static const char script[] =
		"read -r name </proc/\"$0\"/comm && [ \"$name\" = dhcpcd ] && kill -HUP \"$0\"";
	char pid[16];

	return read_pid(system, pid, sizeof(pid)) &&
	       !IP_TOOL(system, limit_ms, true, "sh", "-c", script, pid);
}

/* Does its socket serve more than one client? */
static bool has_socket(const struct ip_system *system)
{
	unsigned int major = 0;
	char text[1024];

	return !IP_TOOL_OUTPUT(system, VERSION_MS, text, sizeof(text), "dhcpcd", "--version") &&
	       sscanf(text, "dhcpcd %u", &major) == 1 && major >= SOCKET_VERSION;
}

/*
 * What "dhcpcd -n" sends, without that program, which reads the file itself. The command waits
 * in the socket.
 */
static bool send_command(const struct ip_system *system, const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	char path[SYSROOT_PATH_SIZE], words[64];
	int fd, len;
	bool sent;

	sysroot_path(system->root, path, SOCKET);
	if (strlen(path) >= sizeof(to.sun_path))
		return false;
	strcpy(to.sun_path, path);
	len = snprintf(words, sizeof(words), "dhcpcd%c-n%c%s", 0, 0, name) + 1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	sent = !connect(fd, (struct sockaddr *)&to, sizeof(to)) &&
	       send(fd, words, len, MSG_NOSIGNAL) == len;
	close(fd);
	return sent;
}

static int notify(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		  unsigned int limit_ms, struct error *error)
{
	struct pollfd watch = { .fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK), .events = POLLIN };
	const uint64_t end = clock_ms() + limit_ms;
	char path[SYSROOT_PATH_SIZE];
	bool is_read = false;

	(void)dhcp;
	/* Without it, the first signal has to do. */
	if (watch.fd < 0 ||
	    inotify_add_watch(watch.fd, sysroot_path(system->root, path, PATH), IN_OPEN) < 0)
		is_read = send_signal(system, limit_ms);
	else if (has_socket(system) && send_command(system, adapter->name))
		is_read = poll(&watch, 1, clock_left(end)) > 0;
	while (!is_read && clock_left(end) && send_signal(system, clock_left(end)))
		is_read = poll(&watch, 1, clock_left(end) < SIGNAL_MS ? clock_left(end) : SIGNAL_MS) > 0;
	if (watch.fd >= 0)
		close(watch.fd);
	return is_read ? 0 : error_set(error, -EREMOTEIO, "dhcpcd does not read its new configuration");
}

/* Is it a route of dhcpcd's from this address? */
static bool is_own_route(const struct nlmsghdr *nlh, const uint8_t *address)
{
	const struct rtmsg *msg = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	if (msg->rtm_family != AF_INET || msg->rtm_protocol != RTPROT_DHCP)
		return false;
	mnl_attr_for_each(attr, nlh, sizeof(*msg))
		if (mnl_attr_get_type(attr) == RTA_PREFSRC &&
		    mnl_attr_get_payload_len(attr) == ip_len(IP_V4) &&
		    !memcmp(mnl_attr_get_payload(attr), address, ip_len(IP_V4)))
			return true;
	return false;
}

static bool has_own_route(const struct adapter *adapter, const uint8_t *address)
{
	const struct nlmsghdr *nlh = NULL;
	struct rtnl rtnl = { .nl = NULL };
	struct ip_snapshot now;
	bool found = false;

	if (rtnl_open(&rtnl))
		return false;
	if (!ip_snapshot_take(&now, &rtnl, adapter, HVKVP_FAMILY_V4)) {
		while (!found && (nlh = ip_messages_next(&now.routes, nlh)))
			found = is_own_route(nlh, address);
		ip_snapshot_free(&now);
	}
	rtnl_close(&rtnl);
	return found;
}

/*
 * It makes the route to the subnet of an IPv4 address itself, in the place of the
 * kernel's. There is no such sign of the rest: that the process lives has to do.
 */
static bool accepted(const struct ip_system *system, const struct adapter *adapter)
{
	struct ip_record record;
	char pid[16];

	if (!read_pid(system, pid, sizeof(pid)))
		return false;
	if (ip_record_find(system, adapter, &record) || !ip_plan_keeps_static(&record.plan, IP_V4) ||
	    !record.plan.config.by_family[IP_V4].count)
		return true;
	return has_own_route(adapter, record.plan.config.by_family[IP_V4].address[0].bytes);
}

/* Its hooks hand them to resolvconf, or write resolv.conf. */
static bool keeps_dns(const struct ip_system *system)
{
	(void)system;
	return true;
}

/* Its routes say so of static addresses, too. */
static bool uses_dhcp(const struct ip_system *system, const struct adapter *adapter)
{
	char key[64], *text = ip_files_read(system, PATH);
	struct line line = { .text = text ? text : "" };
	bool dhcp = true;

	while (next_line(&line))
		if ((line.section == GLOBAL || in_block_of(&line, adapter->name)) &&
		    ((static_key(&line, key, sizeof(key)) && !strcmp(key, "ip_address")) ||
		     !strcmp(line.word, "nodhcp")))
			dhcp = false;
	free(text);
	return dhcp;
}

const struct ip_manager ip_dhcpcd = {
	.name = "dhcpcd",
	.in_charge = in_charge,
	.running = running,
	.compile = compile,
	.revert = revert,
	.notify = notify,
	.accepted = accepted,
	.keeps_dns = keeps_dns,
	.uses_dhcp = uses_dhcp,
};
