# SPDX-License-Identifier: GPL-2.0-only
"""Tests of lib/shrink.py."""

import unittest

from lib import shrink


class Shorter(unittest.TestCase):
    """A list gets as short as it can, and keeps its order."""

    def check(self, acts, needed):
        tried = []

        def still(some):
            tried.append(some)
            return [act for act in some if act in needed] == needed

        self.assertEqual(shrink.shorter(acts, still), needed)
        return tried

    def test_all_but_one_go(self):
        self.check(list(range(100)), [99])

    def test_two_far_apart(self):
        tried = self.check(list(range(200)), [3, 199])
        self.assertLess(len(tried), 60)

    def test_the_end_of_a_long_run(self):
        tried = self.check(list(range(100000)), [99990, 99999])
        self.assertLess(sum(map(len, tried)), 3000)

    def test_every_second(self):
        self.check(list(range(21)), list(range(0, 21, 2)))

    def test_nothing_can_go(self):
        self.check([1, 2, 3], [1, 2, 3])

    def test_one(self):
        self.check([1], [1])

    def test_out_of_time(self):
        calls = []

        def still(some):
            calls.append(some)
            if len(calls) > 2:
                raise shrink.OutOfTime
            return 9 in some

        self.assertLess(len(shrink.shorter(list(range(10)), still)), 10)


class CaseFile(unittest.TestCase):
    """What is written can be run."""

    def test_disk(self):
        text = shrink.case_file(['{ "get", "guest", "k" }'], 7, "ext4", "one\ntwo")
        self.assertIn("-- job: disk=ext4 start=no", text)
        self.assertIn("-- one\n-- two\n", text)
        self.assertIn('\t{ "get", "guest", "k" },\n', text)
        self.assertIn('fs = "ext4", profile = args.profile }', text)

    def test_no_disk(self):
        text = shrink.case_file([], 7, "", "")
        self.assertIn("-- job: start=no", text)
        self.assertIn("fs = nil, profile", text)


if __name__ == "__main__":
    unittest.main()
