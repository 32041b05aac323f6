# SPDX-License-Identifier: GPL-2.0-only
"""A level-1 machine that does not come up says why. Shell scripts stand for QEMU."""

import os
import re
import tempfile
import time
import unittest
from unittest import mock

from lib import level1, qemu

# Finds the console's file and the channel in QEMU's command line.
HEAD = """#!/bin/bash
for word; do
	case $word in
	file,id=log,path=*) log=${word##*=} ;;
	socket,id=relay,fd=*) channel=${word##*=} ;;
	esac
done
"""


class Boot(unittest.TestCase):
    """Level1() with such a script."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.log = os.path.join(self._folder.name, "level1.log")
        for name, value in (("initramfs", lambda kernel: "initrd"), ("QUIET_LIMIT", 1.5),
                            ("BOOT_LIMIT", 4)):
            patch = mock.patch.object(level1, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    def boot(self, script):
        program = os.path.join(self._folder.name, "qemu")
        with open(program, "w", encoding="ascii") as file:
            file.write(HEAD + script)
        os.chmod(program, 0o755)
        return level1.Level1(mock.Mock(image="bzImage"), self.log, program)

    def silent(self, script):
        """The error that the script's boot ends with."""
        with self.assertRaises(level1.Level1Silent) as caught:
            self.boot(script).close()
        return caught.exception

    def test_answers(self):
        """a machine that answers is up"""
        # sleep: it stands for a machine that goes on
        with self.boot("echo ready >&$channel; exec sleep 60") as machine:
            self.assertLess(machine.boot_seconds, 1.5)

    def test_silent(self):
        """one that falls silent is given up, with its console and QEMU's command line"""
        # sleep: it stands for a machine that goes on
        error = self.silent("echo 'LSM: initializing' >$log; exec sleep 60")
        self.assertIn("wrote nothing to its console for 1.5 s", error.why)
        tails = dict(error.tails)
        self.assertIn("-kernel bzImage -initrd initrd", tails["QEMU's command line"])
        self.assertEqual(tails[self.log], "LSM: initializing")
        self.assertIn("LSM: initializing", str(error))

    def test_comma(self):
        """a comma in the path of its log does not end it"""
        self.log = self.log.replace("level1.log", "a, b.log")
        error = self.silent('echo "$@" >&2; exit 1')
        self.assertIn("path=" + self.log.replace(",", ",,"), dict(error.tails)[self.log + ".qemu"])

    def test_clock(self):
        """it is given the frequency of its clock, and does not have to measure it on a busy machine"""
        said = dict(self.silent('echo "$@" >&2; exit 1').tails)[self.log + ".qemu"]
        khz = int(re.search(r"-append .*\btsc_early_khz=(\d+) ", said).group(1))
        self.assertAlmostEqual(level1.tsc_khz.__wrapped__() / khz, 1, delta=0.001)

    def test_talks_on(self):
        """one that writes to its console and never answers is given up later"""
        started = time.monotonic()
        # sleep: it stands for a machine that goes on
        error = self.silent("while :; do echo more >>$log; sleep 0.3; done")
        self.assertLess(time.monotonic() - started, 10)
        self.assertIn("was not up after 4 s", error.why)

    def test_ends(self):
        """one whose QEMU ends says how, and what QEMU said"""
        error = self.silent("echo 'no such processor' >&2; exit 3")
        self.assertIn("QEMU's exit code 3", error.why)
        self.assertEqual(dict(error.tails)[self.log + ".qemu"], "no such processor")
        self.assertIn("SIGSEGV", self.silent("kill -SEGV $$").why)

    def test_nonsense(self):
        """one that sends something else is not taken for one that is up"""
        # sleep: it stands for a machine that goes on
        self.assertIn("'hello' instead", self.silent("echo hello >&$channel; exec sleep 60").why)

    def test_dies_later(self):
        """one that dies after it has answered is another error"""
        machine = self.boot("echo ready >&$channel; exit")
        with machine, self.assertRaises(level1.Level1Error) as caught:
            machine.run(["job"], 1, lambda name, data: None)
        self.assertNotIsInstance(caught.exception, level1.Level1Silent)
        self.assertIn("is gone", str(caught.exception))

    def test_no_program(self):
        """a QEMU that is not there is named"""
        with mock.patch.dict(os.environ, {qemu.VARIABLE: "/nonexistent/qemu"}):
            with self.assertRaises(level1.Level1Silent) as caught:
                level1.Level1(mock.Mock(image="bzImage"), self.log)
        self.assertIn("/nonexistent/qemu is no program", str(caught.exception))
