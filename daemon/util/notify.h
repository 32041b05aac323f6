/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Telling the service manager how the daemon is, as sd_notify(3) does
 *
 * Written out here, because the protocol is one datagram, and a daemon built
 * without that library would otherwise never become "active" under a unit of
 * Type=notify.
 */
#ifndef HVKVP_UTIL_NOTIFY_H
#define HVKVP_UTIL_NOTIFY_H

/**
 * notify() - send a state to the service manager, if there is one
 * @format: variables as sd_notify(3) lists them, a line for each
 *
 * Does nothing where $NOTIFY_SOCKET is not set; a failure is ignored.
 */
void notify(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* HVKVP_UTIL_NOTIFY_H */
