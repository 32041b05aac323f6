/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's loop: device, signals, and nothing in between
 */
#ifndef HVKVP_HVKVPD_LOOP_H
#define HVKVP_HVKVPD_LOOP_H

#include "hvkvpd/device.h"
#include "hvkvpd/service.h"
#include "util/notifier.h"

/* Descriptors that report changes. */
#define LOOP_NOTIFIERS 6

/* Exit codes of hvkvpd. */
enum loop_exit {
	LOOP_EXIT_OK		= 0,
	LOOP_EXIT_FAILURE	= 1,
	LOOP_EXIT_USAGE		= 2,
	LOOP_EXIT_BUSY		= 3,
	LOOP_EXIT_PROTOCOL	= 4,
};

/**
 * struct loop - the daemon at work
 * @device: what to serve
 * @service: answers
 * @reload: called at SIGHUP; NULL: there is nothing to reload
 * @reload_data: its argument
 * @extra_fd: of loop_add_extra(); -1: none
 * @extra_event: likewise
 * @extra_data: likewise
 * @links_changed: called when the device has been opened, and then when an interface
 *	has come or gone; may be NULL
 * @links_data: for @links_changed
 * @links_pending: it is to be called when the worker has ended
 * @link_fd: of net_watch_links(); -1 before the device is open
 * @epoll_fd: everything that we wait for
 * @signal_fd: SIGTERM, SIGINT, SIGHUP
 * @device_fd: the open node or -1
 * @stopping: stop when the worker has ended
 * @notifiers: what else is watched, see loop_add_notifier()
 * @notifier_count: of them
 * @polling: the node is not there, and cannot be watched for
 */
struct loop {
	struct device device;
	struct service service;
	void (*reload)(void *data);
	void *reload_data;
	int extra_fd;
	void (*extra_event)(void *data);
	void *extra_data;
	void (*links_changed)(void *data);
	void *links_data;
	bool links_pending;
	int link_fd;
	int epoll_fd;
	int signal_fd;
	int device_fd;
	bool stopping;
	struct notifier *notifiers[LOOP_NOTIFIERS];
	unsigned int notifier_count;
	bool polling;
};

/**
 * loop_init() - block the signals, open the device if it is there
 * @loop: the object; device, service.dispatch and service.facts are set
 *
 * Return: 0, or what to exit with; the reason has been logged.
 */
int loop_init(struct loop *loop);

/**
 * loop_add_notifier() - watch a descriptor that reports changes
 * @loop: after loop_init()
 * @notifier: without a descriptor, or where it cannot be watched, it stays one that
 *	is looked at each time; must outlive @loop
 *
 * Of what is ready at the same time the notifiers come first: a request that came
 * after a change is answered with what has changed.
 */
void loop_add_notifier(struct loop *loop, struct notifier *notifier);

/**
 * loop_add_extra() - watch a descriptor of another part of the daemon
 * @loop: after loop_init()
 * @fd: stays the caller's; -1: nothing is watched
 * @event: called when it is readable; must not block
 * @data: its argument
 */
void loop_add_extra(struct loop *loop, int fd, void (*event)(void *data), void *data);

/**
 * loop_run() - serve until a signal to stop
 * @loop: the object
 *
 * Sleeps in epoll_wait(2) without a timeout: it wakes up for requests, signals, interfaces that come
 * or go, and, while the device is not there, for changes of its directory. A few milliseconds after the
 * last change of a pool it makes a checkpoint.
 *
 * Return: what to exit with.
 */
int loop_run(struct loop *loop);

/**
 * loop_exit() - close everything
 * @loop: the object
 */
void loop_exit(struct loop *loop);

#endif /* HVKVP_HVKVPD_LOOP_H */
