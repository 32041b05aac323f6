// SPDX-License-Identifier: GPL-2.0-only
/*
 * The unit tests' frame, and the list of suites. "run TEXT" runs the tests
 * whose names hold TEXT.
 */
#include "test/tap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/types.h"

static jmp_buf out_of_test;
static char why[4096];

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n = snprintf(why, sizeof(why), "%s:%d: ", file, line);

	va_start(ap, fmt);
	vsnprintf(why + n, sizeof(why) - (size_t)n, fmt, ap);
	va_end(ap);
	longjmp(out_of_test, 1);
}

int main(int argc, char **argv)
{
	static const struct tap_test *const suites[] = {
		ring_tests, gpadl_tests, msg_tests, channel_tests, bus_tests, nic_tests,
		out_tests, script_tests, serial_tests, hypercall_tests, acpi_tests, cpuid_tests,
	};
	volatile int number = 0, failed = 0;
	volatile size_t s;
	const struct tap_test *volatile t;

	for (s = 0; s < ARRAY_SIZE(suites); s++) {
		for (t = suites[s]; t->name; t++) {
			if (argc > 1 && !strstr(t->name, argv[1]))
				continue;
			number++;
			if (!setjmp(out_of_test)) {
				t->fn();
				printf("ok %d - %s\n", number, t->name);
			} else {
				failed++;
				printf("not ok %d - %s\n# %s\n", number, t->name, why);
			}
			fflush(stdout);
		}
	}
	printf("1..%d\n", number);
	return failed != 0;
}
