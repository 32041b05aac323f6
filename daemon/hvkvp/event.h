/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events of cloud-init that are split into pieces
 *
 * cloud-init reports an event as a JSON object. One that is longer than a value becomes several: each
 * piece repeats the other fields, and has its number in msg_i and a part of the text in msg. The text is
 * cut after it was escaped, so that a piece may end in the middle of an escape sequence, and is no valid
 * JSON then.
 */
#ifndef HVKVP_HVKVP_EVENT_H
#define HVKVP_HVKVP_EVENT_H

#include <stdbool.h>
#include <stddef.h>

/**
 * event_is_piece() - is this a piece of an event?
 * @text: UTF-8
 *
 * Return: true if it is an object with msg_i and msg.
 */
bool event_is_piece(const char *text);

/**
 * event_join() - put an event together
 * @pieces: values, in any order
 * @count: of @pieces, 1 or more
 * @whole: set to the event, without msg_i, as compact JSON; the caller's
 *
 * Return: 0; -EINVAL if one of them is no piece, a number is missing or occurs twice, or the text is not
 * valid; -ENOMEM.
 */
int event_join(const char *const *pieces, size_t count, char **whole);

#endif /* HVKVP_HVKVP_EVENT_H */
