/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Running another program, for a bounded time
 */
#ifndef HVKVP_UTIL_SPAWN_H
#define HVKVP_UTIL_SPAWN_H

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

#endif /* HVKVP_UTIL_SPAWN_H */
