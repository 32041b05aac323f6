// SPDX-License-Identifier: GPL-2.0-only
/*
 * The NIC, packet by packet, against a guest that this file plays: one that
 * behaves and one that is malicious.
 *
 * The guest's memory, in pages: messages at DATA_PFN, the buffers that it lends at RECV_PFN and SEND_PFN.
 */
#include "devices/nic.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/synic.h"
#include "test/fakevm.h"
#include "test/packets.h"
#include "test/suites.h"
#include "util/clock.h"
#include "vmbus/vmbus_host.h"
#include "vmbus/vmbus_msg.h"

#define DATA_PFN	RIG_FREE_PFN
#define RECV_PFN	100u
#define RECV_PAGES	64u
#define SEND_PFN	200u
#define SEND_PAGES	16u

#define RECV_GPADL	0xa1u
#define SEND_GPADL	0xa2u

static const u8 mac[6] = { 0x00, 0x15, 0x5d, 0x01, 0x02, 0x03 };

/* ---- the bus below ---- */

static void relid_message(struct rig *rig, u32 type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	rig_post(rig, &m, sizeof(m));
}

static void teardown(struct rig *rig, u32 id)
{
	struct msg_gpadl_teardown m = { .h.type = MSG_GPADL_TEARDOWN, .relid = rig->relid,
					.gpadl = id };

	rig_post(rig, &m, sizeof(m));
	rig_expect(rig, MSG_GPADL_TORNDOWN);
}

static void start(struct rig *rig, const struct nic_config *wanted)
{
	struct nic_config cfg = { 0 };

	rig_new(rig, "nic");
	if (wanted)
		cfg = *wanted;
	memcpy(cfg.mac, mac, sizeof(mac));
	REQUIRE(nic_attach(rig->bus, rig->device, &cfg));
	REQUIRE(!nic_attach(rig->bus, rig->device, &cfg));
	REQUIRE(!nic_attach(rig->bus, 99, &cfg));
	rig_connect(rig);
}

/* ---- packets ---- */

static void expect_nothing(struct rig *rig)
{
	REQUIRE(!rig_take(rig));
}

/* Send an NVSP message of @n words in band and take its completion. */
static void nvsp(struct rig *rig, const u32 *words, u32 n)
{
	u32 msg[10] = { 0 };

	memcpy(msg, words, n * 4ul);
	REQUIRE(rig_put(rig, RING_IN_BAND, 0x1000 + words[0], NULL, 0, msg, sizeof(msg)));
	rig_signal(rig);
	REQUIRE(rig_take(rig));
	REQUIRE_INT(rig->head.type, RING_COMPLETION);
	REQUIRE_INT(rig->head.id, 0x1000 + words[0]);
}

static u32 agree(struct rig *rig, u32 oldest, u32 newest)
{
	u32 msg[] = { 1, oldest, newest };

	nvsp(rig, msg, 3);
	REQUIRE_INT(rig->reply_len, 40);
	REQUIRE_INT(rig->reply[0], 2);
	return rig->reply[3];
}

static u32 recv_buf(struct rig *rig, u32 gpadl)
{
	u32 msg[] = { 101, gpadl, 0xcafe };

	nvsp(rig, msg, 3);
	REQUIRE_INT(rig->reply[0], 102);
	return rig->reply[1];
}

static u32 send_buf(struct rig *rig, u32 gpadl)
{
	u32 msg[] = { 104, gpadl, 0 };

	nvsp(rig, msg, 3);
	REQUIRE_INT(rig->reply[0], 105);
	return rig->reply[1];
}

/* Send @list and an RNDIS transport message; returns the completion's status. */
static u32 transport(struct rig *rig, const void *list, u32 list_len, u32 control, u32 section,
		     u32 bytes)
{
	u32 msg[10] = { 107, control, section, bytes };

	REQUIRE(rig_put(rig, list_len ? RING_GPA_DIRECT : RING_IN_BAND, 0x77, list, list_len, msg,
		  sizeof(msg)));
	rig_signal(rig);
	REQUIRE(rig_take(rig));
	REQUIRE_INT(rig->head.type, RING_COMPLETION);
	REQUIRE_INT(rig->head.id, 0x77);
	REQUIRE_INT(rig->reply[0], 108);
	return rig->reply[1];
}

/* An RNDIS control message in two ranges, the first one of them at a page's end. */
static u32 control(struct rig *rig, const void *msg, u32 len)
{
	u32 list[] = { 0, 2, 8, 4088, DATA_PFN, 0, len - 8, 0, DATA_PFN + 1, 0 };

	memcpy(rig_ram(rig, DATA_PFN) + 4088, msg, 8);
	memcpy(rig_ram(rig, DATA_PFN + 1), (const u8 *)msg + 8, len - 8);
	return transport(rig, list, sizeof(list), 1, 0xffffffff, 0);
}

/* Take what the NIC indicates, look at it in the receive buffer, and complete it. */
static const u32 *indicated(struct rig *rig)
{
	u32 done[2] = { 108, 1 }, ranges[4];
	u64 id;

	REQUIRE(rig_take(rig));
	REQUIRE_INT(rig->head.type, RING_TRANSFER_PAGES);
	REQUIRE_INT(rig->head.flags, RING_WANTS_COMPLETION);
	REQUIRE_INT(rig->reply[0], 107);
	REQUIRE_INT(rig->reply[1], 1);
	REQUIRE_INT(rig->extra_len, 16);
	memcpy(ranges, rig->extra, sizeof(ranges));
	REQUIRE_INT(ranges[0], 0xcafe);
	REQUIRE_INT(ranges[1], 1);
	REQUIRE(ranges[3] % 1728 == 0 && ranges[2] <= 1728);
	REQUIRE(ranges[3] + ranges[2] <= RECV_PAGES * PAGE_SIZE_4K);
	id = rig->head.id;
	REQUIRE(rig_put(rig, RING_COMPLETION, id, NULL, 0, done, sizeof(done)));
	rig_signal(rig);
	return (const u32 *)(void *)(rig_ram(rig, RECV_PFN) + ranges[3]);
}

static void bring_up(struct rig *rig)
{
	static const u32 init[] = { 2, 24, 1, 1, 0, 0x4000 };
	const u32 *answer;

	REQUIRE_INT(agree(rig, NVSP_6_1, NVSP_6_1), 1);
	REQUIRE_INT(rig_lend(rig, RECV_GPADL, RECV_PFN, RECV_PAGES, 0), 0);
	REQUIRE_INT(recv_buf(rig, RECV_GPADL), 1);
	REQUIRE_INT(rig_lend(rig, SEND_GPADL, SEND_PFN, SEND_PAGES, 0), 0);
	REQUIRE_INT(send_buf(rig, SEND_GPADL), 1);
	REQUIRE_INT(control(rig, init, sizeof(init)), 1);
	answer = indicated(rig);
	REQUIRE_INT(answer[0], 0x80000002);
	REQUIRE_INT(answer[1], 52);
	REQUIRE_INT(answer[2], 1);
	REQUIRE_INT(answer[3], 0);
}

static const u32 *query(struct rig *rig, u32 oid)
{
	u32 msg[] = { 4, 28, 7, oid, 0, 20, 0 };
	const u32 *answer;

	REQUIRE_INT(control(rig, msg, sizeof(msg)), 1);
	answer = indicated(rig);
	REQUIRE_INT(answer[0], 0x80000004);
	REQUIRE_INT(answer[2], 7);
	REQUIRE_INT(answer[1], 24 + answer[4]);
	REQUIRE_INT(answer[5], answer[4] ? 16 : 0);
	return answer;
}

static u32 set_filter(struct rig *rig, u32 filter, u32 bytes, u32 offset)
{
	u32 msg[] = { 5, 32, 8, 0x0001010e, bytes, offset, 0, filter };
	const u32 *answer;

	REQUIRE_INT(control(rig, msg, sizeof(msg)), 1);
	answer = indicated(rig);
	REQUIRE_INT(answer[0], 0x80000005);
	REQUIRE_INT(answer[2], 8);
	return answer[3];
}

static struct nic_info info_of(struct rig *rig)
{
	struct nic_info info;

	REQUIRE(nic_info(rig->bus, rig->device, &info));
	return info;
}

/* ---- tests: a guest that behaves ---- */

static void comes_up(void)
{
	static const u32 config[] = { 125, 1514 }, version[] = { 100, 6, 30 };
	static const u32 halt[] = { 3, 12, 9 };
	struct rig rig;
	const u32 *answer;

	start(&rig, NULL);
	REQUIRE_INT(info_of(&rig).state, NIC_OPEN);
	bring_up(&rig);
	nvsp(&rig, config, 2);
	nvsp(&rig, version, 3);
	REQUIRE_INT(info_of(&rig).state, NIC_READY);
	REQUIRE_INT(info_of(&rig).nvsp, NVSP_6_1);
	REQUIRE_INT(info_of(&rig).mtu, 1514);
	REQUIRE_INT(info_of(&rig).recv_bytes, RECV_PAGES * PAGE_SIZE_4K);
	REQUIRE_INT(info_of(&rig).send_bytes, SEND_PAGES * PAGE_SIZE_4K);

	answer = query(&rig, 0x01010101);
	REQUIRE_INT(answer[3], 0);
	REQUIRE_INT(answer[4], 6);
	REQUIRE(!memcmp(answer + 6, mac, 6));
	REQUIRE_INT(query(&rig, 0x00010106)[6], 1500);
	REQUIRE_INT(query(&rig, 0x00010114)[6], 0);
	answer = query(&rig, 0xfc01020d);
	REQUIRE_INT(answer[4], 156);
	REQUIRE_INT(answer[6], 156u << 16 | 3 << 8 | 0xa7);
	answer = query(&rig, 0x00010203);	/* no receive side scaling */
	REQUIRE_INT(answer[3], 0xc00000bb);
	REQUIRE_INT(answer[4], 0);

	REQUIRE_INT(set_filter(&rig, 13, 4, 20), 0);
	REQUIRE_INT(info_of(&rig).state, NIC_RUNNING);
	REQUIRE_INT(info_of(&rig).filter, 13);
	REQUIRE_INT(query(&rig, 0x0001010e)[6], 13);
	REQUIRE_INT(control(&rig, halt, sizeof(halt)), 1);
	expect_nothing(&rig);
	REQUIRE_INT(info_of(&rig).state, NIC_OPEN);
	REQUIRE_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

static void sections(void)
{
	struct rig rig;
	u32 bytes = RECV_PAGES * PAGE_SIZE_4K;

	start(&rig, NULL);
	agree(&rig, NVSP_6_1, NVSP_6_1);
	rig_lend(&rig, RECV_GPADL, RECV_PFN, RECV_PAGES, 0);
	REQUIRE_INT(recv_buf(&rig, RECV_GPADL), 1);
	REQUIRE_INT(rig.reply[2], 1);
	REQUIRE_INT(rig.reply[3], 0);
	REQUIRE_INT(rig.reply[4], 1728);
	REQUIRE_INT(rig.reply[5], bytes / 1728);
	REQUIRE_INT(rig.reply[6], bytes / 1728 * 1728);
	rig_lend(&rig, SEND_GPADL, SEND_PFN, SEND_PAGES, 0);
	REQUIRE_INT(send_buf(&rig, SEND_GPADL), 1);
	REQUIRE_INT(rig.reply[2], 6144);
	rig_free(&rig);
}

static void nvsp_versions(void)
{
	static const u32 all[] = { NVSP_1, NVSP_2, NVSP_4, NVSP_5, NVSP_6, NVSP_6_1 };
	struct nic_config cfg = { .nvsp = NVSP_4 };
	struct rig rig;
	u32 i;

	start(&rig, &cfg);
	for (i = ARRAY_SIZE(all); i-- > 0;)
		REQUIRE_INT(agree(&rig, all[i], all[i]), all[i] > NVSP_4 ? 3 : 1);
	REQUIRE_INT(agree(&rig, NVSP_1, NVSP_6_1), 1);
	REQUIRE_INT(rig.reply[1], NVSP_4);
	REQUIRE_INT(agree(&rig, NVSP_6_1, NVSP_1), 3);
	REQUIRE_INT(agree(&rig, 0x12345, 0x12345), 3);
	REQUIRE_INT(agree(&rig, 0, 0xffffffff), 1);
	REQUIRE_INT(info_of(&rig).nvsp, NVSP_4);
	rig_free(&rig);
}

static void transmits(void)
{
	u32 list[] = { 0, 1, 5000, 100, DATA_PFN, 0, DATA_PFN + 1, 0 };
	struct rig rig;

	start(&rig, NULL);
	bring_up(&rig);
	REQUIRE_INT(transport(&rig, list, sizeof(list), 0, 0xffffffff, 0), 1);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 3, 1000), 1);
	REQUIRE_INT(transport(&rig, list, sizeof(list), 0, 9, 60), 1);	/* both */
	REQUIRE_INT(info_of(&rig).sent, 3);
	REQUIRE_INT(info_of(&rig).sent_bytes, 5000 + 1000 + 5060);
	expect_nothing(&rig);
	REQUIRE_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

static void control_in_a_section(void)
{
	static const u32 msg[] = { 8, 12, 0x55 };	/* keep alive */
	struct rig rig;
	const u32 *answer;

	start(&rig, NULL);
	bring_up(&rig);
	memcpy(rig_ram(&rig, SEND_PFN) + 2 * 6144, msg, sizeof(msg));
	REQUIRE_INT(transport(&rig, NULL, 0, 1, 2, sizeof(msg)), 1);
	answer = indicated(&rig);
	REQUIRE_INT(answer[0], 0x80000008);
	REQUIRE_INT(answer[2], 0x55);
	rig_free(&rig);
}

static void link_changes(void)
{
	struct nic_config cfg = { .link_down = true };
	struct rig rig;
	const u32 *msg;

	start(&rig, &cfg);
	REQUIRE(nic_link(rig.bus, rig.device, false));	/* no driver is initialised yet */
	expect_nothing(&rig);
	bring_up(&rig);
	REQUIRE_INT(query(&rig, 0x00010114)[6], 1);
	REQUIRE(nic_link(rig.bus, rig.device, true));
	msg = indicated(&rig);
	REQUIRE_INT(msg[0], 7);
	REQUIRE_INT(msg[2], 0x4001000b);
	REQUIRE_INT(query(&rig, 0x00010114)[6], 0);
	REQUIRE(nic_link(rig.bus, rig.device, false));
	REQUIRE_INT(indicated(&rig)[2], 0x4001000c);
	REQUIRE(!nic_link(rig.bus, 99, true));
	rig_free(&rig);
}

static void served_after_a_rescind(void)
{
	u32 list[] = { 0, 1, 100, 0, DATA_PFN, 0 };
	struct rig rig;
	u32 old;

	start(&rig, NULL);
	old = rig.relid;
	bring_up(&rig);
	REQUIRE(vmbus_rescind(rig.bus, rig.device, true));
	rig_expect(&rig, MSG_RESCIND);
	REQUIRE_INT(info_of(&rig).state, NIC_CLOSED);
	/* The guest has not seen it yet. */
	REQUIRE_INT(transport(&rig, list, sizeof(list), 0, 0xffffffff, 0), 1);
	relid_message(&rig, MSG_CLOSE, old);
	REQUIRE_INT(fakevm_signal(rig.vm, old | 2 << 12, 0), HV_STATUS_INVALID_CONNECTION_ID);
	relid_message(&rig, MSG_RELID_RELEASED, old);
	rig.relid = ((struct msg_offer *)rig_expect(&rig, MSG_OFFER))->relid;
	REQUIRE(rig.relid != old);
	rig_open(&rig);
	REQUIRE_INT(info_of(&rig).state, NIC_OPEN);
	bring_up(&rig);
	REQUIRE_INT(info_of(&rig).sent, 0);

	/* A guest that releases without a close, as after a crash of its driver. */
	vmbus_rescind(rig.bus, rig.device, false);
	rig_expect(&rig, MSG_RESCIND);
	relid_message(&rig, MSG_RELID_RELEASED, rig.relid);
	REQUIRE_INT(fakevm_signal(rig.vm, rig.relid | 2 << 12, 0), HV_STATUS_INVALID_CONNECTION_ID);
	REQUIRE_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

static void *rescinds(void *arg)
{
	struct rig *rig = arg;

	vmbus_rescind(rig->bus, rig->device, true);
	return NULL;
}

static void quiet_before_a_rescind(void)
{
	pthread_t thread;
	struct rig rig;
	u64 began;

	start(&rig, NULL);
	bring_up(&rig);
	began = clock_ns();
	vmbus_rescind(rig.bus, rig.device, true);	/* it is not up: nothing to wait for */
	REQUIRE(clock_ns() - began < 50000000);
	rig_expect(&rig, MSG_RESCIND);
	relid_message(&rig, MSG_RELID_RELEASED, rig.relid);
	rig.relid = ((struct msg_offer *)rig_expect(&rig, MSG_OFFER))->relid;
	rig_open(&rig);
	bring_up(&rig);
	REQUIRE_INT(set_filter(&rig, 13, 4, 20), 0);
	fakevm_flag(rig.vm, rig.relid);
	began = clock_ns();
	pthread_create(&thread, NULL, rescinds, &rig);
	while (!fakevm_flag(rig.vm, rig.relid))
		usleep(1000);	/* sleep: it polls */
	usleep(50000);	/* sleep: in this time no rescind may come */
	REQUIRE(!fakevm_next(rig.vm, rig.message, 0));
	REQUIRE_INT(indicated(&rig)[2], 0x4001000c);
	rig_expect(&rig, MSG_RESCIND);
	pthread_join(thread, NULL);
	REQUIRE(clock_ns() - began >= 140000000 && clock_ns() - began < 1900000000);
	rig_free(&rig);
}

static void closed_and_opened_again(void)
{
	struct rig rig;

	start(&rig, NULL);
	bring_up(&rig);
	relid_message(&rig, MSG_CLOSE, rig.relid);
	REQUIRE_INT(info_of(&rig).state, NIC_CLOSED);
	teardown(&rig, RECV_GPADL);
	teardown(&rig, SEND_GPADL);
	teardown(&rig, RIG_RING_GPADL);
	rig_open(&rig);
	REQUIRE_INT(info_of(&rig).nvsp, 0);
	bring_up(&rig);
	REQUIRE_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

/* A guest that does not read: its packets wait in its own ring, and none is lost. */
static void guest_that_does_not_read(void)
{
	u32 msg[10] = { 107, 0, 0, 100 };
	struct rig rig;
	u64 sent = 0, done = 0;
	u32 quiet = 0;

	start(&rig, NULL);
	bring_up(&rig);
	while (quiet < 2) {
		if (rig_put(&rig, RING_IN_BAND, sent, NULL, 0, msg, sizeof(msg))) {
			sent++;
			quiet = 0;
		} else {
			rig_signal(&rig);
			quiet++;
		}
	}
	REQUIRE(sent > 300 && info_of(&rig).sent < sent);
	REQUIRE(ring_get(&rig.to_guest, RING_PENDING));
	while (rig_take(&rig)) {
		REQUIRE_INT(rig.head.id, done);
		done++;
	}
	REQUIRE_INT(done, sent);
	REQUIRE_INT(info_of(&rig).sent, sent);
	REQUIRE(!ring_get(&rig.to_guest, RING_PENDING));
	REQUIRE_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

/* ---- tests: a malicious guest ---- */

static void before_a_version(void)
{
	static const u32 init[] = { 2, 24, 1, 1, 0, 0x4000 };
	static const u32 msg[] = { 101, RECV_GPADL, 0xcafe };
	struct rig rig;

	start(&rig, NULL);
	rig_lend(&rig, RECV_GPADL, RECV_PFN, RECV_PAGES, 0);
	nvsp(&rig, msg, 3);
	REQUIRE_INT(rig.reply_len, 0);
	REQUIRE_INT(rig_notes(&rig), 1);
	/* RNDIS without a buffer for the answer: completed, not answered. */
	agree(&rig, NVSP_5, NVSP_5);
	REQUIRE_INT(control(&rig, init, sizeof(init)), 1);
	expect_nothing(&rig);
	REQUIRE_INT(rig_notes(&rig), 2);
	rig_free(&rig);
}

static void wrong_buffers(void)
{
	static const u32 revoke[] = { 103, 0xcafe };
	struct rig rig;

	start(&rig, NULL);
	agree(&rig, NVSP_6_1, NVSP_6_1);
	REQUIRE_INT(recv_buf(&rig, 0xdead), 2);
	rig_lend(&rig, 0xb1, RECV_PFN, RECV_PAGES, 1);	/* not complete */
	REQUIRE_INT(recv_buf(&rig, 0xb1), 2);
	rig_lend(&rig, SEND_GPADL, SEND_PFN, 1, 0);		/* less than a section */
	REQUIRE_INT(send_buf(&rig, SEND_GPADL), 2);
	REQUIRE_INT(rig_notes(&rig), 3);
	nvsp(&rig, revoke, 2);
	REQUIRE_INT(rig_notes(&rig), 4);
	rig_lend(&rig, RECV_GPADL, RECV_PFN, RECV_PAGES, 0);
	REQUIRE_INT(recv_buf(&rig, RECV_GPADL), 1);
	REQUIRE_INT(recv_buf(&rig, RECV_GPADL), 2);	/* it is lent */
	nvsp(&rig, revoke, 2);
	REQUIRE_INT(recv_buf(&rig, RECV_GPADL), 1);
	REQUIRE_INT(rig_notes(&rig), 5);
	rig_free(&rig);
}

static void buffers_that_go_away(void)
{
	static const u32 msg[] = { 8, 12, 1 };
	struct rig rig;
	u32 before;

	start(&rig, NULL);
	bring_up(&rig);
	teardown(&rig, SEND_GPADL);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0, 100), 5);
	teardown(&rig, RECV_GPADL);
	before = rig_notes(&rig);
	REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);
	expect_nothing(&rig);
	REQUIRE_INT(rig_notes(&rig), before + 1);

	/* Pages that are no RAM, in a list that could be made. */
	REQUIRE_INT(rig_lend(&rig, RECV_GPADL, FAKEVM_RAM / PAGE_SIZE_4K - 1, RECV_PAGES, 0), 0);
	REQUIRE_INT(rig_lend(&rig, SEND_GPADL, FAKEVM_RAM / PAGE_SIZE_4K, SEND_PAGES, 0), 0);
	REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);	/* section 0 starts in the last page of RAM */
	indicated(&rig);
	REQUIRE_INT(transport(&rig, NULL, 0, 1, 0, 100), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 1, 1, 100), 5);
	rig_free(&rig);
}

static void wrong_sections(void)
{
	struct rig rig;
	u32 count = SEND_PAGES * PAGE_SIZE_4K / 6144;

	start(&rig, NULL);
	bring_up(&rig);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, count - 1, 6144), 1);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, count, 1), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0xfffffffe, 1), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0, 6145), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0, 0xffffffff), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0, 0), 5);
	REQUIRE_INT(transport(&rig, NULL, 0, 0, 0xffffffff, 100), 5);
	REQUIRE_INT(info_of(&rig).sent, 1);
	rig_free(&rig);
}

static void wrong_ranges(void)
{
	static const struct {
		const char *what;
		u32 list[8];
		u32 len;
	} bad[] = {
		{ "no ranges", { 0, 0 }, 8 },
		{ "too many", { 0, 33, 8, 0, DATA_PFN, 0 }, 24 },
		{ "2^32 - 1 of them", { 0, 0xffffffff, 8, 0, DATA_PFN, 0 }, 24 },
		{ "none in the list", { 0, 1 }, 8 },
		{ "no page number", { 0, 1, 8, 0 }, 16 },
		{ "one page short", { 0, 1, 4096, 1, DATA_PFN, 0 }, 24 },
		{ "one range short", { 0, 2, 8, 0, DATA_PFN, 0 }, 24 },
		{ "empty", { 0, 1, 0, 0, DATA_PFN, 0 }, 24 },
		{ "too long", { 0, 1, 0xffffffff, 0, DATA_PFN, 0 }, 24 },
		{ "so long that offset and length overflow", { 0, 1, 0xfffff001, 4095, DATA_PFN, 0 }, 24 },
		{ "starts behind its page", { 0, 1, 8, 4096, DATA_PFN, 0 }, 24 },
		{ "no RAM", { 0, 1, 8, 0, FAKEVM_RAM / PAGE_SIZE_4K, 0 }, 24 },
		{ "no page number at all", { 0, 1, 8, 0, 0xffffffff, 0xffffffff }, 24 },
		{ "the second page is no RAM",
		  { 0, 1, 8, 4092, DATA_PFN, 0, FAKEVM_RAM / PAGE_SIZE_4K, 0 }, 32 },
	};
	struct rig rig;
	u32 i, before;

	start(&rig, NULL);
	bring_up(&rig);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		before = rig_notes(&rig);
		if (transport(&rig, bad[i].list, bad[i].len, 1, 0xffffffff, 0) != 5 ||
		    transport(&rig, bad[i].list, bad[i].len, 0, 0xffffffff, 0) != 5 ||
		    rig_notes(&rig) != before + 2)
			TAP_END("ranges: %s: taken", bad[i].what);
	}
	expect_nothing(&rig);
	rig_free(&rig);
}

static void wrong_control_messages(void)
{
	static const u32 bad[][8] = {
		{ 0, 32 }, { 1, 32 }, { 6, 32 }, { 9, 32 }, { 0xffffffff, 32 }, { 0x80000002, 32 },
		{ 2, 23 }, { 2, 0 }, { 2, 33 }, { 2, 0xffffffff }, { 3, 11 }, { 4, 27 }, { 5, 27 },
		{ 8, 11 }, { 8, 33 },
	};
	static const u32 offsets[][2] = {
		{ 4, 21 }, { 4, 25 }, { 4, 0xffffffff }, { 0xffffffff, 20 }, { 0xfffffff0, 0xfffffff0 },
		{ 25, 0 }, { 3, 20 }, { 0, 20 }, { 0, 0xffffffff },
	};
	u32 list[] = { 0, 1, 11, 0, DATA_PFN, 0 };
	struct rig rig;
	u32 i, filter = 13;

	start(&rig, NULL);
	bring_up(&rig);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		REQUIRE_INT(control(&rig, bad[i], sizeof(bad[i])), 5);
	REQUIRE_INT(transport(&rig, list, sizeof(list), 1, 0xffffffff, 0), 5);
	expect_nothing(&rig);
	REQUIRE_INT(set_filter(&rig, filter, 4, 20), 0);
	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		REQUIRE_INT(set_filter(&rig, 99, offsets[i][0], offsets[i][1]), 0xc0010014);
	REQUIRE_INT(info_of(&rig).filter, filter);
	rig_free(&rig);
}

static void before_rndis(void)
{
	static const u32 halt[] = { 3, 12, 9 };
	struct rig rig;

	start(&rig, NULL);
	bring_up(&rig);
	REQUIRE_INT(control(&rig, halt, sizeof(halt)), 1);
	REQUIRE_INT(query(&rig, 0x01010101)[3], 0xc0000001);
	REQUIRE_INT(set_filter(&rig, 13, 4, 20), 0xc0000001);
	REQUIRE_INT(info_of(&rig).state, NIC_OPEN);
	rig_free(&rig);
}

static void sections_run_out(void)
{
	u32 msg[] = { 8, 12, 1 }, done[2] = { 108, 1 };
	struct rig rig;
	u32 i, before;

	start(&rig, NULL);
	bring_up(&rig);
	for (i = 0; i < 64; i++) {
		REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);
		REQUIRE(rig_take(&rig));
		REQUIRE_INT(rig.head.id, i + 1);
	}
	before = rig_notes(&rig);
	REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);
	expect_nothing(&rig);
	REQUIRE_INT(rig_notes(&rig), before + 1);
	REQUIRE(rig_put(&rig, RING_COMPLETION, 17, NULL, 0, done, sizeof(done)));
	rig_signal(&rig);
	REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);
	REQUIRE(rig_take(&rig));
	REQUIRE_INT(rig.head.id, 17);
	rig_free(&rig);
}

static void wrong_completions(void)
{
	static const u64 ids[] = { 0, 1, 64, 65, 0xffffffffffffffffull };
	u32 good[2] = { 108, 1 }, failed[2] = { 108, 2 }, msg[] = { 8, 12, 1 };
	struct rig rig;
	u32 i, before;

	start(&rig, NULL);
	bring_up(&rig);
	before = rig_notes(&rig);
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		REQUIRE(rig_put(&rig, RING_COMPLETION, ids[i], NULL, 0, good, sizeof(good)));
	rig_signal(&rig);
	REQUIRE_INT(rig_notes(&rig), before + ARRAY_SIZE(ids));
	REQUIRE_INT(control(&rig, msg, sizeof(msg)), 1);
	REQUIRE(rig_take(&rig));
	REQUIRE(rig_put(&rig, RING_COMPLETION, rig.head.id, NULL, 0, NULL, 0));
	REQUIRE(rig_put(&rig, RING_COMPLETION, rig.head.id, NULL, 0, failed, sizeof(failed)));
	rig_signal(&rig);
	REQUIRE_INT(rig_notes(&rig), before + ARRAY_SIZE(ids) + 2);
	rig_free(&rig);
}

static void odd_packets(void)
{
	static const u16 types[] = { 0, 1, 7, 8, 10, 12, 0xffff };
	static const u32 unknown[] = { 999 };
	struct rig rig;
	u32 i;

	start(&rig, NULL);
	bring_up(&rig);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		REQUIRE(rig_put(&rig, types[i], i, NULL, 0, "abc", 3));
		rig_signal(&rig);
		REQUIRE(rig_take(&rig));
		REQUIRE_INT(rig.head.type, RING_COMPLETION);
		REQUIRE_INT(rig.reply_len, 0);
	}
	nvsp(&rig, unknown, 1);
	REQUIRE_INT(rig.reply_len, 0);
	REQUIRE(rig_put(&rig, RING_IN_BAND, 5, NULL, 0, NULL, 0));	/* no message at all */
	rig_signal(&rig);
	REQUIRE(rig_take(&rig));
	REQUIRE_INT(rig_notes(&rig), ARRAY_SIZE(types) + 2);
	rig_free(&rig);
}

static void corrupt_rings(void)
{
	static const u32 bad[] = { 13, 0x7ffffff8, 0xffffffff };
	u32 msg[10] = { 107, 0, 0, 100 };
	struct rig rig;
	u32 i, at;

	start(&rig, NULL);
	bring_up(&rig);
	at = ring_get(&rig.to_guest, RING_READ);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ring_put(&rig.to_guest, RING_READ, bad[i]);
		REQUIRE(rig_put(&rig, RING_IN_BAND, i, NULL, 0, msg, sizeof(msg)));
		rig_signal(&rig);
		REQUIRE_INT(info_of(&rig).sent, i);
		ring_put(&rig.to_guest, RING_READ, at);
		rig_signal(&rig);
		REQUIRE(rig_take(&rig));
		at = ring_get(&rig.to_guest, RING_READ);
	}
	ring_put(&rig.from_guest, RING_WRITE, 0x7ffffff8);
	rig_signal(&rig);
	expect_nothing(&rig);
	REQUIRE_INT(rig_notes(&rig), 1);
	rig_free(&rig);
}

/* Numbers that repeat. */
static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void noise(void)
{
	static const u16 types[] = { RING_IN_BAND, RING_GPA_DIRECT, RING_GPA_DIRECT, RING_COMPLETION,
				     RING_TRANSFER_PAGES };
	static const u32 msgs[] = { 1, 100, 101, 103, 104, 106, 107, 107, 107, 107, 125, 129, 133 };
	static const u32 sizes[] = { 0, 1, 8, 12, 24, 28, 32, 4096, 6144, 8192, 0x7fffffff, 0xffffffff };
	struct rig rig;
	u32 state = 11, i, k;

	start(&rig, NULL);
	bring_up(&rig);
	for (i = 0; i < 30000; i++) {
		u32 list[16] = { 0, next_random(&state) % 4 }, msg[10] = { 0 };
		u32 *data = (u32 *)(void *)rig_ram(&rig, DATA_PFN);

		for (k = 0; k < 12; k++)
			data[k] = next_random(&state) % 3 ? next_random(&state) % 10 :
				  sizes[next_random(&state) % ARRAY_SIZE(sizes)];
		for (k = 2; k < ARRAY_SIZE(list); k++)
			list[k] = next_random(&state) % 2 ? DATA_PFN :
				  sizes[next_random(&state) % ARRAY_SIZE(sizes)];
		list[5] = list[7] = 0;
		msg[0] = msgs[next_random(&state) % ARRAY_SIZE(msgs)];
		for (k = 1; k < ARRAY_SIZE(msg); k++)
			msg[k] = next_random(&state) % 2 ? RECV_GPADL + next_random(&state) % 3 :
				 sizes[next_random(&state) % ARRAY_SIZE(sizes)];
		rig_put(&rig, types[next_random(&state) % ARRAY_SIZE(types)], next_random(&state) % 70,
		    list, next_random(&state) % 9 * 8, msg, next_random(&state) % 41);
		rig_signal(&rig);
		while (i % 3 && rig_take(&rig))
			;
	}
	rig_free(&rig);
}

static const struct tap_case nic_cases[] = {
	{ "comes up, as Linux brings it up", comes_up },
	{ "sections of the buffers", sections },
	{ "NVSP versions, capped", nvsp_versions },
	{ "packets are completed and counted", transmits },
	{ "a control message in the send buffer", control_in_a_section },
	{ "the link", link_changes },
	{ "served after a rescind until the close", served_after_a_rescind },
	{ "a rescind waits until an interface that is up is quiet", quiet_before_a_rescind },
	{ "closed and opened again", closed_and_opened_again },
	{ "a guest that does not read loses nothing", guest_that_does_not_read },
	{ "messages before a version or a buffer", before_a_version },
	{ "buffers that are none", wrong_buffers },
	{ "buffers that are torn down or no RAM", buffers_that_go_away },
	{ "sections that are none", wrong_sections },
	{ "page ranges that lie", wrong_ranges },
	{ "control messages that lie", wrong_control_messages },
	{ "requests before RNDIS is initialised", before_rndis },
	{ "a guest that gives no section back", sections_run_out },
	{ "completions of nothing", wrong_completions },
	{ "packets of other types", odd_packets },
	{ "corrupt rings", corrupt_rings },
	{ "30000 random packets", noise },
};

const struct tap_suite nic_tests = TAP_SUITE("nic", nic_cases);
