/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The intrinsic items: what the guest says about itself (pool "auto")
 *
 *  0 FullyQualifiedDomainName	  the host's name with its domain, from files
 *  1 IntegrationServicesVersion  see &facts.is_version
 *  2 NetworkAddressIPv4	  addresses joined by ';'
 *  3 NetworkAddressIPv6	  likewise
 *  4 OSBuildNumber		  kernel release, complete
 *  5 OSName			  NAME of os-release
 *  6 OSMajorVersion		  VERSION_ID of os-release up to the first '.'
 *  7 OSMinorVersion		  the rest of VERSION_ID
 *  8 OSVersion			  kernel version: the release's leading digits and dots
 *  9 ProcessorArchitecture	  uname -m
 * 10 CSDVersion		  "Service Pack N" if os-release names one, else empty
 * 11 ServicePackMajor		  its N, else 0
 * 12 RDPAddressIPv4		  where TCP port 3389 is open, joined by ';'; as it was at
 *				  most a second ago
 * 13 RDPAddressIPv6		  likewise
 *
 * The first ten are those of every Linux guest. kvp_pool(5) has the reader of each,
 * and why Windows' other items are not here.
 * Hosts know them by position, so one that is unknown is there, and empty.
 * Nothing here asks the network for anything.
 */
#ifndef HVKVP_FACTS_FACTS_H
#define HVKVP_FACTS_FACTS_H

#include <stddef.h>
#include <stdint.h>

#define FACTS_COUNT	14

/* Of these every Linux guest reports. */
#define FACTS_STANDARD	10

/* What Linux's integration services have called themselves since 2012. */
#define FACTS_IS_VERSION "3.1"

/* Room for the text of a fact that is kept; longer ones are made for each request. */
#define FACTS_TEXT_SIZE 1024

struct facts_watch;
struct site_facts;

/* Nothing reports that a socket listens: so old may what is said about that be, milliseconds. */
#define FACTS_SOCKETS_MS 1000

/**
 * struct facts_cache - the texts of facts, as long as their sources have not changed
 * @watch: reports changes
 * @entry: by position; @size is that of the request for which @text was made, 0 if
 *	there is none; of sockets it counts until @until, clock_ms()
 */
struct facts_cache {
	struct facts_watch *watch;
	struct {
		size_t size;
		uint64_t until;
		char text[FACTS_TEXT_SIZE];
	} entry[FACTS_COUNT];
};

/**
 * struct facts - where the facts come from
 * @root: directory in front of /etc and /usr, "" for the real ones
 * @is_version: IntegrationServicesVersion
 * @addresses: writes the addresses of a family (AF_INET, AF_INET6), joined by
 *	';', to @text; at most @size bytes with the NUL; may be NULL
 * @addresses_data: its first argument
 * @cache: NULL: each fact is made for each request
 * @site: items of the site, behind these; NULL: none
 * @hidden: a bit for each item, by its position, whose value is kept from the host: it is empty
 */
struct facts {
	const char *root;
	const char *is_version;
	void (*addresses)(void *data, int family, char *text, size_t size);
	void *addresses_data;
	struct facts_cache *cache;
	const struct site_facts *site;
	uint32_t hidden;
};

/**
 * facts_name() - the name of an item of ours
 * @index: its position
 *
 * Return: the name; NULL behind the last item.
 */
const char *facts_name(unsigned int index);

/**
 * facts_find() - the position of an item of ours
 * @name: exact
 *
 * Return: the position or -1.
 */
int facts_find(const char *name);

/**
 * facts_value() - an item of ours, as it is now
 * @facts: where from
 * @index: its position, less than FACTS_COUNT
 * @text: gets the value, UTF-8; "" if it is unknown
 * @size: bytes of @text
 *
 * A value that does not fit ends with its last whole character, or, for a list,
 * with its last whole element.
 */
void facts_value(const struct facts *facts, unsigned int index, char *text, size_t size);

/**
 * facts_count() - how many items there are now
 * @facts: where from
 *
 * Return: FACTS_COUNT and the site's own.
 */
unsigned int facts_count(const struct facts *facts);

/**
 * facts_at() - an item by its position, as it is now
 * @facts: where from
 * @index: its position
 * @key: gets its name; valid until the site's items change
 * @text: gets the value of a fact of ours
 * @size: bytes of @text
 *
 * Return: the value, UTF-8, valid as long as @key and @text; NULL behind the last
 * item.
 */
const char *facts_at(const struct facts *facts, unsigned int index, const char **key,
		     char *text, size_t size);

/**
 * facts_get() - an item by its name, as it is now
 * @facts: where from
 * @key: exact
 * @text: as in facts_at()
 * @size: bytes of @text
 *
 * Return: as facts_at(); NULL if there is no such item.
 */
const char *facts_get(const struct facts *facts, const char *key, char *text, size_t size);

#endif /* HVKVP_FACTS_FACTS_H */
