// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets in words: any bytes are described, and the description is valid JSON.
 */
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "hvkvp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_t *words, *again;
	char *text;

	words = packet_describe(data, len);
	MUST(words);
	MUST(json_object_get(words, "error") || json_object_get(words, "message"));
	text = json_dumps(words, JSON_COMPACT);
	MUST(text);
	again = json_loads(text, JSON_ALLOW_NUL, NULL);
	MUST(json_equal(words, again));
	json_decref(again);
	free(text);
	json_decref(words);
	return 0;
}
