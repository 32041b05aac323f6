/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: what the host has set for each adapter, in hvkvpd's own folder
 *
 * One file for an adapter, <state dir>/ip-KEY.conf, of lines KEY=value as
 * ip_plan_lines() has them, and these:
 *	MANAGER	who keeps the addresses; "hvkvpd": hvkvpd itself sets them when it
 *		starts, and when the adapter appears
 *	DNS_SET	"yes" if the name servers are the host's
 *	MASTER	"bridge", "bond" or "team" if the adapter was in one, which got the addresses
 *	TARGET	file of the manager that was there before and was changed, if any; what
 *		it had before is in <state dir>/ip-KEY.before
 * KEY is the VMBus instance GUID of the adapter, or for other adapters the MAC address
 * without colons. hvkvp-import puts records of the initramfs beside them, as
 * ip-KEY.initramfs.
 */
#ifndef HVKVP_IP_RECORD_H
#define HVKVP_IP_RECORD_H

#include "ip/files.h"
#include "ip/plan.h"

struct ip_system;

/* The value of MANAGER where hvkvpd sets the addresses itself. */
#define IP_RECORD_OWN "hvkvpd"

#define IP_RECORD_KEY_SIZE ADAPTER_GUID_SIZE

/** enum ip_record_kind - whose record. */
enum ip_record_kind {
	IP_RECORD_SYSTEM,	/* of this system */
	IP_RECORD_INITRAMFS,	/* of a hvkvpd in the initramfs, not taken over yet */
};

/**
 * struct ip_record - a record
 * @plan: what the host has set; &ip_plan.adapter is as it was then, without a number;
 *	&ip_plan.change is &ip_plan.kept
 * @manager: who keeps it
 * @target: see TARGET above; ""
 */
struct ip_record {
	struct ip_plan plan;
	char manager[32];
	char target[IP_FILES_PATH];
};

/** ip_record_key() - an adapter's key. Return: @key, IP_RECORD_KEY_SIZE bytes. */
char *ip_record_key(const struct adapter *adapter, char *key);

/**
 * ip_record_compile() - the record of a plan
 * @system: the machine
 * @plan: what the host wants
 * @manager: who keeps it
 * @files: gets the record, and the removal of an older one by the MAC address;
 *	&ip_files.target becomes TARGET
 */
void ip_record_compile(const struct ip_system *system, const struct ip_plan *plan,
		       const char *manager, struct ip_files *files);

/** ip_record_before_path() - where the file that was changed is kept. Return: @path. */
char *ip_record_before_path(const struct ip_system *system, const char *key, char *path);

/**
 * ip_record_read() - the record of a key
 * @system: the machine
 * @key: key
 * @record: filled in
 *
 * Return: 0; -ENOENT; -EINVAL if it is not a valid record; other -errno.
 */
int ip_record_read(const struct ip_system *system, const char *key, struct ip_record *record);

/**
 * ip_record_find() - the record of an adapter
 * @system: the machine
 * @adapter: whose
 * @record: filled in
 *
 * Return: as ip_record_read().
 */
int ip_record_find(const struct ip_system *system, const struct adapter *adapter,
		   struct ip_record *record);

/**
 * ip_record_mode() - how the host has set a family
 * @system: the machine
 * @adapter: whose
 * @family: family
 * @mode: gets it
 *
 * Return: false if it has not.
 */
bool ip_record_mode(const struct ip_system *system, const struct adapter *adapter, int family,
		    enum ip_mode *mode);

/**
 * ip_record_read_early() - the initramfs' record of a key
 * @system: the machine
 * @key: key
 * @record: filled in
 *
 * Return: as ip_record_read().
 */
int ip_record_read_early(const struct ip_system *system, const char *key,
			 struct ip_record *record);

/** ip_record_remove_early() - remove the initramfs' record of a key. Return: 0 or -errno. */
int ip_record_remove_early(const struct ip_system *system, const char *key);

/**
 * ip_record_each() - all records of a kind
 * @system: the machine
 * @kind: kind
 * @each: called with each key
 * @data: for @each
 */
void ip_record_each(const struct ip_system *system, enum ip_record_kind kind,
		    void (*each)(const char *key, void *data), void *data);

#endif /* HVKVP_IP_RECORD_H */
