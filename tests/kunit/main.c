// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suites of the driver's parts that need no bus.
 */
#include <linux/module.h>

#include "suites.h"

kunit_test_suites(&kvp_feed_suite, &kvp_fsm_suite, &kvp_ic_suite,
		  &kvp_msg_suite, &kvp_xact_suite);

MODULE_DESCRIPTION("KUnit tests of hv_kvp");
MODULE_LICENSE("GPL");
