// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's standard output: one JSON object a line, an "event" each.
 */
#include "util/out.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "util/types.h"

struct out {
	FILE *file;
	pthread_mutex_t lock;
};

struct out *out_new(FILE *file)
{
	struct out *out = calloc(1, sizeof(*out));

	if (!out)
		return NULL;
	out->file = file;
	pthread_mutex_init(&out->lock, NULL);
	return out;
}

void out_free(struct out *out)
{
	if (!out)
		return;
	pthread_mutex_destroy(&out->lock);
	free(out);
}

void out_object(struct out *out, json_t *object)
{
	char *line;

	if (!out || !object) {
		json_decref(object);
		return;
	}
	line = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	if (!line)
		return;
	pthread_mutex_lock(&out->lock);
	fputs(line, out->file);
	fputc('\n', out->file);
	fflush(out->file);
	pthread_mutex_unlock(&out->lock);
	free(line);
}

void out_event(struct out *out, const char *event, const char *fmt, ...)
{
	char pack[256];
	json_t *head, *rest;
	va_list ap;

	if (!out)
		return;
	snprintf(pack, sizeof(pack), "{%s}", fmt);
	va_start(ap, fmt);
	rest = json_vpack_ex(NULL, 0, pack, ap);
	va_end(ap);
	head = json_pack("{s:s}", "event", event);
	if (head && rest)
		json_object_update(head, rest);
	json_decref(rest);
	out_object(out, head);
}

/* Length of the valid UTF-8 sequence at @s, or 0. */
static size_t utf8_len(const u8 *s, size_t left)
{
	u32 code, i, n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (n > left)
		return 0;
	code = s[0] & (0xff >> (n + 1));
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && code < 0x800) || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	if (n == 4 && (code < 0x10000 || code > 0x10ffff))
		return 0;
	return n;
}

json_t *out_text(const char *bytes, size_t len)
{
	const u8 *in = (const u8 *)bytes;
	size_t i = 0, n, used = 0;
	char *text = malloc(len * 4 + 1);
	json_t *json;

	if (!text)
		return NULL;
	while (i < len) {
		n = utf8_len(in + i, len - i);
		if (n) {
			memcpy(text + used, in + i, n);
			used += n;
			i += n;
		} else {
			used += (size_t)sprintf(text + used, "\\x%02x", in[i++]);
		}
	}
	json = json_stringn(text, used);
	free(text);
	return json;
}
