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
#include "util/clock.h"
#include "util/log.h"
#include "util/way.h"

/* A change comes seldom alone: wait so long for the next one, and for all of them. */
#define SETTLE_MS 200
#define SETTLE_MOST_MS 1000

/* After a process could not be started, or has died. */
#define RETRY_MS 10000

/* A process that reads files ends at once when nobody reads its records. */
#define END_TRIES 100
#define END_POLL_US 10000

/* What a process logs is a record without a key: its level, and the line. */
#define LEVEL_BASE '0'

#define DIR_CHANGES (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
		     IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define ABOVE_CHANGES (IN_CREATE | IN_MOVED_TO)
/* Of what is on the way: then the path leads to another place. */
#define WAY_CHANGES (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)

/* How often a directory that comes and goes is tried to be watched. */
#define WATCH_TRIES 10

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

/* Watch what @dir leads to, or where it is missing. Return: 0 or -errno; -EAGAIN if that changes just now. */
static int try_watch(struct site *site)
{
	char end[PATH_MAX], *slash;
	int missing, there;

	/* A new instance: what the way led to before is of no interest. */
	if (site->watch_fd >= 0)
		close(site->watch_fd);
	site->dir_wd = -1;
	site->above_wd = -1;
	site->watch_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (site->watch_fd < 0 || add(site, site->watch_fd))
		return -errno;
	missing = way_watch(site->watch_fd, site->dir, end, sizeof(end));
	/* A circle of links: each of them is watched. */
	if (missing < 0)
		return missing == -ELOOP ? 0 : missing;
	if (missing) {
		slash = strrchr(end, '/');
		snprintf(site->missing, sizeof(site->missing), "%s", slash + 1);
		*slash = 0;
		site->above_wd = inotify_add_watch(site->watch_fd, end[0] ? end : "/",
						   ABOVE_CHANGES | IN_ONLYDIR | IN_MASK_ADD);
	} else {
		site->dir_wd = inotify_add_watch(site->watch_fd, end,
						 DIR_CHANGES | IN_ONLYDIR | IN_MASK_ADD);
	}
	if (site->dir_wd < 0 && site->above_wd < 0)
		return errno == ENOENT ? -EAGAIN : errno == ENOTDIR && !missing ? 0 : -errno;
	there = !access(site->dir, F_OK);
	return there == missing ? -EAGAIN : 0;
}

static void watch(struct site *site)
{
	int err = -EAGAIN;

	for (int tries = 0; site->dir[0] && err == -EAGAIN && tries < WATCH_TRIES; tries++)
		err = try_watch(site);
	if (site->dir[0] && err)
		log_warn("%s: cannot be watched: %s; changes take effect at the next reload",
			 site->dir, strerror(-err));
}

/* Requests get what the files have, and what those of the programs said that are still there. */
static void publish(struct site *site)
{
	const struct site_facts *files = &site->files.facts, *programs = &site->programs.facts;
	int err;

	site_facts_clear(&site->facts);
	for (unsigned int i = 0; i < files->count; i++) {
		const struct site_record *record = files->record[i];
		int at = site_facts_find(programs, record->key);

		if (strcmp(record->value, SITE_PROGRAM))
			site_facts_add(&site->facts, record);
		else if (at >= 0)
			site_facts_add(&site->facts, programs->record[at]);
	}
	err = site_facts_save(&site->facts, site->file);
	if (err)
		log_info("%s: %s; \"hvkvp list auto\" does not show the site facts", site->file,
			 strerror(-err));
}

static bool is_program(const struct site_facts *files, const char *key)
{
	int at = site_facts_find(files, key);

	return at >= 0 && !strcmp(files->record[at]->value, SITE_PROGRAM);
}

static bool has_programs(const struct site *site)
{
	for (unsigned int i = 0; i < site->files.facts.count; i++)
		if (is_program(&site->files.facts, site->files.facts.record[i]->key))
			return true;
	return false;
}

static bool send_record(const struct site_record *record, void *data)
{
	return write(*(int *)data, record, sizeof(*record)) == sizeof(*record);
}

/* In the process that reads: the only descriptor that it has kept. */
static int records_fd;

/* To the daemon, which knows what was logged before. */
static void send_line(int level, const char *line)
{
	struct site_record record = { 0 };

	snprintf(record.value, sizeof(record.value), "%c%s", LEVEL_BASE + level, line);
	send_record(&record, &records_fd);
}

static _Noreturn void gather(const struct site *site, enum site_part part, int fd)
{
	records_fd = worker_keep_only(fd);
	log_set_sink(send_line);
	_exit(!site_facts_gather(&(struct site_gather){
		.dir = site->dir, .part = part, .limit_ms = site->limit_ms, .reader = records_fd,
		.emit = send_record, .data = &records_fd,
	}));
}

/* A change that is waited for comes earlier, and is read then. */
static void retry(struct site *site)
{
	if (!site->settle_ms)
		arm(site, RETRY_MS);
}

/* The end of the process is near, or it has come. */
static void reap(struct site_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
	while (waitpid(reader->pid, NULL, 0) < 0 && errno == EINTR)
		;
	reader->pid = 0;
}

/* It ends when nobody reads its records, and kills its program before. */
static void end(struct site_reader *reader)
{
	if (reader->pid <= 0)
		return;
	close(reader->fd);
	reader->fd = -1;
	for (int tries = 0; tries < END_TRIES; tries++) {
		if (waitpid(reader->pid, NULL, WNOHANG)) {
			reader->pid = 0;
			return;
		}
		usleep(END_POLL_US);
	}
	kill(reader->pid, SIGKILL);
	reap(reader);
}

static void start(struct site *site, struct site_reader *reader)
{
	int fds[2], err;

	reader->again = reader->pid > 0;
	if (reader->again)
		return;
	site_facts_clear(&reader->got);
	site_facts_clear(&reader->stale);
	reader->said.count = 0;
	reader->have = 0;
	reader->complete = false;
	err = pipe2(fds, O_CLOEXEC) ? -errno : 0;
	if (!err) {
		reader->pid = fork();
		if (reader->pid < 0) {
			err = -errno;
			close(fds[0]);
			close(fds[1]);
		}
	}
	if (!err && !reader->pid)
		gather(site, reader->part, fds[1]);
	if (!err) {
		close(fds[1]);
		fcntl(fds[0], F_SETFL, O_NONBLOCK);
		reader->fd = fds[0];
		err = add(site, reader->fd);
		if (err)
			end(reader);
	}
	if (err) {
		reader->pid = 0;
		log_err("%s: no process to read it: %s; trying again in %d s", site->dir,
			strerror(-err), RETRY_MS / 1000);
		retry(site);
	}
}

static void forget(struct site_reader *reader)
{
	site_facts_clear(&reader->got);
	site_facts_clear(&reader->facts);
	site_facts_clear(&reader->stale);
}

/* Nothing of a directory that is used no longer, nor of a program in it that still runs. */
static void forget_all(struct site *site)
{
	end(&site->files);
	end(&site->programs);
	forget(&site->files);
	forget(&site->programs);
	publish(site);
}

/*
 * A program that was away is another one, whatever its name: what one of this name said before, or is
 * just about to say, is not its value.
 */
static void drop_stale(struct site *site)
{
	const struct site_facts *before = &site->files.facts, *now = &site->files.got;
	struct site_reader *programs = &site->programs;

	for (unsigned int i = programs->facts.count; i--; )
		if (!is_program(now, programs->facts.record[i]->key))
			site_facts_remove(&programs->facts, programs->facts.record[i]->key);
	for (unsigned int i = 0; i < now->count; i++) {
		const char *key = now->record[i]->key;

		if (!is_program(now, key) || is_program(before, key))
			continue;
		site_facts_remove(&programs->facts, key);
		if (programs->pid > 0)
			site_facts_add(&programs->stale, now->record[i]);
	}
}

static void read_directory(struct site *site)
{
	site->settle_ms = 0;
	/* Nothing to read, nothing to run: no process. */
	if (site->dir[0] && !access(site->dir, F_OK)) {
		start(site, &site->files);
		return;
	}
	forget_all(site);
}

static void finish(struct site *site, struct site_reader *reader)
{
	reap(reader);
	reader->before = reader->said;
	if (reader->anew)
		reader->before.count = 0;
	reader->anew = false;
	if (reader->complete) {
		if (reader == &site->files)
			drop_stale(site);
		site_facts_clear(&reader->facts);
		reader->facts = reader->got;
		reader->got = (struct site_facts){ 0 };
		publish(site);
	} else {
		log_err("%s: the process that read it has died; the facts stay as they were; trying again in %d s",
			site->dir, RETRY_MS / 1000);
		site_facts_clear(&reader->got);
		if (!reader->again)
			retry(site);
	}
	if (reader->again)
		start(site, reader);
	else if (reader == &site->files && reader->complete && has_programs(site))
		start(site, &site->programs);
}

static bool was_said(const struct site_said *said, uint64_t hash)
{
	for (unsigned int i = 0; i < said->count; i++)
		if (said->hash[i] == hash)
			return true;
	return false;
}

/* A directory that changes often must not fill the log with what is wrong in it all the time. */
static void take_line(struct site_reader *reader, const char *text)
{
	uint64_t hash = 14695981039346656037ULL;	/* FNV-1a */

	for (const char *at = text; *at; at++)
		hash = (hash ^ (uint8_t)*at) * 1099511628211ULL;
	if (reader->said.count < SITE_SAID)
		reader->said.hash[reader->said.count++] = hash;
	if (!was_said(&reader->before, hash))
		log_line(text[0] - LEVEL_BASE, "%s", text + 1);
}

static void take_record(struct site *site, struct site_reader *reader)
{
	const struct site_record *record = &reader->record;

	if (!record->key[0]) {
		if (record->value[0])
			take_line(reader, record->value);
		else
			reader->complete = true;
		return;
	}
	if (site_facts_find(&reader->stale, record->key) >= 0)
		return;
	site_facts_add(&reader->got, record);
	/* The next program may take long. */
	if (reader == &site->programs && site_facts_add(&reader->facts, record))
		publish(site);
}

static void read_records(struct site *site, struct site_reader *reader)
{
	for (;;) {
		ssize_t n = read(reader->fd, (char *)&reader->record + reader->have,
				 sizeof(reader->record) - reader->have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			finish(site, reader);
			return;
		}
		reader->have += n;
		if (reader->have == sizeof(reader->record)) {
			reader->have = 0;
			take_record(site, reader);
		}
	}
}

/* Has the directory changed, or has what is missing come? */
static bool concerns_us(struct site *site, const struct inotify_event *event, bool *rewatch)
{
	bool here = event->wd == site->dir_wd;

	/* The directory's own attributes count for what is used of it. */
	if (event->mask & (IN_Q_OVERFLOW | IN_UNMOUNT) ||
	    (!event->len && event->mask & WAY_CHANGES && !(here && event->mask & IN_ATTRIB))) {
		*rewatch = true;
		return true;
	}
	if (event->wd == site->above_wd && event->len && !strcmp(event->name, site->missing)) {
		*rewatch = true;
		return true;
	}
	/* What is no fact may be what a program of the directory itself writes. */
	return here && !(event->mask & IN_IGNORED) &&
	       (!event->len || site_facts_candidate(event->name));
}

/* Not for ever: somebody may write again and again. */
static void settle(struct site *site)
{
	unsigned int left;

	if (!site->settle_ms)
		site->settle_ms = clock_ms() + SETTLE_MOST_MS;
	left = clock_left(site->settle_ms);
	/* At the end the timer stays as it is: it expires at that time, or has done so. */
	if (left)
		arm(site, left > SETTLE_MS ? SETTLE_MS : left);
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
		settle(site);
}

void site_event(void *data)
{
	struct site *site = data;
	struct epoll_event events[4];
	int n = epoll_wait(site->epoll_fd, events, 4, 0);
	uint64_t expired;

	for (int i = 0; i < n; i++) {
		int fd = events[i].data.fd;

		if (fd == site->watch_fd)
			read_changes(site);
		else if (fd == site->timer_fd && read(fd, &expired, sizeof(expired)) > 0)
			read_directory(site);
		else if (fd == site->files.fd)
			read_records(site, &site->files);
		else if (fd == site->programs.fd)
			read_records(site, &site->programs);
	}
}

void site_init(struct site *site, const char *state_dir)
{
	int err = 0;

	*site = (struct site){
		.limit_ms = SITE_FACTS_LIMIT_MS,
		.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
		.watch_fd = -1,
		.timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		.dir_wd = -1, .above_wd = -1,
		.files = { .part = SITE_FILES, .fd = -1 },
		.programs = { .part = SITE_PROGRAMS, .fd = -1 },
	};
	site_facts_path(state_dir, site->file, sizeof(site->file));
	if (site->epoll_fd < 0 || site->timer_fd < 0)
		err = -errno;
	if (!err)
		err = add(site, site->timer_fd);
	if (err)
		log_err("no site facts: %s", strerror(-err));
}

void site_exit(struct site *site)
{
	const int fds[] = { site->epoll_fd, site->watch_fd, site->timer_fd };

	/* Without a fact the file is removed. */
	forget_all(site);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

void site_configure(struct site *site, const char *dir, unsigned int interval_s)
{
	if (site->epoll_fd < 0)
		return;
	if (strcmp(site->dir, dir))
		forget_all(site);
	snprintf(site->dir, sizeof(site->dir), "%s", dir);
	site->interval_s = dir[0] ? interval_s : 0;
	watch(site);
	/* Here, so that the first request gets what files have, as soon as possible. */
	arm(site, site->interval_s * 1000);
	/* A reload is the time to hear again what is wrong, also from one that runs. */
	site->files.before.count = 0;
	site->files.anew = site->files.pid > 0;
	site->programs.before.count = 0;
	site->programs.anew = site->programs.pid > 0;
	read_directory(site);
}
