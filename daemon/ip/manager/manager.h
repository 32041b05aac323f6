/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Network managers: who keeps an adapter's addresses over a reboot
 *
 * What the host did not name stays as the user has it: a manager gets a copy of the
 * configuration that applies, in which only the addresses, default gateways and name
 * servers of the families that the host has set are replaced.
 *
 *   systemd-networkd  /etc/systemd/network/00-hvkvpd-KEY.network: the .network file that
 *		       applies, with its drop-ins; also where netplan writes that file.
 *		       It matches the VMBus instance, not a name or MAC address
 *   NetworkManager    the active profile itself, where it is in /etc; else
 *		       /etc/NetworkManager/system-connections/hvkvpd-KEY.nmconnection
 *   ifupdown	       /etc/network/interfaces.d/hvkvpd-KEY: a mapping to a logical interface
 *		       with copies of the stanzas; the mapping checks the VMBus instance
 *   ConnMan	       /var/lib/connman/SERVICE/settings, edited
 *   dhcpcd	       /etc/dhcpcd.conf: a marked block with the host's settings; the lines of
 *		       the user's that it replaces are marked as comments
 *   hvkvpd	       no manager: the record, see ip/record.h
 *
 * KEY is that of the record. Managers are notified by their own tools where they have no
 * other interface than D-Bus: networkctl, nmcli, connmanctl, ifdown and ifup.
 */
#ifndef HVKVP_IP_MANAGER_MANAGER_H
#define HVKVP_IP_MANAGER_MANAGER_H

#include "ip/files.h"
#include "ip/plan.h"
#include "ip/record.h"

struct error;
struct ip_system;

/**
 * struct ip_manager - a manager
 * @name: for people, and in records
 * @in_charge: does it manage this adapter, or will it when it has started? Hosts set
 *	addresses early in a boot
 * @running: can it be notified, and asked, now? 1; 0 if it is certain that it does not run;
 *	-errno and why that is not known: then nothing may be changed
 * @compile: adds its files for a plan; 0, or -errno and why it cannot keep the plan.
 *	Changes nothing. NULL: this manager is not supported, see @refusal
 * @refusal: why, and what to do
 * @own: path of the file that is all its own, with "%s" for the record's key; or NULL
 * @revert: adds what takes a record's changes of other files back; may be NULL
 * @release: before files change: make it let go of the adapter, which it may take down: see
 *	ip/stack.h. NULL: it changes addresses in place
 * @revive: bring up another interface of the user's, which went with the adapter; may be NULL
 * @notify: make it read its files again, and use them; 0, or -errno and what went wrong
 * @accepted: does it say that it uses the files? Only asked if it is running
 * @keeps_dns: does it set name servers here?
 * @uses_dhcp: does it get the adapter's IPv4 addresses by DHCP? NULL: the kernel shows it
 * @matches_instance: its files match the VMBus instance, and so no other adapter
 * @matches_mac: they match the MAC address; else, the interface's name
 */
struct ip_manager {
	const char *name;
	bool (*in_charge)(const struct ip_system *system, const struct adapter *adapter);
	int (*running)(const struct ip_system *system, const struct adapter *adapter,
		       struct error *error);
	int (*compile)(const struct ip_system *system, const struct ip_plan *plan,
		       struct ip_files *files, struct error *error);
	const char *refusal;
	const char *own;
	void (*revert)(const struct ip_system *system, const struct ip_record *record,
		       const char *key, struct ip_files *files);
	void (*release)(const struct ip_system *system, const struct adapter *adapter,
			unsigned int limit_ms);
	void (*revive)(const struct ip_system *system, const char *name, unsigned int limit_ms);
	int (*notify)(const struct ip_system *system, const struct adapter *adapter, bool dhcp,
		      unsigned int limit_ms, struct error *error);
	bool (*accepted)(const struct ip_system *system, const struct adapter *adapter);
	bool (*keeps_dns)(const struct ip_system *system);
	bool (*uses_dhcp)(const struct ip_system *system, const struct adapter *adapter);
	bool matches_instance;
	bool matches_mac;
};

extern const struct ip_manager ip_networkd;
extern const struct ip_manager ip_networkmanager;
extern const struct ip_manager ip_ifupdown;
extern const struct ip_manager ip_connman;
extern const struct ip_manager ip_dhcpcd;

/**
 * ip_manager_find() - who is in charge of an adapter?
 * @system: the machine
 * @adapter: the adapter
 *
 * Return: the manager; NULL if there is none.
 */
const struct ip_manager *ip_manager_find(const struct ip_system *system,
					 const struct adapter *adapter);

/**
 * ip_manager_uses_dhcp() - what the manager in charge says of an adapter's IPv4 addresses
 * @system: the machine
 * @adapter: the adapter
 * @dhcp: gets whether it has them by DHCP
 *
 * Return: false if it is not known better than from the kernel.
 */
bool ip_manager_uses_dhcp(const struct ip_system *system, const struct adapter *adapter,
			  bool *dhcp);

/** ip_manager_named() - a manager by the name in a record; NULL if there is none. */
const struct ip_manager *ip_manager_named(const char *name);

/**
 * ip_manager_revert() - take back what a manager's files have for a record
 * @manager: the manager
 * @system: the machine
 * @record: the record
 * @key: of the record
 * @files: gets what is to be written and removed
 */
void ip_manager_revert(const struct ip_manager *manager, const struct ip_system *system,
		       const struct ip_record *record, const char *key, struct ip_files *files);

/** ip_manager_name() - its name; "hvkvpd" for NULL. */
const char *ip_manager_name(const struct ip_manager *manager);

/**
 * ip_tool_path() - where a program is
 * @system: the machine
 * @name: of the program
 *
 * Return: its path without the root, in /usr/sbin, /sbin, /usr/bin or /bin; NULL if it
 * is in none. Valid until the next call.
 */
const char *ip_tool_path(const struct ip_system *system, const char *name);

#define IP_TOOL_WORDS 12

/**
 * ip_tool() - run a program of the machine
 * @system: the machine
 * @limit_ms: how long it may take
 * @outside: it starts others, or writes where hvkvpd may not: where systemd runs,
 *	it is started by that, outside of the sandbox of hvkvpd's own unit
 * @input: what it reads from standard input; NULL for nothing
 * @argv: name, or full path without the root, and IP_TOOL_WORDS arguments at most
 *
 * Return: 0; its exit code; -ENOENT if there is no such program; -E2BIG for more
 * arguments; other -errno.
 */
int ip_tool(const struct ip_system *system, unsigned int limit_ms, bool outside,
	    const char *input, const char *const *argv);

#define IP_TOOL(system, limit_ms, outside, ...) \
	ip_tool(system, limit_ms, outside, NULL, (const char *const[]){ __VA_ARGS__, NULL })

/**
 * ip_tool_output() - run a program of the machine, and take what it says
 * @system: the machine
 * @limit_ms: how long it may take
 * @text: gets its standard output, with a NUL; "" if it fails
 * @size: bytes of @text
 * @argv: as for ip_tool(), which logs failures; this does not
 *
 * Return: as ip_tool(); -ETIMEDOUT is a program that has no answer, not an answer.
 */
int ip_tool_output(const struct ip_system *system, unsigned int limit_ms, char *text,
		    size_t size, const char *const *argv);

#define IP_TOOL_OUTPUT(system, limit_ms, text, size, ...) \
	ip_tool_output(system, limit_ms, text, size, (const char *const[]){ __VA_ARGS__, NULL })

/**
 * ip_unit_enabled() - is a unit of systemd started at boot?
 * @system: the machine
 * @unit: "NetworkManager.service"
 */
bool ip_unit_enabled(const struct ip_system *system, const char *unit);

#endif /* HVKVP_IP_MANAGER_MANAGER_H */
