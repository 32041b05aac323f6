// SPDX-License-Identifier: GPL-2.0-only
/*
 * The commands of a SCSI disk with a write cache.
 */
#include "devices/scsi.h"

#include <string.h>

enum opcode {
	TEST_UNIT_READY = 0x00,
	REQUEST_SENSE = 0x03,
	INQUIRY = 0x12,
	MODE_SENSE_6 = 0x1a,
	START_STOP_UNIT = 0x1b,
	READ_CAPACITY_10 = 0x25,
	READ_10 = 0x28,
	WRITE_10 = 0x2a,
	SYNCHRONIZE_CACHE_10 = 0x35,
	MODE_SENSE_10 = 0x5a,
	READ_16 = 0x88,
	WRITE_16 = 0x8a,
	SYNCHRONIZE_CACHE_16 = 0x91,
	SERVICE_ACTION_IN_16 = 0x9e,	/* READ CAPACITY (16) is its action 0x10 */
	REPORT_LUNS = 0xa0,
};

enum sense_key {
	MEDIUM_ERROR = 3,
	HARDWARE_ERROR = 4,
	ILLEGAL_REQUEST = 5,
};

/* Additional sense code, and its qualifier. */
#define WRITE_ERROR		0x0c02u
#define INVALID_OPCODE		0x2000u
#define LBA_OUT_OF_RANGE	0x2100u
#define INVALID_FIELD		0x2400u
#define NO_SUCH_UNIT		0x2500u
#define INTERNAL_FAILURE	0x4400u

#define CACHING_PAGE		0x08u
#define ALL_PAGES		0x3fu
#define WRITE_CACHE_ENABLED	0x04u
#define DPO_FUA			0x10u	/* of the mode header: READ and WRITE know both bits */
#define FUA			0x08u	/* of a WRITE's second byte */
#define NO_DEVICE		0x7fu	/* peripheral qualifier and type: nothing can be there */

static u32 be16(const u8 *at)
{
	return (u32)at[0] << 8 | at[1];
}

static u32 be32(const u8 *at)
{
	return be16(at) << 16 | be16(at + 2);
}

static void put_be16(u8 *at, u32 value)
{
	at[0] = (u8)(value >> 8);
	at[1] = (u8)value;
}

static void put_be32(u8 *at, u32 value)
{
	put_be16(at, value >> 16);
	put_be16(at + 2, value & 0xffff);
}

static void refuse(struct scsi_command *cmd, enum sense_key key, u32 code)
{
	memset(cmd->sense, 0, sizeof(cmd->sense));
	cmd->sense[0] = 0x70;	/* fixed format, of this command */
	cmd->sense[2] = (u8)key;
	cmd->sense[7] = SCSI_SENSE - 8;
	put_be16(cmd->sense + 12, code);
	cmd->status = SCSI_CHECK_CONDITION;
	cmd->in_len = 0;
}

/* @len bytes of @cmd->data are the answer; the command takes at most @room. */
static void answer(struct scsi_command *cmd, u32 len, u32 room)
{
	cmd->in_len = len < room ? len : room;
}

/* ---- what the disk is ---- */

static void vital_page(struct scsi_command *cmd, u32 room)
{
	static const u8 pages[] = { 0x00, 0x80, 0x83, 0xb0, 0xb1 };
	u8 *d = cmd->data;
	u32 len = 0;

	d[1] = cmd->cdb[2];
	switch (cmd->cdb[2]) {
	case 0x00:
		len = sizeof(pages);
		memcpy(d + 4, pages, len);
		break;
	case 0x80:	/* serial number */
		len = 8;
		memcpy(d + 4, "00000001", len);
		break;
	case 0x83:	/* one designator: of the vendor's own, ASCII */
		len = 4 + 16;
		d[4] = 0x02;
		d[5] = 0x01;
		d[7] = 16;
		memcpy(d + 8, "hvhost  00000001", 16);
		break;
	case 0xb0:	/* block limits */
		len = 60;
		put_be32(d + 8, SCSI_TRANSFER_MAX / WCACHE_SECTOR);
		break;
	case 0xb1:	/* does not rotate */
		len = 60;
		put_be16(d + 4, 1);
		break;
	default:
		refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	put_be16(d + 2, len);
	answer(cmd, 4 + len, room);
}

static void standard_inquiry(struct scsi_command *cmd, u8 type)
{
	u8 *d = cmd->data;

	memset(d, 0, 36);
	d[0] = type;
	d[2] = 6;	/* SPC-4 */
	d[3] = 2;	/* format of this answer */
	d[4] = 36 - 5;
	d[7] = 0x02;	/* takes several commands at once */
	memcpy(d + 8, "hvhost  ", 8);
	memcpy(d + 16, "cut-able disk   ", 16);
	memcpy(d + 32, "1   ", 4);
	answer(cmd, 36, be16(cmd->cdb + 3));
}

static void inquiry(struct scsi_command *cmd)
{
	memset(cmd->data, 0, 64);
	if (cmd->cdb[1] & 1)
		vital_page(cmd, be16(cmd->cdb + 3));
	else if (cmd->cdb[2])
		refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
	else
		standard_inquiry(cmd, 0);
}

/* @header: 4 or 8 bytes, by the command. */
static void mode_sense(struct scsi_command *cmd, u32 header, u32 room)
{
	u32 page = cmd->cdb[2] & 0x3f, len = header + 20;
	u8 *d = cmd->data;

	if (page != CACHING_PAGE && page != ALL_PAGES) {
		refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
		return;
	}
	memset(d, 0, len);
	if (header == 4) {
		d[0] = (u8)(len - 1);
		d[2] = DPO_FUA;
	} else {
		put_be16(d, len - 2);
		d[3] = DPO_FUA;
	}
	d[header] = CACHING_PAGE;
	d[header + 1] = 18;
	/* Changeable values, page control 1: none. */
	if ((cmd->cdb[2] & 0xc0) != 0x40)
		d[header + 2] = WRITE_CACHE_ENABLED;
	answer(cmd, len, room);
}

static void read_capacity(struct scsi_disk *disk, struct scsi_command *cmd, bool wide)
{
	u64 last = wcache_sectors(disk->cache) - 1;

	memset(cmd->data, 0, 32);
	if (wide) {
		put_be32(cmd->data, (u32)(last >> 32));
		put_be32(cmd->data + 4, (u32)last);
		put_be32(cmd->data + 8, WCACHE_SECTOR);
		answer(cmd, 32, be32(cmd->cdb + 10));
	} else {
		put_be32(cmd->data, last > 0xffffffff ? 0xffffffff : (u32)last);
		put_be32(cmd->data + 4, WCACHE_SECTOR);
		answer(cmd, 8, 8);
	}
}

/* One logical unit, number 0. */
static void report_luns(struct scsi_command *cmd)
{
	memset(cmd->data, 0, 16);
	put_be32(cmd->data, 8);
	answer(cmd, 16, be32(cmd->cdb + 6));
}

static void request_sense(struct scsi_command *cmd)
{
	memset(cmd->data, 0, SCSI_SENSE);
	cmd->data[0] = 0x70;
	cmd->data[7] = SCSI_SENSE - 8;
	answer(cmd, SCSI_SENSE, cmd->cdb[4]);
}

/* ---- what is in it ---- */

/* Where and how many sectors, of a command of 10 or 16 bytes. */
static void range_of(const u8 *cdb, u64 *first, u32 *count)
{
	if (cdb[0] >= READ_16) {
		*first = (u64)be32(cdb + 2) << 32 | be32(cdb + 6);
		*count = be32(cdb + 10);
	} else {
		*first = be32(cdb + 2);
		*count = be16(cdb + 7);
	}
}

static void do_read(struct scsi_disk *disk, struct scsi_command *cmd)
{
	u64 first;
	u32 count;

	range_of(cmd->cdb, &first, &count);
	disk->reads++;
	if (count > SCSI_TRANSFER_MAX / WCACHE_SECTOR)
		refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
	else if (!wcache_read(disk->cache, first, count, cmd->data))
		refuse(cmd, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	else
		cmd->in_len = count * WCACHE_SECTOR;
}

void scsi_cut(struct scsi_disk *disk)
{
	wcache_cut(disk->cache);
	disk->faults = (struct scsi_faults){ 0 };
}

/* The power goes at this command. */
static enum scsi_outcome cut_now(struct scsi_disk *disk, struct scsi_command *cmd)
{
	if (!disk->faults.alone)
		return SCSI_POWER_CUT;
	scsi_cut(disk);
	disk->off = true;
	refuse(cmd, HARDWARE_ERROR, INTERNAL_FAILURE);
	return SCSI_DONE;
}

/* Is this the one that was counted down to? */
static bool counted(u32 *left)
{
	return *left && !--*left;
}

/* Shall this write fail? */
static bool fails(struct scsi_faults *faults)
{
	if (!faults->fail_count)
		return false;
	if (faults->fail_write > 1) {
		faults->fail_write--;
		return false;
	}
	faults->fail_count--;
	return true;
}

static enum scsi_outcome do_write(struct scsi_disk *disk, struct scsi_command *cmd)
{
	bool cut, durable = cmd->cdb[1] & FUA;
	u64 first;
	u32 count;

	range_of(cmd->cdb, &first, &count);
	/* The bytes are there: the guest may say less than it sends, not more. */
	if (count > cmd->out_len / WCACHE_SECTOR) {
		refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
		return SCSI_DONE;
	}
	disk->writes++;
	disk->durable += durable;
	cut = counted(&disk->faults.cut_write);
	if (fails(&disk->faults)) {
		disk->failed++;
		refuse(cmd, MEDIUM_ERROR, WRITE_ERROR);
	} else if (!wcache_write(disk->cache, first, count, cmd->data, durable && !cut)) {
		/* One that the power cut meets is not durable. */
		refuse(cmd, ILLEGAL_REQUEST, LBA_OUT_OF_RANGE);
	}
	return cut ? cut_now(disk, cmd) : SCSI_DONE;
}

static enum scsi_outcome do_flush(struct scsi_disk *disk, struct scsi_command *cmd)
{
	disk->flushes++;
	if (counted(&disk->faults.cut_flush))
		return cut_now(disk, cmd);
	if (disk->faults.flush_us)
		return SCSI_LATER;
	wcache_flush(disk->cache);
	return SCSI_DONE;
}

/* Refuses what a disk without power cannot do. */
static bool powered(const struct scsi_disk *disk, struct scsi_command *cmd)
{
	if (disk->off)
		refuse(cmd, HARDWARE_ERROR, INTERNAL_FAILURE);
	return !disk->off;
}

enum scsi_outcome scsi_execute(struct scsi_disk *disk, struct scsi_command *cmd)
{
	cmd->status = SCSI_GOOD;
	cmd->in_len = 0;
	switch (cmd->cdb[0]) {
	case TEST_UNIT_READY:
	case START_STOP_UNIT:
		return SCSI_DONE;
	case REQUEST_SENSE:
		request_sense(cmd);
		return SCSI_DONE;
	case INQUIRY:
		inquiry(cmd);
		return SCSI_DONE;
	case MODE_SENSE_6:
		mode_sense(cmd, 4, cmd->cdb[4]);
		return SCSI_DONE;
	case MODE_SENSE_10:
		mode_sense(cmd, 8, be16(cmd->cdb + 7));
		return SCSI_DONE;
	case READ_CAPACITY_10:
		read_capacity(disk, cmd, false);
		return SCSI_DONE;
	case SERVICE_ACTION_IN_16:
		if ((cmd->cdb[1] & 0x1f) == 0x10)
			read_capacity(disk, cmd, true);
		else
			refuse(cmd, ILLEGAL_REQUEST, INVALID_FIELD);
		return SCSI_DONE;
	case REPORT_LUNS:
		report_luns(cmd);
		return SCSI_DONE;
	case READ_10:
	case READ_16:
		if (powered(disk, cmd))
			do_read(disk, cmd);
		return SCSI_DONE;
	case WRITE_10:
	case WRITE_16:
		return powered(disk, cmd) ? do_write(disk, cmd) : SCSI_DONE;
	case SYNCHRONIZE_CACHE_10:
	case SYNCHRONIZE_CACHE_16:
		return powered(disk, cmd) ? do_flush(disk, cmd) : SCSI_DONE;
	default:
		refuse(cmd, ILLEGAL_REQUEST, INVALID_OPCODE);
		return SCSI_DONE;
	}
}

void scsi_no_unit(struct scsi_command *cmd)
{
	cmd->status = SCSI_GOOD;
	cmd->in_len = 0;
	switch (cmd->cdb[0]) {
	case INQUIRY:
		standard_inquiry(cmd, NO_DEVICE);
		break;
	case REPORT_LUNS:
		report_luns(cmd);
		break;
	default:
		refuse(cmd, ILLEGAL_REQUEST, NO_SUCH_UNIT);
		break;
	}
}

void scsi_finish_flush(struct scsi_disk *disk)
{
	wcache_flush(disk->cache);
}
