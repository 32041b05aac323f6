/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * waiting.h - condition variables with a deadline that clock changes do not move
 */
#ifndef HOST_WAITING_H
#define HOST_WAITING_H

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

/** wait_init() - initialise @cond for wait_until() */
static inline void wait_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
}

/** wait_deadline() - the time @ms milliseconds from now */
static inline struct timespec wait_deadline(int ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000L;
	}
	return t;
}

/** wait_is_over() - has @deadline passed? */
static inline bool wait_is_over(const struct timespec *deadline)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > deadline->tv_sec ||
	       (now.tv_sec == deadline->tv_sec && now.tv_nsec >= deadline->tv_nsec);
}

/**
 * wait_until() - wait for @cond to be signalled
 * @timeout_ms: what @deadline was made from; below 0 waits for ever
 *
 * Return: false once the deadline has passed.
 */
static inline bool wait_until(pthread_cond_t *cond, pthread_mutex_t *lock, int timeout_ms,
			      const struct timespec *deadline)
{
	if (timeout_ms < 0)
		return pthread_cond_wait(cond, lock) == 0;
	return pthread_cond_timedwait(cond, lock, deadline) != ETIMEDOUT;
}

#endif
