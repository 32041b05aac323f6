// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events as JSON lines.
 */
#include "util/out.h"

#include <stdlib.h>
#include <string.h>

#include "test/suites.h"

static void lines(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *file = open_memstream(&text, &len);
	struct out *out = out_new(file);

	out_event(out, "case", "s:s, s:i", "name", "a \"b\"", "ms", 5);
	out_event(out, "unload", "");
	out_event(NULL, "nothing", "");
	fclose(file);
	REQUIRE(!strcmp(text, "{\"event\":\"case\",\"name\":\"a \\\"b\\\"\",\"ms\":5}\n"
			    "{\"event\":\"unload\"}\n"));
	out_free(out);
	free(text);
}

static void any_bytes(void)
{
	static const char bytes[] = "ok\xff\xc3\xa9\xed\xa0\x80\xf0\x9f\x98\x80\xc0\x80\xf0";
	json_t *json = out_text(bytes, sizeof(bytes) - 1);

	REQUIRE(json);
	REQUIRE(!strcmp(json_string_value(json),
		      "ok\\xff\xc3\xa9\\xed\\xa0\\x80\xf0\x9f\x98\x80\\xc0\\x80\\xf0"));
	json_decref(json);
}

static const struct tap_case out_cases[] = {
	{ "one object a line", lines },
	{ "any bytes become valid JSON", any_bytes },
};

const struct tap_suite out_tests = TAP_SUITE("out", out_cases);
