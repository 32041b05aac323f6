/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Startup: the background process, its pid file, and readiness for supervisors
 *
 * In the background the daemon is the child of the process that was started. The
 * parent waits: it exits with 0 when the child is ready, and else with the child's
 * exit code. So an init script knows when the daemon serves, and sees its errors
 * on the terminal.
 *
 * The fork comes first, before any descriptor is put into an epoll instance: a
 * signalfd that is in one reports the signals of the process that put it there.
 */
#ifndef HVKVP_HVKVPD_STARTUP_H
#define HVKVP_HVKVPD_STARTUP_H

#include <stdbool.h>

/**
 * struct startup - how the daemon starts
 * @pid_file: path, absolute; NULL: none
 * @ready_fd: gets a newline and is closed when the daemon is ready, which is what
 *	s6 and dinit expect; -1: none
 * @pipe_fd: to the waiting parent; -1 in the foreground
 * @pid_fd: the locked pid file; -1: none
 */
struct startup {
	const char *pid_file;
	int ready_fd;
	int pipe_fd;
	int pid_fd;
};

/**
 * startup_init() - set up, with nothing asked for
 * @startup: the object
 */
void startup_init(struct startup *startup);

/**
 * startup_background() - go on in a child, in a session of its own
 * @startup: the object
 *
 * The parent does not return from this. The child keeps the terminal until
 * startup_ready().
 *
 * Return: 0 or -errno.
 */
int startup_background(struct startup *startup);

/**
 * startup_lock() - create the pid file and lock it
 * @startup: the object
 *
 * The file is locked as long as the process lives, so that a file that an earlier
 * one left behind is never taken for a running daemon. One that is ending is waited
 * for, 2 s at most.
 *
 * Return: 0; -EBUSY if the daemon of that pid file is running; other -errno.
 */
int startup_lock(struct startup *startup);

/**
 * startup_ready() - the daemon serves, or waits for its device: let others go on
 * @startup: the object
 *
 * Reports to the supervisor's descriptor and to the waiting parent. In the
 * background standard input, output and error are /dev/null from here on.
 */
void startup_ready(struct startup *startup);

/**
 * startup_confine() - keep CAP_NET_ADMIN, as hvkvpd.service does, and gain no privileges
 *
 * For where no supervisor does it. What the kernel refuses is logged.
 */
void startup_confine(void);

/**
 * startup_exit() - remove the pid file
 * @startup: the object
 */
void startup_exit(struct startup *startup);

#endif /* HVKVP_HVKVPD_STARTUP_H */
