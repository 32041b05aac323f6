# SPDX-License-Identifier: GPL-2.0-only
"""Where machines run."""

import os
import subprocess
import unittest

from lib import places

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOLS = ("run", "vm/run", "demo", "endure", "cover", "teeth")


class Place(unittest.TestCase):
    """--place"""

    def test_choice(self):
        """what --place asks for counts; without it, what the probe says"""
        for host, kind in (("true", "here"), ("false", "level1")):
            self.assertEqual(places.choose("here", host)[0], "here")
            self.assertEqual(places.choose("level1", host)[0], "level1")
            self.assertEqual(places.choose(None, host)[0], kind)

    def test_tools(self):
        """every tool that boots machines has the option, and refuses another place"""
        for tool in TOOLS:
            done = subprocess.run([os.path.join(TESTS, tool), "--place", "nowhere"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, tool)
            self.assertIn("argument --place: invalid choice: 'nowhere'", done.stderr, tool)
