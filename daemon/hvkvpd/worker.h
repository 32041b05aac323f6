/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A worker: a process that carries out one slow request
 *
 * SET_IP waits for addresses to come up and for tools of network managers, up to
 * 20 seconds. Its worker is a copy of the daemon: the event loop goes on meanwhile
 * and obeys signals, and nothing that the two have in memory can get out of step.
 * Still one request is in hand at a time: the next one is read when the worker has
 * ended.
 */
#ifndef HVKVP_HVKVPD_WORKER_H
#define HVKVP_HVKVPD_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "hvkvpd/dispatch.h"

/**
 * struct worker - a process at work
 * @pid: the process; 0: there is none
 * @fd: becomes readable when it has ended; -1: there is none
 */
struct worker {
	pid_t pid;
	int fd;
};

/** worker_is_running() - has a request been given to a worker that has not ended? */
static inline bool worker_is_running(const struct worker *worker)
{
	return worker->pid > 0;
}

/**
 * worker_start() - give a request to a worker
 * @worker: with no process
 * @dispatch: what to work on
 * @request: copied with the process
 *
 * Return: 0 or -errno; then the caller has to carry the request out itself.
 */
int worker_start(struct worker *worker, const struct dispatch *dispatch,
		 const struct dispatch_request *request);

/**
 * worker_finish() - take the answer of a worker
 * @worker: the object, with a process; has none afterwards
 * @dispatch: as in worker_start(); its @rate and @tolerated count the request
 * @reply: its answer; E_FAIL if it died, which is logged
 *
 * Waits for its end, which has come when @fd is readable.
 */
void worker_finish(struct worker *worker, const struct dispatch *dispatch,
		   struct dispatch_reply *reply);

/**
 * worker_keep_only() - close all descriptors but one and the standard ones
 * @fd: the one
 *
 * In a process that is a copy of the daemon: if it outlives the daemon, it must not
 * keep the device, nor a lock of a pool.
 *
 * Return: @fd, as the lowest number behind the standard ones.
 */
int worker_keep_only(int fd);

#endif /* HVKVP_HVKVPD_WORKER_H */
