# SPDX-License-Identifier: GPL-2.0-only
"""Which lines of the driver may stay without a run."""

import importlib.machinery
import importlib.util
import os
import unittest

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cover")
SPEC = importlib.util.spec_from_loader("cover", importlib.machinery.SourceFileLoader("cover", PATH))
cover = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(cover)


class Excused(unittest.TestCase):
    """A reason is for one line of one function."""

    def test_the_line(self):
        """a line with a reason is excused, the same text in another function is not"""
        lines = [("driver/feed.c", 25, "kvp_feed_create", "return NULL;"),
                 ("driver/feed.c", 99, "kvp_feed_peek", "return NULL;")]
        found = [bool(why) for _, why in cover.excused(lines)]
        self.assertEqual(found, [True, False])

    def test_twice(self):
        """a second line of that text in the same function is not"""
        lines = [("driver/feed.c", 18, "kvp_feed_create", "return NULL;"),
                 ("driver/feed.c", 25, "kvp_feed_create", "return NULL;")]
        self.assertEqual([(line[1], bool(why)) for line, why in cover.excused(lines)],
                         [(18, False), (25, True)])

    def test_functions_exist(self):
        """every reason names a function and a line that are there"""
        for path, function, text in cover.UNREACHED:
            with open(os.path.join(os.path.dirname(PATH), "..", path), encoding="utf-8") as source:
                code = source.read()
            self.assertIn(f"{function}(", code)
            self.assertIn(text, code)
