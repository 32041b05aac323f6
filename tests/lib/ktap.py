# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel's log says about KUnit suites, and whether the kernel complained meanwhile."""

import re
from dataclasses import dataclass

STAMP = re.compile(r"^\[ *\d+\.\d+\](?:\[[^]]*\])? ?")
SUBTEST = re.compile(r"^    # Subtest: (\S+)")
PLAN = re.compile(r"^(    )?1\.\.(\d+)$")
RESULT = re.compile(r"^(    )?(not )?ok (\d+) (\S+)(?:\s+# SKIP\s*(.*))?")
SUITE_LINES = 40

# What no kernel log may have. tests/host/lua/guest.lua has the same for guests of the test host.
SPLATS = (
    "WARNING: ", "BUG: ", "Oops", "KASAN", "UBSAN", "Kernel panic", "general protection fault",
    "unable to handle", "Call Trace:", "possible circular locking", "possible recursive locking",
    "inconsistent lock state", "suspicious RCU usage", "DEBUG_LOCKS_WARN_ON", "ODEBUG: ",
    "refcount_t: ", "list_add corruption", "list_del corruption", "scheduling while atomic",
    "sleeping function called", "blocked for more than", "Unreferenced object",
    "unreferenced object", "new suspected memory leaks",
)


@dataclass(frozen=True)
class Point:
    """One test case of a suite."""

    name: str       # SUITE: CASE
    result: str     # pass, fail, skip
    why: str = ""


def lines_of(log):
    """The log's lines without their time stamps."""
    return [STAMP.sub("", line.rstrip("\r")) for line in log.split("\n")]


def points(log):
    """Every test case, then one failing point for each plan that was not kept."""
    found, said = [], []
    suite, planned, seen = "", None, 0
    suites_planned, suites_seen = None, 0
    for line in lines_of(log):
        plan, result = PLAN.match(line), RESULT.match(line)
        if SUBTEST.match(line):
            suite, planned, seen, said = SUBTEST.match(line).group(1), None, 0, []
        elif plan and plan.group(1):
            planned = int(plan.group(2))
        elif plan:
            suites_planned, suites_seen = int(plan.group(2)), 0
        elif result and result.group(1):
            seen += 1
            found.append(_point(suite, result, said))
            said = []
        elif result:
            suites_seen += 1
            if planned != seen:
                found.append(Point(f"{suite}: its plan", "fail",
                                   f"{planned} cases were planned, {seen} ran"))
        elif line.strip():
            said = [*said[1 - SUITE_LINES:], line.strip()]
    if suites_planned != suites_seen:
        found.append(Point("all suites", "fail", f"{suites_planned} suites were planned, "
                           f"{suites_seen} ended; the last words were:\n" + "\n".join(said)))
    return found


def _point(suite, result, said):
    _, failed, _, case, skipped = result.groups()
    name = f"{suite}: {case}"
    if skipped is not None:
        return Point(name, "skip", skipped)
    return Point(name, "fail", "\n".join(said)) if failed else Point(name, "pass")


def splats(log):
    """The lines in which the kernel complains of itself."""
    return [line.strip() for line in lines_of(log) if any(text in line for text in SPLATS)]
