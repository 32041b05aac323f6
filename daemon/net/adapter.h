/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which interface does the host mean?
 *
 * Hosts name an adapter by its MAC address (GET_IP) or by its VMBus device
 * instance GUID (SET_IP); both are taken for both, in any case, the GUID with or
 * without braces, the MAC with ':', '-' or nothing between its bytes.
 *
 * Several interfaces may have one MAC address: with accelerated networking the
 * virtual function has that of its netvsc; bonds, bridges and VLANs have that of
 * what is under them. The netvsc device is meant. Where it is itself a member of
 * a bond, team or bridge, that one has the addresses, and is what is reported and
 * changed.
 */
#ifndef HVKVP_NET_ADAPTER_H
#define HVKVP_NET_ADAPTER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

struct rtnl;

#define ADAPTER_MAC_SIZE 18	/* "00:15:5d:01:02:03" */
#define ADAPTER_GUID_SIZE 37	/* "f8615163-df3e-46c5-913f-f2d2f965ed0e" */
#define ADAPTER_STACKED_MAX 8

/**
 * struct adapter - an interface
 * @index: its number
 * @flags: IFF_*
 * @name: its name
 * @mac: of the interface itself, lower case
 * @guid: VMBus instance of the device that the host means, lower case, without braces;
 *	"" if it is no VMBus device. It stays the same over restarts and on other hosts,
 *	where MAC addresses and interface names may change
 * @kind: "" for a device, "bond", "bridge", "team", "vlan" and so on for a virtual one
 * @is_master: a bond, bridge or team: the user's configuration creates it, by its name, and
 *	it has the addresses of its members
 * @stacked: interfaces that are stacked on it and have its MAC address (VLANs, Open
 *	vSwitch bridges, VLANs on its bridge), by their numbers
 * @stacked_count: of them
 */
struct adapter {
	unsigned int index;
	unsigned int flags;
	char name[IFNAMSIZ];
	char mac[ADAPTER_MAC_SIZE];
	char guid[ADAPTER_GUID_SIZE];
	char kind[16];
	bool is_master;
	unsigned int stacked[ADAPTER_STACKED_MAX];
	unsigned int stacked_count;
};

/**
 * adapter_find() - the interface of an adapter id
 * @root: see sysroot_path()
 * @rtnl: open
 * @id: from the host
 * @adapter: filled in
 *
 * Return: 0; -ENOENT if there is none, or the id is neither a MAC address nor a
 * GUID; other -errno.
 */
int adapter_find(const char *root, struct rtnl *rtnl, const char *id,
		 struct adapter *adapter);

/**
 * adapter_find_name() - an interface by its name, exactly
 * @root: see sysroot_path()
 * @rtnl: open
 * @name: "eth0"
 * @adapter: filled in
 *
 * Return: 0; -ENOENT; other -errno.
 */
int adapter_find_name(const char *root, struct rtnl *rtnl, const char *name,
		      struct adapter *adapter);

#endif /* HVKVP_NET_ADAPTER_H */
