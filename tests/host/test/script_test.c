// SPDX-License-Identifier: GPL-2.0-only
#include "tap.h"
const struct tap_test script_tests[] = { { 0 } };
