/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys and values as they travel in a KVP message
 *
 * A string is UTF-16LE with a final NUL; its size is in bytes and counts it. A
 * number is 4 or 8 bytes. In the guest everything is UTF-8 text: a number
 * becomes its decimal digits, unsigned, which is what Linux guests have always
 * written into their pools; it goes back to the host as a string.
 *
 * Nothing that the host sends is ever cut, and no byte outside of a field is read. What the stock pair
 * accepts of a host beyond that is accepted here, see wire_text_oddity().
 * Pure: no allocation, no state.
 */
#ifndef HVKVP_WIRE_VALUE_H
#define HVKVP_WIRE_VALUE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The longest key and value in the guest, in bytes of UTF-8 without the NUL; room for them with it. */
#define TEXT_KEY_MAX	511
#define TEXT_VALUE_MAX	2047
#define TEXT_KEY_SIZE	(TEXT_KEY_MAX + 1)
#define TEXT_VALUE_SIZE	(TEXT_VALUE_MAX + 1)

/* The longest key and value on the wire, in UTF-16 units without the NUL. */
#define WIRE_KEY_UNITS		255
#define WIRE_VALUE_UNITS	1023

/**
 * wire_get_le32() - a little-endian number, aligned or not
 * @p: four bytes
 *
 * Return: the number.
 */
uint32_t wire_get_le32(const uint8_t *p);

/**
 * wire_put_le32() - store a little-endian number, aligned or not
 * @p: four bytes
 * @value: the number
 */
void wire_put_le32(uint8_t *p, uint32_t value);

/**
 * wire_get_text() - a string from the wire
 * @in: where it starts
 * @size: its size as the message says, in bytes, not checked yet
 * @room: bytes that the message has for it
 * @out: gets UTF-8 with a NUL
 * @out_size: bytes of @out
 *
 * The string ends with its first NUL, or with @size.
 *
 * Return: bytes of text without the NUL; -EINVAL for a size that is larger than
 * @room; -EILSEQ for a lone surrogate; -ENOSPC if the text does not fit into @out,
 * or not into @room with a NUL.
 */
ssize_t wire_get_text(const uint8_t *in, uint32_t size, size_t room,
		      char *out, size_t out_size);

/**
 * wire_put_text() - a string for the wire
 * @text: UTF-8 with a NUL
 * @out: gets UTF-16LE with a NUL, and zeros up to its end
 * @room: bytes of @out
 *
 * Return: size in bytes with the NUL; -EILSEQ if @text is not UTF-8; -ENOSPC if
 * it does not fit.
 */
ssize_t wire_put_text(const char *text, uint8_t *out, size_t room);

/**
 * wire_put_prefix() - as much of a string as the wire has room for
 * @text: UTF-8 with a NUL
 * @out: gets UTF-16LE with a NUL, and zeros up to its end
 * @room: bytes of @out, 2 or more
 *
 * The string is cut at a whole character. It ends in front of what is not UTF-8.
 *
 * Return: size in bytes with the NUL.
 */
size_t wire_put_prefix(const char *text, uint8_t *out, size_t room);

/**
 * wire_get_value() - a value from the wire, of any type
 * @type: enum hvkvp_value_type, not checked yet
 * @in: where it starts
 * @size: its size as the message says, not checked yet
 * @room: bytes that the message has for it
 * @out: gets UTF-8 with a NUL
 * @out_size: bytes of @out, 21 or more
 *
 * Of a number the bytes that its type has are used, whatever @size says.
 *
 * Return: like wire_get_text(); also -EINVAL for an unknown type.
 */
ssize_t wire_get_value(uint32_t type, const uint8_t *in, uint32_t size, size_t room,
		       char *out, size_t out_size);

/**
 * wire_text_oddity() - what is unusual about a string that was accepted
 * @in: where it starts
 * @size: its size, at most the room that the message has for it
 *
 * Return: a text for the log; NULL for a string with one NUL, at its end.
 */
const char *wire_text_oddity(const uint8_t *in, uint32_t size);

/**
 * wire_value_oddity() - what is unusual about a value that was accepted
 * @type: enum hvkvp_value_type
 * @in: where it starts
 * @size: its size, at most the room that the message has for it
 *
 * Return: as wire_text_oddity(); a text also for a number of another size.
 */
const char *wire_value_oddity(uint32_t type, const uint8_t *in, uint32_t size);

#endif /* HVKVP_WIRE_VALUE_H */
