/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Test cases that print TAP
 *
 * A program has a table of cases for each suite. CHECK() notes what it finds and
 * lets the case go on; REQUIRE() ends the case. What they find comes as comments
 * in front of the case's line.
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
 * struct tap_suite - cases with one subject
 * @name: put in front of each case's name
 * @cases: the table
 * @count: its length
 */
struct tap_suite {
	const char *name;
	const struct tap_case *cases;
	size_t count;
};

#define TAP_SUITE(name, cases) { name, cases, sizeof(cases) / sizeof((cases)[0]) }

/**
 * tap_run() - run suites, one after the other
 * @suites: the suites
 * @count: how many
 * @only: run only the cases whose full name, "SUITE: CASE", contains this
 *
 * A case that takes more than 60 s of processor time, or 600 s altogether, ends the program. To select
 * no case is a failure.
 *
 * Return: exit code, 0 if all passed.
 */
int tap_run(const struct tap_suite *const *suites, size_t count, const char *only);

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

/**
 * tap_fail() - note a failure
 * @file: where
 * @line: where
 * @format: what failed, as for printf()
 */
void tap_fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** tap_end() - end the case; not from another thread or a signal handler. */
void tap_end(void) __attribute__((noreturn));

/* Each returns whether it held. */
#define CHECK(expression) \
	tap_check(expression, __FILE__, __LINE__, #expression)
#define CHECK_INT(got, want) \
	tap_check_int(got, want, __FILE__, __LINE__, #got)
#define CHECK_TEXT(got, want) \
	tap_check_text(got, want, __FILE__, __LINE__, #got)

/* For a case that cannot go on without it. What the case holds, it leaks. */
#define REQUIRE(expression) \
	do { \
		if (!tap_check(expression, __FILE__, __LINE__, #expression)) \
			tap_end(); \
	} while (0)
#define REQUIRE_INT(got, want) \
	do { \
		if (!tap_check_int((long long)(got), (long long)(want), __FILE__, __LINE__, #got)) \
			tap_end(); \
	} while (0)
#define TAP_END(...) \
	do { \
		tap_fail(__FILE__, __LINE__, __VA_ARGS__); \
		tap_end(); \
	} while (0)

#define TAP_MAIN(program, cases) \
int main(void) \
{ \
	static const struct tap_suite suite = TAP_SUITE(program, cases); \
	const struct tap_suite *const suites[] = { &suite }; \
\
	return tap_run(suites, 1, ""); \
}

#endif /* UNIT_TAP_H */
