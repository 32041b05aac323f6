/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The unit tests' frame: one "ok" or "not ok" line a test.
 */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdbool.h>

/* A test returns normally, or check() ends it with a line that says where. */
struct tap_test {
	const char *name;
	void (*fn)(void);
};

/* Suites, each a list that ends with a NULL name. */
extern const struct tap_test ring_tests[];
extern const struct tap_test gpadl_tests[];
extern const struct tap_test msg_tests[];
extern const struct tap_test channel_tests[];
extern const struct tap_test bus_tests[];
extern const struct tap_test nic_tests[];
extern const struct tap_test out_tests[];
extern const struct tap_test script_tests[];
extern const struct tap_test serial_tests[];
extern const struct tap_test hypercall_tests[];
extern const struct tap_test acpi_tests[];
extern const struct tap_test cpuid_tests[];

/** tap_fail() - end the present test as failed; does not return. */
void tap_fail(const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 3, 4)));

#define check(what) \
	do { \
		if (!(what)) \
			tap_fail(__FILE__, __LINE__, "%s", #what); \
	} while (0)

#define check_eq(got, wanted) \
	do { \
		unsigned long long g_ = (unsigned long long)(got); \
		unsigned long long w_ = (unsigned long long)(wanted); \
		if (g_ != w_) \
			tap_fail(__FILE__, __LINE__, "%s is 0x%llx, wanted %s = 0x%llx", #got, \
				 g_, #wanted, w_); \
	} while (0)

#endif
