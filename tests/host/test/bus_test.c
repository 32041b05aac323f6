// SPDX-License-Identifier: GPL-2.0-only
/*
 * The whole bus, message by message, against a guest that this file plays.
 */
#include "vmbus/vmbus.h"

#include <stdlib.h>
#include <string.h>

#include "machine/synic.h"
#include "test/fakevm.h"
#include "test/suites.h"
#include "util/clock.h"
#include "vmbus/vmbus_host.h"
#include "vmbus/vmbus_msg.h"

#define RING_PFN 16u		/* the rings' first page; 4 pages each way */
#define RING_PAGES 8u
#define DOWNSTREAM 4u

struct rig {
	struct vm *vm;
	struct vmbus *bus;
	u8 got[256] __attribute__((aligned(8)));
};

static struct rig start(u32 max_version)
{
	struct vmbus_config cfg = { .max_version = max_version };
	struct rig rig = { .vm = fakevm_new(2) };

	rig.bus = vmbus_new(rig.vm, &cfg);
	REQUIRE(rig.bus);
	return rig;
}

static void stop(struct rig *rig)
{
	vmbus_free(rig->bus);
	fakevm_free(rig->vm);
}

static u32 post(struct rig *rig, const void *message, u32 len)
{
	return fakevm_post(rig->vm, 4, message, len);
}

/* The next message must be of this type and length. */
static void *expect(struct rig *rig, u32 type, u32 len)
{
	struct msg_header *h = (struct msg_header *)(void *)rig->got;

	REQUIRE_INT(fakevm_next(rig->vm, rig->got, 1000), len);
	REQUIRE_INT(h->type, type);
	REQUIRE_INT(h->pad, 0);
	return rig->got;
}

static void expect_silence(struct rig *rig)
{
	REQUIRE_INT(fakevm_next(rig->vm, rig->got, 0), 0);
}

static struct msg_version *contact_on(struct rig *rig, u32 connection, u32 version, u32 vp)
{
	struct msg_contact m = { .h.type = MSG_CONTACT, .version = version, .target_vp = vp };

	if (version >= VMBUS_VERSION(5, 0))
		m.sint = 2;
	REQUIRE_INT(fakevm_post(rig->vm, connection, &m, sizeof(m)), 0);
	return expect(rig, MSG_VERSION, 16);
}

static void simple(struct rig *rig, u32 type)
{
	struct msg_header m = { .type = type };

	REQUIRE_INT(post(rig, &m, sizeof(m)), 0);
}

static void relid_message(struct rig *rig, u32 type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	REQUIRE_INT(post(rig, &m, sizeof(m)), 0);
}

/* Contact and offers; returns the KVP channel's id. */
static u32 meet(struct rig *rig)
{
	struct msg_offer *offer;
	u32 relid;

	REQUIRE_INT(contact_on(rig, 4, VMBUS_VERSION(5, 3), 1)->supported, 1);
	simple(rig, MSG_REQUEST_OFFERS);
	offer = expect(rig, MSG_OFFER, 196);
	relid = offer->relid;
	expect(rig, MSG_ALL_OFFERS, 8);
	return relid;
}

static u32 gpadl_for(struct rig *rig, u32 relid, u32 id, u32 pages)
{
	struct {
		struct msg_gpadl_header h;
		u32 range[2];
		u8 pfn[RING_PAGES * 8];
	} __attribute__((packed)) m = {
		.h = { .h.type = MSG_GPADL_HEADER, .relid = relid, .gpadl = id,
		       .range_bytes = (u16)(8 + 8 * pages), .range_count = 1 },
		.range = { pages * PAGE_SIZE_4K, 0 },
	};
	struct msg_gpadl_created *created;
	u64 i, pfn;

	for (i = 0; i < pages; i++) {
		pfn = RING_PFN + i;
		memcpy(m.pfn + i * 8, &pfn, 8);
	}
	REQUIRE_INT(post(rig, &m, 28 + pages * 8), 0);
	created = expect(rig, MSG_GPADL_CREATED, 20);
	REQUIRE_INT(created->relid, relid);
	REQUIRE_INT(created->gpadl, id);
	return created->status;
}

static u32 open_with(struct rig *rig, u32 relid, u32 gpadl, u32 downstream)
{
	struct msg_open m = { .h.type = MSG_OPEN, .relid = relid, .open_id = 9, .gpadl = gpadl,
			      .target_vp = 1, .downstream_page = downstream };
	struct msg_open_result *result;

	REQUIRE_INT(post(rig, &m, sizeof(m)), 0);
	result = expect(rig, MSG_OPEN_RESULT, 20);
	REQUIRE_INT(result->relid, relid);
	REQUIRE_INT(result->open_id, 9);
	return result->status;
}

static u32 meet_and_open(struct rig *rig)
{
	u32 relid = meet(rig);

	REQUIRE_INT(gpadl_for(rig, relid, 0xe1, RING_PAGES), 0);
	REQUIRE_INT(open_with(rig, relid, 0xe1, DOWNSTREAM), 0);
	return relid;
}

/* The guest's view of the rings: it reads what the host writes, and the reverse. */
static void guest_rings(struct rig *rig, struct ring *to_guest, struct ring *from_guest,
			u8 **pages)
{
	u32 i;

	for (i = 0; i < RING_PAGES; i++)
		pages[i] = fakevm_ram(rig->vm) + (RING_PFN + i) * PAGE_SIZE_4K;
	ring_init(from_guest, pages, DOWNSTREAM);
	ring_init(to_guest, pages + DOWNSTREAM, RING_PAGES - DOWNSTREAM);
}

/* ---- tests ---- */

static void versions(void)
{
	static const u32 good[] = {
		VMBUS_VERSION(4, 0), VMBUS_VERSION(4, 1), VMBUS_VERSION(5, 0),
		VMBUS_VERSION(5, 1), VMBUS_VERSION(5, 2), VMBUS_VERSION(5, 3),
	};
	static const u32 bad[] = {
		0, VMBUS_VERSION(0, 13), VMBUS_VERSION(2, 4), VMBUS_VERSION(3, 0),
		VMBUS_VERSION(5, 4), VMBUS_VERSION(6, 0), 0xffffffff,
	};
	struct rig rig = start(0);
	struct msg_version *reply;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		bool new = good[i] >= VMBUS_VERSION(5, 0);

		reply = contact_on(&rig, new ? 4 : 1, good[i], i % 2);
		REQUIRE_INT(reply->supported, 1);
		REQUIRE_INT(reply->state, 0);
		REQUIRE_INT(reply->connection, new ? 4 : 0);
		REQUIRE_INT(fakevm_last_vp(rig.vm), i % 2);
		REQUIRE_INT(vmbus_version(rig.bus), good[i]);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		reply = contact_on(&rig, 4, bad[i], 0);
		REQUIRE_INT(reply->supported, 0);
		REQUIRE_INT(vmbus_version(rig.bus), 0);
	}
	stop(&rig);
	rig = start(VMBUS_VERSION(6, 0));
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(6, 1), 0)->supported, 0);
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(6, 0), 0)->supported, 1);
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(5, 3), 0)->supported, 1);
	stop(&rig);
}

static void version_cap(void)
{
	struct msg_contact m = { .h.type = MSG_CONTACT, .version = VMBUS_VERSION(5, 3) };
	struct rig rig = start(VMBUS_VERSION(4, 1));

	REQUIRE_INT(fakevm_post(rig.vm, 4, &m, sizeof(m)), HV_STATUS_INVALID_CONNECTION_ID);
	expect_silence(&rig);
	REQUIRE_INT(contact_on(&rig, 1, VMBUS_VERSION(5, 0), 0)->supported, 0);
	REQUIRE_INT(contact_on(&rig, 1, VMBUS_VERSION(4, 1), 0)->supported, 1);
	stop(&rig);

	rig = start(VMBUS_VERSION(5, 1));
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(5, 2), 0)->supported, 0);
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(5, 1), 0)->supported, 1);
	stop(&rig);
}

static void wrong_ports(void)
{
	struct msg_contact m = { .h.type = MSG_CONTACT, .version = VMBUS_VERSION(5, 3) };
	struct rig rig = start(0);
	u8 big[256] = { 0 };

	REQUIRE_INT(fakevm_post(rig.vm, 0, &m, sizeof(m)), HV_STATUS_INVALID_CONNECTION_ID);
	REQUIRE_INT(fakevm_post(rig.vm, 7, &m, sizeof(m)), HV_STATUS_INVALID_CONNECTION_ID);
	REQUIRE_INT(fakevm_post_type(rig.vm, 4, 2, &m, sizeof(m)), HV_STATUS_INVALID_PARAMETER);
	REQUIRE_INT(fakevm_post(rig.vm, 4, big, sizeof(big)), HV_STATUS_INVALID_PARAMETER);
	REQUIRE_INT(fakevm_signal(rig.vm, 0x2001, 0), HV_STATUS_INVALID_CONNECTION_ID);
	REQUIRE_INT(fakevm_signal(rig.vm, 2, 0), 0);
	expect_silence(&rig);
	stop(&rig);
}

static void kvp_offer(void)
{
	static const u8 class[] = { 0xe7, 0xf4, 0xa0, 0xa9, 0x45, 0x5a, 0x96, 0x4d,
				    0xb8, 0x27, 0x8a, 0x84, 0x1e, 0x8c, 0x03, 0xe6 };
	struct rig rig = start(0);
	struct msg_offer *offer;

	contact_on(&rig, 4, VMBUS_VERSION(5, 3), 0);
	expect_silence(&rig);
	simple(&rig, MSG_REQUEST_OFFERS);
	offer = expect(&rig, MSG_OFFER, 196);
	REQUIRE(!memcmp(offer->class_id, class, 16));
	REQUIRE_INT(offer->instance_id[0], 0x19);
	REQUIRE_INT(offer->flags, 0x0011);
	REQUIRE_INT(offer->user[0], 4);
	REQUIRE_INT(offer->user[1], 0);
	REQUIRE_INT(offer->monitor, 0xff);
	REQUIRE_INT(offer->monitor_allocated, 0);
	REQUIRE_INT(offer->dedicated, 1);
	REQUIRE_INT(offer->subchannel, 0);
	REQUIRE(offer->relid);
	REQUIRE_INT(offer->connection, offer->relid | 2 << 12);
	expect(&rig, MSG_ALL_OFFERS, 8);
	simple(&rig, MSG_REQUEST_OFFERS);	/* once is enough */
	expect_silence(&rig);
	stop(&rig);
}

static void packets_both_ways(void)
{
	struct rig rig = start(0);
	struct ring to_guest, from_guest;
	struct ring_packet head;
	struct packet *packet;
	u8 *pages[RING_PAGES], *payload;
	bool signal = false;
	const char *why;
	u32 relid, chan, len;
	u64 stamp;

	relid = meet_and_open(&rig);
	guest_rings(&rig, &to_guest, &from_guest, pages);
	chan = vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus));
	REQUIRE(chan);

	ring_packet_init(&head, 5);
	REQUIRE_INT(vmbus_send(rig.bus, chan, &head, "hello", 5, BUS_SIGNAL_AUTO, &stamp, &why),
		 BUS_SENT);
	REQUIRE(fakevm_flag(rig.vm, relid));
	REQUIRE_INT(fakevm_last_vp(rig.vm), 1);
	REQUIRE_INT(ring_read(&to_guest, &head, &payload, &len, &signal, &why), RING_OK);
	REQUIRE_INT(len, 8);
	REQUIRE(!memcmp(payload, "hello", 5));
	free(payload);

	ring_packet_init(&head, 6);
	head.id = 77;
	REQUIRE_INT(ring_write(&from_guest, &head, "answer", 6, &signal, NULL, &why), RING_OK);
	REQUIRE(!vmbus_recv(rig.bus, chan));	/* not signalled yet */
	REQUIRE_INT(fakevm_signal(rig.vm, relid | 2 << 12, 0), 0);
	packet = vmbus_recv(rig.bus, chan);
	REQUIRE(packet);
	REQUIRE_INT(packet->head.id, 77);
	REQUIRE(packet->arrived >= stamp);
	REQUIRE(!memcmp(packet->payload, "answer", 6));
	packet_free(packet);

	/* The legacy event wakes all channels; a wrong flag none. */
	ring_write(&from_guest, &head, "answer", 6, &signal, NULL, &why);
	REQUIRE_INT(fakevm_signal(rig.vm, relid | 2 << 12, 1), HV_STATUS_INVALID_CONNECTION_ID);
	REQUIRE(!vmbus_recv(rig.bus, chan));
	REQUIRE_INT(fakevm_signal(rig.vm, 2, 0), 0);
	packet = vmbus_recv(rig.bus, chan);
	REQUIRE(packet);
	packet_free(packet);

	/* Unsignalled packets are found on request, and said to be such. */
	ring_write(&from_guest, &head, "answer", 6, &signal, NULL, &why);
	REQUIRE_INT(vmbus_unsignalled(rig.bus, chan), 1);
	REQUIRE_INT(vmbus_unsignalled(rig.bus, chan), 0);
	packet_free(vmbus_recv(rig.bus, chan));

	/* On hold the guest's ring fills up. */
	vmbus_hold(rig.bus, chan, true);
	while (ring_write(&from_guest, &head, "answer", 6, &signal, NULL, &why) == RING_OK)
		;
	fakevm_signal(rig.vm, relid | 2 << 12, 0);
	REQUIRE(!vmbus_recv(rig.bus, chan));
	ring_put(&from_guest, RING_PENDING, 4000);
	fakevm_flag(rig.vm, relid);
	vmbus_hold(rig.bus, chan, false);
	REQUIRE(fakevm_flag(rig.vm, relid));	/* there is room again: signalled */
	REQUIRE(ring_space(&from_guest) == from_guest.size);
	stop(&rig);
}

static void host_ring_full(void)
{
	struct rig rig = start(0);
	struct ring to_guest, from_guest;
	u8 *pages[RING_PAGES], data[1024] = { 0 };
	struct ring_packet head;
	const char *why;
	u32 chan, n = 0;
	u64 stamp;

	meet_and_open(&rig);
	guest_rings(&rig, &to_guest, &from_guest, pages);
	chan = vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus));
	ring_packet_init(&head, sizeof(data));
	while (vmbus_send(rig.bus, chan, &head, data, sizeof(data), BUS_SIGNAL_AUTO, &stamp, &why) ==
	       BUS_SENT)
		n++;
	REQUIRE_INT(n, 11);	/* 12288 / 1048 */
	REQUIRE(ring_get(&to_guest, RING_PENDING) >= 1048);
	ring_put(&to_guest, RING_READ, 13);
	REQUIRE_INT(vmbus_send(rig.bus, chan, &head, data, 8, BUS_SIGNAL_AUTO, &stamp, &why),
		 BUS_SEND_CORRUPT);
	stop(&rig);
}

static void hostile_rings(void)
{
	struct rig rig = start(0);
	struct ring to_guest, from_guest;
	u8 *pages[RING_PAGES];
	struct channel copy;
	u32 relid, chan;

	relid = meet_and_open(&rig);
	guest_rings(&rig, &to_guest, &from_guest, pages);
	chan = vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus));
	ring_put(&from_guest, RING_WRITE, 0x7ffffff8);
	REQUIRE_INT(fakevm_signal(rig.vm, relid | 2 << 12, 0), 0);
	REQUIRE(!vmbus_recv(rig.bus, chan));
	REQUIRE(vmbus_channel(rig.bus, chan, &copy));
	REQUIRE(copy.broken);
	stop(&rig);
}

static void close_brings_a_new_offer(void)
{
	struct rig rig = start(0);
	struct msg_offer *offer;
	struct msg_relid *rescind;
	u32 relid = meet_and_open(&rig);

	relid_message(&rig, MSG_CLOSE, relid);
	rescind = expect(&rig, MSG_RESCIND, 12);
	REQUIRE_INT(rescind->relid, relid);
	expect_silence(&rig);
	REQUIRE(!vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus)));
	relid_message(&rig, MSG_RELID_RELEASED, relid);
	offer = expect(&rig, MSG_OFFER, 196);
	REQUIRE(offer->relid != relid);
	relid = offer->relid;
	/* The old page list went with the old channel: its number is free. */
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0);
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0);
	stop(&rig);
}

static void policies(void)
{
	struct rig rig = start(0);
	u32 kvp = vmbus_kvp(rig.bus);
	u32 relid = meet_and_open(&rig);

	vmbus_policy(rig.bus, kvp, REOFFER_AT_ONCE, 0, true);
	REQUIRE(vmbus_rescind(rig.bus, kvp, true));
	expect(&rig, MSG_RESCIND, 12);
	expect(&rig, MSG_OFFER, 196);
	relid_message(&rig, MSG_CLOSE, relid);		/* crossing: no effect */
	relid_message(&rig, MSG_RELID_RELEASED, relid);
	expect_silence(&rig);

	vmbus_policy(rig.bus, kvp, REOFFER_AT_ONCE, 30000, true);
	REQUIRE(vmbus_rescind(rig.bus, kvp, true));
	expect(&rig, MSG_RESCIND, 12);
	expect_silence(&rig);
	relid = ((struct msg_offer *)expect(&rig, MSG_OFFER, 196))->relid;

	REQUIRE(vmbus_rescind(rig.bus, kvp, false));
	expect(&rig, MSG_RESCIND, 12);
	REQUIRE(!vmbus_rescind(rig.bus, kvp, false));
	relid_message(&rig, MSG_RELID_RELEASED, relid);
	expect_silence(&rig);
	vmbus_offer(rig.bus, kvp);
	relid = ((struct msg_offer *)expect(&rig, MSG_OFFER, 196))->relid;

	/* With the switch off, a closed channel may simply be opened again. */
	vmbus_policy(rig.bus, kvp, REOFFER_RELEASED, 0, false);
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe9, RING_PAGES), 0);
	REQUIRE_INT(open_with(&rig, relid, 0xe9, DOWNSTREAM), 0);
	relid_message(&rig, MSG_CLOSE, relid);
	expect_silence(&rig);
	REQUIRE_INT(open_with(&rig, relid, 0xe9, DOWNSTREAM), 0);
	stop(&rig);
}

static void armed_at_open(void)
{
	struct rig rig = start(0);
	struct bus_plan plan = { .device = vmbus_kvp(rig.bus), .at = BUS_OPEN,
				 .action = BUS_DO_RESCIND };
	struct msg_open m = { .h.type = MSG_OPEN, .gpadl = 0xe1, .downstream_page = DOWNSTREAM };
	u32 relid = meet(&rig);

	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0);
	m.relid = relid;

	plan.action = BUS_DO_REFUSE;
	plan.status = 0xc0000022;
	REQUIRE(vmbus_arm(rig.bus, &plan));
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0xc0000022);

	plan.action = BUS_DO_SILENCE;
	vmbus_arm(rig.bus, &plan);
	post(&rig, &m, sizeof(m));
	expect_silence(&rig);

	plan.action = BUS_DO_RESCIND;
	vmbus_arm(rig.bus, &plan);
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0);
	expect(&rig, MSG_RESCIND, 12);
	relid_message(&rig, MSG_CLOSE, relid);
	relid_message(&rig, MSG_RELID_RELEASED, relid);
	relid = ((struct msg_offer *)expect(&rig, MSG_OFFER, 196))->relid;

	plan.before = true;
	vmbus_arm(rig.bus, &plan);
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe2, RING_PAGES), 0);
	m.relid = relid;
	m.gpadl = 0xe2;
	post(&rig, &m, sizeof(m));
	expect(&rig, MSG_RESCIND, 12);
	expect(&rig, MSG_OPEN_RESULT, 20);
	relid_message(&rig, MSG_RELID_RELEASED, relid);
	relid = ((struct msg_offer *)expect(&rig, MSG_OFFER, 196))->relid;

	plan.before = false;
	plan.after_us = 20000;
	vmbus_arm(rig.bus, &plan);
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe3, RING_PAGES), 0);
	REQUIRE_INT(open_with(&rig, relid, 0xe3, DOWNSTREAM), 0);
	expect_silence(&rig);
	expect(&rig, MSG_RESCIND, 12);
	stop(&rig);
}

static void arm(struct rig *rig, enum bus_event_kind at, enum bus_action action, u32 us)
{
	const struct bus_plan plan = { .device = vmbus_kvp(rig->bus), .at = at, .action = action,
				       .after_us = us, .status = 0xc0000022 };

	REQUIRE(vmbus_can_arm(at, action));
	REQUIRE(vmbus_arm(rig->bus, &plan));
}

static bool noted(struct rig *rig, const char *text)
{
	struct bus_event event;

	for (u32 i = 0; vmbus_event(rig->bus, i, &event); i++)
		if (event.text && !strcmp(event.text, text))
			return true;
	return false;
}

#define LATE_US 20000

/* The next message, which must have been kept back since @since, in nanoseconds. */
static void *expect_late(struct rig *rig, u64 since, u32 type, u32 len)
{
	void *message = expect(rig, type, len);

	REQUIRE(clock_ns() - since >= LATE_US * 1000ull);
	return message;
}

static void faults_of_contact(void)
{
	struct msg_contact m = { .h.type = MSG_CONTACT, .version = VMBUS_VERSION(5, 3), .sint = 2 };
	struct rig rig = start(0);
	u64 since;

	arm(&rig, BUS_CONTACT, BUS_DO_REFUSE, 0);
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(5, 3), 0)->supported, 0);
	REQUIRE_INT(vmbus_version(rig.bus), 0);
	arm(&rig, BUS_CONTACT, BUS_DO_SILENCE, 0);
	post(&rig, &m, sizeof(m));
	expect_silence(&rig);
	REQUIRE_INT(vmbus_version(rig.bus), 0);
	REQUIRE(noted(&rig, "a message left unanswered, as the script wants"));
	arm(&rig, BUS_CONTACT, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	post(&rig, &m, sizeof(m));
	REQUIRE_INT(((struct msg_version *)expect_late(&rig, since, MSG_VERSION, 16))->supported, 1);
	REQUIRE_INT(vmbus_version(rig.bus), VMBUS_VERSION(5, 3));
	stop(&rig);
}

static void faults_of_offer(void)
{
	struct rig rig = start(0);
	u64 since;

	arm(&rig, BUS_OFFER, BUS_DO_SILENCE, 0);
	REQUIRE_INT(contact_on(&rig, 4, VMBUS_VERSION(5, 3), 1)->supported, 1);
	simple(&rig, MSG_REQUEST_OFFERS);
	expect(&rig, MSG_ALL_OFFERS, 8);
	expect_silence(&rig);
	arm(&rig, BUS_OFFER, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	vmbus_offer(rig.bus, vmbus_kvp(rig.bus));
	expect_late(&rig, since, MSG_OFFER, 196);
	expect_silence(&rig);
	stop(&rig);
}

static void faults_of_gpadl(void)
{
	struct rig rig = start(0);
	u64 since;
	u32 relid = meet(&rig);

	arm(&rig, BUS_GPADL, BUS_DO_REFUSE, 0);
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0xc0000022);
	/* It is not there: the number is free. */
	arm(&rig, BUS_GPADL, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0);
	REQUIRE(clock_ns() - since >= LATE_US * 1000ull);
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0);
	stop(&rig);
}

static void faults_of_teardown(void)
{
	struct msg_gpadl_teardown m = { .h.type = MSG_GPADL_TEARDOWN, .gpadl = 0xe1 };
	struct rig rig = start(0);
	u64 since;

	m.relid = meet(&rig);
	REQUIRE_INT(gpadl_for(&rig, m.relid, 0xe1, RING_PAGES), 0);
	arm(&rig, BUS_TEARDOWN, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	post(&rig, &m, sizeof(m));
	expect_late(&rig, since, MSG_GPADL_TORNDOWN, 12);
	REQUIRE_INT(gpadl_for(&rig, m.relid, 0xe1, RING_PAGES), 0);
	arm(&rig, BUS_TEARDOWN, BUS_DO_SILENCE, 0);
	post(&rig, &m, sizeof(m));
	expect_silence(&rig);
	stop(&rig);
}

static void faults_of_open(void)
{
	struct rig rig = start(0);
	u64 since;
	u32 relid = meet(&rig);

	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0);
	arm(&rig, BUS_OPEN, BUS_DO_REFUSE, LATE_US);
	since = clock_ns();
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0xc0000022);
	REQUIRE(clock_ns() - since >= LATE_US * 1000ull);
	REQUIRE(!vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus)));
	arm(&rig, BUS_OPEN, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0);
	REQUIRE(clock_ns() - since >= LATE_US * 1000ull);
	REQUIRE(vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus)));
	stop(&rig);
}

static void faults_of_modify(void)
{
	struct msg_modify m = { .h.type = MSG_MODIFY, .target_vp = 1 };
	struct rig rig = start(0);
	u64 since;

	m.relid = meet(&rig);
	REQUIRE_INT(gpadl_for(&rig, m.relid, 0xe1, RING_PAGES), 0);
	REQUIRE_INT(open_with(&rig, m.relid, 0xe1, DOWNSTREAM), 0);
	arm(&rig, BUS_MODIFY, BUS_DO_REFUSE, 0);
	post(&rig, &m, sizeof(m));
	REQUIRE_INT(((struct msg_modified *)expect(&rig, MSG_MODIFIED, 16))->status, 0xc0000022);
	arm(&rig, BUS_MODIFY, BUS_DO_SILENCE, 0);
	post(&rig, &m, sizeof(m));
	expect_silence(&rig);
	arm(&rig, BUS_MODIFY, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	post(&rig, &m, sizeof(m));
	REQUIRE_INT(((struct msg_modified *)expect_late(&rig, since, MSG_MODIFIED, 16))->status, 0);
	stop(&rig);
}

static void faults_of_unload(void)
{
	struct rig rig = start(0);
	u64 since;

	meet(&rig);
	arm(&rig, BUS_UNLOAD, BUS_DO_SILENCE, 0);
	simple(&rig, MSG_UNLOAD);
	expect_silence(&rig);
	meet(&rig);
	arm(&rig, BUS_UNLOAD, BUS_DO_DELAY, LATE_US);
	since = clock_ns();
	simple(&rig, MSG_UNLOAD);
	expect_late(&rig, since, MSG_UNLOADED, 8);
	stop(&rig);
}

static void what_can_be_armed(void)
{
	REQUIRE(!vmbus_can_arm(BUS_CLOSE, BUS_DO_SILENCE));
	REQUIRE(!vmbus_can_arm(BUS_OFFER, BUS_DO_REFUSE));
	REQUIRE(!vmbus_can_arm(BUS_UNLOAD, BUS_DO_RESCIND));
	REQUIRE(!vmbus_can_arm(BUS_RELEASE, BUS_DO_RESCIND));
	REQUIRE(!vmbus_can_arm(BUS_EVENT_KINDS, BUS_DO_RESCIND));
	REQUIRE(vmbus_can_arm(BUS_FIRST_PACKET, BUS_DO_RESCIND));
}

static void bad_opens(void)
{
	struct rig rig = start(0);
	u32 relid = meet(&rig);

	REQUIRE(open_with(&rig, relid, 0xe1, DOWNSTREAM));	/* no such GPADL */
	REQUIRE_INT(gpadl_for(&rig, relid, 0xe1, RING_PAGES), 0);
	REQUIRE(gpadl_for(&rig, relid, 0xe1, RING_PAGES));	/* the number is taken */
	REQUIRE(gpadl_for(&rig, 999, 0xe5, RING_PAGES));		/* no such channel */
	REQUIRE(open_with(&rig, 999, 0xe1, DOWNSTREAM));
	REQUIRE(open_with(&rig, relid, 0xe1, 0));
	REQUIRE(open_with(&rig, relid, 0xe1, 1));
	REQUIRE(open_with(&rig, relid, 0xe1, RING_PAGES - 1));
	REQUIRE(open_with(&rig, relid, 0xe1, 0xffffffff));
	REQUIRE_INT(open_with(&rig, relid, 0xe1, DOWNSTREAM), 0);
	REQUIRE(open_with(&rig, relid, 0xe1, DOWNSTREAM));	/* it is open already */
	relid_message(&rig, MSG_RELID_RELEASED, relid);		/* and not rescinded */
	REQUIRE(vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus)));
	relid_message(&rig, MSG_CLOSE, 0);
	relid_message(&rig, MSG_CLOSE, 0xffffffff);
	expect_silence(&rig);
	stop(&rig);
}

static void teardown_of_open_rings(void)
{
	struct msg_gpadl_teardown m = { .h.type = MSG_GPADL_TEARDOWN, .gpadl = 0xe1 };
	struct msg_gpadl_torndown *reply;
	struct rig rig = start(0);
	struct ring_packet head;
	const char *why;
	u32 chan;
	u64 at;

	m.relid = meet_and_open(&rig);
	chan = vmbus_open_channel(rig.bus, vmbus_kvp(rig.bus));
	post(&rig, &m, sizeof(m));
	reply = expect(&rig, MSG_GPADL_TORNDOWN, 12);
	REQUIRE_INT(reply->gpadl, 0xe1);
	ring_packet_init(&head, 4);
	REQUIRE_INT(vmbus_send(rig.bus, chan, &head, "abcd", 4, BUS_SIGNAL_AUTO, &at, &why),
		 BUS_SEND_CLOSED);
	post(&rig, &m, sizeof(m));		/* of nothing: answered all the same */
	expect(&rig, MSG_GPADL_TORNDOWN, 12);
	stop(&rig);
}

static void modify(void)
{
	struct msg_modify m = { .h.type = MSG_MODIFY, .target_vp = 0 };
	struct msg_modified *reply;
	struct rig rig = start(0);
	struct channel copy;

	m.relid = meet_and_open(&rig);
	post(&rig, &m, sizeof(m));
	reply = expect(&rig, MSG_MODIFIED, 16);
	REQUIRE_INT(reply->status, 0);
	REQUIRE(vmbus_channel(rig.bus, 1, &copy));
	REQUIRE_INT(copy.target_vp, 0);
	m.target_vp = 99;
	post(&rig, &m, sizeof(m));
	reply = expect(&rig, MSG_MODIFIED, 16);
	REQUIRE(reply->status);
	stop(&rig);
}

static void unload_and_again(void)
{
	struct rig rig = start(0);
	u32 relid = meet_and_open(&rig);

	simple(&rig, MSG_UNLOAD);
	expect(&rig, MSG_UNLOADED, 8);
	REQUIRE_INT(vmbus_version(rig.bus), 0);
	REQUIRE_INT(fakevm_signal(rig.vm, relid | 2 << 12, 0), HV_STATUS_INVALID_CONNECTION_ID);
	simple(&rig, MSG_REQUEST_OFFERS);	/* before contact: ignored */
	expect_silence(&rig);
	meet_and_open(&rig);
	/* A new kernel may make contact without a word of goodbye. */
	meet_and_open(&rig);
	stop(&rig);
}

static void more_devices(void)
{
	struct device_desc desc = { .name = "second", .monitor = 0xff, .flags = 1 };
	struct rig rig = start(0);
	struct msg_offer *offer;
	u32 second, first_relid;

	memset(desc.class_id, 0x5a, 16);
	first_relid = meet(&rig);
	second = vmbus_add(rig.bus, &desc);
	REQUIRE(second);
	expect_silence(&rig);
	vmbus_offer(rig.bus, second);
	offer = expect(&rig, MSG_OFFER, 196);
	REQUIRE_INT(offer->class_id[3], 0x5a);
	REQUIRE(offer->relid != first_relid);
	vmbus_offer(rig.bus, second);		/* it is offered already */
	expect_silence(&rig);
	stop(&rig);
}

/* Numbers that repeat. */
static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void noise(void)
{
	struct rig rig = start(0);
	u32 state = 7, i, k;
	u64 message[30];

	meet_and_open(&rig);
	for (i = 0; i < 50000; i++) {
		u32 *w = (u32 *)(void *)message;
		u32 len = next_random(&state) % 240;

		for (k = 0; k < 60; k++)
			w[k] = next_random(&state) % (k % 3 ? 16 : 4000000);
		w[0] = next_random(&state) % 26;
		w[2] = next_random(&state) % 4 ? next_random(&state) % 6 : VMBUS_VERSION(5, 3);
		if (w[0] == MSG_GPADL_HEADER && i % 2)
			w[4] = 0x10000 | (8 + 8 * (next_random(&state) % 20));
		fakevm_post(rig.vm, 4, message, len);
		if (i % 16 == 0)
			fakevm_signal(rig.vm, 2, 0);
		while (fakevm_next(rig.vm, rig.got, 0))
			;
	}
	contact_on(&rig, 4, VMBUS_VERSION(5, 3), 0);
	stop(&rig);
}

static const struct tap_case bus_cases[] = {
	{ "versions 4.0 to 5.3 are taken, others answered with no", versions },
	{ "a capped host has no port 4 below 5.0", version_cap },
	{ "wrong ports, types and lengths", wrong_ports },
	{ "the KVP offer", kvp_offer },
	{ "packets both ways, signals, hold", packets_both_ways },
	{ "a full ring, and a corrupt read index", host_ring_full },
	{ "a corrupt write index breaks the channel, not the host", hostile_rings },
	{ "close -> rescind -> release -> new offer", close_brings_a_new_offer },
	{ "re-offer at once, later, never; close without rescind", policies },
	{ "armed at open: refuse, silence, rescind before, after, later", armed_at_open },
	{ "contact: refused, unanswered, answered late", faults_of_contact },
	{ "offer: not made, made late", faults_of_offer },
	{ "GPADL: refused, answered late", faults_of_gpadl },
	{ "GPADL teardown: answered late, unanswered", faults_of_teardown },
	{ "open: refused late, answered late", faults_of_open },
	{ "modify: refused, unanswered, answered late", faults_of_modify },
	{ "unload: unanswered, answered late", faults_of_unload },
	{ "what can be armed where", what_can_be_armed },
	{ "wrong opens, GPADLs, closes and releases", bad_opens },
	{ "teardown of open rings", teardown_of_open_rings },
	{ "ModifyChannel", modify },
	{ "unload, and contact again", unload_and_again },
	{ "a device that is added later", more_devices },
	{ "50000 random messages", noise },
};

const struct tap_suite bus_tests = TAP_SUITE("bus", bus_cases);
