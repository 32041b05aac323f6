// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys and values as they travel in a KVP message. Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hv_kvp_msg.h>

#include "util/utf.h"
#include "wire/value.h"

uint32_t wire_get_le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

void wire_put_le32(uint8_t *p, uint32_t value)
{
	p[0] = value;
	p[1] = value >> 8;
	p[2] = value >> 16;
	p[3] = value >> 24;
}

/* Units of a string of @size bytes: it ends with a NUL, or there. */
static size_t text_units(const uint8_t *in, uint32_t size)
{
	size_t units = 0;

	while (units < size / 2 && (in[2 * units] || in[2 * units + 1]))
		units++;
	return units;
}

ssize_t wire_get_text(const uint8_t *in, uint32_t size, size_t room,
		      char *out, size_t out_size)
{
	size_t units;
	ssize_t len;

	if (size > room)
		return -EINVAL;
	units = text_units(in, size);
	/* An answer needs room for the NUL, too. */
	if (units > room / 2 - 1)
		return -ENOSPC;

	len = utf16le_to_utf8(in, units, out, out_size - 1);
	if (len >= 0)
		out[len] = 0;
	return len;
}

ssize_t wire_put_text(const char *text, uint8_t *out, size_t room)
{
	ssize_t size = utf8_to_utf16le(text, strlen(text), out, room - 2);

	if (size < 0)
		return size;
	memset(out + size, 0, room - size);
	return size + 2;
}

size_t wire_put_prefix(const char *text, uint8_t *out, size_t room)
{
	size_t size = utf8_prefix_to_utf16le(text, strlen(text), out, room - 2);

	memset(out + size, 0, room - size);
	return size + 2;
}

ssize_t wire_get_value(uint32_t type, const uint8_t *in, uint32_t size, size_t room,
		       char *out, size_t out_size)
{
	uint64_t number;

	switch (type) {
	case HVKVP_REG_SZ:
	case HVKVP_REG_EXPAND_SZ:
		return wire_get_text(in, size, room, out, out_size);
	case HVKVP_REG_DWORD:
		if (size > room || room < 4)
			return -EINVAL;
		number = wire_get_le32(in);
		break;
	case HVKVP_REG_QWORD:
	case HVKVP_REG_QWORD_LINUX:
		if (size > room || room < 8)
			return -EINVAL;
		number = wire_get_le32(in) | (uint64_t)wire_get_le32(in + 4) << 32;
		break;
	default:
		return -EINVAL;
	}
	return snprintf(out, out_size, "%" PRIu64, number);
}

const char *wire_text_oddity(const uint8_t *in, uint32_t size)
{
	size_t units = text_units(in, size);

	if (size % 2 || !size)
		return "the size of a string is zero or odd";
	if (units == size / 2)
		return "a string has no final NUL";
	return units + 1 < size / 2 ? "a string has a NUL before its end" : NULL;
}

const char *wire_value_oddity(uint32_t type, const uint8_t *in, uint32_t size)
{
	switch (type) {
	case HVKVP_REG_DWORD:
		return size == 4 ? NULL : "the size of a DWORD is not 4";
	case HVKVP_REG_QWORD:
	case HVKVP_REG_QWORD_LINUX:
		return size == 8 ? NULL : "the size of a QWORD is not 8";
	default:
		return wire_text_oddity(in, size);
	}
}
