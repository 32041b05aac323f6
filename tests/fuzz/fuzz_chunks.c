// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long values in pieces: together they are the value again, none is too long for
 * the host, and none ends in the middle of a character.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "util/utf.h"
#include "wire/chunks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1), key[512];
	const char *at = text;
	unsigned int index = 0;
	bool valid;
	int style;

	memcpy(text, data, len);
	text[len] = 0;
	style = len ? data[0] % CHUNK_STYLES : 0;
	valid = utf8_units(text, strlen(text)) >= 0;
	while (*at) {
		size_t piece = chunk_length(style, at);

		MUST(piece && piece <= 1023 && piece <= strlen(at));
		MUST(!valid || utf8_units(at, piece) >= 0);
		MUST(chunk_key(style, "key", index++, key, sizeof(key)) == 0);
		at += piece;
	}
	MUST(!chunk_length(style, at));
	if (chunk_key(style, text, 7, key, sizeof(key)) == 0)
		MUST(!strncmp(key, text, strlen(text)));
	free(text);
	return 0;
}
