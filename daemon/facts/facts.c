// SPDX-License-Identifier: GPL-2.0-only
/*
 * The intrinsic items.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "facts/facts.h"
#include "facts/fqdn.h"
#include "facts/osrelease.h"
#include "facts/rdp.h"
#include "facts/site.h"
#include "facts/watch.h"
#include "util/utf.h"

typedef void fact(const struct facts *facts, char *text, size_t size);

static void full_name(const struct facts *facts, char *text, size_t size)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	fqdn_get(facts->root, host, text, size);
}

static void is_version(const struct facts *facts, char *text, size_t size)
{
	snprintf(text, size, "%s", facts->is_version);
}

static void ipv4(const struct facts *facts, char *text, size_t size)
{
	if (facts->addresses)
		facts->addresses(facts->addresses_data, AF_INET, text, size);
}

static void ipv6(const struct facts *facts, char *text, size_t size)
{
	if (facts->addresses)
		facts->addresses(facts->addresses_data, AF_INET6, text, size);
}

static void os_build(const struct facts *facts, char *text, size_t size)
{
	struct utsname uts;

	(void)facts;
	if (!uname(&uts))
		snprintf(text, size, "%s", uts.release);
}

static void os_name(const struct facts *facts, char *text, size_t size)
{
	/* The default that os-release(5) gives. */
	if (!osrelease_get(facts->root, "NAME", text, size) || !text[0])
		snprintf(text, size, "Linux");
}

static void os_major(const struct facts *facts, char *text, size_t size)
{
	osrelease_get(facts->root, "VERSION_ID", text, size);
	text[strcspn(text, ".")] = 0;
}

static void os_minor(const struct facts *facts, char *text, size_t size)
{
	size_t dot;

	osrelease_get(facts->root, "VERSION_ID", text, size);
	dot = strcspn(text, ".");
	if (text[dot])
		dot++;
	memmove(text, text + dot, strlen(text + dot) + 1);
}

static void os_version(const struct facts *facts, char *text, size_t size)
{
	size_t len;

	os_build(facts, text, size);
	len = strspn(text, "0123456789.");
	while (len && text[len - 1] == '.')
		len--;
	text[len] = 0;
}

static void architecture(const struct facts *facts, char *text, size_t size)
{
	struct utsname uts;

	(void)facts;
	if (!uname(&uts))
		snprintf(text, size, "%s", uts.machine);
}

/*
 * The number of a service pack, as SUSE has them: VERSION="15-SP5". Elsewhere there
 * is none, which Windows guests without one report in the same way.
 */
static unsigned int service_pack(const struct facts *facts)
{
	char version[64];
	const char *name;
	unsigned int number = 0;

	osrelease_get(facts->root, "VERSION", version, sizeof(version));
	name = strstr(version, "-SP");
	return name && sscanf(name, "-SP%4u", &number) == 1 ? number : 0;
}

static void csd_version(const struct facts *facts, char *text, size_t size)
{
	unsigned int number = service_pack(facts);

	if (number)
		snprintf(text, size, "Service Pack %u", number);
}

static void service_pack_major(const struct facts *facts, char *text, size_t size)
{
	snprintf(text, size, "%u", service_pack(facts));
}

static void rdp_ipv4(const struct facts *facts, char *text, size_t size)
{
	rdp_addresses(facts, AF_INET, text, size);
}

static void rdp_ipv6(const struct facts *facts, char *text, size_t size)
{
	rdp_addresses(facts, AF_INET6, text, size);
}

/*
 * By position; the host counts on it. @kept: made of what facts_watch reports, or
 * of what never changes.
 */
static const struct {
	const char *name;
	fact *make;
	bool kept;
} items[FACTS_COUNT] = {
	{ "FullyQualifiedDomainName",	full_name, true },
	{ "IntegrationServicesVersion",	is_version, false },
	{ "NetworkAddressIPv4",		ipv4, false },
	{ "NetworkAddressIPv6",		ipv6, false },
	{ "OSBuildNumber",		os_build, true },
	{ "OSName",			os_name, true },
	{ "OSMajorVersion",		os_major, true },
	{ "OSMinorVersion",		os_minor, true },
	{ "OSVersion",			os_version, true },
	{ "ProcessorArchitecture",	architecture, true },
	{ "CSDVersion",			csd_version, true },
	{ "ServicePackMajor",		service_pack_major, true },
	{ "RDPAddressIPv4",		rdp_ipv4, false },
	{ "RDPAddressIPv6",		rdp_ipv6, false },
};

const char *facts_name(unsigned int index)
{
	return index < FACTS_COUNT ? items[index].name : NULL;
}

int facts_find(const char *name)
{
	for (int i = 0; i < FACTS_COUNT; i++)
		if (!strcmp(items[i].name, name))
			return i;
	return -1;
}

static void make(const struct facts *facts, unsigned int index, char *text, size_t size)
{
	size_t len;

	text[0] = 0;
	items[index].make(facts, text, size);

	/* A file may hold anything, and its end may have been cut off. */
	len = strlen(text);
	while (len && utf8_units(text, len) < 0)
		len--;
	text[len] = 0;
}

void facts_value(const struct facts *facts, unsigned int index, char *text, size_t size)
{
	struct facts_cache *cache = items[index].kept ? facts->cache : NULL;

	if (facts->hidden & 1U << index) {
		text[0] = 0;
		return;
	}
	if (!cache || size > FACTS_TEXT_SIZE) {
		make(facts, index, text, size);
		return;
	}
	if (facts_watch_changed(cache->watch))
		for (int i = 0; i < FACTS_COUNT; i++)
			cache->entry[i].size = 0;
	if (cache->entry[index].size != size) {
		make(facts, index, cache->entry[index].text, size);
		cache->entry[index].size = size;
	}
	strcpy(text, cache->entry[index].text);
}

unsigned int facts_count(const struct facts *facts)
{
	return FACTS_COUNT + (facts->site ? facts->site->count : 0);
}

const char *facts_at(const struct facts *facts, unsigned int index, const char **key,
		     char *text, size_t size)
{
	const struct site_record *record;

	if (index >= facts_count(facts))
		return NULL;
	if (index < FACTS_COUNT) {
		*key = items[index].name;
		facts_value(facts, index, text, size);
		return text;
	}
	record = facts->site->record[index - FACTS_COUNT];
	*key = record->key;
	return record->value;
}

const char *facts_get(const struct facts *facts, const char *key, char *text, size_t size)
{
	int index = facts_find(key);

	if (index < 0) {
		index = site_facts_find(facts->site, key);
		return index < 0 ? NULL : facts->site->record[index]->value;
	}
	facts_value(facts, index, text, size);
	return text;
}
