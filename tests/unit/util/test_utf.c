// SPDX-License-Identifier: GPL-2.0-only
/*
 * UTF-8 and UTF-16, with glibc's iconv as the judge.
 */
#include <errno.h>
#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#include "c/tap.h"
#include "util/utf.h"

static ssize_t judge(iconv_t cd, const void *in, size_t len, void *out, size_t room)
{
	char *from = (char *)in, *to = out;
	size_t left = room;

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &from, &len, &to, &left) == (size_t)-1)
		return -1;
	return room - left;
}

static size_t plain_utf8(uint32_t c, char *out)
{
	if (c < 0x80) {
		out[0] = c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = 0xc0 | c >> 6;
		out[1] = 0x80 | (c & 0x3f);
		return 2;
	}
	if (c < 0x10000) {
		out[0] = 0xe0 | c >> 12;
		out[1] = 0x80 | (c >> 6 & 0x3f);
		out[2] = 0x80 | (c & 0x3f);
		return 3;
	}
	out[0] = 0xf0 | c >> 18;
	out[1] = 0x80 | (c >> 12 & 0x3f);
	out[2] = 0x80 | (c >> 6 & 0x3f);
	out[3] = 0x80 | (c & 0x3f);
	return 4;
}

/* Beyond the last code point too: 0x110000 to 0x11ffff must be refused. */
static void all_code_points(void)
{
	iconv_t cd = iconv_open("UTF-16LE", "UTF-8");
	int differ = 0;

	if (!CHECK(cd != (iconv_t)-1))
		return;
	for (uint32_t c = 0; c < 0x120000; c++) {
		char text[4], back[4];
		uint8_t ours[4], theirs[8];
		size_t len = plain_utf8(c, text);
		ssize_t n = utf8_to_utf16le(text, len, ours, sizeof(ours));
		ssize_t want = judge(cd, text, len, theirs, sizeof(theirs));

		if (want < 0) {
			differ += n != -EILSEQ || utf8_units(text, len) != -EILSEQ;
			continue;
		}
		differ += n != want || memcmp(ours, theirs, want) ||
			  utf8_units(text, len) != want / 2 ||
			  utf16le_to_utf8(ours, n / 2, back, sizeof(back)) != (ssize_t)len ||
			  memcmp(back, text, len);
	}
	CHECK_INT(differ, 0);
	iconv_close(cd);
}

/* All pairs of bytes, and longer ones that are wrong in one place. */
static void odd_bytes(void)
{
	static const char *const bad[] = {
		"\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x80\x80", "\xe0\x9f\xbf",
		"\xe2\x82", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf",
		"\xf0\x9f\x98", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf8\x88\x80\x80\x80",
		"\xff", "\xfe", "a\x80", "\xc3(", "\xe2(\xa1", "\xe2\x82(", "\xf0(\x8c\xbc",
	};
	iconv_t cd = iconv_open("UTF-16LE", "UTF-8");
	uint8_t out[16];
	int differ = 0;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(utf8_units(bad[i], strlen(bad[i])), -EILSEQ);
		CHECK_INT(utf8_to_utf16le(bad[i], strlen(bad[i]), out, sizeof(out)), -EILSEQ);
	}
	for (int i = 0; i < 0x10000; i++) {
		char two[2] = { i >> 8, i };
		uint8_t theirs[8];
		ssize_t want = judge(cd, two, 2, theirs, sizeof(theirs));
		ssize_t n = utf8_to_utf16le(two, 2, out, sizeof(out));

		differ += want < 0 ? n != -EILSEQ : n != want || memcmp(out, theirs, want);
	}
	CHECK_INT(differ, 0);
	iconv_close(cd);
}

/* Every pair of units around the surrogates. */
static void unit_pairs(void)
{
	static const uint16_t edge[] = {
		0x0000, 0x0041, 0x07ff, 0x0800, 0xd7ff, 0xd800, 0xd801, 0xdbff, 0xdc00,
		0xdc01, 0xdfff, 0xe000, 0xfeff, 0xfffe, 0xffff,
	};
	const size_t n = sizeof(edge) / sizeof(edge[0]);
	iconv_t cd = iconv_open("UTF-8", "UTF-16LE");

	for (size_t i = 0; i < n * n; i++) {
		uint16_t a = edge[i / n], b = edge[i % n];
		uint8_t in[4] = { a & 0xff, a >> 8, b & 0xff, b >> 8 };
		char ours[8], theirs[8];
		ssize_t want = judge(cd, in, 4, theirs, sizeof(theirs));
		ssize_t got = utf16le_to_utf8(in, 2, ours, sizeof(ours));

		CHECK_INT(got, want < 0 ? -EILSEQ : want);
		if (want > 0 && got == want)
			CHECK(!memcmp(ours, theirs, want));
	}
	iconv_close(cd);
}

static void ends(void)
{
	uint8_t lone[] = { 0x41, 0, 0x00, 0xd8 }, out[8];
	char text[8];

	CHECK_INT(utf16le_to_utf8(lone, 2, text, sizeof(text)), -EILSEQ);
	CHECK_INT(utf16le_to_utf8(lone, 1, text, sizeof(text)), 1);
	CHECK_INT(utf16le_to_utf8(lone, 0, text, sizeof(text)), 0);
	CHECK_INT(utf8_units("", 0), 0);
	CHECK_INT(utf8_to_utf16le("", 0, out, 0), 0);
}

static void room(void)
{
	static const uint8_t smile[] = { 0x3d, 0xd8, 0x00, 0xde };
	uint8_t out[4];
	char text[4];

	for (size_t n = 0; n < 4; n++) {
		CHECK_INT(utf16le_to_utf8(smile, 2, text, n), -ENOSPC);
		CHECK_INT(utf8_to_utf16le("\U0001F600", 4, out, n), -ENOSPC);
	}
	CHECK_INT(utf16le_to_utf8(smile, 2, text, 4), 4);
	CHECK(!memcmp(text, "\U0001F600", 4));
	CHECK_INT(utf8_to_utf16le("\U0001F600", 4, out, 4), 4);
	CHECK(!memcmp(out, smile, 4));
}

static const char *repaired(const char *text)
{
	static char out[100];

	out[utf8_repair(text, strlen(text), out)] = 0;
	return out;
}

/* As Unicode recommends it, in "U+FFFD Substitution of Maximal Subparts". */
static void repair(void)
{
	char out[3];

	CHECK_TEXT(repaired(""), "");
	CHECK_TEXT(repaired("a\u20ac\U0001F600"), "a\u20ac\U0001F600");
	CHECK_TEXT(repaired("a\xff\xfe" "b"), "a\ufffd\ufffdb");
	CHECK_TEXT(repaired("\xe2\x82"), "\ufffd");
	CHECK_TEXT(repaired("\xe2\x82(\x80"), "\ufffd(\ufffd");
	CHECK_TEXT(repaired("\xed\xa0\x80"), "\ufffd\ufffd\ufffd");	/* a surrogate */
	CHECK_TEXT(repaired("\xc0\xaf"), "\ufffd\ufffd");		/* overlong */
	CHECK_TEXT(repaired("\xe0\x80\xbf"), "\ufffd\ufffd\ufffd");
	CHECK_TEXT(repaired("\xf0\x9f\x98" "A"), "\ufffdA");
	CHECK_TEXT(repaired("\xf4\x91\x92\x93"), "\ufffd\ufffd\ufffd\ufffd");
	CHECK_TEXT(repaired("\xf1\x80\xe1\x80\xc2"), "\ufffd\ufffd\ufffd");
	/* No byte behind the end is looked at. */
	CHECK_INT(utf8_repair("\xe2\x82\xac", 2, out), 3);
}

/* Return: bytes of the prefix; the same is encoded where there is room for these units. */
static size_t prefix_of(const char *text, size_t len, size_t units)
{
	size_t prefix = utf8_prefix(text, len, units);
	uint8_t out[16], whole[16];
	ssize_t size = utf8_to_utf16le(text, prefix, whole, sizeof(whole));

	CHECK(size >= 0 && size <= (ssize_t)sizeof(out));
	CHECK_INT(utf8_prefix_to_utf16le(text, len, out, 2 * units), size);
	CHECK(!memcmp(out, whole, size));
	return prefix;
}

static void prefix(void)
{
	CHECK_INT(prefix_of("abc", 3, 2), 2);
	CHECK_INT(prefix_of("abc", 3, 3), 3);
	CHECK_INT(prefix_of("abc", 3, 8), 3);
	CHECK_INT(prefix_of("abc", 3, 0), 0);
	CHECK_INT(prefix_of("a\u20acb", 5, 2), 4);
	CHECK_INT(prefix_of("a\U0001F600b", 6, 2), 1);	/* it takes two units */
	CHECK_INT(prefix_of("a\U0001F600b", 6, 3), 5);
	CHECK_INT(prefix_of("a\xff", 2, 8), 1);
}

static const struct tap_case cases[] = {
	{ "all code points agree with iconv, both ways", all_code_points },
	{ "bytes that are not UTF-8 are refused", odd_bytes },
	{ "pairs of units around the surrogates agree with iconv", unit_pairs },
	{ "a surrogate at the end is refused, an empty text is not", ends },
	{ "what does not fit is refused, not cut", room },
	{ "U+FFFD stands for what cannot be decoded", repair },
	{ "a prefix ends with a whole character", prefix },
};

TAP_MAIN("utf", cases)
