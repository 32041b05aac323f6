// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest's end of one device's channel, packet by packet.
 */
#include "test/packets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fakevm.h"
#include "test/suites.h"
#include "vmbus/vmbus_host.h"
#include "vmbus/vmbus_msg.h"

void *rig_expect(struct rig *rig, u32 type)
{
	REQUIRE(fakevm_next(rig->vm, rig->message, 1000));
	REQUIRE_INT(((struct msg_header *)(void *)rig->message)->type, type);
	return rig->message;
}

void rig_post(struct rig *rig, const void *message, u32 len)
{
	REQUIRE_INT(fakevm_post(rig->vm, 4, message, len), 0);
}

u32 rig_lend(struct rig *rig, u32 id, u32 pfn, u32 pages, u32 missing)
{
	struct {
		struct msg_gpadl_header h;
		u32 range[2];
		u8 pfn[26 * 8];
	} __attribute__((packed)) first = {
		.h = { .h.type = MSG_GPADL_HEADER, .relid = rig->relid, .gpadl = id,
		       .range_bytes = (u16)(8 + 8 * pages), .range_count = 1 },
		.range = { pages * PAGE_SIZE_4K, 0 },
	};
	struct { struct msg_gpadl_body h; u64 pfn[28]; } next = {
		.h = { .h.type = MSG_GPADL_BODY, .gpadl = id },
	};
	u32 i, n = pages - missing < 26 ? pages - missing : 26, done = n;
	u64 number;

	for (i = 0; i < n; i++) {
		number = pfn + i;
		memcpy(first.pfn + i * 8, &number, 8);
	}
	rig_post(rig, &first, 28 + n * 8);
	while (done < pages - missing) {
		n = pages - missing - done < 28 ? pages - missing - done : 28;
		for (i = 0; i < n; i++)
			next.pfn[i] = pfn + done + i;
		next.h.number++;
		rig_post(rig, &next, 16 + n * 8);
		done += n;
	}
	return missing ? 0 : ((struct msg_gpadl_created *)rig_expect(rig, MSG_GPADL_CREATED))->status;
}

void rig_open(struct rig *rig)
{
	struct msg_open m = { .h.type = MSG_OPEN, .relid = rig->relid, .gpadl = RIG_RING_GPADL,
			      .downstream_page = RIG_DOWNSTREAM };
	u32 i;

	for (i = 0; i < RIG_RING_PAGES; i++) {
		rig->pages[i] = fakevm_ram(rig->vm) + (RIG_RING_PFN + i) * PAGE_SIZE_4K;
		memset(rig->pages[i], 0, PAGE_SIZE_4K);
	}
	ring_init(&rig->from_guest, rig->pages, RIG_DOWNSTREAM);
	ring_init(&rig->to_guest, rig->pages + RIG_DOWNSTREAM, RIG_RING_PAGES - RIG_DOWNSTREAM);
	REQUIRE_INT(rig_lend(rig, RIG_RING_GPADL, RIG_RING_PFN, RIG_RING_PAGES, 0), 0);
	rig_post(rig, &m, sizeof(m));
	REQUIRE_INT(((struct msg_open_result *)rig_expect(rig, MSG_OPEN_RESULT))->status, 0);
}

void rig_new(struct rig *rig, const char *name)
{
	struct vmbus_config cfg = { .no_kvp = true };
	struct device_desc desc = { .monitor = 0xff, .flags = 1 };

	memset(rig, 0, sizeof(*rig));
	snprintf(desc.name, sizeof(desc.name), "%s", name);
	rig->vm = fakevm_new(1);
	rig->bus = vmbus_new(rig->vm, &cfg);
	rig->device = vmbus_add(rig->bus, &desc);
}

void rig_connect(struct rig *rig)
{
	struct msg_contact contact = { .h.type = MSG_CONTACT, .version = VMBUS_VERSION(5, 3),
				       .sint = 2 };
	struct msg_header offers = { .type = MSG_REQUEST_OFFERS };

	vmbus_offer(rig->bus, rig->device);
	rig_post(rig, &contact, sizeof(contact));
	rig_expect(rig, MSG_VERSION);
	rig_post(rig, &offers, sizeof(offers));
	rig->relid = ((struct msg_offer *)rig_expect(rig, MSG_OFFER))->relid;
	rig_expect(rig, MSG_ALL_OFFERS);
	rig_open(rig);
}

void rig_free(struct rig *rig)
{
	vmbus_free(rig->bus);
	fakevm_free(rig->vm);
}

u32 rig_notes(struct rig *rig)
{
	struct bus_event e;
	u32 i, n = 0;

	for (i = 0; vmbus_event(rig->bus, i, &e); i++)
		n += e.kind == BUS_NOTE;
	return n;
}

void rig_signal(struct rig *rig)
{
	REQUIRE_INT(fakevm_signal(rig->vm, rig->relid | 2 << 12, 0), 0);
}

bool rig_put(struct rig *rig, u16 type, u64 id, const void *list, u32 list_len, const void *payload,
	     u32 len)
{
	u8 all[1024];
	struct ring_packet head;
	bool signal = false;
	const char *why;

	REQUIRE(list_len + len <= sizeof(all) && list_len % 8 == 0);
	if (list_len)
		memcpy(all, list, list_len);
	if (len)
		memcpy(all + list_len, payload, len);
	ring_packet_init(&head, list_len + len);
	head.type = type;
	head.flags = RING_WANTS_COMPLETION;
	head.offset8 = (u16)((RING_HEADER + list_len) / 8);
	head.id = id;
	return ring_write(&rig->from_guest, &head, all, list_len + len, &signal, NULL, &why) ==
	       RING_OK;
}

bool rig_take(struct rig *rig)
{
	bool signal = false;
	const char *why;
	u8 *payload;
	u32 len;

	if (ring_read(&rig->to_guest, &rig->head, &payload, &len, &signal, &why) != RING_OK)
		return false;
	REQUIRE(len <= sizeof(rig->reply));
	memset(rig->reply, 0, sizeof(rig->reply));
	memcpy(rig->reply, payload, len);
	rig->reply_len = len;
	memcpy(rig->extra, ring_extra(&rig->head, payload, len, &rig->extra_len),
	       rig->head.offset8 * 8u - RING_HEADER);
	free(payload);
	if (signal)
		rig_signal(rig);
	return true;
}

u8 *rig_ram(struct rig *rig, u32 pfn)
{
	return fakevm_ram(rig->vm) + pfn * (size_t)PAGE_SIZE_4K;
}
