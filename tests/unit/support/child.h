/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs under test
 */
#ifndef UNIT_CHILD_H
#define UNIT_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/**
 * struct child - a program that was started
 * @pid: the process
 * @out: what it wrote to standard output, after child_end()
 * @err: likewise, standard error
 */
struct child {
	pid_t pid;
	char out[32768];
	char err[32768];
};

/* Programs are started without CAP_SYS_ADMIN while this is set. */
extern bool child_without_admin;

/**
 * child_start() - start a program of $HVKVP_BIN
 * @child: the object
 * @argv: its name and arguments, NULL at the end
 *
 * Its output goes to files in the scratch directory.
 */
void child_start(struct child *child, const char *const *argv);

/**
 * child_end() - wait for it to end
 * @child: the object
 *
 * Return: its exit code; 128 and the signal's number if one killed it; -1 if it
 * had to be killed after 10 s.
 */
int child_end(struct child *child);

/**
 * child_says() - wait until it has written this to standard error
 * @child: the object
 * @text: a part of it
 * @times: so many times at least
 *
 * Return: false after 10 s.
 */
bool child_says(struct child *child, const char *text, int times);

/**
 * child_prints() - likewise, standard output
 * @child: the object
 * @text: a part of it
 * @times: so many times at least
 *
 * Return: false after 10 s.
 */
bool child_prints(struct child *child, const char *text, int times);

/**
 * child_run() - start a program and wait for its end
 * @child: the object
 *
 * Return: as child_end().
 */
#define child_run(child, ...) \
	(child_start(child, (const char *const[]){ __VA_ARGS__, NULL }), child_end(child))

#endif /* UNIT_CHILD_H */
