// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures in words, see recorded.h.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "hvkvp/capture.h"
#include "hvkvp/recorded.h"
#include "hvkvp/show.h"

#define CHANNEL_PREFIX "kvp"

/* Requests that may wait for their answers; when there are more, the oldest is forgotten. */
#define WAITING_MAX 64

/**
 * struct request - a request without an answer so far
 * @id: of the packet
 * @time_ns: when it was sent
 * @type: enum hvkvp_ic_type
 * @transaction: the host's number for it
 * @operation: first byte of the body, 0 if there is none
 */
struct request {
	uint64_t id;
	uint64_t time_ns;
	unsigned int type;
	uint8_t transaction;
	uint8_t operation;
};

/**
 * struct recorded - a capture that is shown
 * @command: options
 * @channel: where the last packet was
 * @waiting: requests of this channel, in order
 * @waiting_count: how many
 * @last_id: of those that are counted here, because the capture does not know the driver's
 * @origin_ns: time of the first packet
 * @shown: packets so far
 * @left_out: packets of other channels
 */
struct recorded {
	const struct command *command;
	const struct capture_channel *channel;
	struct request waiting[WAITING_MAX];
	unsigned int waiting_count;
	uint64_t last_id;
	uint64_t origin_ns;
	uint64_t shown;
	uint64_t left_out;
};

/* Other devices' packets are not for us to explain. A channel without a name may be one of KVP. */
static bool is_kvp(const struct capture_channel *channel)
{
	return (channel->link == CAPTURE_LINK_IC || channel->link == CAPTURE_LINK_RING) &&
	       (!channel->name[0] ||
		!strncmp(channel->name, CHANNEL_PREFIX, strlen(CHANNEL_PREFIX)));
}

static void forget(struct recorded *recorded, unsigned int count)
{
	recorded->waiting_count -= count;
	memmove(recorded->waiting, recorded->waiting + count,
		recorded->waiting_count * sizeof(recorded->waiting[0]));
}

/* Return: false if the packet has no header to be paired by. */
static bool request_of(const struct capture_packet *packet, struct request *request)
{
	struct hvkvp_packet head;

	if (packet->channel->link != CAPTURE_LINK_IC || packet->len < sizeof(head))
		return false;
	memcpy(&head, packet->bytes, sizeof(head));
	*request = (struct request){
		.id = packet->id, .time_ns = packet->time_ns, .type = head.type,
		.transaction = head.transaction,
		.operation = packet->len > sizeof(head) ? packet->bytes[sizeof(head)] : 0,
	};
	return true;
}

static bool is_answer_to(const struct request *request, const struct request *answer, bool has_id)
{
	if (has_id)
		return request->id == answer->id;
	return request->type == answer->type && request->transaction == answer->transaction &&
	       (answer->type != htole16(HVKVP_IC_TYPE_KVP) ||
		request->operation == answer->operation);
}

/* Answers come in the order of their requests; one that was passed over has none. */
static void pair(struct recorded *recorded, const struct capture_packet *packet,
		 struct show_event *event)
{
	struct request request;

	if (!request_of(packet, &request))
		return;
	if (recorded->channel != packet->channel)
		recorded->waiting_count = 0;
	recorded->channel = packet->channel;
	if (packet->to_guest) {
		if (!event->id)
			return;
		request.id = event->id;
		if (recorded->waiting_count == WAITING_MAX)
			forget(recorded, 1);
		recorded->waiting[recorded->waiting_count++] = request;
		return;
	}
	for (unsigned int i = 0; i < recorded->waiting_count; i++) {
		if (!is_answer_to(&recorded->waiting[i], &request, packet->has_id))
			continue;
		event->id = recorded->waiting[i].id;
		event->answers = true;
		event->after_ns = packet->time_ns - recorded->waiting[i].time_ns;
		forget(recorded, i + 1);
		return;
	}
}

static int show_packet(struct recorded *recorded, const struct capture_packet *packet)
{
	struct show_event event = {
		.what = packet->to_guest ? HVKVP_RECEIVED : HVKVP_SENT,
		.time_ns = packet->time_ns, .id = packet->id, .lost = packet->lost,
		.packet = packet->bytes, .len = packet->len, .full_len = packet->full_len,
	};

	if (!is_kvp(packet->channel)) {
		recorded->left_out++;
		return EXIT_OK;
	}
	if (!recorded->shown++)
		recorded->origin_ns = packet->time_ns;
	event.origin_ns = recorded->origin_ns;
	if (packet->to_guest && !packet->has_id)
		event.id = ++recorded->last_id;
	pair(recorded, packet, &event);
	return show_event(recorded->command, &event);
}

static int show_file(struct recorded *recorded, FILE *file)
{
	const char *path = recorded->command->read;
	struct capture_reader reader;
	struct capture_packet packet;
	int ret = EXIT_OK, got;

	if (capture_reader_init(&reader, file))
		return command_fail(EXIT_STORAGE, "out of memory");
	while (!ret && (got = capture_read(&reader, &packet)) > 0)
		ret = show_packet(recorded, &packet);
	if (!ret && got < 0)
		ret = command_fail(EXIT_STORAGE, "%s: %s", path, reader.error);
	capture_reader_exit(&reader);
	if (recorded->left_out)
		fprintf(stderr, "hvkvp: %s: %llu packets of other channels were left out\n", path,
			(unsigned long long)recorded->left_out);
	return ret;
}

int recorded_show(const struct command *command)
{
	struct recorded recorded = { .command = command };
	bool is_stdin = !strcmp(command->read, "-");
	FILE *file = is_stdin ? stdin : fopen(command->read, "re");
	int ret;

	if (!file)
		return command_fail(EXIT_STORAGE, "%s: %s", command->read, strerror(errno));
	ret = show_file(&recorded, file);
	if (!is_stdin)
		fclose(file);
	return ret;
}
