/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The commands of a SCSI disk with a write cache, as far as Linux' sd uses them:
 * TEST UNIT READY, REQUEST SENSE, INQUIRY with its pages, MODE SENSE with the
 * caching page, READ CAPACITY, READ, WRITE, SYNCHRONIZE CACHE, REPORT LUNS. And
 * what a test wants of it: writes that fail, flushes that take their time, and a
 * power cut at a certain write or flush, of the machine or of the disk alone.
 *
 * Facts: T10's SPC-4 (INQUIRY, MODE SENSE, sense data) and SBC-3 (the rest).
 */
#ifndef HOST_SCSI_H
#define HOST_SCSI_H

#include "devices/wcache.h"

#define SCSI_CDB	16u
#define SCSI_SENSE	18u
/* Bytes of data of one command at most. */
#define SCSI_TRANSFER_MAX (512u << 10)

#define SCSI_GOOD		0x00u
#define SCSI_CHECK_CONDITION	0x02u

/**
 * struct scsi_faults - what goes wrong; counted down by the disk.
 * @cut_write, @cut_flush: cut the power at the so-manieth write or flush from now on, 1 is the
 *			   next; 0: never.
 * @fail_write, @fail_count: from the so-manieth write on so many fail with a medium error.
 * @flush_us: how long a flush takes.
 * @alone: these cuts take the power from the disk alone; see scsi_cut().
 */
struct scsi_faults {
	u32 cut_write;
	u32 cut_flush;
	u32 fail_write;
	u32 fail_count;
	u32 flush_us;
	bool alone;
};

/**
 * struct scsi_disk - a disk.
 * @cache: its contents.
 * @faults: see there.
 * @reads, @writes, @flushes, @durable: commands of each kind; writes with FUA.
 * @failed: writes that failed because the test wanted it.
 * @off: it has no power: what reads, writes or flushes fails.
 */
struct scsi_disk {
	struct wcache *cache;
	struct scsi_faults faults;
	u64 reads;
	u64 writes;
	u64 flushes;
	u64 durable;
	u64 failed;
	bool off;
};

/**
 * struct scsi_command - one command, and its outcome.
 * @cdb: the command; what a shorter one leaves out is 0.
 * @data: its data, both directions; SCSI_TRANSFER_MAX bytes.
 * @out_len: bytes of @data that come from the guest.
 * @in_len: bytes of @data for the guest; filled in.
 * @sense: filled in when the status is SCSI_CHECK_CONDITION.
 * @status: filled in.
 */
struct scsi_command {
	u8 cdb[SCSI_CDB];
	u8 *data;
	u32 out_len;
	u32 in_len;
	u8 sense[SCSI_SENSE];
	u8 status;
};

/** enum scsi_outcome - what to do with a command that scsi_execute() has looked at. */
enum scsi_outcome {
	SCSI_DONE,	/* complete it */
	SCSI_LATER,	/* a flush: complete it with scsi_finish_flush() when its time has passed */
	SCSI_POWER_CUT,	/* the power goes now */
};

/** scsi_execute() - act on a command to the disk's only logical unit. */
enum scsi_outcome scsi_execute(struct scsi_disk *disk, struct scsi_command *cmd);

/** scsi_cut() - the power goes; the cache loses what wcache_cut() says, and no fault is left. */
void scsi_cut(struct scsi_disk *disk);

/** scsi_no_unit() - the same for a logical unit that is not there. */
void scsi_no_unit(struct scsi_command *cmd);

/** scsi_finish_flush() - a flush that took its time is done. */
void scsi_finish_flush(struct scsi_disk *disk);

#endif
