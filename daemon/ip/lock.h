/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The lock on what the host has set: one change of addresses at a time, of the daemon or
 * of "hvkvp ip undo"
 */
#ifndef HVKVP_IP_LOCK_H
#define HVKVP_IP_LOCK_H

struct error;
struct ip_system;

/**
 * ip_lock() - wait until no one else changes addresses
 * @system: the machine
 * @limit_ms: how long to wait, milliseconds
 * @error: gets who holds it
 *
 * The lock is flock(2) on <state dir>/ip.lock, and goes with the process. Where that file
 * cannot be made there are no records to protect, and no lock.
 *
 * Return: what ip_unlock() takes; -EBUSY if the time is up.
 */
int ip_lock(const struct ip_system *system, unsigned int limit_ms, struct error *error);

/** ip_unlock() - end it. */
void ip_unlock(int lock);

#endif /* HVKVP_IP_LOCK_H */
