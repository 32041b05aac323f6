/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking back what the host has set, and listing it
 */
#ifndef HVKVP_IP_UNDO_H
#define HVKVP_IP_UNDO_H

#include <stdio.h>

struct ip_system;

/**
 * ip_undo() - take back what the host has set for an adapter
 * @system: the machine
 * @what: interface, VMBus instance GUID or MAC address; the adapter may be gone
 * @limit_ms: how long it may take
 *
 * The manager's files become as they were, the record goes; then the manager, if it
 * runs, sets the user's configuration. Where hvkvpd kept the addresses itself they are
 * removed.
 *
 * Return: 0; -ENOENT if the host has set nothing for it; -EREMOTEIO if a step has failed,
 * which is logged; other -errno. After an error nothing has changed: what was done is rolled
 * back.
 */
int ip_undo(const struct ip_system *system, const char *what, unsigned int limit_ms);

/** ip_undo_list() - what the host has set, an adapter a line, also for those that are gone. */
void ip_undo_list(const struct ip_system *system, FILE *out);

#endif /* HVKVP_IP_UNDO_H */
