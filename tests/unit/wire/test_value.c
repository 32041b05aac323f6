// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys and values of a message: padded, too large and wrong ones beside good ones.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uchar.h>

#include <hv_kvp_msg.h>

#include "c/tap.h"
#include "wire/value.h"

#define ROOM	HVKVP_VALUE_SIZE

/* u"" literals are UTF-16 in the order of this machine, which is the wire's. */
#define TEXT(literal) (const uint8_t *)(literal), sizeof(literal)

/* Exact copies on the heap, so that a sanitizer sees each byte too far. */
static ssize_t get_text(const uint8_t *in, uint32_t size, size_t room, char *out,
			size_t out_size)
{
	uint8_t *copy = malloc(room ? room : 1);
	ssize_t ret;

	memset(copy, 0xee, room);
	memcpy(copy, in, size < room ? size : room);
	ret = wire_get_text(copy, size, room, out, out_size);
	free(copy);
	return ret;
}

static void good_text(void)
{
	char out[TEXT_VALUE_SIZE];

	CHECK_INT(get_text(TEXT(u"Name"), ROOM, out, sizeof(out)), 4);
	CHECK_TEXT(out, "Name");
	CHECK_INT(get_text(TEXT(u"k\u00f6\u20ac"), ROOM, out, sizeof(out)), 6);
	CHECK_TEXT(out, "kö€");
	CHECK_INT(get_text(TEXT(u"\U0001F600\U0010FFFF"), ROOM, out, sizeof(out)), 8);
	CHECK_TEXT(out, "\U0001F600\U0010FFFF");
	CHECK_INT(get_text(TEXT(u"say \"hello\" & 'bye'\n"), ROOM, out, sizeof(out)), 20);
	CHECK_TEXT(out, "say \"hello\" & 'bye'\n");
}

static void empty_text(void)
{
	char out[4] = "xyz";

	CHECK_INT(get_text(TEXT(u""), ROOM, out, sizeof(out)), 0);
	CHECK_TEXT(out, "");
}

static void padded_text(void)
{
	char out[64];

	CHECK_INT(get_text(TEXT(u"a\0"), ROOM, out, sizeof(out)), 1);
	CHECK_TEXT(out, "a");
	CHECK_INT(get_text(TEXT(u"\0a"), ROOM, out, sizeof(out)), 0);
	CHECK_INT(get_text(TEXT(u"ab\0\xd83d"), ROOM, out, sizeof(out)), 2);
	CHECK_TEXT(out, "ab");
	CHECK_INT(get_text(TEXT(u"\0"), ROOM, out, sizeof(out)), 0);
}

static void bad_sizes(void)
{
	const uint8_t *in = (const uint8_t *)u"abcdefgh";
	static const uint32_t sizes[] = {
		19, 20, 65, 66, 511, 513, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff,
	};
	char out[64];

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		CHECK_INT(wire_get_text(in, sizes[i], 18, out, sizeof(out)), -EINVAL);
	CHECK_INT(get_text(in, 0, ROOM, out, sizeof(out)), 0);
	CHECK_TEXT(out, "");
	CHECK_INT(get_text(in, 1, ROOM, out, sizeof(out)), 0);
	CHECK_INT(get_text(in, 7, ROOM, out, sizeof(out)), 3);
	CHECK_TEXT(out, "abc");
}

static void missing_nul(void)
{
	char out[64];

	CHECK_INT(get_text((const uint8_t *)u"ab", 4, ROOM, out, sizeof(out)), 2);
	CHECK_TEXT(out, "ab");
	/* Half of a NUL is none. */
	CHECK_INT(get_text((const uint8_t *)u"a\x0100", 4, ROOM, out, sizeof(out)), 3);
	CHECK_INT(get_text((const uint8_t *)u"a\x0001", 4, ROOM, out, sizeof(out)), 2);
	/* An answer has room for one unit less. */
	CHECK_INT(get_text((const uint8_t *)u"ab", 2, 4, out, sizeof(out)), 1);
	CHECK_INT(get_text((const uint8_t *)u"ab", 4, 4, out, sizeof(out)), -ENOSPC);
}

static void lone_surrogates(void)
{
	static const char16_t high[] = { 0xd83d, 0 }, low[] = { 0xde00, 0 };
	static const char16_t turned[] = { 0xde00, 0xd83d, 0 }, twice[] = { 0xd83d, 0xd83d, 0 };
	static const char16_t then[] = { 0xd83d, 'a', 0 };
	char out[64];

	CHECK_INT(get_text(TEXT(high), ROOM, out, sizeof(out)), -EILSEQ);
	CHECK_INT(get_text(TEXT(low), ROOM, out, sizeof(out)), -EILSEQ);
	CHECK_INT(get_text(TEXT(turned), ROOM, out, sizeof(out)), -EILSEQ);
	CHECK_INT(get_text(TEXT(twice), ROOM, out, sizeof(out)), -EILSEQ);
	CHECK_INT(get_text(TEXT(then), ROOM, out, sizeof(out)), -EILSEQ);
}

static void longest(void)
{
	char16_t key[WIRE_KEY_UNITS + 1], value[WIRE_VALUE_UNITS + 1];
	char out[TEXT_VALUE_SIZE];

	for (int i = 0; i < WIRE_VALUE_UNITS; i++)
		value[i] = 'a' + i % 26;
	value[WIRE_VALUE_UNITS] = 0;
	memcpy(key, value, sizeof(key));
	key[WIRE_KEY_UNITS] = 0;

	CHECK_INT(get_text((uint8_t *)key, sizeof(key), HVKVP_KEY_SIZE, out, TEXT_KEY_SIZE), 255);
	CHECK_INT(strlen(out), 255);
	CHECK_INT(get_text((uint8_t *)value, sizeof(value), HVKVP_VALUE_SIZE, out, sizeof(out)),
		  1023);
	CHECK_INT(strlen(out), 1023);
	/* One more byte or unit than the message has room for. */
	CHECK_INT(get_text((uint8_t *)key, HVKVP_KEY_SIZE + 2, HVKVP_KEY_SIZE, out,
			   sizeof(out)), -EINVAL);
}

/* 1023 units can be three times as many bytes: a record does not hold them. */
static void too_long_for_a_record(void)
{
	char16_t value[WIRE_VALUE_UNITS + 1];
	char out[TEXT_VALUE_SIZE];

	for (int i = 0; i < WIRE_VALUE_UNITS; i++)
		value[i] = 0x20ac;
	value[WIRE_VALUE_UNITS] = 0;
	CHECK_INT(get_text((uint8_t *)value, sizeof(value), ROOM, out, sizeof(out)), -ENOSPC);
	/* 682 three-byte characters are 2046 bytes; with an ASCII letter, 2047. */
	value[682] = 'x';
	value[683] = 0;
	CHECK_INT(get_text((uint8_t *)value, 2 * 684, ROOM, out, sizeof(out)), 2047);
	value[683] = 'y';
	value[684] = 0;
	CHECK_INT(get_text((uint8_t *)value, 2 * 685, ROOM, out, sizeof(out)), -ENOSPC);
}

static void put_text(void)
{
	uint8_t out[16];

	memset(out, 0xee, sizeof(out));
	CHECK_INT(wire_put_text("a\U0001F600", out, sizeof(out)), 8);
	CHECK(!memcmp(out, u"a\U0001F600", 8));
	for (size_t i = 8; i < sizeof(out); i++)
		CHECK_INT(out[i], 0);

	CHECK_INT(wire_put_text("", out, sizeof(out)), 2);
	CHECK_INT(out[0] | out[1], 0);
	CHECK_INT(wire_put_text("1234567", out, sizeof(out)), 16);
	CHECK_INT(wire_put_text("12345678", out, sizeof(out)), -ENOSPC);
	CHECK_INT(wire_put_text("\xff", out, sizeof(out)), -EILSEQ);
}

static void values(void)
{
	static const uint8_t ones[] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };
	static const uint8_t count[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	char out[TEXT_VALUE_SIZE];

	CHECK_INT(wire_get_value(HVKVP_REG_SZ, TEXT(u"v"), 4, out, sizeof(out)), 1);
	CHECK_TEXT(out, "v");
	CHECK_INT(wire_get_value(HVKVP_REG_EXPAND_SZ, TEXT(u"%PATH%"), 14, out, sizeof(out)), 6);
	CHECK_TEXT(out, "%PATH%");
	CHECK_INT(wire_get_value(HVKVP_REG_DWORD, count, 4, ROOM, out, sizeof(out)), 8);
	CHECK_TEXT(out, "67305985");
	CHECK_INT(wire_get_value(HVKVP_REG_DWORD, ones, 4, ROOM, out, sizeof(out)), 10);
	CHECK_TEXT(out, "4294967295");
	CHECK_INT(wire_get_value(HVKVP_REG_QWORD, count, 8, ROOM, out, sizeof(out)), 18);
	CHECK_TEXT(out, "578437695752307201");
	CHECK_INT(wire_get_value(HVKVP_REG_QWORD, ones, 8, ROOM, out, sizeof(out)), 20);
	CHECK_TEXT(out, "18446744073709551615");
	CHECK_INT(wire_get_value(HVKVP_REG_QWORD_LINUX, count, 8, ROOM, out, sizeof(out)), 18);
}

static void bad_values(void)
{
	static const uint8_t zeros[16];
	static const uint32_t types[] = { 0, 3, 5, 6, 7, 9, 10, 12, 0xffffffff };
	char out[64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		CHECK_INT(wire_get_value(types[i], zeros, 2, 16, out, sizeof(out)), -EINVAL);
	for (uint32_t size = 17; size < 20; size++) {
		CHECK_INT(wire_get_value(HVKVP_REG_DWORD, zeros, size, 16, out, sizeof(out)),
			  -EINVAL);
		CHECK_INT(wire_get_value(HVKVP_REG_QWORD, zeros, size, 16, out, sizeof(out)),
			  -EINVAL);
	}
	CHECK_INT(wire_get_value(HVKVP_REG_DWORD, zeros, 0, 3, out, sizeof(out)), -EINVAL);
	CHECK_INT(wire_get_value(HVKVP_REG_QWORD, zeros, 4, 7, out, sizeof(out)), -EINVAL);
}

/* Like the stock driver: the type says how many bytes count. */
static void numbers_of_other_sizes(void)
{
	static const uint8_t count[16] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	char out[64];

	for (uint32_t size = 0; size <= 16; size++) {
		CHECK_INT(wire_get_value(HVKVP_REG_DWORD, count, size, 16, out, sizeof(out)), 8);
		CHECK_TEXT(out, "67305985");
		CHECK_INT(wire_get_value(HVKVP_REG_QWORD, count, size, 16, out, sizeof(out)), 18);
		CHECK_TEXT(out, "578437695752307201");
	}
}

static void oddities(void)
{
	CHECK(!wire_text_oddity(TEXT(u"a")));
	CHECK(!wire_text_oddity(TEXT(u"")));
	CHECK_TEXT(wire_text_oddity(TEXT(u"a\0")), "a string has a NUL before its end");
	CHECK_TEXT(wire_text_oddity((const uint8_t *)u"a", 2), "a string has no final NUL");
	CHECK_TEXT(wire_text_oddity((const uint8_t *)u"a", 3),
		   "the size of a string is zero or odd");
	CHECK_TEXT(wire_text_oddity((const uint8_t *)u"a", 0),
		   "the size of a string is zero or odd");
	CHECK(!wire_value_oddity(HVKVP_REG_SZ, TEXT(u"a")));
	CHECK(!wire_value_oddity(HVKVP_REG_DWORD, (const uint8_t *)u"ab", 4));
	CHECK_TEXT(wire_value_oddity(HVKVP_REG_DWORD, (const uint8_t *)u"ab", 2),
		   "the size of a DWORD is not 4");
	CHECK(!wire_value_oddity(HVKVP_REG_QWORD, (const uint8_t *)u"abcd", 8));
	CHECK_TEXT(wire_value_oddity(HVKVP_REG_QWORD_LINUX, (const uint8_t *)u"abcd", 4),
		   "the size of a QWORD is not 8");
}

static const struct tap_case cases[] = {
	{ "good strings, with surrogates and quotes", good_text },
	{ "an empty string", empty_text },
	{ "a NUL before the end ends a string", padded_text },
	{ "too large sizes are refused, odd and zero ones are not", bad_sizes },
	{ "a missing NUL is no fault, if there is room for one", missing_nul },
	{ "lone surrogates are refused", lone_surrogates },
	{ "255 and 1023 units pass, one more does not", longest },
	{ "what a record cannot hold is refused, not cut", too_long_for_a_record },
	{ "a string for the wire is padded with zeros", put_text },
	{ "values of every type", values },
	{ "unknown types, and numbers larger than the field, are refused", bad_values },
	{ "the type of a number says its size", numbers_of_other_sizes },
	{ "what is unusual has a name", oddities },
};

TAP_MAIN("value", cases)
