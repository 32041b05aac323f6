# SPDX-License-Identifier: GPL-2.0-only
"""Tests of lib/teeth.py."""

import os
import subprocess
import tempfile
import unittest

from lib import teeth


class Planting(unittest.TestCase):
    """A defect is planted in a copy only, and taken out again."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.top, self.copy = (os.path.join(folder.name, name) for name in ("top", "copy"))
        os.makedirs(os.path.join(self.top, "sub"))
        subprocess.run(["git", "-C", self.top, "init", "-q"], check=True)
        self.write("sub/a.c", "one two one\n")
        self.write("run", "#!/bin/sh\n")
        os.chmod(os.path.join(self.top, "run"), 0o755)
        self.write(".gitignore", "*.o\n")
        self.write("a.o", "built")
        teeth.mirror(self.top, self.copy)

    def write(self, name, text):
        teeth.write(os.path.join(self.top, name), text)

    def read(self, name="sub/a.c"):
        with open(os.path.join(self.copy, name), encoding="utf-8") as file:
            return file.read()

    def test_mirror(self):
        """the copy has what git knows; what is the same keeps its time"""
        self.assertEqual(self.read(), "one two one\n")
        self.assertFalse(os.path.exists(os.path.join(self.copy, "a.o")))
        self.assertTrue(os.access(os.path.join(self.copy, "run"), os.X_OK))
        path = os.path.join(self.copy, "run")
        os.utime(path, (1000, 1000))
        self.write("sub/a.c", "three\n")
        teeth.mirror(self.top, self.copy)
        self.assertEqual(self.read(), "three\n")
        self.assertEqual(os.path.getmtime(path), 1000)

    def test_plant(self):
        """what is planted is taken out again"""
        defect = teeth.Defect("d", "sub/a.c", "two", "2")
        text = defect.plant(self.copy)
        self.assertEqual(self.read(), "one 2 one\n")
        defect.remove(self.copy, text)
        self.assertEqual(self.read(), "one two one\n")

    def test_does_not_fit(self):
        """an edit that fits nowhere, or twice, is an error, and changes nothing"""
        for old in ("none", "one"):
            with self.assertRaisesRegex(teeth.ToothError, "sub/a.c"):
                teeth.Defect("d", "sub/a.c", old, "x").plant(self.copy)
            self.assertEqual(self.read(), "one two one\n")

    def test_names(self):
        """each defect has a name of its own"""
        names = [defect.name for defect in teeth.DEFECTS]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreaterEqual(len(names), 20)

    def test_fits(self):
        """each defect fits the source as it is"""
        top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        for defect in teeth.DEFECTS:
            with open(os.path.join(top, defect.path), encoding="utf-8") as file:
                self.assertEqual(file.read().count(defect.old), 1, defect.name)


if __name__ == "__main__":
    unittest.main()
