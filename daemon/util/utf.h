/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * UTF-8 and UTF-16LE: checked conversion
 *
 * Own code rather than iconv(3): glibc loads its UTF-16 tables with dlopen()
 * from a directory that initramfs images and small appliances leave out, and
 * would then fail at run time. The unit test compares both, code point by
 * code point.
 */
#ifndef HVKVP_UTIL_UTF_H
#define HVKVP_UTIL_UTF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * utf8_units() - check UTF-8 text and measure it for the wire
 * @text: bytes, not necessarily terminated
 * @len: how many
 *
 * Overlong forms, surrogates and code points above U+10FFFF are not UTF-8.
 *
 * Return: UTF-16 units that the text takes, without a NUL; -EILSEQ if it is not
 * UTF-8.
 */
ssize_t utf8_units(const char *text, size_t len);

/* U+FFFD in UTF-8, which replaces what cannot be decoded. */
#define UTF8_REPLACEMENT	"\xef\xbf\xbd"
#define UTF8_REPLACEMENT_LEN	3

/**
 * utf8_repair() - make text valid
 * @text: bytes, not necessarily terminated
 * @len: how many
 * @out: gets UTF-8, no NUL added; room for UTF8_REPLACEMENT_LEN * @len bytes is enough
 *
 * Each longest beginning of a character that does not go on, and each byte that begins none, becomes
 * one U+FFFD.
 *
 * Return: bytes written.
 */
size_t utf8_repair(const char *text, size_t len, char *out);

/**
 * utf8_prefix() - as much of a text as a message holds
 * @text: UTF-8
 * @len: bytes of @text
 * @units: UTF-16 units at most
 *
 * Return: bytes of the longest prefix that ends with a whole character and takes at most @units
 * units. It ends in front of what is not UTF-8.
 */
size_t utf8_prefix(const char *text, size_t len, size_t units);

/**
 * utf8_to_utf16le() - encode for the wire
 * @text: UTF-8
 * @len: bytes of @text
 * @out: gets UTF-16LE, no NUL added
 * @room: bytes of @out
 *
 * Return: bytes written; -EILSEQ if @text is not UTF-8, -ENOSPC if it does not
 * fit. @out is then undefined.
 */
ssize_t utf8_to_utf16le(const char *text, size_t len, uint8_t *out, size_t room);

/**
 * utf8_prefix_to_utf16le() - encode as much of a text as there is room for
 * @text: UTF-8
 * @len: bytes of @text
 * @out: gets UTF-16LE, no NUL added
 * @room: bytes of @out
 *
 * It ends with a whole character, and in front of what is not UTF-8.
 *
 * Return: bytes written.
 */
size_t utf8_prefix_to_utf16le(const char *text, size_t len, uint8_t *out, size_t room);

/**
 * utf16le_to_utf8() - decode from the wire
 * @in: UTF-16LE
 * @units: 16-bit units of @in
 * @out: gets UTF-8, no NUL added
 * @room: bytes of @out
 *
 * Return: bytes written; -EILSEQ for a lone surrogate, -ENOSPC if it does not
 * fit. @out is then undefined.
 */
ssize_t utf16le_to_utf8(const uint8_t *in, size_t units, char *out, size_t room);

#endif /* HVKVP_UTIL_UTF_H */
