// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bodies of the tracepoints that the tested files call.
 */
#include "trace.c"
