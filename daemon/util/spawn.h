/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running another program, for a bounded time
 */
#ifndef HVKVP_UTIL_SPAWN_H
#define HVKVP_UTIL_SPAWN_H

#include <stddef.h>

/**
 * spawn_program() - run a program and wait for its end
 * @argv: path and arguments, NULL at the end; no shell is involved
 * @envp: its environment; NULL for ours, without NOTIFY_SOCKET
 * @input: what it reads from standard input; NULL for nothing
 * @limit_ms: then it and its children are killed, milliseconds
 *
 * Its output goes where our log lines go, or nowhere.
 *
 * Return: its exit code, 128 and the signal's number if one killed it;
 * -ETIMEDOUT; other -errno if it could not be started.
 */
int spawn_program(const char *const *argv, char *const *envp, const char *input,
	      unsigned int limit_ms);

/**
 * spawn_output() - run a program, take what it writes to standard output
 * @argv: path and arguments, NULL at the end; no shell is involved
 * @envp: its environment; NULL for ours, without NOTIFY_SOCKET
 * @limit_ms: then it and its process group are killed, milliseconds
 * @reader: the writing end of a pipe: they are killed as well once nobody reads it any
 *	more; -1: none
 * @text: gets the output; no NUL is added
 * @size: bytes of @text; a program that writes more is killed
 * @len: gets the bytes of @text that were written
 *
 * It reads nothing from standard input, and standard error goes where our log lines
 * go. What it leaves behind in its process group is killed when it ends.
 *
 * Return: its exit code, 128 and the signal's number if one killed it; -ETIMEDOUT;
 * -EFBIG if it wrote more than @size; other -errno if it could not be started.
 */
int spawn_output(const char *const *argv, char *const *envp, unsigned int limit_ms, int reader,
		 char *text, size_t size, size_t *len);

#endif /* HVKVP_UTIL_SPAWN_H */
