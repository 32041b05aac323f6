// SPDX-License-Identifier: GPL-2.0-only
/*
 * Long values in pieces.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/chunks.h"

static const struct {
	const char *name;
	size_t size;
} styles[CHUNK_STYLES] = {
	[CHUNK_IGNITION]   = { "ignition",   990 },
	[CHUNK_CLOUD_INIT] = { "cloud-init", 1023 },
	[CHUNK_AZURE]	   = { "azure",	     1022 },
};

int chunk_style_parse(const char *name)
{
	for (int i = 0; i < CHUNK_STYLES; i++)
		if (!strcmp(name, styles[i].name))
			return i;
	return -1;
}

const char *chunk_style_name(enum chunk_style style)
{
	return styles[style].name;
}

int chunk_key(enum chunk_style style, const char *key, unsigned int index, char *out, size_t size)
{
	int len;

	if (style == CHUNK_AZURE)
		len = snprintf(out, size, "%s", key);
	else if (style == CHUNK_CLOUD_INIT)
		len = snprintf(out, size, "%s|%u", key, index);
	else
		len = snprintf(out, size, "%s%u", key, index);
	return len < 0 || (size_t)len >= size ? -EMSGSIZE : 0;
}

size_t chunk_length(enum chunk_style style, const char *text)
{
	size_t most = styles[style].size, len = strnlen(text, most + 1), end = most;

	if (len <= most)
		return len;
	while (end && (text[end] & 0xc0) == 0x80)
		end--;
	/* Not UTF-8: then any place is as good. */
	return end > most - 4 ? end : most;
}
