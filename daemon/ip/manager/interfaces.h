/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ifupdown's files: /etc/network/interfaces, and what it includes
 *
 * Files whose names start with "hvkvpd-" are ours, and are left out.
 */
#ifndef HVKVP_IP_MANAGER_INTERFACES_H
#define HVKVP_IP_MANAGER_INTERFACES_H

#include <stdbool.h>
#include <stddef.h>

#define INTERFACES_PATH "/etc/network/interfaces"

struct ip_system;

/**
 * struct interfaces_stanza - an "iface" stanza
 * @family: "inet" or "inet6"
 * @method: "static", "dhcp" and so on
 * @inherits: what is behind the method; ""
 * @options: its other lines, each with its newline; not terminated
 * @options_len: bytes of @options
 */
struct interfaces_stanza {
	char family[16];
	char method[32];
	char inherits[64];
	const char *options;
	size_t options_len;
};

/**
 * interfaces_read() - all files as one text, in ifupdown's order
 * @system: the machine
 *
 * Return: the text, to be freed; NULL if there is no main file.
 */
char *interfaces_read(const struct ip_system *system);

/**
 * interfaces_next() - the next stanza of an interface
 * @text: from interfaces_read(); moved on
 * @name: the interface
 * @stanza: filled in
 *
 * Return: false at the end.
 */
bool interfaces_next(const char **text, const char *name, struct interfaces_stanza *stanza);

/**
 * interfaces_reads_folder() - does the main file include /etc/network/interfaces.d?
 * @system: the machine
 *
 * Return: whether a file of ours is read; where only "*.cfg" is included, it is not.
 */
bool interfaces_reads_folder(const struct ip_system *system);

/** interfaces_names() - is ifupdown installed, and has it a stanza for an interface? */
bool interfaces_names(const struct ip_system *system, const char *name);

#endif /* HVKVP_IP_MANAGER_INTERFACES_H */
