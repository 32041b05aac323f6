// SPDX-License-Identifier: GPL-2.0-only
/*
 * Site facts, kept up to date beside the requests.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hvkvpd/site.h"
#include "hvkvpd/worker.h"
#include "util/log.h"

/* A change comes seldom alone: wait so long for the next one. */
#define SETTLE_MS 200

#define DIR_CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
		     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define ABOVE_CHANGES (IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF)

static int add(struct site *site, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(site->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* Run after @first_ms, and then at the interval; a pending run is replaced. */
static void arm(struct site *site, unsigned int first_ms)
{
	struct itimerspec when = {
		.it_value = { .tv_sec = first_ms / 1000, .tv_nsec = first_ms % 1000 * 1000000L },
		.it_interval = { .tv_sec = site->interval_s },
	};

	timerfd_settime(site->timer_fd, 0, &when, NULL);
}

static void unwatch(struct site *site)
{
	if (site->dir_wd >= 0)
		inotify_rm_watch(site->watch_fd, site->dir_wd);
	if (site->above_wd >= 0)
		inotify_rm_watch(site->watch_fd, site->above_wd);
	site->dir_wd = -1;
	site->above_wd = -1;
}

/*
 * Watch the deepest folder on the way to the directory that there is. Return: false if
 * the one below it has come meanwhile.
 */
static bool watch_above(struct site *site)
{
	char path[PATH_MAX], *slash;
	struct stat st;

	strcpy(path, site->dir);
	while ((slash = strrchr(path, '/'))) {
		char below[PATH_MAX];

		strcpy(below, path);
		snprintf(site->missing, sizeof(site->missing), "%s", slash + 1);
		slash[slash == path] = 0;
		site->above_wd = inotify_add_watch(site->watch_fd, path,
						   ABOVE_CHANGES | IN_ONLYDIR);
		if (site->above_wd >= 0)
			return stat(below, &st) || !S_ISDIR(st.st_mode);
		if (!path[1])
			break;
	}
	return true;
}

static void watch(struct site *site)
{
	unwatch(site);
	for (bool watching = false; site->dir[0] && !watching; ) {
		site->dir_wd = inotify_add_watch(site->watch_fd, site->dir,
						 DIR_CHANGES | IN_ONLYDIR);
		if (site->dir_wd >= 0)
			return;
		if (errno != ENOENT && errno != ENOTDIR) {
			log_warn("%s: cannot be watched: %s; changes take effect at the next reload",
				 site->dir, strerror(errno));
			return;
		}
		watching = watch_above(site);
		if (!watching)
			unwatch(site);
	}
}

/* Requests get the records; @keep: also what programs said before. */
static void publish(struct site *site, bool keep)
{
	struct site_facts old = site->facts;
	int err;

	site->facts = (struct site_facts){ 0 };
	for (unsigned int i = 0; i < site->pending.count; i++)
		site_facts_add(&site->facts, site->pending.record[i]);
	for (unsigned int i = 0; i < old.count && keep; i++)
		if (site_facts_find(&site->pending, old.record[i]->key) < 0)
			site_facts_add(&site->facts, old.record[i]);
	site_facts_clear(&old);
	err = site_facts_save(&site->facts, site->file);
	if (err)
		log_info("%s: %s; \"hvkvp list auto\" does not show the site facts", site->file,
			 strerror(-err));
}

static bool send_record(const struct site_record *record, void *data)
{
	return write(*(int *)data, record, sizeof(*record)) == sizeof(*record);
}

static void start(struct site *site)
{
	int fds[2], err;

	site->again = site->worker > 0;
	if (site->again)
		return;
	site_facts_clear(&site->pending);
	site->have = 0;
	site->complete = false;
	/* Nothing to read, nothing to run: no process. */
	if (!site->dir[0] || access(site->dir, F_OK)) {
		publish(site, false);
		return;
	}
	err = pipe2(fds, O_CLOEXEC) ? -errno : 0;
	if (!err) {
		site->worker = fork();
		if (site->worker < 0) {
			err = -errno;
			close(fds[0]);
			close(fds[1]);
		}
	}
	if (err) {
		site->worker = 0;
		log_err("%s: no process to read it: %s", site->dir, strerror(-err));
		return;
	}
	if (!site->worker) {
		int fd = worker_keep_only(fds[1]);

		_exit(!site_facts_gather(site->dir, site->limit_ms, send_record, &fd));
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	site->worker_fd = fds[0];
	err = add(site, site->worker_fd);
	if (err)
		log_err("%s: its facts cannot be waited for: %s", site->dir, strerror(-err));
}

/* The end of the process is near, or it has come. */
static void reap(struct site *site)
{
	if (site->worker_fd >= 0)
		close(site->worker_fd);
	site->worker_fd = -1;
	while (waitpid(site->worker, NULL, 0) < 0 && errno == EINTR)
		;
	site->worker = 0;
}

static void finish(struct site *site)
{
	reap(site);
	if (site->complete)
		publish(site, false);
	else
		log_err("%s: the process that read it has died; the facts stay as they were",
			site->dir);
	site_facts_clear(&site->pending);
	if (site->again)
		start(site);
}

static void take_record(struct site *site)
{
	const struct site_record *record = &site->record;

	if (record->key[0])
		site_facts_add(&site->pending, record);
	else if (!strcmp(record->value, SITE_MARK_END))
		site->complete = true;
	else
		publish(site, true);
}

static void read_records(struct site *site)
{
	for (;;) {
		ssize_t n = read(site->worker_fd, (char *)&site->record + site->have,
				 sizeof(site->record) - site->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			finish(site);
			return;
		}
		site->have += n;
		if (site->have == sizeof(site->record)) {
			site->have = 0;
			take_record(site);
		}
	}
}

/* Has the directory changed, or has what is missing come? */
static bool concerns_us(struct site *site, const struct inotify_event *event, bool *rewatch)
{
	if (event->mask & IN_Q_OVERFLOW) {
		*rewatch = true;
		return true;
	}
	if (event->wd == site->dir_wd) {
		*rewatch |= event->mask & (IN_DELETE_SELF | IN_MOVE_SELF);
		return !(event->mask & IN_IGNORED);
	}
	if (event->wd == site->above_wd &&
	    (event->mask & (IN_DELETE_SELF | IN_MOVE_SELF) ||
	     (event->len && !strcmp(event->name, site->missing)))) {
		*rewatch = true;
		return true;
	}
	return false;
}

static void read_changes(struct site *site)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool changed = false, rewatch = false;
	ssize_t n;

	while ((n = read(site->watch_fd, events, sizeof(events))) > 0) {
		for (char *at = events; at < events + n; ) {
			const struct inotify_event *event = (void *)at;

			changed |= concerns_us(site, event, &rewatch);
			at += sizeof(*event) + event->len;
		}
	}
	if (rewatch)
		watch(site);
	if (changed)
		arm(site, SETTLE_MS);
}

void site_event(void *data)
{
	struct site *site = data;
	struct epoll_event events[3];
	int n = epoll_wait(site->epoll_fd, events, 3, 0);
	uint64_t expired;

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == site->watch_fd)
			read_changes(site);
		else if (fd == site->timer_fd && read(fd, &expired, sizeof(expired)) > 0)
			start(site);
		else if (fd == site->worker_fd)
			read_records(site);
	}
}

void site_init(struct site *site, const char *state_dir)
{
	int err = 0;

	*site = (struct site){
		.limit_ms = SITE_FACTS_LIMIT_MS,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK),
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.dir_wd = -1, .above_wd = -1, .worker_fd = -1,
	};
	site_facts_path(state_dir, site->file, sizeof(site->file));
	if (site->epoll_fd < 0 || site->timer_fd < 0)
		err = -errno;
	if (!err)
		err = add(site, site->timer_fd);
	/* Without inotify there are still reloads and the interval. */
	if (!err && site->watch_fd >= 0)
		err = add(site, site->watch_fd);
	if (err)
		log_err("no site facts: %s", strerror(-err));
}

void site_exit(struct site *site)
{
	const int fds[] = { site->epoll_fd, site->watch_fd, site->timer_fd };

	if (site->worker > 0) {
		kill(site->worker, SIGKILL);
		reap(site);
	}
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	site_facts_clear(&site->pending);
	site_facts_clear(&site->facts);
	site_facts_save(&site->facts, site->file);
}

void site_configure(struct site *site, const char *dir, unsigned int interval_s)
{
	if (site->epoll_fd < 0)
		return;
	snprintf(site->dir, sizeof(site->dir), "%s", dir);
	site->interval_s = interval_s;
	watch(site);
	/* Here, so that the first request gets what files have, as soon as possible. */
	arm(site, interval_s * 1000);
	start(site);
}
