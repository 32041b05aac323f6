/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The suites of the test host's unit tests
 */
#ifndef TEST_SUITES_H
#define TEST_SUITES_H

#include <c/tap.h>

extern const struct tap_suite ring_tests;
extern const struct tap_suite gpadl_tests;
extern const struct tap_suite msg_tests;
extern const struct tap_suite channel_tests;
extern const struct tap_suite bus_tests;
extern const struct tap_suite nic_tests;
extern const struct tap_suite wcache_tests;
extern const struct tap_suite disk_tests;
extern const struct tap_suite out_tests;
extern const struct tap_suite script_tests;
extern const struct tap_suite serial_tests;
extern const struct tap_suite ioapic_tests;
extern const struct tap_suite hypercall_tests;
extern const struct tap_suite acpi_tests;
extern const struct tap_suite cpuid_tests;
extern const struct tap_suite gdb_tests;

#endif
