// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's loop.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "hvkvpd/loop.h"
#include "net/watch.h"
#include "pool/store.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/notify.h"

/* How long a stock device that has just appeared is left alone. */
#define STOCK_SETTLE_US 500000

/* How often a device that cannot be watched for is looked for. */
#define POLL_MS 1000

static int add(struct loop *loop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void close_device(struct loop *loop)
{
	if (loop->device_fd >= 0)
		close(loop->device_fd);
	loop->device_fd = -1;
	/* It may have been the driver's, which is going. */
	loop->service.facts->is_version = FACTS_IS_VERSION;
}

/* Say why the device cannot be served. Return: what to exit with. */
static int give_up(const char *path, int err)
{
	switch (-err) {
	case EBUSY:
		log_err("%s: another service has it open (another hvkvpd, or hv_kvp_daemon); stop that one first",
			path);
		return LOOP_EXIT_BUSY;
	case EPROTONOSUPPORT:
		return LOOP_EXIT_PROTOCOL;
	case ENOTTY:
	case EISDIR:
		log_err("%s: not a device node; see hvkvpd --help for --device", path);
		return LOOP_EXIT_FAILURE;
	case EACCES:
	case EPERM:
		log_err("%s: %s; run hvkvpd as root", path, strerror(-err));
		return LOOP_EXIT_FAILURE;
	default:
		log_err("%s: %s", path, strerror(-err));
		return LOOP_EXIT_FAILURE;
	}
}

/*
 * Watch for the node. Without inotify (all instances of the user may be in use) look for it from
 * time to time.
 */
static void watch_device(struct loop *loop)
{
	bool watching = loop->device.watch_fd >= 0;
	int err = device_watch(&loop->device);

	if (!err && !watching)
		err = add(loop, loop->device.watch_fd);
	if (err) {
		if (!loop->polling)
			log_warn("cannot watch for %s: %s; looking for it each second",
				 device_name(&loop->device), strerror(-err));
		device_exit(&loop->device);
	}
	loop->polling = err;
}

/* A worker sets addresses itself: what has changed waits until it has ended. */
static void links_changed(struct loop *loop)
{
	loop->links_pending = worker_is_running(&loop->service.worker);
	if (loop->links_pending)
		return;
	/* It may take long: do not keep the pools locked meanwhile. */
	store_checkpoint(loop->service.dispatch->store);
	loop->links_changed(loop->links_data);
}

/* Only now: a daemon that is refused must not have changed the network. */
static void watch_links(struct loop *loop)
{
	int err = 0;

	if (!loop->links_changed || loop->link_fd >= 0)
		return;
	loop->link_fd = net_watch_links();
	if (loop->link_fd < 0)
		err = loop->link_fd;
	else
		err = add(loop, loop->link_fd);
	if (err)
		log_warn("adapters that appear later will not get their addresses: %s",
			 strerror(-err));
	links_changed(loop);
}

/*
 * Open the device and say hello, or else wait for it. After the watch was set up, it may be there.
 */
static int connect_device(struct loop *loop)
{
	const struct transport_ops *ops;
	const char *path;
	bool waiting = loop->device.watch_fd >= 0 || loop->polling;
	int err, fd;

	fd = device_open(&loop->device, &ops, &path);
	if (fd == -ENOENT && !device_is_inherited(&loop->device)) {
		watch_device(loop);
		fd = device_open(&loop->device, &ops, &path);
	}
	if (fd == -ENOENT) {
		if (!waiting)
			log_notice("waiting for %s", device_name(&loop->device));
		notify("STATUS=Waiting for %s", device_name(&loop->device));
		return 0;
	}
	if (fd < 0)
		return give_up(path, fd);

	loop->polling = false;
	loop->device_fd = fd;
	/*
	 * The stock driver makes its node before it is ready for a registration, and
	 * crashes the kernel on one that comes too early (seen on 6.1).
	 */
	if (ops == &transport_stock)
		usleep(STOCK_SETTLE_US);
	err = service_start(&loop->service, ops, fd);
	if (err == -ENODEV && !device_is_inherited(&loop->device)) {
		close_device(loop);
		watch_device(loop);
		return 0;
	}
	if (!err)
		err = add(loop, fd);
	if (err)
		return give_up(path, err);
	device_exit(&loop->device);
	log_info("serving %s", path);
	notify("STATUS=Serving %s", path);
	watch_links(loop);
	return 0;
}

int loop_init(struct loop *loop)
{
	sigset_t signals;

	loop->device_fd = -1;
	loop->signal_fd = -1;
	loop->service.worker = (struct worker){ .fd = -1 };
	loop->link_fd = -1;
	loop->extra_fd = -1;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (loop->epoll_fd >= 0)
		loop->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (loop->signal_fd < 0 || add(loop, loop->signal_fd)) {
		log_err("cannot set up: %s", strerror(errno));
		return LOOP_EXIT_FAILURE;
	}
	return connect_device(loop);
}

static void rearm(struct notifier *notifier)
{
	struct epoll_event event = {
		.events = notifier->events | EPOLLONESHOT, .data.fd = notifier->fd,
	};
	struct loop *loop = notifier->loop;

	if (notifier->fd < 0 || epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, notifier->fd, &event))
		notifier->rearm = NULL;
}

void loop_add_notifier(struct loop *loop, struct notifier *notifier)
{
	struct epoll_event event = {
		.events = notifier->events | EPOLLONESHOT, .data.fd = notifier->fd,
	};

	if (notifier->fd < 0 || loop->notifier_count == LOOP_NOTIFIERS ||
	    epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, notifier->fd, &event))
		return;
	notifier->loop = loop;
	notifier->rearm = rearm;
	/* What changed before it was watched. */
	notifier->pending = true;
	loop->notifiers[loop->notifier_count++] = notifier;
}

void loop_add_extra(struct loop *loop, int fd, void (*event)(void *data), void *data)
{
	loop->extra_event = event;
	loop->extra_data = data;
	loop->extra_fd = fd >= 0 && !add(loop, fd) ? fd : -1;
}

/* Return: was it a notifier's? */
static bool note_change(struct loop *loop, int fd)
{
	for (unsigned int i = 0; i < loop->notifier_count; i++) {
		if (loop->notifiers[i]->fd == fd) {
			loop->notifiers[i]->pending = true;
			return true;
		}
	}
	return false;
}

/* Now, or when the worker has ended. */
static void stop(struct loop *loop, bool *done)
{
	if (!worker_is_running(&loop->service.worker)) {
		*done = true;
		return;
	}
	if (!loop->stopping)
		log_notice("a request is being carried out: stopping when it is done");
	loop->stopping = true;
}

static void take_signal(struct loop *loop, bool *done)
{
	struct signalfd_siginfo info;

	if (read(loop->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		notify("RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)(clock_ns() / 1000));
		if (loop->reload)
			loop->reload(loop->reload_data);
		notify("READY=1");
		return;
	}
	log_notice("%s: stopping", info.ssi_signo == SIGTERM ? "SIGTERM" : "SIGINT");
	stop(loop, done);
}

/* Return: 0 to go on, else what to exit with. */
static int lose_device(struct loop *loop, int err, bool *done)
{
	if (err == -ECANCELED) {
		*done = true;
		return 0;
	}
	if (err != -ENODEV)
		return give_up(device_name(&loop->device), err);
	close_device(loop);
	if (device_is_inherited(&loop->device)) {
		log_notice("the other end has closed: stopping");
		stop(loop, done);
		return 0;
	}
	log_notice("the device is gone");
	/* One request at a time: a new device has to wait for the worker. */
	return worker_is_running(&loop->service.worker) ? 0 : connect_device(loop);
}

/* Read the device's requests, or only notice that it goes. Return: 0 or -errno. */
static int read_device(struct loop *loop, bool read)
{
	struct epoll_event event = { .events = read ? EPOLLIN : 0, .data.fd = loop->device_fd };

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, loop->device_fd, &event) ? -errno : 0;
}

static int device_event(struct loop *loop, uint32_t events, bool *done)
{
	int err = service_event(&loop->service, events);

	if (err)
		return lose_device(loop, err, done);
	if (!worker_is_running(&loop->service.worker))
		return 0;
	err = add(loop, loop->service.worker.fd);
	if (!err)
		err = read_device(loop, false);
	return err ? give_up(device_name(&loop->device), err) : 0;
}

static int worker_event(struct loop *loop, bool *done)
{
	bool connected = loop->device_fd >= 0;
	int err = service_worker_ended(&loop->service, connected);

	if (loop->stopping) {
		*done = true;
		return 0;
	}
	if (loop->links_pending)
		links_changed(loop);
	if (!connected)
		return connect_device(loop);
	if (!err)
		err = read_device(loop, true);
	return err ? lose_device(loop, err, done) : 0;
}

/* Handle what is not a notifier's. Return: 0 to go on, else what to exit with. */
static int handle(struct loop *loop, const struct epoll_event *event, bool *done)
{
	int fd = event->data.fd;

	if (fd == loop->signal_fd) {
		take_signal(loop, done);
		return 0;
	}
	if (fd == loop->service.worker.fd)
		return worker_event(loop, done);
	if (fd == loop->device_fd)
		return device_event(loop, event->events, done);
	if (fd == loop->link_fd) {
		net_watch_links_read(fd);
		links_changed(loop);
		return 0;
	}
	if (fd == loop->extra_fd) {
		loop->extra_event(loop->extra_data);
		return 0;
	}
	if (fd == loop->device.watch_fd) {
		device_changed(&loop->device);
		return connect_device(loop);
	}
	/* It was closed by what was handled just before. */
	return 0;
}

/* Make a checkpoint if it is time. Return: how long to sleep then, milliseconds; -1 for ever. */
static int sleep_ms(const struct loop *loop)
{
	struct store *store = loop->service.dispatch->store;
	int due = store_checkpoint_due(store);

	if (!due) {
		store_checkpoint(store);
		due = store_checkpoint_due(store);
	}
	if (loop->polling && (due < 0 || due > POLL_MS))
		due = POLL_MS;
	return due;
}

int loop_run(struct loop *loop)
{
	struct epoll_event events[LOOP_NOTIFIERS + 5];
	bool done = false;
	int ret = 0;

	/* Also without a device: who waits for us must not wait for the host. */
	notify("READY=1");
	while (!done && !ret) {
		int n = epoll_wait(loop->epoll_fd, events, sizeof(events) / sizeof(events[0]),
				   sleep_ms(loop));

		if (n < 0 && errno != EINTR) {
			log_err("cannot wait: %s", strerror(errno));
			return LOOP_EXIT_FAILURE;
		}
		for (int i = 0; i < n; i++)
			if (note_change(loop, events[i].data.fd))
				events[i].data.fd = -1;
		for (int i = 0; i < n && !done && !ret; i++)
			if (events[i].data.fd >= 0)
				ret = handle(loop, &events[i], &done);
		if (!n && loop->polling)
			ret = connect_device(loop);
	}
	notify("STOPPING=1\nSTATUS=Stopping");
	return ret;
}

void loop_exit(struct loop *loop)
{
	close_device(loop);
	device_exit(&loop->device);
	if (loop->signal_fd >= 0)
		close(loop->signal_fd);
	if (loop->link_fd >= 0)
		close(loop->link_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
}
