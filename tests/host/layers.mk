# SPDX-License-Identifier: GPL-2.0-only
#
# The layers of the test host, for its Makefile.
#
# A folder includes itself and what stands behind its name here, and nothing else; tests/lint reads
# these lines and checks that. A folder is a static library; they are linked in this order.

layers := script gdb devices vmbus machine util

uses_util :=
uses_machine := util
uses_vmbus := machine util
uses_devices := vmbus machine util
uses_script := devices vmbus machine util
uses_gdb := machine util
uses_main := script gdb vmbus machine util
uses_test := script gdb devices vmbus machine util
