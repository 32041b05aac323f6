/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Site facts, kept up to date beside the requests
 *
 * A process of its own reads the directory and runs the programs, see facts/site.h;
 * requests are answered with what it reported last. It is started when the service
 * starts, after the directory has changed, at a reload, and at the interval that the
 * configuration gives. Without the directory there is neither a process nor a wake-up.
 *
 * All descriptors are in one epoll instance, which is all that an event loop watches.
 */
#ifndef HVKVP_HVKVPD_SITE_H
#define HVKVP_HVKVPD_SITE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "facts/site.h"

/**
 * struct site - the site facts of a daemon
 * @facts: what requests are answered with
 * @dir: the directory; "" for none
 * @file: where @facts are saved for other programs
 * @interval_s: programs are run again so often, seconds; 0: never
 * @limit_ms: for each program, milliseconds
 * @epoll_fd: becomes readable when site_event() has work; -1: site facts are off
 * @watch_fd: inotify(7)
 * @timer_fd: the next run
 * @dir_wd: watch of @dir, or -1
 * @above_wd: watch of the folder in which @dir, or a folder above it, is missing; -1: none
 * @missing: its name in that folder
 * @worker: the process; 0: none
 * @worker_fd: its records
 * @again: the directory has changed since it was started
 * @pending: the records that it has reported
 * @record: the next one of these
 * @have: bytes of @record
 * @complete: the last record has come
 */
struct site {
	struct site_facts facts;
	char dir[PATH_MAX];
	char file[PATH_MAX];
	unsigned int interval_s;
	unsigned int limit_ms;
	int epoll_fd;
	int watch_fd;
	int timer_fd;
	int dir_wd;
	int above_wd;
	char missing[NAME_MAX + 1];
	pid_t worker;
	int worker_fd;
	bool again;
	struct site_facts pending;
	struct site_record record;
	size_t have;
	bool complete;
};

/**
 * site_init() - set up, without a directory
 * @site: the object
 * @state_dir: see site_facts_path()
 *
 * What fails is logged: then there are no site facts.
 */
void site_init(struct site *site, const char *state_dir);

/**
 * site_exit() - end the process, remove the file, free everything
 * @site: the object
 */
void site_exit(struct site *site);

/**
 * site_configure() - read a directory, now and from now on
 * @site: the object
 * @dir: the directory; "" for none
 * @interval_s: see &struct site
 *
 * Also runs the programs of an unchanged directory again. Does not wait for them.
 */
void site_configure(struct site *site, const char *dir, unsigned int interval_s);

/**
 * site_event() - @epoll_fd is readable
 * @site: the object
 *
 * Does not block.
 */
void site_event(void *site);

#endif /* HVKVP_HVKVPD_SITE_H */
