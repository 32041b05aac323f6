# SPDX-License-Identifier: GPL-2.0-only
#
# The layers of daemon/, for its Makefile and for those of the tests.
#
# A folder includes itself and what stands behind its name here, and nothing else; tests/lint reads
# these lines and checks that. Libraries are linked in this order.

layers := single hvkvpd hvkvp client config ip facts pool net wire util

uses_util :=
uses_wire := util
uses_net := wire util
uses_pool := wire util
uses_client := pool wire util
uses_facts := net wire util
uses_ip := net wire util
uses_config := ip facts pool net wire util
uses_hvkvpd := config ip facts pool net wire util
uses_hvkvp := client config ip facts pool net wire util
uses_single := hvkvpd hvkvp client config ip facts pool net wire util

# $(call libraries_of,LAYER): what a program of that layer links, from the folder $(libdir).
libraries_of = $(addprefix $(libdir)/lib,$(addsuffix .a,$(filter $(layers),$(1)) $(uses_$(1))))
