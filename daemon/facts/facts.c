// SPDX-License-Identifier: GPL-2.0-only
/*
 * The intrinsic items.
 */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "util/clock.h"
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
	/* No sign, which the conversion would take. */
	return name && isdigit((unsigned char)name[3]) && sscanf(name, "-SP%4u", &number) == 1 ? number : 0;
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

/**
 * enum keeping - how long a text can be used again
 * @NOT: its source keeps it, or is our own memory
 * @WATCHED: until facts_watch reports a change; for ever if its source never changes
 * @A_WHILE: for FACTS_SOCKETS_MS
 */
enum keeping { NOT, WATCHED, A_WHILE };

/* By position; the host counts on it. */
static const struct {
	const char *name;
	fact *make;
	enum keeping keeping;
} items[FACTS_COUNT] = {
	{ "FullyQualifiedDomainName",	full_name, WATCHED },
	{ "IntegrationServicesVersion",	is_version, NOT },
	{ "NetworkAddressIPv4",		ipv4, NOT },
	{ "NetworkAddressIPv6",		ipv6, NOT },
	{ "OSBuildNumber",		os_build, WATCHED },
	{ "OSName",			os_name, WATCHED },
	{ "OSMajorVersion",		os_major, WATCHED },
	{ "OSMinorVersion",		os_minor, WATCHED },
	{ "OSVersion",			os_version, WATCHED },
	{ "ProcessorArchitecture",	architecture, WATCHED },
	{ "CSDVersion",			csd_version, WATCHED },
	{ "ServicePackMajor",		service_pack_major, WATCHED },
	{ "RDPAddressIPv4",		rdp_ipv4, A_WHILE },
	{ "RDPAddressIPv6",		rdp_ipv6, A_WHILE },
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

/* Bytes of a text without a character at its end of which the rest is missing. */
static size_t without_cut(const char *text, size_t len)
{
	size_t rest = 0, needed = 0;
	uint8_t first;

	while (rest < 3 && rest < len && (text[len - 1 - rest] & 0xc0) == 0x80)
		rest++;
	if (rest == len)
		return len;
	first = text[len - 1 - rest];
	if (first >= 0xc2 && first < 0xf5)
		needed = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
	return rest < needed ? len - 1 - rest : len;
}

/* A file may hold anything: U+FFFD for what is not UTF-8, as in the pools. */
static void repair(char *text, size_t size)
{
	size_t len = strlen(text), used = 0;
	char *repaired;

	if (utf8_units(text, len) >= 0)
		return;
	/* The end of a text that was cut is no error of its file. */
	if (len == size - 1)
		len = without_cut(text, len);
	repaired = malloc(UTF8_REPLACEMENT_LEN * len + 1);
	if (repaired) {
		used = utf8_repair(text, len, repaired);
		used = utf8_prefix(repaired, used < size ? used : size - 1, size);
		memcpy(text, repaired, used);
	}
	text[used] = 0;
	free(repaired);
}

static void make(const struct facts *facts, unsigned int index, char *text, size_t size)
{
	text[0] = 0;
	items[index].make(facts, text, size);
	repair(text, size);
}

void facts_value(const struct facts *facts, unsigned int index, char *text, size_t size)
{
	enum keeping keeping = items[index].keeping;
	struct facts_cache *cache = keeping == NOT ? NULL : facts->cache;

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
	if (keeping == A_WHILE && clock_ms() >= cache->entry[index].until)
		cache->entry[index].size = 0;
	if (cache->entry[index].size != size) {
		make(facts, index, cache->entry[index].text, size);
		cache->entry[index].size = size;
		cache->entry[index].until = clock_ms() + FACTS_SOCKETS_MS;
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
