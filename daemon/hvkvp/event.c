// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events of cloud-init that are split into pieces.
 */
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hvkvp/event.h"

#define NUMBER		"msg_i"
#define MESSAGE		"msg"

/* As cloud-init writes it: compact, and the last field. */
#define RAW_BEGIN	"\"" MESSAGE "\":\""
#define RAW_END		"\"}"

/**
 * struct piece - a piece
 * @fields: all fields; owned
 * @number: of the piece, from 0
 * @text: its part of the message, escaped for JSON; owned
 */
struct piece {
	json_t *fields;
	json_int_t number;
	char *text;
};

static void free_piece(struct piece *piece)
{
	json_decref(piece->fields);
	free(piece->text);
}

/* A valid object. Return: false if it is none. */
static bool parse_valid(struct piece *piece, const char *text)
{
	json_t *message;
	char *quoted;

	piece->fields = json_loads(text, 0, NULL);
	message = json_object_get(piece->fields, MESSAGE);
	if (!json_is_string(message))
		return false;
	quoted = json_dumps(message, JSON_ENCODE_ANY);
	if (!quoted)
		return false;
	piece->text = strndup(quoted + 1, strlen(quoted) - 2);
	free(quoted);
	return piece->text;
}

/* One whose text ends in the middle of an escape sequence: the rest is parsed without it. */
static bool parse_cut(struct piece *piece, const char *text)
{
	const char *begin = strstr(text, RAW_BEGIN), *end;
	size_t len = strlen(text), head;
	char *rest;

	if (!begin)
		return false;
	begin += strlen(RAW_BEGIN);
	end = text + len - strlen(RAW_END);
	if (end < begin || strcmp(end, RAW_END))
		return false;
	head = begin - text;
	rest = malloc(head + sizeof(RAW_END));
	if (!rest)
		return false;
	memcpy(rest, text, head);
	memcpy(rest + head, RAW_END, sizeof(RAW_END));
	piece->fields = json_loads(rest, 0, NULL);
	free(rest);
	piece->text = strndup(begin, end - begin);
	return json_is_object(piece->fields) && piece->text;
}

static bool parse(struct piece *piece, const char *text)
{
	json_t *number;

	*piece = (struct piece){ 0 };
	if (!parse_valid(piece, text)) {
		free_piece(piece);
		*piece = (struct piece){ 0 };
		if (!parse_cut(piece, text))
			return false;
	}
	number = json_object_get(piece->fields, NUMBER);
	piece->number = json_integer_value(number);
	return json_is_integer(number);
}

bool event_is_piece(const char *text)
{
	struct piece piece;
	bool is = parse(&piece, text);

	free_piece(&piece);
	return is;
}

static int by_number(const void *a, const void *b)
{
	const struct piece *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

/* The texts, behind each other, as one string of JSON. */
static json_t *join_texts(const struct piece *pieces, size_t count)
{
	size_t len = 0;
	json_t *message;
	char *all, *at;

	for (size_t i = 0; i < count; i++)
		len += strlen(pieces[i].text);
	all = malloc(len + 3);
	if (!all)
		return NULL;
	at = all;
	*at++ = '"';
	for (size_t i = 0; i < count; i++)
		at = stpcpy(at, pieces[i].text);
	strcpy(at, "\"");
	message = json_loads(all, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	free(all);
	return message;
}

int event_join(const char *const *pieces, size_t count, char **whole)
{
	struct piece *parsed = calloc(count, sizeof(*parsed));
	bool good = true;
	json_t *message;

	*whole = NULL;
	if (!parsed)
		return -ENOMEM;
	for (size_t i = 0; i < count && good; i++)
		good = parse(&parsed[i], pieces[i]);
	if (good)
		qsort(parsed, count, sizeof(*parsed), by_number);
	for (size_t i = 0; i < count && good; i++)
		good = parsed[i].number == (json_int_t)i;
	message = good ? join_texts(parsed, count) : NULL;
	if (message) {
		json_object_del(parsed[0].fields, NUMBER);
		json_object_set_new(parsed[0].fields, MESSAGE, message);
		*whole = json_dumps(parsed[0].fields, JSON_COMPACT);
	}
	for (size_t i = 0; i < count; i++)
		free_piece(&parsed[i]);
	free(parsed);
	return message ? *whole ? 0 : -ENOMEM : -EINVAL;
}
