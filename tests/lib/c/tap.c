// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test cases that print TAP.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "c/tap.h"

/*
 * No case takes so much processor time, seconds; one that runs in circles must not hold up the others.
 * Elapsed time would depend on what else the machine has to do.
 */
#define LIMIT_CPU 60

/* One that waits for what never comes takes no processor time: elapsed seconds, on any machine. */
#define LIMIT_WAIT 600

static bool failed;
static const char *skipped;
static jmp_buf end_of_case;

void tap_fail(const char *file, int line, const char *format, ...)
{
	va_list ap;

	printf("# %s:%d: ", file, line);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	failed = true;
}

void tap_end(void)
{
	longjmp(end_of_case, 1);
}

bool tap_check(bool good, const char *file, int line, const char *what)
{
	if (!good)
		tap_fail(file, line, "failed: %s", what);
	return good;
}

bool tap_check_int(long long got, long long want, const char *file, int line,
		   const char *what)
{
	if (got != want)
		tap_fail(file, line, "%s is %lld (0x%llx), not %lld (0x%llx)", what, got, got,
			 want, want);
	return got == want;
}

bool tap_check_text(const char *got, const char *want, const char *file, int line,
		    const char *what)
{
	bool good = got && want ? !strcmp(got, want) : got == want;

	if (!good)
		tap_fail(file, line, "%s is \"%s\", not \"%s\"", what, got ? got : "(null)",
			 want ? want : "(null)");
	return good;
}

void tap_skip(const char *why)
{
	skipped = why;
}

static void hangs(int number)
{
	static const char text[] = "Bail out! a test case hangs\n";

	(void)number;
	_exit(write(1, text, sizeof(text) - 1) < 0 ? 2 : 1);
}

static bool is_selected(const struct tap_suite *suite, const struct tap_case *test,
			const char *only)
{
	char name[512];

	snprintf(name, sizeof(name), "%s: %s", suite->name, test->name);
	return strstr(name, only);
}

static void run(const struct tap_suite *suite, const struct tap_case *test, size_t number)
{
	const struct itimerval limit = { .it_value = { .tv_sec = LIMIT_CPU } };

	failed = false;
	skipped = NULL;
	setitimer(ITIMER_PROF, &limit, NULL);
	alarm(LIMIT_WAIT);
	if (!setjmp(end_of_case))
		test->run();
	printf("%sok %zu - %s: %s%s%s\n", failed ? "not " : "", number, suite->name, test->name,
	       skipped ? " # SKIP " : "", skipped ? skipped : "");
}

/* How many cases are selected; if @bad is there they run, and it counts those that fail. */
static size_t walk(const struct tap_suite *const *suites, size_t count, const char *only,
		   size_t *bad)
{
	size_t number = 0;

	for (size_t s = 0; s < count; s++) {
		for (size_t i = 0; i < suites[s]->count; i++) {
			if (!is_selected(suites[s], &suites[s]->cases[i], only))
				continue;
			number++;
			if (!bad)
				continue;
			run(suites[s], &suites[s]->cases[i], number);
			*bad += failed;
		}
	}
	return number;
}

int tap_run(const struct tap_suite *const *suites, size_t count, const char *only)
{
	size_t bad = 0, number = walk(suites, count, only, NULL);

	signal(SIGALRM, hangs);
	signal(SIGPROF, hangs);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", number);
	if (!number) {
		printf("Bail out! no test case is named *%s*\n", only);
		return 1;
	}
	walk(suites, count, only, &bad);
	return bad != 0;
}
