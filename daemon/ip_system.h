/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the address code finds the system: an object, so that tests have theirs
 */
#ifndef HVKVP_IP_SYSTEM_H
#define HVKVP_IP_SYSTEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_cache;

#define IP_PATH_SIZE	512

/* Run instead of everything else, where it is there. */
#define IP_SITE_SCRIPT	"/etc/hyperv/set-ip"

/**
 * struct ip_system - the machine, or what a test makes of one
 * @root: directory in front of /etc, /run, /sys, /usr; "" for the real ones
 * @state_dir: where hvkvpd keeps its own records, without @root
 * @site_script: path of the site's own script, without @root
 * @settle_ms: how long new addresses may take to come up, milliseconds
 * @cache: what the kernel told; NULL: it is asked each time
 */
struct ip_system {
	const char *root;
	const char *state_dir;
	const char *site_script;
	unsigned int settle_ms;
	struct ip_cache *cache;
};

/**
 * ip_path() - a path below the root
 * @system: the machine
 * @path: gets it, IP_PATH_SIZE bytes
 * @format: printf(3) format, starts with '/'
 *
 * Return: @path; "" if it is too long.
 */
char *ip_path(const struct ip_system *system, char *path, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * ip_exists() - is there a file below the root?
 * @system: the machine
 * @format: printf(3) format, starts with '/'
 */
bool ip_exists(const struct ip_system *system, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ip_slurp() - read a small file
 * @path: its path
 * @text: gets it, with a NUL; "" if it cannot be read
 * @size: bytes of @text; a longer file is cut
 *
 * Return: bytes without the NUL, or -errno.
 */
int ip_slurp(const char *path, char *text, size_t size);

/**
 * ip_line_value() - a value of a "KEY=value" file
 * @text: the file
 * @key: at the start of a line
 * @value: gets what is behind its '=', to the end of the line; cut if too long
 * @size: bytes of @value
 *
 * Return: false, and an empty value, if there is no such line.
 */
bool ip_line_value(const char *text, const char *key, char *value, size_t size);

#endif /* HVKVP_IP_SYSTEM_H */
