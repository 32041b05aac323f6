// SPDX-License-Identifier: GPL-2.0-only
/*
 * All suites in one program. "run TEXT" runs the cases whose names hold TEXT.
 */
#include "test/suites.h"

#include "util/types.h"

int main(int argc, char **argv)
{
	const struct tap_suite *const suites[] = {
		&ring_tests, &gpadl_tests, &msg_tests, &channel_tests, &bus_tests, &nic_tests,
		&wcache_tests, &disk_tests,
		&out_tests, &script_tests, &serial_tests, &ioapic_tests, &hypercall_tests, &acpi_tests, &cpuid_tests,
		&gdb_tests,
	};

	return tap_run(suites, ARRAY_SIZE(suites), argc > 1 ? argv[1] : "");
}
