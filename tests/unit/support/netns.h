/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network of its own for a test program
 */
#ifndef UNIT_NETNS_H
#define UNIT_NETNS_H

#include <stdbool.h>

/**
 * netns_enter() - move this program into a new, empty network namespace
 *
 * Return: false where that is not allowed; the case is then marked as skipped.
 */
bool netns_enter(void);

/**
 * netns_run() - run ip(8)
 * @arguments: its arguments, as to a shell
 *
 * After an IPv6 address with "nodad" it waits until that can be used.
 *
 * Return: whether it succeeded; a failure fails the case.
 */
bool netns_run(const char *arguments, ...) __attribute__((format(printf, 1, 2)));

/**
 * netns_shows() - does the output of an ip(8) command contain a text?
 * @arguments: its arguments, as to a shell
 * @text: what to look for
 */
bool netns_shows(const char *arguments, const char *text);

#endif /* UNIT_NETNS_H */
