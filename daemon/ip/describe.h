/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Addresses for people: what an adapter has, and what a SET_IP would do
 */
#ifndef HVKVP_IP_DESCRIBE_H
#define HVKVP_IP_DESCRIBE_H

#include <stdio.h>

struct ip_policy;
struct ip_system;

/**
 * ip_describe_interface() - what GET_IP reports of an interface, in lines KEY=value
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
 * @policy: what the host may do; NULL: everything
 * @path: a file with the request's body, from the KVP header on, as the host sent it;
 *	ip_codec_size() bytes are enough
 * @out: where to
 *
 * Whether it is text or binary is seen from the body: the text's adapter id starts
 * where the binary form has zeros. Nothing is changed.
 *
 * Return: 0 if it would be done; 1 if it would be refused, the reason has been
 * printed; -errno if the file cannot be read, or is none.
 */
int ip_describe_body(const struct ip_system *system, const struct ip_policy *policy,
		     const char *path, FILE *out);

/**
 * ip_describe_error() - why ip_describe_body() could not read its file
 * @err: -errno
 * @text: gets it, without the file's name
 * @size: bytes of @text
 *
 * Return: @text.
 */
const char *ip_describe_error(int err, char *text, size_t size);

#endif /* HVKVP_IP_DESCRIBE_H */
