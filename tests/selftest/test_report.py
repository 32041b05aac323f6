# SPDX-License-Identifier: GPL-2.0-only
"""What the report counts, and what may be skipped."""

import io
import os
import re
import unittest

from lib import cases, report, skips
from lib.build import TOP

README_HEADING = "## What `make check` leaves out"


class Skips(unittest.TestCase):
    """A skip that is not in the list is a failure."""

    def setUp(self):
        self.stream = io.StringIO()

    def closing(self, out):
        """(exit code, last line)"""
        rc = out.close("none")
        return rc, self.stream.getvalue().splitlines()[-1]

    def test_listed(self):
        """a skip that is listed is counted as one"""
        out = report.Report(self.stream, may_skip=lambda name: name == "a")
        out.ok("b")
        out.skip("a", "no disk")
        self.assertEqual(self.closing(out), (0, "1 passed, 0 failed, 1 skipped"))

    def test_unlisted(self):
        """a skip that is not listed is a failure, and says so"""
        out = report.Report(self.stream, may_skip=lambda name: name == "a")
        out.skip("b", "no disk")
        self.assertEqual(self.closing(out), (1, "0 passed, 1 failed, 0 skipped"))
        self.assertIn("skipped without a listed reason", self.stream.getvalue())

    def test_no_reason(self):
        """a skip without a reason is a failure, listed or not"""
        out = report.Report(self.stream)
        out.skip("a", "")
        self.assertEqual(self.closing(out), (1, "0 passed, 1 failed, 0 skipped"))

    def test_nothing(self):
        """a run in which nothing ran has failed"""
        self.assertEqual(self.closing(report.Report(self.stream)), (1, "0 passed, 0 failed, 0 skipped"))

    def test_conditions(self):
        """with HVKVP_ALL=1 nothing may be skipped but what cannot be run, with HVKVP_DEBUG=1 no job of the debug kernel"""
        slow, debug = skips.ONLY_ALL[0], "verbs/ours/debug"
        self.assertTrue(skips.may_skip(slow, False, False) and skips.may_skip(debug, False, False))
        self.assertTrue(skips.may_skip(slow, False, True))
        self.assertFalse(skips.may_skip(debug, False, True))
        self.assertFalse(skips.may_skip(slow, True, True) or skips.may_skip(debug, True, True))
        self.assertFalse(skips.may_skip("verbs/ours/6.1", False, False))
        self.assertTrue(skips.may_skip("package: musl: all unit tests: uapi: and by clang", True, True))
        self.assertFalse(skips.may_skip("package: musl: all unit tests", True, True))

    def test_debug_jobs(self):
        """a machine whose cache has no debug kernel may leave out each of its jobs, and no other job"""
        jobs = cases.discover(os.path.join(TOP, "tests", "e2e"))
        self.assertIn("debug", {job.kernel for job in jobs})
        for job in jobs:
            self.assertEqual(skips.may_skip(job.name, False, False), job.kernel == "debug", job.name)

    def test_readme(self):
        """the list in README.md is the one that is checked"""
        with open(os.path.join(TOP, "README.md"), encoding="utf-8") as file:
            text = file.read()
        self.assertIn(README_HEADING, text)
        section = text.split(README_HEADING, 1)[1].split("\n## ", 1)[0]
        listed = re.findall(r"^- `([^`]+)`", section, re.MULTILINE)
        self.assertEqual(sorted(listed), sorted(skips.ONLY_ALL + skips.LACKING + skips.MACHINE + skips.ONLY_DEBUG))


class Table(unittest.TestCase):
    """The times of the stages."""

    def test_table(self):
        """a row for each stage, in minutes and seconds"""
        stream = io.StringIO()
        report.Report(stream).table("stages", [("kernel 6.1", 0, 61.5), ("unit", 3601, 5)])
        self.assertEqual([line.split() for line in stream.getvalue().splitlines()[1:]],
                         [["kernel", "6.1", "0:00", "1:01"], ["unit", "60:01", "0:05"]])
