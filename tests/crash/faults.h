/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls that fail
 *
 * The calls by which the store uses one pool's files go through here (ld --wrap).
 * The Nth of those that can fail with an error does so: it alone, or it and all
 * that come after it, or half of it is done first.
 */
#ifndef CRASH_FAULTS_H
#define CRASH_FAULTS_H

#include <stdbool.h>

/**
 * enum fault_kind - how it fails
 * @FAULT_ONCE: one call fails
 * @FAULT_HALF: one write writes half; if the store then tries the rest, that fails
 * @FAULT_LASTING: all calls fail from then on, until faults_end()
 */
enum fault_kind {
	FAULT_ONCE,
	FAULT_HALF,
	FAULT_LASTING,
	FAULT_KINDS,
};

/**
 * struct fault_report - what has happened
 * @call: the first one that failed; NULL if none did
 * @journal: that was a call for the journal
 * @directory: or for the directory
 * @change: it was one that changes or syncs a file, or its length
 * @taken_back: writes to the pool file after it
 */
struct fault_report {
	const char *call;
	bool journal;
	bool directory;
	bool change;
	int taken_back;
};

/**
 * faults_begin() - let calls fail from now on
 * @dir: the state directory; calls for it count, too
 * @name: of the pool file, and how the journal's begins
 * @err: errno
 * @kind: how
 * @nth: of the calls that can fail so
 */
void faults_begin(const char *dir, const char *name, int err, enum fault_kind kind, int nth);

/**
 * faults_end() - let no call fail any more
 *
 * Return: what has happened.
 */
struct fault_report faults_end(void);

#endif /* CRASH_FAULTS_H */
