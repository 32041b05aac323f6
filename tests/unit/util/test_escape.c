// SPDX-License-Identifier: GPL-2.0-only
/*
 * Text of unknown origin in a log or on a terminal.
 */
#include <string.h>

#include "c/tap.h"
#include "util/escape.h"

static void plain(void)
{
	char out[64];

	CHECK_TEXT(escape("", out, sizeof(out)), "");
	CHECK_TEXT(escape("plain \"text\" ö€\U0001F600", out, sizeof(out)),
		   "plain \"text\" ö€\U0001F600");
}

static void control(void)
{
	char out[64];

	CHECK_TEXT(escape("a\tb\nc\\d", out, sizeof(out)), "a\\tb\\nc\\\\d");
	CHECK_TEXT(escape("\x1b[31mred\x7f\x01", out, sizeof(out)), "\\x1b[31mred\\x7f\\x01");
	/* U+009B does the same as ESC [ on some terminals. */
	CHECK_TEXT(escape("\xc2\x9b" "31m\xc2\xa0", out, sizeof(out)), "\\x9b31m\xc2\xa0");
}

static void cut(void)
{
	char out[8];

	CHECK_TEXT(escape("1234567", out, sizeof(out)), "1234567");
	CHECK_TEXT(escape("12345678", out, sizeof(out)), "1234...");
	CHECK_TEXT(escape("123€€", out, sizeof(out)), "123...");
	CHECK_TEXT(escape("\n\n\n\n", out, sizeof(out)), "\\n\\n...");
}

static void broken(void)
{
	char out[16];

	/* Not UTF-8: nothing is read behind the end. */
	CHECK_INT(strlen(escape("\xf0", out, sizeof(out))), 1);
	CHECK_INT(strlen(escape("a\xe2\x82", out, sizeof(out))), 3);
	CHECK_INT(strlen(escape("\xc2", out, sizeof(out))), 1);
}

static void quoted(void)
{
	char out[16];

	CHECK_TEXT(escape("a\"b", out, sizeof(out)), "a\"b");
	CHECK_TEXT(escape_quoted("a\"b\n", out, sizeof(out)), "a\\\"b\\n");
	CHECK_TEXT(escape_quoted("\"\"\"\"\"\"\"\"\"\"", out, 8), "\\\"\\\"...");
}

static const struct tap_case cases[] = {
	{ "plain text stays", plain },
	{ "control characters are escaped", control },
	{ "what does not fit is marked", cut },
	{ "quotation marks are escaped on demand", quoted },
	{ "broken UTF-8 is not read beyond its end", broken },
};

TAP_MAIN("escape", cases)
