/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest's end of one device's channel, packet by packet: for tests that play a guest
 * which behaves, or one that is malicious. The machine is a fakevm.
 *
 * The guest's memory, in pages: the rings from RIG_RING_PFN on, the test's own from
 * RIG_FREE_PFN on.
 */
#ifndef TEST_PACKETS_H
#define TEST_PACKETS_H

#include <stdbool.h>

#include "vmbus/ring.h"
#include "vmbus/vmbus.h"

#define RIG_RING_PFN	16u
#define RIG_RING_PAGES	8u
#define RIG_DOWNSTREAM	4u
#define RIG_FREE_PFN	40u
#define RIG_RING_GPADL	0xa3u

struct vm;

/**
 * struct rig - the guest, and the bus that it is connected to
 * @device: the one device of the bus, by its number there; @relid is the guest's
 * @message: what rig_expect() took
 * @head: of the packet that rig_take() took, with @reply_len bytes of payload in @reply, and
 *	@extra_len bytes in @extra between them
 */
struct rig {
	struct vm *vm;
	struct vmbus *bus;
	u32 device;
	u32 relid;
	struct ring to_guest, from_guest;
	u8 *pages[RIG_RING_PAGES];
	u64 message[32];
	struct ring_packet head;
	u32 reply[64];
	u32 reply_len;
	u8 extra[64];
	u32 extra_len;
};

/* A machine, its bus, and a device of this name on it, which is not offered yet. */
void rig_new(struct rig *rig, const char *name);
/* Offer the device, connect to the bus, open the channel. */
void rig_connect(struct rig *rig);
void rig_free(struct rig *rig);

/* A message to the bus, and the next one from it, which must be of this type. */
void rig_post(struct rig *rig, const void *message, u32 len);
void *rig_expect(struct rig *rig, u32 type);

/*
 * Lend pages, by as many messages as it takes; @missing pages are announced and left out.
 * Returns the status, 0 if some are missing.
 */
u32 rig_lend(struct rig *rig, u32 id, u32 pfn, u32 pages, u32 missing);
/* Empty rings, and a channel that is open on them. */
void rig_open(struct rig *rig);

/* How often has the bus noted that the guest breaks a rule? */
u32 rig_notes(struct rig *rig);

void rig_signal(struct rig *rig);
/* Write a packet; @list goes between header and payload. Returns false if the ring is full. */
bool rig_put(struct rig *rig, u16 type, u64 id, const void *list, u32 list_len, const void *payload,
	     u32 len);
/* Take the next packet that the host wrote; false if there is none. */
bool rig_take(struct rig *rig);
u8 *rig_ram(struct rig *rig, u32 pfn);

#endif
