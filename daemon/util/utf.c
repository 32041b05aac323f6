// SPDX-License-Identifier: GPL-2.0-only
/*
 * UTF-8 and UTF-16LE: checked conversion. Pure.
 */
#include <errno.h>
#include <string.h>

#include "util/utf.h"

#define SURROGATE_FIRST		0xd800
#define SURROGATE_LOW		0xdc00
#define SURROGATE_LAST		0xdfff
#define SUPPLEMENTARY		0x10000
#define CODE_POINT_LAST		0x10ffff

/* One code point off the front of (*text, *len), or -EILSEQ. */
static int32_t take_utf8(const uint8_t **text, size_t *len)
{
	/* The least code point that may use a sequence of n bytes. */
	static const int32_t least[] = { 0, 0, 0x80, 0x800, SUPPLEMENTARY };
	const uint8_t *p = *text;
	int32_t c = p[0];
	size_t n;

	if (c < 0x80) {
		n = 1;
	} else if (c < 0xc0) {
		return -EILSEQ;
	} else if (c < 0xe0) {
		n = 2;
		c &= 0x1f;
	} else if (c < 0xf0) {
		n = 3;
		c &= 0x0f;
	} else if (c < 0xf8) {
		n = 4;
		c &= 0x07;
	} else {
		return -EILSEQ;
	}
	if (n > *len)
		return -EILSEQ;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -EILSEQ;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > CODE_POINT_LAST ||
	    (c >= SURROGATE_FIRST && c <= SURROGATE_LAST))
		return -EILSEQ;
	*text += n;
	*len -= n;
	return c;
}

static void put_unit(uint8_t *out, uint32_t unit)
{
	out[0] = unit & 0xff;
	out[1] = unit >> 8;
}

static uint32_t get_unit(const uint8_t *in)
{
	return in[0] | (uint32_t)in[1] << 8;
}

ssize_t utf8_units(const char *text, size_t len)
{
	const uint8_t *p = (const uint8_t *)text;
	ssize_t units = 0;

	while (len) {
		int32_t c = take_utf8(&p, &len);

		if (c < 0)
			return c;
		units += c < SUPPLEMENTARY ? 1 : 2;
	}
	return units;
}

/* Bytes of the beginning of a character at @p that are not followed by the rest of it, 1 at least. */
static size_t broken_length(const uint8_t *p, size_t len)
{
	/* Which second byte may follow a first one; the others are 0x80 to 0xbf. */
	uint8_t low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : 0x80;
	uint8_t high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : 0xbf;
	size_t whole = p[0] >= 0xc2 && p[0] < 0xe0 ? 2 : p[0] >= 0xe0 && p[0] < 0xf0 ? 3 :
		       p[0] >= 0xf0 && p[0] < 0xf5 ? 4 : 1, n = 1;

	for (; n < whole && n < len && p[n] >= low && p[n] <= high; n++) {
		low = 0x80;
		high = 0xbf;
	}
	return n;
}

size_t utf8_repair(const char *text, size_t len, char *out)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = 0;

	while (len) {
		const uint8_t *start = p;
		size_t n;

		if (take_utf8(&p, &len) >= 0) {
			memcpy(out + at, start, p - start);
			at += p - start;
			continue;
		}
		n = broken_length(p, len);
		memcpy(out + at, UTF8_REPLACEMENT, UTF8_REPLACEMENT_LEN);
		at += UTF8_REPLACEMENT_LEN;
		p += n;
		len -= n;
	}
	return at;
}

size_t utf8_prefix(const char *text, size_t len, size_t units)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t end = 0;

	while (len) {
		int32_t c = take_utf8(&p, &len);
		size_t need = c < SUPPLEMENTARY ? 1 : 2;

		if (c < 0 || need > units)
			break;
		units -= need;
		end = p - (const uint8_t *)text;
	}
	return end;
}

/* Encode whole characters, up to one that does not fit or is not UTF-8. Return: bytes written. */
static size_t encode(const uint8_t **text, size_t *len, uint8_t *out, size_t room)
{
	size_t at = 0;

	while (*len) {
		const uint8_t *p = *text;
		size_t left = *len, need;
		int32_t c;

		/* Most characters are of ASCII. */
		if (p[0] < 0x80) {
			c = *p++;
			left--;
		} else {
			c = take_utf8(&p, &left);
		}
		need = c < SUPPLEMENTARY ? 2 : 4;
		if (c < 0 || room - at < need)
			break;
		if (need == 2) {
			put_unit(out + at, c);
		} else {
			c -= SUPPLEMENTARY;
			put_unit(out + at, SURROGATE_FIRST | c >> 10);
			put_unit(out + at + 2, SURROGATE_LOW | (c & 0x3ff));
		}
		at += need;
		*text = p;
		*len = left;
	}
	return at;
}

ssize_t utf8_to_utf16le(const char *text, size_t len, uint8_t *out, size_t room)
{
	const uint8_t *p = (const uint8_t *)text;
	size_t at = encode(&p, &len, out, room);

	if (!len)
		return at;
	return take_utf8(&p, &len) < 0 ? -EILSEQ : -ENOSPC;
}

size_t utf8_prefix_to_utf16le(const char *text, size_t len, uint8_t *out, size_t room)
{
	const uint8_t *p = (const uint8_t *)text;

	return encode(&p, &len, out, room);
}

ssize_t utf16le_to_utf8(const uint8_t *in, size_t units, char *out, size_t room)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t at = 0;

	for (size_t i = 0; i < units; i++) {
		uint32_t c = get_unit(in + 2 * i);
		size_t n;

		if (c >= SURROGATE_LOW && c <= SURROGATE_LAST)
			return -EILSEQ;
		if (c >= SURROGATE_FIRST && c < SURROGATE_LOW) {
			uint32_t low;

			if (++i == units)
				return -EILSEQ;
			low = get_unit(in + 2 * i);
			if (low < SURROGATE_LOW || low > SURROGATE_LAST)
				return -EILSEQ;
			c = SUPPLEMENTARY + ((c & 0x3ff) << 10 | (low & 0x3ff));
		}

		n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < SUPPLEMENTARY ? 3 : 4;
		if (room - at < n)
			return -ENOSPC;
		if (n == 1) {
			out[at] = c;
		} else {
			for (size_t k = n - 1; k; k--) {
				out[at + k] = 0x80 | (c & 0x3f);
				c >>= 6;
			}
			out[at] = lead[n] | c;
		}
		at += n;
	}
	return at;
}
