/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * os-release(5): one variable of it
 */
#ifndef HVKVP_FACTS_OSRELEASE_H
#define HVKVP_FACTS_OSRELEASE_H

#include <stddef.h>

/**
 * osrelease_line() - is this line the variable, and what is its value?
 * @line: a line of the file, with or without its newline
 * @name: of the variable
 * @value: gets the value without quotes and escapes
 * @size: bytes of @value
 *
 * Return: 1 if it is, 0 if not or if its quotes do not match.
 */
int osrelease_line(const char *line, const char *name, char *value, size_t size);

/**
 * osrelease_get() - look a variable up
 * @root: directory in front of /usr/lib/hvkvpd/os-release, /etc/os-release and /usr/lib/os-release; the first of
 *	them that exists is read
 * @name: of the variable
 * @value: gets the value; "" if there is none
 * @size: bytes of @value
 *
 * Return: 1 if found, else 0.
 */
int osrelease_get(const char *root, const char *name, char *value, size_t size);

#endif /* HVKVP_FACTS_OSRELEASE_H */
