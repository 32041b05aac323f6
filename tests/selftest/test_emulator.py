# SPDX-License-Identifier: GPL-2.0-only
"""When a guest that stopped is the emulator's fault, and what follows from that."""

import io
import os
import tempfile
import unittest
from unittest import mock

from lib import emulator, endtoend, farm, kernel, level1, report
from lib.job import Job
from lib.level1 import Level1Error, Level1Silent

KERNEL_LOG = b"[    0.4] PCI: System does not support PCI\n[    3.1] hv_vmbus: Vmbus version:5.3\n"
MARK_LINE = b"[    3.2] " + emulator.MARK + b"\n"
FAILED_CASE = b'{"event": "case", "name": "a", "result": "fail", "why": "no answer"}\n'
PASSED_CASE = b'{"event": "case", "name": "a", "result": "pass"}\n'
END = b'{"event": "end"}\n'
LATE = emulator.SILENT_SECONDS + 1


class Marks(unittest.TestCase):
    """What proves that code under test has run."""

    def setUp(self):
        self.events = []
        self.watch = emulator.Watch(self.events.append)

    def test_none(self):
        """a console without the mark, and events of the bus, prove nothing"""
        self.watch.data("console.log", KERNEL_LOG)
        for event in ("vmbus", "offer", "begin", "case", "note"):
            self.watch.event({"event": event})
        self.assertFalse(self.watch.reached)
        self.assertEqual(self.events, [])

    def test_mark(self):
        """the mark on the console, in pieces of one byte, releases what was held back"""
        self.watch.event({"event": "vmbus"})
        for byte in KERNEL_LOG + MARK_LINE:
            self.watch.data("console.log", bytes([byte]))
        self.assertTrue(self.watch.reached)
        self.watch.event({"event": "open"})
        self.assertEqual([event["event"] for event in self.events], ["vmbus", "open"])

    def test_other_file(self):
        """the mark in another file proves nothing"""
        self.watch.data("stdout", MARK_LINE)
        self.assertFalse(self.watch.reached)

    def test_events(self):
        """an open channel, an answer on it or one of the agent's proves it as well"""
        for name in ("open", "negotiated", "op", "guest"):
            watch = emulator.Watch(self.events.append)
            watch.event({"event": name})
            self.assertTrue(watch.reached, name)

    def test_init_writes_it(self):
        """the guest's init writes the mark that is looked for"""
        with open(os.path.join(kernel.VM_DIR, "guest", "init"), "rb") as init:
            self.assertIn(b"<4>" + emulator.MARK + b'"', init.read())


class Stops(unittest.TestCase):
    """Which ends of a job are the emulator's."""

    def stopped(self, rc, error=None, seconds=LATE, reached=False):
        watch = emulator.Watch(lambda event: None)
        if reached:
            watch.release()
        return watch.stopped(rc, error, seconds)

    def test_before(self):
        """before the mark: a dead guest, a silent one, a dead level 1"""
        self.assertTrue(self.stopped(emulator.GUEST_DIED, seconds=3))
        for rc in (1, 3, 124):
            self.assertTrue(self.stopped(rc), rc)
        self.assertTrue(self.stopped(None, Level1Error("gone"), seconds=3))
        self.assertTrue(self.stopped(None, Level1Silent("silent"), seconds=3))

    def test_after(self):
        """after the mark nothing is"""
        for rc in (1, 3, 4, 124):
            self.assertFalse(self.stopped(rc, reached=True), rc)
        self.assertFalse(self.stopped(None, Level1Error("gone"), reached=True))

    def test_not_a_guest(self):
        """a passed job, a wrong option, a crashed test host, a missing program are not"""
        for rc in (0, 2, 127, 134, 139):
            self.assertFalse(self.stopped(rc), rc)
        self.assertFalse(self.stopped(None, OSError("no such file")))

    def test_early_failure(self):
        """a case file that fails at once is not, before the guest could boot"""
        self.assertFalse(self.stopped(1, seconds=2))


class Place:
    """Stands for level 1: each run takes the next of a list of scripts."""

    boot_seconds = 4.0
    scripts = []
    emulators = []      # of each that was opened
    processors = []

    def __init__(self, _kernel=None, _log=None, emulator=None, processor=None):
        self.emulator, self.processor = emulator, processor
        self.emulators.append(emulator)
        self.processors.append(processor)
        if self.scripts and isinstance(self.scripts[0], Level1Silent):
            raise self.scripts.pop(0)

    def run(self, _argv, _limit, sink):
        outcome = self.scripts.pop(0)
        for file, data in outcome[1:]:
            sink(file, data)
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def close(self):
        pass


STOPPED = (4, ("console.log", KERNEL_LOG), ("stdout", FAILED_CASE + END))
STOPPED_LATER = (4, ("console.log", KERNEL_LOG + MARK_LINE), ("stdout", FAILED_CASE + END))
PASSED = (0, ("console.log", KERNEL_LOG + MARK_LINE), ("stdout", PASSED_CASE + END))


class Runs(unittest.TestCase):
    """Jobs on a farm of such places, up to the report."""

    def run_jobs(self, jobs, scripts, kind="level1", processors=None):
        """jobs: how many, or the QEMU of each; processors: of each."""
        suites = [""] * jobs if isinstance(jobs, int) else jobs
        processors = processors or [""] * len(suites)
        place = type("Scripted", (Place,), {"scripts": list(scripts), "emulators": [], "processors": []})
        out = report.Report(io.StringIO())
        with tempfile.TemporaryDirectory() as logs:
            vms = endtoend.EndToEnd([Job(script="x.lua", name=f"x{n}", qemu=suite, processor=processors[n])
                                     for n, suite in enumerate(suites)], out, logs)
            with mock.patch.multiple(farm, Level1=place, Here=place), \
                    mock.patch.object(endtoend.places, "probe", lambda _: (kind == "here", "no KVM")), \
                    mock.patch.object(vms, "_image", lambda *_: "image"), \
                    mock.patch.object(vms, "_prepare", lambda job, place: []):
                vms.build_image(kernel.Kernel("6.1", *[""] * 5))
                for suite in set(suites) - {""}:
                    vms.add_emulator(suite, f"/{suite}")
                vms.run(None, workers=1)
        self.assertEqual(place.scripts, [], "every boot that was expected has run")
        return out, place

    def test_processors(self):
        """a job gets a machine with its own processor, or uses one that is open"""
        names = ["", "EPYC", "EPYC", ""]
        for kind, wanted in (("level1", [level1.CPU, "EPYC", level1.CPU]), ("here", [None, "EPYC", None])):
            _, place = self.run_jobs(4, [PASSED] * 4, kind=kind, processors=names)
            self.assertEqual(place.processors, wanted)

    def test_passed(self):
        """a job that passes runs once"""
        out, _ = self.run_jobs(1, [PASSED])
        self.assertEqual((out.passed, out.failures, out.emulated), (1, [], []))

    def test_repeated(self):
        """one that stops before the mark runs again, on a new level 1, and only that counts"""
        out, place = self.run_jobs(1, [STOPPED, PASSED])
        self.assertEqual((out.passed, out.failures), (1, []))
        self.assertEqual(out.emulated, [("x0", "the guest died")])
        self.assertEqual(place.emulators, [None, None])

    def test_repeated_once(self):
        """one that stops again has failed"""
        out, _ = self.run_jobs(1, [STOPPED, STOPPED])
        self.assertEqual((out.passed, len(out.emulated)), (0, 1))
        self.assertEqual(out.failures[0].name, "x0: a")

    def test_later(self):
        """one that stops after the mark is never repeated"""
        out, _ = self.run_jobs(1, [STOPPED_LATER])
        self.assertEqual(out.emulated, [])
        self.assertEqual([failure.name for failure in out.failures],
                         ["x0: a", "x0: the run as a whole"])

    def test_level1_dies(self):
        """a level 1 that dies is judged by what the guest had reached"""
        gone = (Level1Error("gone"), ("console.log", KERNEL_LOG))
        late = (Level1Error("gone"), ("console.log", MARK_LINE))
        out, _ = self.run_jobs(2, [gone, PASSED, late])
        self.assertEqual((out.passed, out.emulated), (1, [("x0", "gone")]))
        self.assertEqual([failure.name for failure in out.failures], ["x1: the run as a whole"])

    def test_silent_later(self):
        """a level 1 that never answers is the emulator's fault when another has answered"""
        late = (Level1Error("gone"), ("console.log", MARK_LINE))
        out, _ = self.run_jobs(2, [late, Level1Silent("silent"), PASSED])
        self.assertEqual((out.passed, out.emulated), (1, [("x1", "silent")]))
        self.assertEqual([failure.name for failure in out.failures], ["x0: the run as a whole"])

    def test_silent_first(self):
        """the first level 1 that never answers ends the run at once"""
        with self.assertRaises(Level1Silent):
            self.run_jobs(5, [Level1Silent("silent")])

    def test_own_qemu(self):
        """a job with a QEMU of its own gets level 1 on it, also beside this machine's KVM"""
        out, place = self.run_jobs(["", "sid", "", ""], [PASSED] * 4)
        self.assertEqual((out.passed, place.emulators), (4, [None, "/sid", None]))
        out, place = self.run_jobs(["", "sid"], [PASSED, STOPPED, PASSED], kind="here")
        self.assertEqual((out.passed, place.emulators), (2, [None, "/sid", "/sid"]))

    def test_own_qemu_silent(self):
        """one whose QEMU boots nothing fails alone, and other jobs run"""
        out, _ = self.run_jobs(["sid", ""], [Level1Silent("silent"), Level1Silent("silent"), PASSED])
        self.assertEqual((out.passed, out.emulated), (1, [("x0", "silent")]))
        self.assertEqual([failure.why for failure in out.failures], ["silent"])

    def test_most(self):
        """three of them in a run fail it, two do not"""
        out, _ = self.run_jobs(2, [STOPPED, PASSED] * 2)
        self.assertEqual((out.passed, len(out.emulated), out.failures), (2, 2, []))
        out, _ = self.run_jobs(3, [STOPPED, PASSED] * 3)
        self.assertEqual((out.passed, len(out.emulated)), (3, 3))
        self.assertEqual([failure.name for failure in out.failures], ["the emulator"])

    def test_no_emulator(self):
        """on this machine's own KVM nothing is repeated"""
        out, _ = self.run_jobs(1, [STOPPED], kind="here")
        self.assertEqual((out.emulated, out.failures[0].name), ([], "x0: a"))

    def test_count_printed(self):
        """the count is printed, also when it is 0, and the closing words name each"""
        out, _ = self.run_jobs(1, [PASSED])
        self.assertIn("emulator: 0 guests stopped", out._stream.getvalue())
        out, _ = self.run_jobs(1, [STOPPED, PASSED])
        out.close("logs")
        self.assertIn("emulator: 1 guests stopped", out._stream.getvalue())
        self.assertIn("repeated: 1\n      x0: the guest died\n", out._stream.getvalue())
