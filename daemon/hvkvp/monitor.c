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

/**
 * union monitor_message - a message that the device sends
 */
union monitor_message {
	struct hvkvp_hdr hdr;
	struct hvkvp_hello hello;
	struct hvkvp_event event;
	uint8_t bytes[HVKVP_MAX_MESSAGE];
};

/**
 * struct monitor - an open device
 * @command: options
 * @fd: the device
 * @id: of the packet that waits for its answer
 * @since_ns: when it was received
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

static void print_line(const struct monitor *monitor, const struct hvkvp_event *event,
		       const uint8_t *packet, size_t shown, json_t *described)
{
	if (event->lost)
		printf("%s%u events were lost here: hvkvp read them too slowly%s\n",
		       command_colour('b'), event->lost, command_colour(0));
	printf("%5llu.%06llu ", event->time_ns / 1000000000,
	       event->time_ns / 1000 % 1000000);
	if (event->hdr.id)
		printf("%s%llu%s ", command_colour('d'), event->hdr.id, command_colour(0));
	printf("%s%-7s%s", command_colour('p'), events[event->what].who, command_colour(0));
	if (described)
		print_packet(described);
	else
		printf(" %s", events[event->what].text);
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
		       const uint8_t *packet, size_t shown, json_t *described)
{
	json_t *line = json_pack("{s:s, s:I, s:I, s:I}", "event", events[event->what].name,
				 "time_ns", (json_int_t)event->time_ns,
				 "id", (json_int_t)event->hdr.id,
				 "lost", (json_int_t)event->lost);

	if (described) {
		json_object_set_new(line, "length", json_integer(event->packet_len));
		json_object_set(line, "packet", described);
		if (monitor->command->hex)
			json_object_set_new(line, "bytes", hex_json(packet, shown));
	}
	if (line)
		json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
	putchar('\n');
}

static int handle_event(struct monitor *monitor, const union monitor_message *message, size_t len)
{
	const struct hvkvp_event *event = &message->event;
	const uint8_t *packet = message->bytes + sizeof(*event);
	size_t shown = len - sizeof(*event);
	json_t *described = NULL;

	/* Events of a later driver that we do not know are skipped. */
	if (event->what >= sizeof(events) / sizeof(events[0]) || !events[event->what].name)
		return EXIT_OK;
	if (shown)
		described = packet_describe(packet, shown);
	if (monitor->command->json)
		print_json(monitor, event, packet, shown, described);
	else
		print_line(monitor, event, packet, shown, described);
	json_decref(described);
	if (event->what == HVKVP_RECEIVED && event->hdr.id) {
		monitor->id = event->hdr.id;
		monitor->since_ns = event->time_ns;
	}
	fflush(stdout);
	return ferror(stdout) ? EXIT_STORAGE : EXIT_OK;
}

static int handle_hello(const struct monitor *monitor, const struct hvkvp_hello *hello)
{
	if (hello->major == HVKVP_MAJOR) {
		fprintf(stderr, "hvkvp: watching %s\n", monitor->command->device);
		return EXIT_OK;
	}
	return command_fail(EXIT_STORAGE, "the driver speaks protocol %u.%u and this program %u.%u: install both from the same release",
			    hello->major, hello->minor, HVKVP_MAJOR, HVKVP_MINOR);
}

static int handle_message(struct monitor *monitor, const union monitor_message *message, size_t len)
{
	if (len >= sizeof(message->hdr) && message->hdr.len == len) {
		if (message->hdr.type == HVKVP_HELLO && len == sizeof(message->hello))
			return handle_hello(monitor, &message->hello);
		if (message->hdr.type == HVKVP_EVENT && len >= sizeof(message->event))
			return handle_event(monitor, message, len);
	}
	return command_fail(EXIT_STORAGE, "the driver sent an invalid message of %zu bytes", len);
}

static int open_device(struct monitor *monitor)
{
	const char *path = monitor->command->device;

	monitor->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (monitor->fd >= 0)
		return EXIT_OK;
	if (errno == ENOENT && !access(DEVICE_STOCK, F_OK))
		return command_fail(EXIT_STORAGE, "%s does not exist: the driver hv_utils is in charge and cannot be monitored; run hvkvp-driver take",
				    path);
	if (errno == ENOENT)
		return command_fail(EXIT_STORAGE, "%s does not exist: is the module hv_kvp loaded, and is this a Hyper-V guest?",
				    path);
	if (errno == EINVAL)
		return command_fail(EXIT_STORAGE, "%s: this driver is too old to be monitored (protocol 1.1 is needed)",
				    path);
	return command_fail(EXIT_STORAGE, "%s: %s", path, strerror(errno));
}

/* Return: milliseconds to wait, -1 without limit, 0 after the time limit. */
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
			ret = handle_message(monitor, &message, len);
		} else if (!len || errno == ENODEV) {
			ret = command_fail(EXIT_STORAGE, "the device was removed");
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
