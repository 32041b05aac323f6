/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses for people: what an adapter has, and what a SET_IP would do
 */
#ifndef HVKVP_IP_DESCRIBE_H
#define HVKVP_IP_DESCRIBE_H

#include <stdio.h>

struct ip_system;

/**
 * ip_describe_interface() - what GET_IP tells of an interface, in lines KEY=value
 * @system: the machine
 * @name: the interface
 * @out: where to
 *
 * Return: 0; -ENOENT if there is no such interface; other -errno.
 */
int ip_describe_interface(const struct ip_system *system, const char *name, FILE *out);

/**
 * ip_describe_body() - what would be done with a SET_IP
 * @system: the machine
 * @path: a file with the request's body, from the KVP header on, as the host sent it
 *	(7428 bytes; 3716 are enough for the binary form)
 * @out: where to
 *
 * Whether it is text or binary is seen from the body: the text's adapter id starts
 * where the binary form has zeros. Nothing is changed.
 *
 * Return: 0 if it would be done; 1 if it would be refused, the reason has been
 * printed; -errno if the file cannot be read, or is none.
 */
int ip_describe_body(const struct ip_system *system, const char *path, FILE *out);

#endif /* HVKVP_IP_DESCRIBE_H */
