# SPDX-License-Identifier: GPL-2.0-only
"""The soak counts what stopped, by where it stopped."""

import os
import tempfile
import unittest
from unittest import mock

from lib import emulator, soak
from lib.job import Job
from lib.level1 import Level1Error, Level1Silent

KERNEL_LOG = b"[    3.1] hv_vmbus: Vmbus version:5.3\n"
MARKED = KERNEL_LOG + b"[    3.2] " + emulator.MARK + b"\n"
GOOD = (0, MARKED)
BEFORE = (3, KERNEL_LOG)
AFTER = (3, MARKED)


class Place:
    """Stands for level 1; takes (exit code or error, console) from a list."""

    outcomes = []
    opened = 0

    def __init__(self, _kernel, log, **options):
        self.log = log
        type(self).opened += 1
        type(self).options = options
        with open(log, "w", encoding="ascii") as file:
            file.write("Linux version 6.1\n")
        if isinstance(self.outcomes[0], Level1Silent):
            raise self.outcomes.pop(0)

    def run(self, _argv, _limit, sink):
        rc, console = self.outcomes.pop(0)
        if console:
            sink("console.log", console)
        if rc:
            sink("stderr", b"vcpu0 exits: 5\nvcpu0 halted, rip 0x12 rsp 0x34\n")
        if isinstance(rc, Exception):
            raise rc
        return rc

    def close(self):
        pass


class Counts(unittest.TestCase):
    """Soak.run() on scripted machines."""

    def run_soak(self, outcomes, options=None):
        place = type("Scripted", (Place,), {"outcomes": list(outcomes), "opened": 0})
        boots = []
        with tempfile.TemporaryDirectory() as logs, mock.patch.object(soak, "Level1", place):
            one = soak.Soak(soak.Setting("QEMU 1", options or {}), None, lambda job, place: [], logs)
            one.run(Job(script="x.lua"), len(outcomes), 1, boots.append)
            self.left = sorted(name for name in os.listdir(logs) if not name.endswith(".level1"))
        return boots, place

    def test_outcomes(self):
        """each outcome is distinguished from the others"""
        boots, _ = self.run_soak([GOOD, BEFORE, AFTER, (Level1Error("gone"), KERNEL_LOG),
                                  Level1Silent("silent"), (4, b"")])
        self.assertEqual([boot.outcome for boot in boots],
                         [soak.GOOD, soak.BEFORE, soak.AFTER, soak.LEVEL1_DIED, soak.NO_LEVEL1,
                          soak.BEFORE])
        self.assertEqual([boot.why for boot in boots],
                         ["", "out of time", "out of time", "gone", "silent", "the guest died"])
        self.assertEqual(len(self.left), 5, "the logs of a good boot are removed, others stay")

    def test_silent(self):
        """a first level 1 that never answers ends the soak"""
        with self.assertRaises(Level1Silent):
            self.run_soak([Level1Silent("silent"), GOOD])

    def test_where(self):
        """a stop has the console's last line, or level 1's, and where the processors stopped"""
        boots, _ = self.run_soak([BEFORE, (4, b"")])
        self.assertEqual([boot.console for boot in boots],
                         ["[    3.1] hv_vmbus: Vmbus version:5.3", "Linux version 6.1"])
        self.assertEqual(boots[0].processors, "vcpu0 halted, rip 0x12 rsp 0x34")

    def test_machines(self):
        """a machine serves one boot after another until one stops, and gets its options"""
        _, place = self.run_soak([GOOD, GOOD, BEFORE, GOOD], {"cpus": 2})
        self.assertEqual((place.opened, place.options), (2, {"cpus": 2}))


class Table(unittest.TestCase):
    """What is printed."""

    def test_rates(self):
        """the table has each setting's boots, stops, rate and interval, and each stop"""
        boots = [soak.Boot("A", soak.GOOD, 5.0, 1.0)] * 98
        boots += [soak.Boot("A", soak.BEFORE, 100.0, 1.0, "out of time", "last", "vcpu0 halted")] * 2
        boots += [soak.Boot("B", soak.GOOD, 7.0, 1.0)] * 50
        lines = soak.table(boots)
        self.assertRegex(lines[1], r"^A +100 +2 +2\.0 % +0\.6 to +7\.0 % +5\.0 s +1\.0$")
        self.assertRegex(lines[2], r"^B +50 +0 +0\.0 % +0\.0 to +7\.1 % +7\.0 s +1\.0$")
        self.assertEqual(lines[3], f"A: {soak.BEFORE}: 2")
        self.assertEqual(lines.count("    out of time (100 s); console: last"), 2)
