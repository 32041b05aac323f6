// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events in words, see show.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hv_kvp.h>

#include "hvkvp/packet.h"
#include "hvkvp/show.h"
#include "util/escape.h"

#define HEX_LINE 16

/* Events: the name in JSON, who caused it, and the text where there is no packet. */
static const struct {
	const char *name;
	const char *who;
	const char *text;
} events[] = {
	[HVKVP_RECEIVED]  = { "received",  "host",    "" },
	[HVKVP_SENT]	  = { "sent",	   "guest",   "" },
	[HVKVP_TAKEN]	  = { "taken",	   "service", "has read the request" },
	[HVKVP_EXPIRED]	  = { "expired",   "driver",  "the deadline passed" },
	[HVKVP_WITHDRAWN] = { "withdrawn", "host",    "no longer waits for the answer" },
	[HVKVP_ATTACHED]  = { "attached",  "service", "is attached" },
	[HVKVP_DETACHED]  = { "detached",  "service", "is detached" },
	[HVKVP_OPENED]	  = { "opened",	   "channel", "is open" },
	[HVKVP_CLOSED]	  = { "closed",	   "channel", "is closed" },
};

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);
	json_t *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	value = json_stringn(text, 2 * len);
	free(text);
	return value;
}

static void print_hex(const uint8_t *bytes, size_t len)
{
	for (size_t at = 0; at < len; at += HEX_LINE) {
		size_t end = at + HEX_LINE < len ? at + HEX_LINE : len;

		printf("    %04zx ", at);
		for (size_t i = at; i < at + HEX_LINE; i++)
			if (i < end)
				printf(" %02x", bytes[i]);
			else
				printf("   ");
		printf("  ");
		for (size_t i = at; i < end; i++)
			putchar(bytes[i] >= ' ' && bytes[i] < 0x7f ? bytes[i] : '.');
		putchar('\n');
	}
}

static void print_text(const char *text)
{
	char shown[SHOWN_VALUE_SIZE];

	escape(text, shown, sizeof(shown));
	printf(*text && !strpbrk(text, " \"=,") ? "%s" : "\"%s\"", shown);
}

static void print_scalar(const json_t *value)
{
	if (json_is_string(value))
		print_text(json_string_value(value));
	else if (json_is_boolean(value))
		printf(json_is_true(value) ? "yes" : "no");
	else
		printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
}

/* The members of a description, except the headers. */
static void print_packet(json_t *described)
{
	const char *name;
	json_t *value, *element;
	size_t i;

	json_object_foreach(described, name, value) {
		if (json_is_object(value))
			continue;
		if (strcmp(name, "message"))
			printf(" %s%s=%s", command_colour('d'), name, command_colour(0));
		else
			putchar(' ');
		if (!json_is_array(value))
			print_scalar(value);
		json_array_foreach(value, i, element) {
			if (i)
				putchar(',');
			print_scalar(element);
		}
	}
}

static void print_line(const struct command *command, const struct show_event *event,
		       json_t *described)
{
	uint64_t since_ns = event->time_ns - event->origin_ns;

	if (event->lost)
		printf("%s%llu events were lost here: hvkvp read them too slowly%s\n",
		       command_colour('b'), (unsigned long long)event->lost, command_colour(0));
	printf("%5llu.%06llu ", (unsigned long long)since_ns / 1000000000,
	       (unsigned long long)since_ns / 1000 % 1000000);
	if (event->id)
		printf("%s%llu%s ", command_colour('d'), (unsigned long long)event->id,
		       command_colour(0));
	printf("%s%-7s%s", command_colour('p'), events[event->what].who, command_colour(0));
	if (described)
		print_packet(described);
	else
		printf(" %s", events[event->what].text);
	if (event->what == HVKVP_RECEIVED && !event->id)
		printf(" %sdropped%s", command_colour('b'), command_colour(0));
	if (event->answers)
		printf(" %safter %llu us%s", command_colour('d'),
		       (unsigned long long)event->after_ns / 1000, command_colour(0));
	putchar('\n');
	if (command->hex)
		print_hex(event->packet, event->len);
}

static void print_json(const struct command *command, const struct show_event *event,
		       json_t *described)
{
	json_t *line = json_pack("{s:s, s:I, s:I, s:I}", "event", events[event->what].name,
				 "time_ns", (json_int_t)event->time_ns,
				 "id", (json_int_t)event->id,
				 "lost", (json_int_t)event->lost);

	if (described) {
		json_object_set_new(line, "length", json_integer(event->full_len));
		json_object_set(line, "packet", described);
		if (command->hex)
			json_object_set_new(line, "bytes", hex_json(event->packet, event->len));
	}
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
}

int show_event(const struct command *command, const struct show_event *event)
{
	json_t *described = NULL;

	/* Events of a later driver that we do not know are skipped. */
	if (event->what >= sizeof(events) / sizeof(events[0]) || !events[event->what].name)
		return EXIT_OK;
	if (event->len)
		described = packet_describe(event->packet, event->len);
	if (command->json)
		print_json(command, event, described);
	else
		print_line(command, event, described);
	json_decref(described);
	fflush(stdout);
	return ferror(stdout) ? EXIT_STORAGE : EXIT_OK;
}
