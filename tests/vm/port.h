/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whole lines and whole blocks through a port, for the programs inside the machines
 *
 * Each is one file, built by itself; so this is code and not only declarations.
 */
#ifndef VM_PORT_H
#define VM_PORT_H

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

/**
 * die() - the program's own end: say why, and do not return
 * @fmt: printf(3) format
 */
static void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

/**
 * write_all() - write a block, or die
 * @fd: where to
 * @data: the block
 * @len: its bytes
 */
static void write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("write: %s", strerror(errno));
		at += n;
		len -= n;
	}
}

/**
 * read_all() - read a block, or die
 * @fd: where from
 * @data: filled in
 * @len: its bytes
 */
static void read_all(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die("the other side went away");
		at += n;
		len -= n;
	}
}

/**
 * read_line() - read up to a newline, or die
 * @fd: where from
 * @line: gets the line without it
 * @size: bytes of @line; a longer line is an error
 */
static void read_line(int fd, char *line, size_t size)
{
	size_t used = 0;

	for (;;) {
		read_all(fd, line + used, 1);
		if (line[used] == '\n')
			break;
		if (++used == size)
			die("a line longer than %zu bytes", size);
	}
	line[used] = 0;
}

#endif /* VM_PORT_H */
