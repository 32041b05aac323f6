/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taking over what the host has set in the initramfs
 *
 * There was no network manager, and the records of this system were out of reach. The host
 * does not set the addresses again, so they are set as if it did: on top of what it had set
 * before, and kept by the manager that is in charge of the adapter now.
 */
#ifndef HVKVP_IP_INHERIT_H
#define HVKVP_IP_INHERIT_H

struct ip_system;

/**
 * ip_inherit() - take over the records of the initramfs whose adapters are there
 * @system: the machine
 *
 * Each record is used once, and removed. Success and failure are logged.
 */
void ip_inherit(const struct ip_system *system);

#endif /* HVKVP_IP_INHERIT_H */
