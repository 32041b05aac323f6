// SPDX-License-Identifier: GPL-2.0-only
/*
 * A synthetic SCSI controller with one disk.
 */
#include "devices/disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/clock.h"
#include "vmbus/bus_priv.h"
#include "vmbus/gpa_ranges.h"

enum vstor_op {
	VSTOR_COMPLETE_IO = 1,
	VSTOR_EXECUTE_SRB = 3,
	VSTOR_RESET_LUN = 4,
	VSTOR_RESET_ADAPTER = 5,
	VSTOR_RESET_BUS = 6,
	VSTOR_BEGIN_INIT = 7,
	VSTOR_END_INIT = 8,
	VSTOR_VERSION = 9,
	VSTOR_PROPERTIES = 10,
};

#define VSTOR_OK	0u
#define VSTOR_FAILED	0xc0000001u
#define NEWEST		0x0602u		/* version 6.2: Windows 10, Server 2016 */
#define OLDEST		0x0501u		/* 5.1: since then requests have the length below */

/* SRB statuses. */
#define SRB_SUCCESS		0x01u
#define SRB_ERROR		0x04u
#define SRB_INVALID_REQUEST	0x06u
#define SRB_SENSE_VALID		0x80u

#define FLUSHES_MAX	64u		/* that take their time at once */
#define RETRY_US	1000u		/* a completion that did not fit */

/** struct vstor_srb - a SCSI command, and how it ended. */
struct vstor_srb {
	u16 length;
	u8 srb_status;
	u8 scsi_status;
	u8 port;
	u8 path;
	u8 target;
	u8 lun;
	u8 cdb_len;
	u8 sense_len;
	u8 data_in;	/* 0 to the disk, 1 from it, 2 no data */
	u8 reserved;
	u32 transfer;
	u8 cdb[20];	/* in an answer: sense data */
	u8 more[16];
};

/** struct vstor - a message of the protocol, both directions. */
struct vstor {
	u32 op;
	u32 flags;
	u32 status;
	union {
		struct vstor_srb srb;
		u16 version;
		struct {
			u32 reserved;
			u16 channels;
			u16 reserved2;
			u32 flags;
			u32 transfer_max;
			u64 reserved3;
		} __attribute__((packed)) properties;
	};
};

_Static_assert(sizeof(struct vstor) == 64, "the length of every message");

/**
 * struct disk - the controller and its disk; lives as long as its device.
 * @buffer: data of the command in hand.
 */
struct disk {
	struct scsi_disk scsi;
	u8 buffer[SCSI_TRANSFER_MAX];
};

/**
 * struct slow_flush - one that is not completed yet.
 * @id: of its packet.
 * @due: monotonic nanoseconds.
 * @cuts: how often the disk had lost its power when it came.
 * @reply: its completion.
 */
struct slow_flush {
	u64 id;
	u64 due;
	u64 cuts;
	struct vstor reply;
};

/**
 * struct session - what passed since the guest opened the channel.
 * @begun, @ready: initialisation has begun, and ended.
 * @flushes, @nflushes: that take their time.
 */
struct session {
	bool begun;
	bool ready;
	struct slow_flush flushes[FLUSHES_MAX];
	u32 nflushes;
};

static struct disk *disk_of(const struct device *dev)
{
	return dev->model;
}

static enum bus_send_result send_reply(struct vmbus *bus, struct channel *chan, u64 id,
				       const struct vstor *reply, const char **why)
{
	struct ring_packet head;

	ring_packet_init(&head, sizeof(*reply));
	head.type = RING_COMPLETION;
	head.id = id;
	return bus_send(bus, chan, &head, reply, sizeof(*reply), BUS_SIGNAL_AUTO, NULL, why);
}

/* Answer a packet, if its sender wants that. */
static void complete(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		     struct vstor *reply)
{
	const char *why;

	if (!(packet->head.flags & RING_WANTS_COMPLETION))
		return;
	reply->op = VSTOR_COMPLETE_IO;
	if (send_reply(bus, chan, packet->head.id, reply, &why) != BUS_SENT)
		bus_note(bus, chan, why);
}

/* ---- SCSI commands ---- */

/* The data that the guest sends along. Returns false and completes the packet if it cannot be had. */
static bool fetch_data(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		       const struct vstor_srb *srb, struct scsi_command *cmd)
{
	const char *why;
	const u8 *list;
	u32 len;

	if (srb->data_in != 0 || packet->head.type != RING_GPA_DIRECT)
		return true;
	list = ring_extra(&packet->head, packet->payload, packet->len, &len);
	cmd->out_len = gpa_ranges_read(bus->vm, list, len, cmd->data, SCSI_TRANSFER_MAX, &why);
	if (!why && cmd->out_len > SCSI_TRANSFER_MAX)
		why = "a SCSI command with more data than the disk takes";
	if (why)
		bus_note(bus, chan, why);
	return !why;
}

/* The data for the guest. Returns false if it has no place for it. */
static bool return_data(struct vmbus *bus, struct channel *chan, const struct packet *packet,
			const struct scsi_command *cmd)
{
	const char *why = "a SCSI command that reads, without a place for its data";
	const u8 *list;
	u32 len, room;

	if (!cmd->in_len)
		return true;
	if (packet->head.type == RING_GPA_DIRECT) {
		list = ring_extra(&packet->head, packet->payload, packet->len, &len);
		room = gpa_ranges_write(bus->vm, list, len, cmd->data, cmd->in_len, &why);
		if (!why && room < cmd->in_len)
			why = "a SCSI command that reads more than it has place for";
	}
	if (why)
		bus_note(bus, chan, why);
	return !why;
}

static void put_off(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		    const struct vstor *reply, u32 us)
{
	struct session *s = chan->session;
	struct slow_flush *flush;

	if (s->nflushes == FLUSHES_MAX) {
		bus_note(bus, chan, "too many slow flushes at once: one is lost");
		return;
	}
	flush = &s->flushes[s->nflushes++];
	flush->id = packet->head.id;
	flush->due = clock_ns() + us * 1000ull;
	flush->cuts = wcache_fate(disk_of(chan->device)->scsi.cache)->cuts;
	flush->reply = *reply;
	flush->reply.op = VSTOR_COMPLETE_IO;
	bus_put_off(bus, chan->device->number, BUS_DO_SERVE, us);
}

static void on_srb(struct vmbus *bus, struct channel *chan, const struct packet *packet,
		   struct vstor *msg)
{
	struct disk *disk = disk_of(chan->device);
	struct scsi_command cmd = { .data = disk->buffer };
	enum scsi_outcome outcome = SCSI_DONE;
	struct vstor_srb *srb = &msg->srb;

	msg->status = VSTOR_OK;
	if (srb->cdb_len > SCSI_CDB || !fetch_data(bus, chan, packet, srb, &cmd)) {
		srb->srb_status = SRB_INVALID_REQUEST;
		complete(bus, chan, packet, msg);
		return;
	}
	memcpy(cmd.cdb, srb->cdb, srb->cdb_len);
	if (srb->path || srb->target || srb->lun)
		scsi_no_unit(&cmd);
	else
		outcome = scsi_execute(&disk->scsi, &cmd);
	if (outcome == SCSI_POWER_CUT) {
		bus_power_off(bus);
		return;
	}
	srb->srb_status = SRB_SUCCESS;
	srb->scsi_status = cmd.status;
	if (cmd.status == SCSI_CHECK_CONDITION) {
		srb->srb_status = SRB_ERROR | SRB_SENSE_VALID;
		srb->sense_len = SCSI_SENSE;
		memcpy(srb->cdb, cmd.sense, SCSI_SENSE);
	} else if (!return_data(bus, chan, packet, &cmd)) {
		srb->srb_status = SRB_INVALID_REQUEST;
	} else if (srb->data_in == 1) {
		srb->transfer = cmd.in_len;
	}
	if (outcome == SCSI_LATER)
		put_off(bus, chan, packet, msg, disk->scsi.faults.flush_us);
	else
		complete(bus, chan, packet, msg);
}

/* ---- the protocol ---- */

static void on_version(struct vstor *msg)
{
	msg->status = msg->version >= OLDEST && msg->version <= NEWEST ? VSTOR_OK : VSTOR_FAILED;
}

static void on_properties(struct vstor *msg)
{
	memset(&msg->properties, 0, sizeof(msg->properties));
	msg->properties.transfer_max = SCSI_TRANSFER_MAX;
}

static void disk_packet(struct vmbus *bus, struct channel *chan, const struct packet *packet)
{
	struct session *s = chan->session;
	struct vstor msg = { 0 };

	/* What a shorter message leaves out is 0. */
	memcpy(&msg, packet->payload, packet->len < sizeof(msg) ? packet->len : sizeof(msg));
	if ((packet->head.type != RING_IN_BAND && packet->head.type != RING_GPA_DIRECT) ||
	    (!s->begun && msg.op != VSTOR_BEGIN_INIT) ||
	    (!s->ready && msg.op == VSTOR_EXECUTE_SRB)) {
		bus_note(bus, chan, "a packet to the disk of a wrong type, or before it is initialised");
		msg.status = VSTOR_FAILED;
		complete(bus, chan, packet, &msg);
		return;
	}
	msg.status = VSTOR_OK;
	switch (msg.op) {
	case VSTOR_EXECUTE_SRB:
		on_srb(bus, chan, packet, &msg);
		return;
	case VSTOR_BEGIN_INIT:
		s->begun = true;
		break;
	case VSTOR_END_INIT:
		s->ready = true;
		break;
	case VSTOR_VERSION:
		on_version(&msg);
		break;
	case VSTOR_PROPERTIES:
		on_properties(&msg);
		break;
	case VSTOR_RESET_LUN:
	case VSTOR_RESET_ADAPTER:
	case VSTOR_RESET_BUS:
		break;
	default:
		bus_note(bus, chan, "a message to the disk of an unknown type");
		msg.status = VSTOR_FAILED;
		break;
	}
	complete(bus, chan, packet, &msg);
}

static bool disk_open(struct channel *chan)
{
	free(chan->session);
	chan->session = calloc(1, sizeof(struct session));
	return chan->session;
}

/* Complete the flushes whose time has passed. */
static void serve_session(struct vmbus *bus, struct channel *chan)
{
	struct scsi_disk *scsi = &disk_of(chan->device)->scsi;
	struct session *s = chan->session;
	u64 now = clock_ns();
	const char *why;
	u32 i = 0;

	while (i < s->nflushes) {
		struct slow_flush *flush = &s->flushes[i];
		enum bus_send_result result;

		if (flush->due > now) {
			i++;
			continue;
		}
		if (flush->cuts == wcache_fate(scsi->cache)->cuts)
			scsi_finish_flush(scsi);
		else
			flush->reply.srb.srb_status = SRB_ERROR;
		result = send_reply(bus, chan, flush->id, &flush->reply, &why);
		if (result == BUS_SEND_FULL) {
			bus_put_off(bus, chan->device->number, BUS_DO_SERVE, RETRY_US);
			return;
		}
		if (result != BUS_SENT)
			bus_note(bus, chan, why);
		*flush = s->flushes[--s->nflushes];
	}
}

static void disk_serve(struct vmbus *bus, struct device *dev)
{
	struct channel *chan;

	/* Also one that was rescinded: the guest may wait for it before it closes the channel. */
	for (chan = bus->channels; chan; chan = chan->next)
		if (chan->device == dev && chan->pages)
			serve_session(bus, chan);
}

static bool disk_quiesce(struct vmbus *bus, struct channel *chan)
{
	(void)bus;
	(void)chan;
	return false;
}

static void disk_power_off(struct device *dev)
{
	struct scsi_disk *scsi = &disk_of(dev)->scsi;

	/* Without power already: it has lost what it loses. */
	if (!scsi->off)
		scsi_cut(scsi);
	scsi->off = false;
}

static void disk_free(void *model)
{
	struct disk *disk = model;

	wcache_free(disk->scsi.cache);
	free(disk);
}

static const struct device_ops disk_ops = {
	.room = 128,		/* a completion of 64 bytes */
	.open = disk_open,
	.packet = disk_packet,
	.quiesce = disk_quiesce,
	.serve = disk_serve,
	.power_off = disk_power_off,
	.free = disk_free,
};

bool disk_attach(struct vmbus *bus, u32 device, const struct disk_config *cfg, char *err,
		 size_t errlen)
{
	struct disk *disk = calloc(1, sizeof(*disk));
	struct device *dev;
	bool good;

	snprintf(err, errlen, "out of memory");
	if (!disk)
		return false;
	disk->scsi.cache = wcache_new(cfg->image, cfg->sectors, cfg->seed, err, errlen);
	if (!disk->scsi.cache) {
		free(disk);
		return false;
	}
	pthread_mutex_lock(&bus->lock);
	dev = bus_find_device(bus, device);
	good = dev && !dev->ops && !dev->channel;
	if (good) {
		dev->ops = &disk_ops;
		dev->model = disk;
	}
	pthread_mutex_unlock(&bus->lock);
	if (!good) {
		snprintf(err, errlen, "only a device that was not offered yet can become a disk");
		disk_free(disk);
	}
	return good;
}

/* With the bus's lock held. Returns NULL if it is no disk. */
static struct device *find_disk(struct vmbus *bus, u32 device)
{
	struct device *dev = bus_find_device(bus, device);

	return dev && dev->ops == &disk_ops ? dev : NULL;
}

bool disk_info(struct vmbus *bus, u32 device, struct disk_info *info)
{
	const struct scsi_disk *scsi;
	const struct session *s;
	struct device *dev;

	memset(info, 0, sizeof(*info));
	pthread_mutex_lock(&bus->lock);
	dev = find_disk(bus, device);
	if (dev) {
		scsi = &disk_of(dev)->scsi;
		s = dev->channel && dev->channel->state == CHAN_OPEN ? dev->channel->session : NULL;
		info->ready = s && s->ready;
		info->reads = scsi->reads;
		info->writes = scsi->writes;
		info->flushes = scsi->flushes;
		info->durable = scsi->durable;
		info->failed = scsi->failed;
		info->off = scsi->off;
		info->dirty = wcache_dirty(scsi->cache);
		info->fate = *wcache_fate(scsi->cache);
	}
	pthread_mutex_unlock(&bus->lock);
	return dev;
}

bool disk_faults(struct vmbus *bus, u32 device, const struct scsi_faults *faults)
{
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = find_disk(bus, device);
	if (dev)
		disk_of(dev)->scsi.faults = *faults;
	pthread_mutex_unlock(&bus->lock);
	return dev;
}

bool disk_power(struct vmbus *bus, u32 device, bool on)
{
	struct scsi_disk *scsi;
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = find_disk(bus, device);
	if (dev) {
		scsi = &disk_of(dev)->scsi;
		if (!on && !scsi->off)
			scsi_cut(scsi);
		scsi->off = !on;
	}
	pthread_mutex_unlock(&bus->lock);
	return dev;
}

bool disk_lie(struct vmbus *bus, u32 device, bool lie)
{
	struct device *dev;

	pthread_mutex_lock(&bus->lock);
	dev = find_disk(bus, device);
	if (dev)
		wcache_lie(disk_of(dev)->scsi.cache, lie);
	pthread_mutex_unlock(&bus->lock);
	return dev;
}
