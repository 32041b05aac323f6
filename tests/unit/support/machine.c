// SPDX-License-Identifier: GPL-2.0-only
/*
 * A machine with an adapter, and IP requests to it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ip/request.h"
#include "ip/system.h"
#include "support/machine.h"
#include "support/netns.h"
#include "support/scratch.h"

struct ip_system machine = {
	.root = scratch_dir,
	.state_dir = "/state",
	.site_script = IP_SITE_SCRIPT,
	.settle_ms = 3000,
};
char machine_why[512];
const char *machine_oddity;
uint8_t machine_out[7428];
unsigned int machine_left_ms = 20000;
static uint8_t body[7428];

static void make_folders(const char *path)
{
	char part[192];

	for (const char *slash = path; (slash = strchr(slash, '/')); slash++) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		mkdir(scratch_path(part), 0755);
	}
}

void machine_write(const char *path, const char *text)
{
	make_folders(path);
	scratch_write(path, text, strlen(text));
}

const char *machine_read(const char *path)
{
	static char text[65536];
	size_t len = access(scratch_path(path), R_OK) ? 0 :
		     scratch_read(path, text, sizeof(text) - 1);

	text[len] = 0;
	return text;
}

void machine_device(const char *name, const char *guid)
{
	char net[64], bus[96], target[96], bare[40] = "";
	size_t len = 0;

	for (; *guid && len < sizeof(bare) - 1; guid++)
		if (!strchr("{}", *guid))
			bare[len++] = tolower((unsigned char)*guid);
	snprintf(net, sizeof(net), "sys/class/net/%s/device", name);
	make_folders(net);
	unlink(scratch_path(net));
	if (!len)
		return;
	snprintf(bus, sizeof(bus), "sys/devices/vmbus/%s/subsystem", bare);
	make_folders(bus);
	snprintf(target, sizeof(target), "../../../devices/vmbus/%s", bare);
	if (symlink(target, scratch_path(net)))
		perror("symlink");
	if (access(scratch_path(bus), F_OK) && symlink("../../../bus/vmbus", scratch_path(bus)) &&
	    errno != EEXIST)
		perror("symlink");
}

bool machine_begin(void)
{
	if (!netns_enter())
		return false;
	scratch_begin();
	netns_run("link add net0 address " MACHINE_MAC " type veth peer name far0");
	netns_run("link set far0 up addrgenmode none");
	netns_run("link set net0 up addrgenmode none");
	machine_device("net0", MACHINE_GUID);
	return true;
}

void machine_end(void)
{
	netns_run("link del net0");
	scratch_end();
}

static void put(unsigned int at, const char *text)
{
	for (; *text; at += 2)
		body[at] = *text++;
}

/* Requests and answers are exact blocks on the heap: a sanitizer sees their ends. */
static uint32_t call(unsigned int major, uint32_t (*serve)(struct ip_call *call))
{
	size_t size = major >= 5 ? 3716 : 7428;
	uint8_t *in = malloc(size), *out = calloc(1, size);
	char adapter[IP_ADAPTER_SIZE] = "";
	struct ip_call request = {
		.system = &machine, .msg_major = major, .body = in, .out = out,
		.left_ms = machine_left_ms, .adapter = adapter,
	};
	uint32_t status;

	memcpy(in, body, size);
	status = serve(&request);
	machine_oddity = request.oddity;
	snprintf(machine_why, sizeof(machine_why), "%s", request.error.text);
	memset(machine_out, 0, sizeof(machine_out));
	memcpy(machine_out, out, size);
	free(in);
	free(out);
	return status;
}

uint32_t machine_get(unsigned int major, const char *id, int families)
{
	memset(body, 0, sizeof(body));
	body[0] = 4;
	put(major >= 5 ? 28 : 2, id);
	body[major >= 5 ? 284 : 258] = families;
	return call(major, ip_request_get);
}

uint32_t machine_set(const char *id, int families, int dhcp, const char *addresses,
		     const char *subnets, const char *gateways, const char *dns)
{
	memset(body, 0, sizeof(body));
	body[0] = 5;
	put(2, id);
	body[258] = families;
	body[259] = dhcp;
	put(260, addresses);
	put(2308, subnets);
	put(4356, gateways);
	put(5380, dns);
	return call(4, ip_request_set);
}

void machine_patch(unsigned int at, uint8_t byte)
{
	body[at] = byte;
}

void machine_capture(const char *path)
{
	make_folders(path);
	scratch_write(path, body, sizeof(body));
}

const char *machine_text(unsigned int offset, unsigned int units)
{
	static char texts[4][1025];
	static int next;
	char *text = texts[next = (next + 1) % 4];
	unsigned int i;

	for (i = 0; i < units && machine_out[offset + 2 * i]; i++)
		text[i] = machine_out[offset + 2 * i];
	text[i] = 0;
	return text;
}
