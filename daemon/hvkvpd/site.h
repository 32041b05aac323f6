/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Site facts, kept up to date beside the requests
 *
 * Processes of their own read the files and run the programs, see facts/site.h; requests
 * are answered with what they reported last. The files are read when the service starts,
 * after the directory has changed, at a reload, and at the interval that the configuration
 * gives; and then the programs run, if there are any. Without the directory there is neither
 * a process nor a wake-up.
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

/* More than one run can log: a line for each fact, and the complaints. */
#define SITE_SAID	128

/**
 * struct site_said - which lines a run has logged
 * @hash: of each
 * @count: of @hash
 */
struct site_said {
	uint64_t hash[SITE_SAID];
	unsigned int count;
};

/**
 * struct site_reader - a process that reads the directory
 * @part: what of it
 * @pid: 0: none
 * @fd: its records, or -1
 * @again: the directory has changed since it was started
 * @record: the next one
 * @have: bytes of @record
 * @complete: the last record has come
 * @got: what it has reported in this run
 * @facts: what was reported last, of a program that runs again its old value
 * @stale: programs of which this run may report what another one of that name says
 * @anew: what this run logs is logged by the next one again
 * @said: what it has logged in this run,
 * @before: and in the one before, which is not logged again
 */
struct site_reader {
	enum site_part part;
	pid_t pid;
	int fd;
	bool again;
	struct site_record record;
	size_t have;
	bool complete;
	struct site_facts got;
	struct site_facts facts;
	struct site_facts stale;
	bool anew;
	struct site_said said;
	struct site_said before;
};

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
 * @settle_ms: clock_ms() at which changes are waited for no longer; 0: there were none
 * @files: reads the files
 * @programs: runs the programs
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
	uint64_t settle_ms;
	struct site_reader files;
	struct site_reader programs;
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
 * site_exit() - end the processes and the program that runs, remove the file, free everything
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
