// SPDX-License-Identifier: GPL-2.0-only
/*
 * The disk, packet by packet, against a guest that this file plays: one that behaves and one
 * that is malicious.
 */
#include "devices/disk.h"

#include <stdlib.h>
#include <string.h>

#include "test/fakevm.h"
#include "test/packets.h"
#include "test/suites.h"
#include "vmbus/vmbus_host.h"
#include "vmbus/vmbus_msg.h"

#define DATA_PFN	RIG_FREE_PFN
#define SECTORS		2048u

/* Operations of the protocol, and where things are in its messages. */
enum { COMPLETE_IO = 1, EXECUTE_SRB = 3, RESET_BUS = 6, BEGIN_INIT = 7, END_INIT = 8, VERSION = 9,
       PROPERTIES = 10 };
#define MSG_SIZE	64u
#define SRB_STATUS	14u
#define SCSI_STATUS	15u
#define LUN		19u
#define CDB_LEN		20u
#define DATA_IN		22u
#define TRANSFER	24u
#define CDB		28u

static void start(struct rig *rig)
{
	struct disk_config cfg = { .sectors = SECTORS, .seed = 1 };
	char err[128];

	rig_new(rig, "disk");
	REQUIRE(disk_attach(rig->bus, rig->device, &cfg, err, sizeof(err)));
	REQUIRE(!disk_attach(rig->bus, rig->device, &cfg, err, sizeof(err)));
	REQUIRE(!disk_attach(rig->bus, 99, &cfg, err, sizeof(err)));
	rig_connect(rig);
}

/* Take the next answer; false if there is none. */
static bool take(struct rig *rig)
{
	if (!rig_take(rig))
		return false;
	REQUIRE_INT(rig->head.type, RING_COMPLETION);
	REQUIRE_INT(rig->reply_len, MSG_SIZE);
	return true;
}

static const u8 *reply(const struct rig *rig)
{
	return (const u8 *)rig->reply;
}

/* One message in band, and its answer's status. */
static u32 ask(struct rig *rig, u32 op, u16 version)
{
	u8 msg[MSG_SIZE] = { (u8)op };

	memcpy(msg + 12, &version, sizeof(version));
	REQUIRE(rig_put(rig, RING_IN_BAND, op, NULL, 0, msg, sizeof(msg)));
	rig_signal(rig);
	REQUIRE(take(rig));
	CHECK_INT(rig->head.id, op);
	CHECK_INT(get32(reply(rig)), COMPLETE_IO);
	return get32(reply(rig) + 8);
}

static void bring_up(struct rig *rig)
{
	CHECK_INT(ask(rig, BEGIN_INIT, 0), 0);
	CHECK_INT(ask(rig, VERSION, 0x0602), 0);
	CHECK_INT(ask(rig, PROPERTIES, 0), 0);
	CHECK_INT(get32(reply(rig) + 12 + 12), SCSI_TRANSFER_MAX);
	CHECK_INT(ask(rig, END_INIT, 0), 0);
}

/* Send a command with @bytes of data at DATA_PFN, @in from the disk. Returns false if there is no answer. */
static bool send_command(struct rig *rig, const u8 *cdb, u8 len, u32 bytes, bool in)
{
	u32 pages = (bytes + PAGE_SIZE_4K - 1) / PAGE_SIZE_4K, i;
	u8 list[16 + 8 * 40] = { 0 }, msg[MSG_SIZE] = { EXECUTE_SRB };
	u64 pfn;

	REQUIRE(pages <= 40);
	list[4] = 1;
	memcpy(list + 8, &bytes, 4);
	for (i = 0; i < pages; i++) {
		pfn = DATA_PFN + i;
		memcpy(list + 16 + 8 * i, &pfn, 8);
	}
	msg[CDB_LEN] = len;
	msg[DATA_IN] = bytes ? in : 2;
	memcpy(msg + TRANSFER, &bytes, 4);
	memcpy(msg + CDB, cdb, len);
	REQUIRE(rig_put(rig, bytes ? RING_GPA_DIRECT : RING_IN_BAND, 77, list, bytes ? 16 + 8 * pages : 0,
		    msg, sizeof(msg)));
	rig_signal(rig);
	return take(rig);
}

/* Returns the SRB status; 1 is success. */
static u8 command(struct rig *rig, const u8 *cdb, u8 len, u32 bytes, bool in)
{
	REQUIRE(send_command(rig, cdb, len, bytes, in));
	CHECK_INT(get32(reply(rig)), COMPLETE_IO);
	return reply(rig)[SRB_STATUS];
}

static u8 transfer(struct rig *rig, u8 opcode, u8 flags, u32 first, u8 count)
{
	const u8 cdb[10] = { opcode, flags, (u8)(first >> 24), (u8)(first >> 16), (u8)(first >> 8),
			     (u8)first, 0, 0, count };

	return command(rig, cdb, sizeof(cdb), count * 512u, opcode == 0x28);
}

static u8 flush(struct rig *rig)
{
	const u8 cdb[10] = { 0x35 };

	return command(rig, cdb, sizeof(cdb), 0, false);
}

/* ---- a guest that behaves ---- */

static void comes_up(void)
{
	static const u8 inquiry[6] = { 0x12, 0, 0, 0, 36 }, pages[6] = { 0x12, 1, 0, 0, 64 },
			limits[6] = { 0x12, 1, 0xb0, 0, 64 }, capacity[10] = { 0x25 },
			capacity16[16] = { 0x9e, 0x10, [13] = 32 }, mode[6] = { 0x1a, 0, 8, 0, 64 },
			mode10[10] = { 0x5a, 0, 0x3f, [8] = 64 }, luns[12] = { 0xa0, [9] = 16 },
			ready[6] = { 0 }, sense[6] = { 0x03, [4] = 18 };
	struct disk_info info;
	struct rig rig;

	start(&rig);
	CHECK(disk_info(rig.bus, rig.device, &info) && !info.ready);
	bring_up(&rig);
	CHECK(disk_info(rig.bus, rig.device, &info) && info.ready);
	CHECK_INT(command(&rig, ready, 6, 0, false), 1);
	CHECK_INT(command(&rig, inquiry, 6, 36, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[0], 0);
	CHECK(!memcmp(rig_ram(&rig, DATA_PFN) + 8, "hvhost  ", 8));
	CHECK_INT(get32(reply(&rig) + TRANSFER), 36);
	CHECK_INT(command(&rig, pages, 6, 64, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[3], 5);
	CHECK_INT(command(&rig, limits, 6, 64, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[10], 4);
	CHECK_INT(command(&rig, capacity, 10, 8, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[2], 0x07);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[3], 0xff);
	CHECK_INT(command(&rig, capacity16, 16, 32, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[7], 0xff);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[10], 2);
	CHECK_INT(command(&rig, mode, 6, 64, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[2] & 0x10, 0x10);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[4], 0x08);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[6] & 0x04, 0x04);
	CHECK_INT(command(&rig, mode10, 10, 64, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[10] & 0x04, 0x04);
	CHECK_INT(command(&rig, luns, 12, 16, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[3], 8);
	CHECK_INT(command(&rig, sense, 6, 18, true), 1);
	CHECK_INT(ask(&rig, RESET_BUS, 0), 0);
	CHECK_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

static void versions(void)
{
	struct rig rig;

	start(&rig);
	CHECK_INT(ask(&rig, BEGIN_INIT, 0), 0);
	CHECK(ask(&rig, VERSION, 0x0603));
	CHECK(ask(&rig, VERSION, 0x0402));
	CHECK_INT(ask(&rig, VERSION, 0x0501), 0);
	rig_free(&rig);
}

static void reads_and_writes(void)
{
	static const u8 wide[16] = { 0x88, [8] = 0x01, [13] = 8 };
	struct disk_info info;
	struct rig rig;

	start(&rig);
	bring_up(&rig);
	memset(rig_ram(&rig, DATA_PFN), 0x5a, 3 * PAGE_SIZE_4K);
	CHECK_INT(transfer(&rig, 0x2a, 0, 256, 20), 1);
	memset(rig_ram(&rig, DATA_PFN), 0, 3 * PAGE_SIZE_4K);
	CHECK_INT(transfer(&rig, 0x28, 0, 256, 20), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[0], 0x5a);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[20 * 512 - 1], 0x5a);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[20 * 512], 0);
	memset(rig_ram(&rig, DATA_PFN), 0, PAGE_SIZE_4K);
	CHECK_INT(command(&rig, wide, 16, 4096, true), 1);
	CHECK_INT(rig_ram(&rig, DATA_PFN)[4095], 0x5a);
	CHECK(disk_info(rig.bus, rig.device, &info) && info.dirty == 1);
	CHECK_INT(flush(&rig), 1);
	CHECK(disk_info(rig.bus, rig.device, &info) && !info.dirty && info.flushes == 1);
	/* Force unit access. */
	CHECK_INT(transfer(&rig, 0x2a, 0x08, 0, 1), 1);
	CHECK(disk_info(rig.bus, rig.device, &info) && !info.dirty && info.durable == 1);
	CHECK_INT(rig_notes(&rig), 0);
	rig_free(&rig);
}

/* Ends the boot with a cut that @faults plan and begins the next one. */
static void boot_again(struct rig *rig)
{
	char err[128];

	CHECK(fakevm_is_off(rig->vm));
	CHECK(vmbus_is_off(rig->bus));
	REQUIRE(vmbus_power_on(rig->bus, err, sizeof(err)));
	rig_connect(rig);
	bring_up(rig);
}

static void power_cuts(void)
{
	static const u8 write[10] = { 0x2a, [8] = 1 }, sync[10] = { 0x35 };
	u32 i, lost = 0;
	struct rig rig;

	start(&rig);
	bring_up(&rig);
	for (i = 1; i < 60; i++) {
		const struct scsi_faults at_write = { .cut_write = 2 }, at_flush = { .cut_flush = 2 };

		memset(rig_ram(&rig, DATA_PFN), (int)i, PAGE_SIZE_4K);
		CHECK_INT(transfer(&rig, 0x2a, 0, 0, 1), 1);
		CHECK_INT(flush(&rig), 1);
		disk_faults(rig.bus, rig.device, i % 2 ? &at_write : &at_flush);
		CHECK_INT(transfer(&rig, 0x2a, 0, 8, 1), 1);
		/* The second write, or the second flush, is not answered. */
		if (i % 2) {
			CHECK(!send_command(&rig, write, 10, 512, false));
		} else {
			CHECK_INT(flush(&rig), 1);
			memset(rig_ram(&rig, DATA_PFN), (int)i + 1, PAGE_SIZE_4K);
			CHECK_INT(transfer(&rig, 0x2a, 0, 8, 1), 1);
			CHECK(!send_command(&rig, sync, 10, 0, false));
		}
		/* Nothing that a guest without power says counts. */
		REQUIRE_INT(fakevm_signal(rig.vm, rig.relid | 2 << 12, 0), 0x12);
		boot_again(&rig);
		CHECK_INT(transfer(&rig, 0x28, 0, 8, 1), 1);
		CHECK(i % 2 || rig_ram(&rig, DATA_PFN)[0] == i || rig_ram(&rig, DATA_PFN)[0] == i + 1);
		lost += rig_ram(&rig, DATA_PFN)[0] != i + (i % 2 ? 0 : 1);
		CHECK_INT(transfer(&rig, 0x28, 0, 0, 1), 1);
		CHECK_INT(rig_ram(&rig, DATA_PFN)[0], i);
	}
	CHECK(lost > 5 && lost < 55);
	rig_free(&rig);
}

/* The disk alone is without power, and then has it again: no boot. */
static void cuts_of_the_disk_alone(void)
{
	const struct scsi_faults slow = { .flush_us = 1000000 };
	static const u8 sync[10] = { 0x35 };
	struct disk_info info;
	u32 i, lost = 0;
	struct rig rig;

	start(&rig);
	bring_up(&rig);
	for (i = 1; i < 60; i++) {
		const struct scsi_faults at_write = { .cut_write = 2, .alone = true };
		const struct scsi_faults at_flush = { .cut_flush = 1, .alone = true };

		memset(rig_ram(&rig, DATA_PFN), (int)i, PAGE_SIZE_4K);
		CHECK_INT(transfer(&rig, 0x2a, 0, 0, 1), 1);
		CHECK_INT(flush(&rig), 1);
		if (i % 3)
			disk_faults(rig.bus, rig.device, i % 3 == 1 ? &at_write : &at_flush);
		CHECK_INT(transfer(&rig, 0x2a, 0, 8, 1), 1);
		if (i % 3 == 1)
			CHECK_INT(transfer(&rig, 0x2a, 0x08, 8, 1), 0x84);
		else if (i % 3 == 2)
			CHECK_INT(flush(&rig), 0x84);
		else
			CHECK(disk_power(rig.bus, rig.device, false));
		CHECK(!fakevm_is_off(rig.vm));
		CHECK(disk_info(rig.bus, rig.device, &info) && info.off && info.fate.cuts == i);
		CHECK_INT(transfer(&rig, 0x28, 0, 8, 1), 0x84);
		CHECK_INT(reply(&rig)[CDB + 2], 4);
		CHECK_INT(transfer(&rig, 0x2a, 0, 8, 1), 0x84);
		CHECK_INT(flush(&rig), 0x84);
		CHECK(disk_power(rig.bus, rig.device, true));
		CHECK_INT(transfer(&rig, 0x28, 0, 8, 1), 1);
		lost += rig_ram(&rig, DATA_PFN)[0] != i;
		CHECK_INT(transfer(&rig, 0x28, 0, 0, 1), 1);
		CHECK_INT(rig_ram(&rig, DATA_PFN)[0], i);
	}
	CHECK(lost > 5 && lost < 55);
	/* A flush that the cut overtakes has failed. */
	disk_faults(rig.bus, rig.device, &slow);
	CHECK(!send_command(&rig, sync, 10, 0, false));
	CHECK(disk_power(rig.bus, rig.device, false));
	CHECK(disk_power(rig.bus, rig.device, true));
	for (i = 0; i < 3000 && !take(&rig); i++) {
		fakevm_flag(rig.vm, rig.relid);
		fakevm_wait(rig.vm, 20);
	}
	CHECK_INT(reply(&rig)[SRB_STATUS], 4);
	rig_free(&rig);
}

static void failing_writes(void)
{
	const struct scsi_faults faults = { .fail_write = 2, .fail_count = 2 };
	struct disk_info info;
	struct rig rig;

	start(&rig);
	bring_up(&rig);
	disk_faults(rig.bus, rig.device, &faults);
	CHECK_INT(transfer(&rig, 0x2a, 0, 0, 1), 1);
	CHECK_INT(transfer(&rig, 0x2a, 0, 1, 1), 0x84);
	CHECK_INT(reply(&rig)[SCSI_STATUS], 2);
	CHECK_INT(reply(&rig)[CDB + 2], 3);
	CHECK_INT(transfer(&rig, 0x2a, 0, 1, 1), 0x84);
	CHECK_INT(transfer(&rig, 0x2a, 0, 1, 1), 1);
	CHECK(disk_info(rig.bus, rig.device, &info) && info.failed == 2);
	rig_free(&rig);
}

static void slow_flushes(void)
{
	const struct scsi_faults slow = { .flush_us = 20000 }, never = { .flush_us = 0xffffffff };
	static const u8 sync[10] = { 0x35 };
	struct disk_info info;
	struct rig rig;
	u32 i;

	start(&rig);
	bring_up(&rig);
	CHECK_INT(transfer(&rig, 0x2a, 0, 0, 1), 1);
	/* Other commands do not wait for it, and what it is for is not durable. */
	disk_faults(rig.bus, rig.device, &never);
	CHECK(!send_command(&rig, sync, 10, 0, false));
	CHECK_INT(transfer(&rig, 0x28, 0, 0, 1), 1);
	CHECK(disk_info(rig.bus, rig.device, &info) && info.dirty == 1);
	disk_faults(rig.bus, rig.device, &slow);
	memset(rig.reply, 0, sizeof(rig.reply));
	if (!send_command(&rig, sync, 10, 0, false))
		for (i = 0; i < 3000 && !take(&rig); i++) {
			fakevm_flag(rig.vm, rig.relid);
			fakevm_wait(rig.vm, 20);
		}
	CHECK_INT(rig.head.id, 77);
	CHECK_INT(reply(&rig)[SRB_STATUS], 1);
	CHECK(disk_info(rig.bus, rig.device, &info) && !info.dirty);
	rig_free(&rig);
}

/* ---- a guest that does not ---- */

static void before_it_is_initialised(void)
{
	u8 msg[MSG_SIZE] = { EXECUTE_SRB };
	struct rig rig;

	start(&rig);
	CHECK(ask(&rig, VERSION, 0x0602));
	CHECK_INT(ask(&rig, BEGIN_INIT, 0), 0);
	REQUIRE(rig_put(&rig, RING_IN_BAND, 1, NULL, 0, msg, sizeof(msg)));
	rig_signal(&rig);
	REQUIRE(take(&rig));
	CHECK(get32(reply(&rig) + 8));
	CHECK(ask(&rig, 12, 0));
	CHECK_INT(rig_notes(&rig), 3);
	rig_free(&rig);
}

static void commands_that_lie(void)
{
	static const u8 too_much[10] = { 0x28, [7] = 0xff, [8] = 0xff }, behind[10] = { 0x28, 0, 0xff, 0xff,
			0xff, 0xff, [8] = 1 }, more[10] = { 0x2a, [8] = 9 }, unknown[6] = { 0x4d },
			other_action[16] = { 0x9e, 0x11 }, page[6] = { 0x12, 1, 0xee, 0, 64 },
			mode[6] = { 0x1a, 0, 0x1c, 0, 64 }, short_read[10] = { 0x28, [8] = 8 };
	u8 msg[MSG_SIZE] = { EXECUTE_SRB };
	struct rig rig;

	start(&rig);
	bring_up(&rig);
	CHECK_INT(command(&rig, too_much, 10, 4096, true), 0x84);
	CHECK_INT(command(&rig, behind, 10, 512, true), 0x84);
	CHECK_INT(command(&rig, more, 10, 4096, false), 0x84);
	CHECK_INT(command(&rig, unknown, 6, 0, false), 0x84);
	CHECK_INT(reply(&rig)[CDB + 2], 5);
	CHECK_INT(command(&rig, other_action, 16, 32, true), 0x84);
	CHECK_INT(command(&rig, page, 6, 64, true), 0x84);
	CHECK_INT(command(&rig, mode, 6, 64, true), 0x84);
	CHECK_INT(rig_notes(&rig), 0);
	/* More to read than there is a place for. */
	CHECK_INT(command(&rig, short_read, 10, 512, true), 6);
	CHECK_INT(rig_notes(&rig), 1);
	/* A command that is longer than a command can be. */
	msg[CDB_LEN] = 17;
	REQUIRE(rig_put(&rig, RING_IN_BAND, 1, NULL, 0, msg, sizeof(msg)));
	rig_signal(&rig);
	REQUIRE(take(&rig));
	CHECK_INT(reply(&rig)[SRB_STATUS], 6);
	/* A unit that is not there. */
	msg[CDB_LEN] = 6;
	msg[LUN] = 1;
	REQUIRE(rig_put(&rig, RING_IN_BAND, 1, NULL, 0, msg, sizeof(msg)));
	rig_signal(&rig);
	REQUIRE(take(&rig));
	CHECK_INT(reply(&rig)[SRB_STATUS], 0x84);
	rig_free(&rig);
}

static u32 next_random(u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

static void noise(void)
{
	static const u16 types[] = { RING_IN_BAND, RING_GPA_DIRECT, RING_GPA_DIRECT, RING_GPA_DIRECT,
				     RING_COMPLETION, RING_TRANSFER_PAGES };
	static const u8 opcodes[] = { 0x00, 0x03, 0x12, 0x1a, 0x25, 0x28, 0x2a, 0x35, 0x5a, 0x88, 0x8a,
				      0x91, 0x9e, 0xa0 };
	static const u32 sizes[] = { 0, 1, 8, 512, 4096, 0x7fffffff, 0xffffffff, SCSI_TRANSFER_MAX };
	struct rig rig;
	u32 state = 11, i, k;

	start(&rig);
	bring_up(&rig);
	for (i = 0; i < 30000; i++) {
		u32 list[32] = { 0, next_random(&state) % 4 };
		u8 msg[MSG_SIZE];

		for (k = 2; k < ARRAY_SIZE(list); k++)
			list[k] = next_random(&state) % 2 ? DATA_PFN :
				  sizes[next_random(&state) % ARRAY_SIZE(sizes)];
		list[3] = next_random(&state) % 3 ? 0 : list[3];
		list[5] = list[7] = 0;
		for (k = 0; k < sizeof(msg); k++)
			msg[k] = next_random(&state) % 4 ? 0 : (u8)next_random(&state);
		msg[0] = next_random(&state) % 8 ? EXECUTE_SRB : (u8)(next_random(&state) % 15);
		msg[1] = msg[2] = msg[3] = 0;
		msg[17] = msg[18] = msg[LUN] = next_random(&state) % 8 == 0;
		msg[CDB_LEN] = (u8)(next_random(&state) % 20);
		msg[DATA_IN] = (u8)(next_random(&state) % 3);
		msg[CDB] = opcodes[next_random(&state) % ARRAY_SIZE(opcodes)];
		rig_put(&rig, types[next_random(&state) % ARRAY_SIZE(types)], next_random(&state) % 70,
		    list, next_random(&state) % 17 * 8, msg, next_random(&state) % 65);
		rig_signal(&rig);
		while (i % 3 && take(&rig))
			;
	}
	rig_free(&rig);
}

static const struct tap_case disk_cases[] = {
	{ "comes up, as Linux brings it up", comes_up },
	{ "versions of the protocol", versions },
	{ "reads, writes, flushes", reads_and_writes },
	{ "power cuts at a write and at a flush", power_cuts },
	{ "power cuts of the disk alone", cuts_of_the_disk_alone },
	{ "writes that fail", failing_writes },
	{ "flushes that take their time", slow_flushes },
	{ "messages before it is initialised", before_it_is_initialised },
	{ "commands that lie", commands_that_lie },
	{ "30000 random packets", noise },
};

const struct tap_suite disk_tests = TAP_SUITE("disk", disk_cases);
