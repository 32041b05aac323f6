# SPDX-License-Identifier: GPL-2.0-only
"""A level-1 machine that does not come up says why; connections into it. Shell scripts stand for QEMU."""

import os
import re
import tempfile
import threading
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


class Scripted(unittest.TestCase):
    """Has such a script for its machine."""

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


class Boot(Scripted):
    """Level1() until the machine has answered."""

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


class SlowToLook(dict):
    """As one whose thread is interrupted between a look and what follows."""

    def __contains__(self, key):
        found = super().__contains__(key)
        time.sleep(0.1)     # sleep: so that two threads look at once
        return found


class Tunnels(Scripted):
    """Connections into the machine, from several threads."""

    def test_numbers(self):
        """two that connect at once get a number each, and leave it when there is no answer"""
        with self.boot("echo ready >&$channel; exec cat <&$channel >$log.said") as machine:
            machine._tunnels = SlowToLook()     # pylint: disable=protected-access
            threads = [threading.Thread(target=machine.connect, args=[name]) for name in ("a", "b")]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        with open(self.log + ".said", encoding="ascii") as file:
            said = file.read().split("\n")
        for verb in ("open", "shut"):
            self.assertEqual(sorted(line.split()[1] for line in said if line.startswith(verb)), ["0", "1"], said)

    def test_late_line(self):
        """a number is free only when nothing more can be sent to it"""
        sending, go_on, free = threading.Event(), threading.Event(), threading.Event()

        def send(line, _=b""):
            if line.startswith("open"):
                tunnel.come("opened", b"")
            elif line.startswith("send"):
                sending.set()
                go_on.wait()

        tunnel = level1._Tunnel(send, 0, free.set)      # pylint: disable=protected-access
        ours = tunnel.open("name")
        ours.sendall(b"late")
        sending.wait()
        tunnel.come("closed", b"")
        self.assertFalse(free.is_set())
        self.assertEqual(ours.recv(1), b"")
        go_on.set()
        free.wait(60)
        self.assertTrue(free.is_set())
        ours.close()

    def test_nothing_listens(self):
        """one that is refused leaves its number at once"""
        free = threading.Event()
        tunnel = level1._Tunnel(lambda line: tunnel.come("closed", b""), 0, free.set)   # pylint: disable=protected-access
        self.assertIsNone(tunnel.open("name"))
        self.assertTrue(free.is_set())
