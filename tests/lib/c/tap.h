/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test cases that print TAP
 *
 * A program has a table of cases and gives it to tap_main(). A case runs to its
 * end whatever its checks find; what they find comes as comments in front of its
 * line.
 */
#ifndef UNIT_TAP_H
#define UNIT_TAP_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct tap_case - one line of the output
 * @name: what is true if it passes
 * @run: checks it
 */
struct tap_case {
	const char *name;
	void (*run)(void);
};

/**
 * tap_main() - run all cases
 * @program: put in front of each name
 * @cases: the table
 * @count: how many
 *
 * Return: exit code, 0 if all passed.
 */
int tap_main(const char *program, const struct tap_case *cases, size_t count);

/**
 * tap_skip() - the case cannot be run here
 * @why: what is missing
 */
void tap_skip(const char *why);

bool tap_check(bool good, const char *file, int line, const char *what);
bool tap_check_int(long long got, long long want, const char *file, int line,
		   const char *what);
bool tap_check_text(const char *got, const char *want, const char *file, int line,
		    const char *what);

/* Each returns whether it held. */
#define CHECK(expression) \
	tap_check(expression, __FILE__, __LINE__, #expression)
#define CHECK_INT(got, want) \
	tap_check_int(got, want, __FILE__, __LINE__, #got)
#define CHECK_TEXT(got, want) \
	tap_check_text(got, want, __FILE__, __LINE__, #got)

#define TAP_MAIN(program, cases) \
int main(void) \
{ \
	return tap_main(program, cases, sizeof(cases) / sizeof((cases)[0])); \
}

#endif /* UNIT_TAP_H */
