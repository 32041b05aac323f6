/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keeping what the host has set: at the start, and when an adapter appears
 *
 * A record names its adapter by the VMBus instance. The interface of that instance gets
 * what was set, whatever its name and MAC address are now. Where hvkvpd keeps the
 * addresses itself they are set; else the files of the manager are made again, since the
 * interface or the configuration of the user may have changed. No other adapter gets
 * them: where an interface of the same name, or MAC address, is another adapter now, a
 * manager that matches by that loses the files until the old one is back.
 *
 * What the host has set in the initramfs is taken over before: see ip/inherit.h.
 */
#ifndef HVKVP_IP_KEEP_H
#define HVKVP_IP_KEEP_H

#include <net/if.h>
#include <stdbool.h>

#include "ip/record.h"

struct ip_system;

#define IP_KEEP_MAX 32

/**
 * struct ip_keep - which adapters have got what the host has set
 * @system: the machine
 * @again_ms: what has failed is tried again at an update, but not before this time,
 *	milliseconds: a manager that does not answer takes IP_KEEP_MS each time
 * @started: the first update is done
 * @count: adapters
 * @kept: key of the record, number and name of the interface; 0 if it is not there
 */
struct ip_keep {
	const struct ip_system *system;
	unsigned int again_ms;
	bool started;
	unsigned int count;
	struct ip_kept {
		char key[IP_RECORD_KEY_SIZE];
		unsigned int index;
		char name[IFNAMSIZ];
		/* Its bridge or bond is not there; that was logged. */
		bool waits;
		/* The manager has not taken its files: they are written, it is to be notified. */
		bool late;
		/* It has failed; when to try it again, clock_ms(). */
		bool failed;
		uint64_t again;
	} kept[IP_KEEP_MAX];
};

/**
 * ip_keep_update() - set what the host has set for adapters that have appeared
 * @keep: the object; zero but for @system and @again_ms at the start
 *
 * Does nothing but log it where the addresses are locked, see ip_lock(), for IP_LOCK_MS.
 *
 * Call it when the device is open, and then whenever an interface has come or gone.
 * Each change is logged. Of one that fails, the kernel's addresses and files that cannot
 * be written are rolled back. Files that the manager does not take stay, since those
 * before them may give the addresses to another adapter: it is notified again.
 */
void ip_keep_update(struct ip_keep *keep);

#endif /* HVKVP_IP_KEEP_H */
