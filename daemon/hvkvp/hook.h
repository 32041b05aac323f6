/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program that is run for each change, for hvkvp watch --exec
 *
 * One at a time, in the order of the changes. Changes that come in meanwhile are kept.
 */
#ifndef HVKVP_HVKVP_HOOK_H
#define HVKVP_HVKVP_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* So many changes are kept; then the ring has to keep them. */
#define HOOK_QUEUE_MAX 65536

/**
 * struct hook_run - a change that the program has to be run for
 * @next: the change after it
 * @env: "NAME=value" of its variables, up to a NULL; owned
 * @count: of @env
 */
struct hook_run {
	struct hook_run *next;
	char *env[10];
	size_t count;
};

/**
 * struct hook - a program
 * @program: its path
 * @first: changes that wait, the oldest one
 * @last: the newest one
 * @waiting: how many
 * @pid: that runs; 0: none
 * @what: it runs for this, for messages; owned
 * @child_fd: readable when a child has ended
 */
struct hook {
	const char *program;
	struct hook_run *first;
	struct hook_run *last;
	size_t waiting;
	pid_t pid;
	char *what;
	int child_fd;
};

/**
 * hook_init() - set up, and block SIGCHLD
 * @hook: the object
 * @program: its path
 *
 * Return: 0 or -errno.
 */
int hook_init(struct hook *hook, const char *program);

/**
 * hook_exit() - forget the changes that wait; a program that runs goes on
 * @hook: the object
 */
void hook_exit(struct hook *hook);

/**
 * hook_begin() - a change
 *
 * Return: for hook_set() and hook_add(), or NULL without memory.
 */
struct hook_run *hook_begin(void);

/**
 * hook_set() - set a variable for its program
 * @run: of hook_begin()
 * @name: of the variable
 * @value: text; NULL: it is not set
 *
 * Return: false without memory.
 */
bool hook_set(struct hook_run *run, const char *name, const char *value);

/**
 * hook_add() - the change is complete: run the program when its turn comes
 * @hook: the object
 * @run: of hook_begin()
 */
void hook_add(struct hook *hook, struct hook_run *run);

/**
 * hook_work() - see whether the program has ended, and run it for the next change
 * @hook: the object
 *
 * Return: true if there is something to be waited for.
 */
bool hook_work(struct hook *hook);

#endif /* HVKVP_HVKVP_HOOK_H */
