// SPDX-License-Identifier: GPL-2.0-only
/*
 * Test cases that print TAP.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "c/tap.h"

/* No case takes this long, seconds; one that hangs must not hold up the others. */
#define LIMIT 60

static bool failed;
static const char *skipped;

bool tap_check(bool good, const char *file, int line, const char *what)
{
	if (!good) {
		printf("# %s:%d: not so: %s\n", file, line, what);
		failed = true;
	}
	return good;
}

bool tap_check_int(long long got, long long want, const char *file, int line,
		   const char *what)
{
	if (got != want) {
		printf("# %s:%d: %s is %lld (0x%llx), not %lld (0x%llx)\n", file, line, what,
		       got, got, want, want);
		failed = true;
	}
	return got == want;
}

bool tap_check_text(const char *got, const char *want, const char *file, int line,
		    const char *what)
{
	bool good = got && want ? !strcmp(got, want) : got == want;

	if (!good) {
		printf("# %s:%d: %s is \"%s\", not \"%s\"\n", file, line, what,
		       got ? got : "(null)", want ? want : "(null)");
		failed = true;
	}
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

int tap_main(const char *program, const struct tap_case *cases, size_t count)
{
	int bad = 0;

	signal(SIGALRM, hangs);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++) {
		failed = false;
		skipped = NULL;
		alarm(LIMIT);
		cases[i].run();
		printf("%sok %zu - %s: %s%s%s\n", failed ? "not " : "", i + 1, program,
		       cases[i].name, skipped ? " # SKIP " : "", skipped ? skipped : "");
		bad += failed;
	}
	return bad != 0;
}
