/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network managers: who keeps an adapter's addresses over a reboot
 *
 * Each writes files of its own, named hvkvpd and nothing else, which win over the
 * user's without changing them; removing them takes everything back. After a
 * change the manager is told, by its own tool where it has no other way in that
 * is not D-Bus: networkctl, nmcli, ifdown and ifup.
 *
 *   netplan	 /etc/netplan/90-hvkvpd-MAC.yaml, for interfaces that it gave to
 *		 networkd; a definition of its own, as netplan appends to lists of
 *		 one that is there
 *   networkd	 /etc/systemd/network/00-hvkvpd-MAC.network; 00 because cloud-init
 *		 and netplan write 10-, and the first name wins
 *   NetworkManager  /etc/NetworkManager/system-connections/hvkvpd-MAC.nmconnection,
 *		 with an autoconnect priority over the user's
 *   ifupdown	 /etc/network/interfaces.d/hvkvpd-MAC: a mapping to a logical
 *		 interface of our own, as stanzas of one name add up
 *   hvkvpd	 nobody: the record, see ip_record.h
 *
 * MAC is without colons.
 */
#ifndef HVKVP_IP_MANAGER_MANAGER_H
#define HVKVP_IP_MANAGER_MANAGER_H

#include "ip/plan.h"
#include "util/file.h"
#include "util/strbuf.h"

struct file_set;
struct ip_system;
struct strbuf;

/**
 * struct ip_manager - a manager
 * @name: for people, and in records
 * @in_charge: does it look after this adapter, or will it when it has started?
 *	Hosts set addresses early in a boot
 * @path: of its file; SYSROOT_PATH_SIZE bytes
 * @mode: of a new file
 * @render: the file for a plan; pure
 * @tell: make it read its files again, if it runs; NULL, or what went wrong
 * @keeps_dns: does it set name servers here?
 */
struct ip_manager {
	const char *name;
	bool (*in_charge)(const struct ip_system *system, const struct adapter *adapter);
	char *(*path)(const struct ip_system *system, const struct adapter *adapter, char *path);
	unsigned int mode;
	void (*render)(const struct ip_plan *plan, struct strbuf *out);
	const char *(*tell)(const struct ip_system *system, const struct ip_plan *plan,
			    unsigned int limit_ms);
	bool (*keeps_dns)(const struct ip_system *system);
};

extern const struct ip_manager ip_netplan;
extern const struct ip_manager ip_networkd;
extern const struct ip_manager ip_networkmanager;
extern const struct ip_manager ip_ifupdown;

/**
 * ip_manager_find() - who is in charge of an adapter?
 * @system: the machine
 * @adapter: the adapter
 *
 * Return: the manager; NULL if nobody is.
 */
const struct ip_manager *ip_manager_find(const struct ip_system *system,
					 const struct adapter *adapter);

/**
 * ip_manager_write() - write a manager's files
 * @manager: who
 * @system: the machine
 * @plan: what is to be
 * @files: remembers what was there
 *
 * Return: 0 or -errno.
 */
int ip_manager_write(const struct ip_manager *manager, const struct ip_system *system,
		     const struct ip_plan *plan, struct file_set *files);

/** ip_mac_bare() - a MAC address without its colons. Return: @bare, 13 bytes. */
char *ip_mac_bare(const struct adapter *adapter, char *bare);

/**
 * ip_tool() - run a tool of the machine
 * @system: the machine
 * @limit_ms: how long it may take
 * @outside: it starts others, or writes where hvkvpd may not: where systemd runs,
 *	it is started by that, outside of the sandbox of hvkvpd's own unit
 * @input: what it reads from standard input; NULL for nothing
 * @argv: full path, without the root, and arguments; 12 words at most
 *
 * Return: 0; its exit code; -errno.
 */
int ip_tool(const struct ip_system *system, unsigned int limit_ms, bool outside,
	    const char *input, const char *const *argv);

#define IP_TOOL(system, limit_ms, outside, ...) \
	ip_tool(system, limit_ms, outside, NULL, (const char *const[]){ __VA_ARGS__, NULL })

/**
 * ip_ifupdown_names() - has ifupdown's main file a stanza for this interface?
 * @system: the machine
 * @adapter: the adapter
 *
 * Managers that have not started yet will leave it alone then.
 */
bool ip_ifupdown_names(const struct ip_system *system, const struct adapter *adapter);

/**
 * ip_networkd_will_see() - is networkd enabled, but knows nothing of an adapter yet?
 * @system: the machine
 * @adapter: the adapter
 *
 * So it is early in a boot, and when an adapter has just come.
 */
bool ip_networkd_will_see(const struct ip_system *system, const struct adapter *adapter);

/**
 * ip_networkd_tell() - make networkd read its files, and set up an interface anew
 * @system: the machine
 * @plan: whose
 * @limit_ms: how long it may take
 *
 * Return: NULL, or what went wrong.
 */
const char *ip_networkd_tell(const struct ip_system *system, const struct ip_plan *plan,
			     unsigned int limit_ms);

/** ip_networkd_keeps_dns() - does networkd set name servers here? */
bool ip_networkd_keeps_dns(const struct ip_system *system);

#endif /* HVKVP_IP_MANAGER_MANAGER_H */
