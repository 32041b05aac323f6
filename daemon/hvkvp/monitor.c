// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hv_kvp.h>

#include "hvkvp/command.h"
#include "hvkvp/packet.h"
#include "util/clock.h"
#include "util/escape.h"
#include "util/paths.h"

#define HEX_LINE 16

/* What happened: for JSON, who did it, and a person's words where there is no packet. */
static const struct {
	const char *name;
	const char *who;
	const char *words;
} whats[] = {
	[HVKVP_RECEIVED]  = { "received",  "host",    "" },
	[HVKVP_SENT]	  = { "sent",	   "guest",   "" },
	[HVKVP_TAKEN]	  = { "taken",	   "service", "has read it" },
	[HVKVP_EXPIRED]	  = { "expired",   "driver",  "the deadline passed" },
	[HVKVP_WITHDRAWN] = { "withdrawn", "host",    "does not wait for it any more" },
	[HVKVP_ATTACHED]  = { "attached",  "service", "is there" },
	[HVKVP_DETACHED]  = { "detached",  "service", "is gone" },
	[HVKVP_OPENED]	  = { "opened",	   "channel", "is open" },
	[HVKVP_CLOSED]	  = { "closed",	   "channel", "is closed" },
};

/**
 * union monitor_message - what the device gives
 */
union monitor_message {
	struct hvkvp_hdr hdr;
	struct hvkvp_hello hello;
	struct hvkvp_event event;
	uint8_t bytes[HVKVP_MAX_MESSAGE];
};

/**
 * struct monitor - what is being watched
 * @command: options
 * @fd: the device
 * @id: of the packet whose turn it is
 * @since_ns: when its turn came
 */
struct monitor {
	const struct command *command;
	int fd;
	__u64 id;
	__u64 since_ns;
};

static json_t *hex_json(const uint8_t *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	char text[2 * HVKVP_MAX_MESSAGE];

	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	return json_stringn(text, 2 * len);
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

/* The members of a description that are for people. */
static void print_words(json_t *words)
{
	const char *name;
	json_t *value, *element;
	size_t i;

	json_object_foreach(words, name, value) {
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

static void print_line(const struct monitor *monitor, const struct hvkvp_event *event,
		       const uint8_t *packet, size_t shown, json_t *words)
{
	if (event->lost)
		printf("%s%u events were lost here: they came faster than they were read%s\n",
		       command_colour('b'), event->lost, command_colour(0));
	printf("%5llu.%06llu ", event->time_ns / 1000000000,
	       event->time_ns / 1000 % 1000000);
	if (event->hdr.id)
		printf("%s%llu%s ", command_colour('d'), event->hdr.id, command_colour(0));
	printf("%s%-7s%s", command_colour('p'), whats[event->what].who, command_colour(0));
	if (words)
		print_words(words);
	else
		printf(" %s", whats[event->what].words);
	if (event->what == HVKVP_RECEIVED && !event->hdr.id)
		printf(" %sdropped%s", command_colour('b'), command_colour(0));
	if (event->what == HVKVP_SENT && event->hdr.id == monitor->id)
		printf(" %safter %llu us%s", command_colour('d'),
		       (event->time_ns - monitor->since_ns) / 1000,
		       command_colour(0));
	putchar('\n');
	if (monitor->command->hex)
		print_hex(packet, shown);
}

static void print_json(const struct monitor *monitor, const struct hvkvp_event *event,
		       const uint8_t *packet, size_t shown, json_t *words)
{
	json_t *line = json_pack("{s:s, s:I, s:I, s:I}", "event", whats[event->what].name,
				 "time_ns", (json_int_t)event->time_ns,
				 "id", (json_int_t)event->hdr.id,
				 "lost", (json_int_t)event->lost);

	if (words) {
		json_object_set_new(line, "length", json_integer(event->packet_len));
		json_object_set(line, "packet", words);
		if (monitor->command->hex)
			json_object_set_new(line, "bytes", hex_json(packet, shown));
	}
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
}

static int take_event(struct monitor *monitor, const union monitor_message *message, size_t len)
{
	const struct hvkvp_event *event = &message->event;
	const uint8_t *packet = message->bytes + sizeof(*event);
	size_t shown = len - sizeof(*event);
	json_t *words = NULL;

	/* What a later driver tells, and we do not know, is skipped. */
	if (event->what >= sizeof(whats) / sizeof(whats[0]) || !whats[event->what].name)
		return EXIT_OK;
	if (shown)
		words = packet_describe(packet, shown);
	if (monitor->command->json)
		print_json(monitor, event, packet, shown, words);
	else
		print_line(monitor, event, packet, shown, words);
	json_decref(words);
	if (event->what == HVKVP_RECEIVED && event->hdr.id) {
		monitor->id = event->hdr.id;
		monitor->since_ns = event->time_ns;
	}
	fflush(stdout);
	return ferror(stdout) ? EXIT_STORAGE : EXIT_OK;
}

static int take_hello(const struct monitor *monitor, const struct hvkvp_hello *hello)
{
	if (hello->major == HVKVP_MAJOR) {
		fprintf(stderr, "hvkvp: watching %s\n", monitor->command->device);
		return EXIT_OK;
	}
	return command_fail(EXIT_STORAGE, "the driver speaks protocol %u.%u and this program %u.%u: install both of one release",
			    hello->major, hello->minor, HVKVP_MAJOR, HVKVP_MINOR);
}

static int take_message(struct monitor *monitor, const union monitor_message *message, size_t len)
{
	if (len >= sizeof(message->hdr) && message->hdr.len == len) {
		if (message->hdr.type == HVKVP_HELLO && len == sizeof(message->hello))
			return take_hello(monitor, &message->hello);
		if (message->hdr.type == HVKVP_EVENT && len >= sizeof(message->event))
			return take_event(monitor, message, len);
	}
	return command_fail(EXIT_STORAGE, "the driver sent %zu bytes that are no message", len);
}

static int open_device(struct monitor *monitor)
{
	const char *path = monitor->command->device;

	monitor->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (monitor->fd >= 0)
		return EXIT_OK;
	if (errno == ENOENT && !access(DEVICE_STOCK, F_OK))
		return command_fail(EXIT_STORAGE, "%s is not there: the driver hv_utils serves the host, and lets nobody watch; hvkvp-driver take changes that",
				    path);
	if (errno == ENOENT)
		return command_fail(EXIT_STORAGE, "%s is not there: is the module hv_kvp loaded, and is this a Hyper-V guest?",
				    path);
	if (errno == EINVAL)
		return command_fail(EXIT_STORAGE, "%s: this driver is too old to be watched (protocol 1.1 is needed)",
				    path);
	return command_fail(EXIT_STORAGE, "%s: %s", path, strerror(errno));
}

/* Return: milliseconds to wait, -1 for ever, 0 if the time is over. */
static int time_left(uint64_t end)
{
	uint64_t now = clock_ms();

	if (end == UINT64_MAX)
		return -1;
	if (now >= end)
		return 0;
	return end - now < INT32_MAX ? end - now : INT32_MAX;
}

static int watch_device(struct monitor *monitor)
{
	uint64_t end = monitor->command->timeout_ms < 0 ? UINT64_MAX :
		       clock_ms() + monitor->command->timeout_ms;
	struct pollfd poll_fd = { .fd = monitor->fd, .events = POLLIN };
	union monitor_message message;
	int ret = EXIT_OK;
	ssize_t len;

	while (!ret) {
		len = read(monitor->fd, &message, sizeof(message));
		if (len > 0) {
			ret = take_message(monitor, &message, len);
		} else if (!len || errno == ENODEV) {
			ret = command_fail(EXIT_STORAGE, "the device is gone");
		} else if (errno == EAGAIN) {
			if (!poll(&poll_fd, 1, time_left(end)) && !time_left(end))
				break;
		} else if (errno != EINTR) {
			ret = command_fail(EXIT_STORAGE, "%s: %s", monitor->command->device,
					   strerror(errno));
		}
	}
	return ret;
}

int command_monitor(struct command *command)
{
	struct monitor monitor = { .command = command };
	int ret = open_device(&monitor);

	if (ret)
		return ret;
	ret = watch_device(&monitor);
	close(monitor.fd);
	return ret;
}
