/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A synthetic SCSI controller with one disk, as much as a guest's driver needs to
 * mount a file system that is on it, and to lose what it has not flushed.
 *
 * The disk is served on the thread of the vCPU that signals. What the guest does:
 *
 *	BEGIN_INIT, VERSION, PROPERTIES, END_INIT	at first, in this order
 *	EXECUTE_SRB	a SCSI command; its data in guest pages that the packet lists
 *	RESET_*		answered
 *
 * Each packet is answered with COMPLETE_IO. A power cut (vmbus_power_off(), or one that
 * was planned here) takes from the disk what its write cache loses; see wcache.h.
 *
 * Facts: Linux's drivers/scsi/storvsc_drv.c.
 */
#ifndef HOST_DISK_H
#define HOST_DISK_H

#include "devices/scsi.h"

struct vmbus;

/**
 * struct disk_config - what a disk is.
 * @image: a file to use, or NULL; see wcache_new().
 * @sectors: its size.
 * @seed: what decides at power cuts.
 */
struct disk_config {
	const char *image;
	u64 sectors;
	u64 seed;
};

/**
 * struct disk_info - what has happened to a disk.
 * @ready: the guest's driver has initialised it.
 * @reads, @writes, @flushes, @durable, @failed: see struct scsi_disk.
 * @off: it has no power.
 * @dirty: writes that a power cut might lose now.
 * @fate: of those that met one.
 */
struct disk_info {
	bool ready;
	u64 reads;
	u64 writes;
	u64 flushes;
	u64 durable;
	u64 failed;
	bool off;
	u32 dirty;
	struct wcache_fate fate;
};

/**
 * disk_attach() - make a device a SCSI controller, before it is offered.
 * @bus: the bus.
 * @device: number of the device, from vmbus_add().
 * @cfg: not needed after the call.
 * @err: receives one line if it fails.
 * @errlen: its size.
 *
 * Return: false if there is no such device, it is one already, the file cannot be used, or
 * memory is out.
 */
bool disk_attach(struct vmbus *bus, u32 device, const struct disk_config *cfg, char *err,
		 size_t errlen);

/** disk_info() - how it goes. Return: false if the device is no disk. */
bool disk_info(struct vmbus *bus, u32 device, struct disk_info *info);

/** disk_faults() - what shall go wrong from now on; copied. Return: false if it is no disk. */
bool disk_faults(struct vmbus *bus, u32 device, const struct scsi_faults *faults);

/**
 * disk_power() - take the power from the disk alone, or give it back.
 *
 * Off, it has lost what wcache_cut() says, and reads, writes and flushes fail.
 *
 * Return: false if it is no disk.
 */
bool disk_power(struct vmbus *bus, u32 device, bool on);

/** disk_lie() - flushes do nothing, or do again. Return: false if it is no disk. */
bool disk_lie(struct vmbus *bus, u32 device, bool lie);

#endif
