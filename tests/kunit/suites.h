/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef KVP_SUITES_H
#define KVP_SUITES_H

#include <kunit/test.h>

extern struct kunit_suite kvp_feed_suite;
extern struct kunit_suite kvp_fsm_suite;
extern struct kunit_suite kvp_ic_suite;
extern struct kunit_suite kvp_msg_suite;
extern struct kunit_suite kvp_xact_suite;

#endif /* KVP_SUITES_H */
