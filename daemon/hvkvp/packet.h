/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet of the channel's rings, in words
 */
#ifndef HVKVP_HVKVP_PACKET_H
#define HVKVP_HVKVP_PACKET_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

/**
 * packet_describe() - say what a packet is
 * @bytes: struct hvkvp_packet, not checked; need not be aligned
 * @len: how many there are
 *
 * The members come in the order in which a person wants to read them: "message"
 * (the kind or the operation), "status" in an answer, then what the message
 * carries; "headers" has the pipe and IC headers, "error" what is wrong. Pure.
 *
 * Return: object, the caller's; NULL without memory.
 */
json_t *packet_describe(const uint8_t *bytes, size_t len);

#endif /* HVKVP_HVKVP_PACKET_H */
