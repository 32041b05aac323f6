/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A synthetic network adapter, as far as a guest's driver needs one to bring up
 * an interface: NVSP (versions, buffers, RNDIS transport) and RNDIS (initialise,
 * query, set) with a MAC address and a link. It moves no traffic: what the guest
 * transmits is completed, counted and thrown away, and nothing arrives.
 *
 * The NIC is served on the thread of the vCPU that signals. What the guest does:
 *
 *	INIT			oldest and newest NVSP version; answered with one
 *	NDIS_CONFIG, NDIS_VER	its MTU, its NDIS version
 *	RECV_BUF, SEND_BUF	GPADLs; cut into sections by the host
 *	RNDIS messages		in guest pages or in a section of the send buffer;
 *				completed at once; an answer of its own, if it has
 *				one, goes into a section of the receive buffer
 *	REVOKE_RECV_BUF, ...	the buffers are its own again
 *
 * Facts: Linux's drivers/net/hyperv/hyperv_net.h and include/linux/rndis.h;
 * Microsoft's RNDIS specification.
 */
#ifndef HOST_NIC_H
#define HOST_NIC_H

#include <stdbool.h>

#include "util/types.h"

struct vmbus;

/* Versions of NVSP, the protocol between guest driver and host. */
#define NVSP_1		0x00002u
#define NVSP_2		0x30002u
#define NVSP_4		0x40000u
#define NVSP_5		0x50000u
#define NVSP_6		0x60000u
#define NVSP_6_1	0x60001u

/** enum nic_state - how far the guest's driver has come. */
enum nic_state {
	NIC_CLOSED,	/* no open channel */
	NIC_OPEN,	/* channel open, RNDIS not initialised or halted */
	NIC_READY,	/* RNDIS initialised: the interface is there, or will be at once */
	NIC_RUNNING,	/* a packet filter is set: the interface is up */
};

/**
 * struct nic_config - what a NIC is.
 * @mac: its address.
 * @nvsp: newest NVSP version to accept, 0 for NVSP_6_1.
 * @link_down: there is no carrier until nic_link() says so.
 */
struct nic_config {
	u8 mac[6];
	u32 nvsp;
	bool link_down;
};

/**
 * struct nic_info - what a NIC and its guest have to do with each other just now.
 * @state: see above; all that follows is 0 while it is NIC_CLOSED.
 * @nvsp: NVSP version agreed.
 * @filter: the guest's packet filter.
 * @mtu: bytes of a frame that the guest reported, Ethernet header included.
 * @recv_bytes, @send_bytes: sizes of the buffers that the guest lent.
 * @sent: packets that the guest transmitted. @sent_bytes: RNDIS bytes of these.
 * @requests: RNDIS control messages.
 */
struct nic_info {
	enum nic_state state;
	u32 nvsp;
	u32 filter;
	u32 mtu;
	u32 recv_bytes;
	u32 send_bytes;
	u64 sent;
	u64 sent_bytes;
	u64 requests;
};

/** nic_state_name() - "closed", "open", "ready", "running". */
const char *nic_state_name(enum nic_state state);

/**
 * nic_attach() - make a device a NIC, before it is offered.
 * @bus: the bus.
 * @device: number of the device, from vmbus_add().
 * @cfg: copied.
 *
 * Return: false if there is no such device, it is one already, or memory is out.
 */
bool nic_attach(struct vmbus *bus, u32 device, const struct nic_config *cfg);

/** nic_info() - how it goes. Return: false if the device is no NIC. */
bool nic_info(struct vmbus *bus, u32 device, struct nic_info *info);

/**
 * nic_link() - plug the cable in or pull it; notifies a guest whose driver is initialised.
 *
 * Return: false if the device is no NIC.
 */
bool nic_link(struct vmbus *bus, u32 device, bool up);

#endif
