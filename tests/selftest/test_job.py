# SPDX-License-Identifier: GPL-2.0-only
"""A job brings along what its case file requires, and its limits grow on a busy machine."""

import os
import tempfile
import unittest
from dataclasses import replace
from unittest import mock

from lib import job, level1
from lib.kernel import Kernel


class Beside(unittest.TestCase):
    """Files beside a case file."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as file:
            file.write(text)
        return path

    def test_found(self):
        """files beside a case file are found, also those of such files; what is built in is none"""
        case = self.write("case.lua", "local a = require \"a\"\nlocal ic = require(\"ic\")\n"
                                      "-- require 'comment'\nlocal n = require('none')\n")
        for name in ("ic.lua", "comment.lua"):
            self.write(name, "")
        a = self.write("a.lua", "return require 'b-2', require 'a'\n")
        b = self.write("b-2.lua", "")
        none = os.path.join(self.folder, "none.lua")
        self.assertEqual(sorted(job.beside(case)), [a, b, none])

    def test_put(self):
        """in level 1 they are in the folder of the case file, also when that has changed"""
        case, helper = self.write("case.lua", "require 'a'\n"), self.write("a.lua", "return 1\n")
        place = object.__new__(level1.Level1)
        place.files, sent = {}, []
        with mock.patch.object(place, "_send", sent.append, create=True):
            one = job.Job(script=case)
            with mock.patch.object(job.Job, "_append", lambda *_: ""), \
                    mock.patch.object(job, "module_tree", lambda *_: None):
                words = [one.argv(place, helper, mock.Mock(image=helper), helper) for _ in range(2)]
        put = words[0][words[0].index("--script") + 1]
        self.assertEqual(words[0], words[1])
        there = [data.split(b"\n")[0].split()[3].decode() for data in sent]
        self.assertIn(os.path.join(os.path.dirname(put), "a.lua"), there)
        self.assertEqual(len(there), len(set(there)))


class Place:
    """Where everything is already."""

    @staticmethod
    def put(path, _mode=0):
        return path


class Limits(unittest.TestCase):
    """What a busy machine changes."""

    def factor(self, load, cpus=2):
        with mock.patch.object(job.os, "getloadavg", lambda: (load, 0, 0)), \
                mock.patch.object(job.os, "cpu_count", lambda: cpus):
            return job.busy_factor()

    def test_factor(self):
        """limits grow with the load of each CPU, up to four times"""
        self.assertEqual([self.factor(load) for load in (0, 6, 6.1, 13, 18.5, 90)],
                         [1, 1, 2, 3, 4, 4])
        self.assertEqual(self.factor(13, 8), 1)

    def test_job(self):
        """the test host, the script and the place get the longer limit"""
        usual = job.Job(script="x.lua", time=60)
        busy = replace(usual, busy=2)
        self.assertEqual(busy.limit - usual.limit, 60)
        with mock.patch.object(job, "module_tree", lambda kernel, parts: mock.Mock()):
            for one, limit, patience in ((usual, "60", "patience=1"), (busy, "120", "patience=2"),
                                         (replace(busy, kernel="debug"), "120", "patience=6")):
                words = one.argv(Place, "hvhost", Kernel("k", "r", "i", "d", "m", "o"), "initrd")
                self.assertEqual(words[words.index("--time-limit") + 1], limit)
                self.assertIn(patience, words)

    def test_longest(self):
        """no limit is longer than what the test host takes"""
        long = job.Job(script="x.lua", time=30000, busy=4)
        self.assertEqual((long.seconds, replace(long, busy=2).seconds), (86400, 60000))
        self.assertEqual(long.limit, 86400 + job.MARGIN)


if __name__ == "__main__":
    unittest.main()
