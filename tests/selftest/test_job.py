# SPDX-License-Identifier: GPL-2.0-only
"""A job brings along what its case file requires."""

import os
import tempfile
import unittest
from unittest import mock

from lib import job, level1


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


if __name__ == "__main__":
    unittest.main()
