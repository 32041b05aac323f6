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

#include "hvkvp/capture.h"
#include "hvkvp/command.h"
#include "hvkvp/recorded.h"
#include "hvkvp/show.h"
#include "util/clock.h"
#include "util/paths.h"

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
 * @out: the capture that is written; NULL: events are printed
 * @realtime_ns: what to add to CLOCK_MONOTONIC for the time of day
 * @lost: events that were lost since the last packet that was written
 */
struct monitor {
	const struct command *command;
	int fd;
	__u64 id;
	__u64 since_ns;
	FILE *out;
	uint64_t realtime_ns;
	uint64_t lost;
};

static int write_event(struct monitor *monitor, const struct hvkvp_event *event, size_t len)
{
	const struct capture_packet packet = {
		.time_ns = event->time_ns + monitor->realtime_ns,
		.id = event->hdr.id, .has_id = true,
		.to_guest = event->what == HVKVP_RECEIVED,
		.lost = monitor->lost + event->lost,
		.bytes = event->packet, .len = len,
		.full_len = event->packet_len > len ? event->packet_len : len,
	};
	int err;

	/* What a capture cannot have is not lost with it. */
	monitor->lost = packet.lost;
	if (event->what != HVKVP_RECEIVED && event->what != HVKVP_SENT)
		return EXIT_OK;
	monitor->lost = 0;
	err = capture_write(monitor->out, &packet);
	return err ? command_fail(EXIT_STORAGE, "%s: %s", monitor->command->write, strerror(-err)) :
		     EXIT_OK;
}

static int print_event(struct monitor *monitor, const struct hvkvp_event *event, size_t len)
{
	const struct show_event shown = {
		.what = event->what, .time_ns = event->time_ns, .id = event->hdr.id,
		.lost = event->lost, .packet = event->packet, .len = len,
		.full_len = event->packet_len,
		.answers = event->what == HVKVP_SENT && event->hdr.id == monitor->id,
		.after_ns = event->time_ns - monitor->since_ns,
	};

	if (event->what == HVKVP_RECEIVED && event->hdr.id) {
		monitor->id = event->hdr.id;
		monitor->since_ns = event->time_ns;
	}
	return show_event(monitor->command, &shown);
}

static int handle_event(struct monitor *monitor, const union monitor_message *message, size_t len)
{
	len -= sizeof(message->event);
	return monitor->out ? write_event(monitor, &message->event, len) :
			      print_event(monitor, &message->event, len);
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

/* The capture has every pair, so it is for its owner only. */
static int open_capture(struct monitor *monitor)
{
	const char *path = monitor->command->write;
	struct timespec now;
	int fd, err;

	clock_gettime(CLOCK_REALTIME, &now);
	monitor->realtime_ns = (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec - clock_ns();
	fd = strcmp(path, "-") ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) :
				 fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	monitor->out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!monitor->out) {
		err = errno;
		if (fd >= 0)
			close(fd);
		return command_fail(EXIT_STORAGE, "%s: %s", path, strerror(err));
	}
	err = capture_begin(monitor->out);
	return err ? command_fail(EXIT_STORAGE, "%s: %s", path, strerror(-err)) : EXIT_OK;
}

static int close_capture(struct monitor *monitor, int ret)
{
	if (monitor->out && fclose(monitor->out) && !ret)
		return command_fail(EXIT_STORAGE, "%s: %s", monitor->command->write,
				    strerror(errno));
	return ret;
}

static int check_usage(const struct command *command)
{
	if (command->write && command->read)
		return command_fail(EXIT_USAGE, "monitor: --write and --read exclude each other");
	if (command->write && (command->json || command->hex))
		return command_fail(EXIT_USAGE, "monitor: --write prints nothing; use --json and --hex with --read");
	if (command->read && command->timeout_ms >= 0)
		return command_fail(EXIT_USAGE, "monitor: --read has no --timeout");
	return EXIT_OK;
}

int command_monitor(struct command *command)
{
	struct monitor monitor = { .command = command };
	int ret = check_usage(command);

	if (ret)
		return ret;
	if (command->read)
		return recorded_show(command);
	ret = open_device(&monitor);
	if (ret)
		return ret;
	if (command->write)
		ret = open_capture(&monitor);
	if (!ret)
		ret = watch_device(&monitor);
	ret = close_capture(&monitor, ret);
	close(monitor.fd);
	return ret;
}
