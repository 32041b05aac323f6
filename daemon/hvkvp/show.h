/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event of the driver, or a packet of a capture, as a line or as JSON
 */
#ifndef HVKVP_HVKVP_SHOW_H
#define HVKVP_HVKVP_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hvkvp/command.h"

/**
 * struct show_event - what is shown
 * @what: enum hvkvp_what, or any other number
 * @time_ns: when, nanoseconds, of any clock
 * @origin_ns: a line has the time since then
 * @id: of the packet; 0 for a packet of the host that the driver dropped
 * @lost: events that were lost before this one
 * @packet: struct hvkvp_packet, not checked; may be NULL if @len is 0
 * @len: bytes of it that are there; 0 if the event has no packet
 * @full_len: bytes that it had in the ring
 * @answers: it is an answer, and it is known to what
 * @after_ns: how long that took, nanoseconds
 */
struct show_event {
	uint32_t what;
	uint64_t time_ns;
	uint64_t origin_ns;
	uint64_t id;
	uint64_t lost;
	const uint8_t *packet;
	size_t len;
	size_t full_len;
	bool answers;
	uint64_t after_ns;
};

/**
 * show_event() - print an event
 * @command: for --json, --hex
 * @event: the event; one that is not known is left out
 *
 * Return: exit code.
 */
int show_event(const struct command *command, const struct show_event *event);

#endif /* HVKVP_HVKVP_SHOW_H */
