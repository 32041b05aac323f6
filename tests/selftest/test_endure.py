# SPDX-License-Identifier: GPL-2.0-only
"""Tests of tests/endure: what a run says at its end, and what it is worth."""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from lib import tally  # noqa: E402  pylint: disable=wrong-import-position

PATH = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "endure")


def load():
    loader = importlib.machinery.SourceFileLoader("endure_program", PATH)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("endure_program", loader))
    loader.exec_module(module)
    return module


endure = load()


class Draws:
    """Stands for the guests: each draw() is one that ends as it is told."""

    def __init__(self, args, ends):
        self._args, self._ends, self.without = args, list(ends), []

    def draw(self):
        self.without.append(list(self._args.without))
        code, summary, why = self._ends.pop(0)
        run = endure.Run()
        run.event({"event": "endure", **summary})
        run.why = why
        return code, run, "logs"


class Runs(unittest.TestCase):
    """One run, from its events."""

    def test_events(self):
        """acts, counters, boots and the first reason are kept"""
        run = endure.Run()
        for event in ({"event": "acts", "list": '{ "a" }\n{ "b" }'}, {"event": "acts", "list": '{ "c" }'},
                      {"event": "endure", "requests": 7, "faults": 2, "cuts": 1, "hostile": 3},
                      {"event": "power", "boot_ms": 5, "serve_ms": 6, "audit_ms": 7},
                      {"event": "case", "name": "good", "result": "pass"},
                      {"event": "case", "name": "bad", "result": "fail", "why": "broken"},
                      {"event": "end", "why": "later"}, {"event": "say"}):
            run.event(event)
        self.assertEqual(run.acts, ['{ "a" }', '{ "b" }', '{ "c" }'])
        self.assertEqual(run.boots, [(5, 6, 7)])
        self.assertEqual(run.why, "bad: broken")
        self.assertEqual(endure.line(run, 1), "7 requests, 2 faults, 1 power cuts, 3 hostile packets, 1 violations")

    def test_times(self):
        """what took longest comes first; of the power cuts it is said which were the disk's alone"""
        run, out = endure.Run(), io.StringIO()
        run.event({"event": "times", "list": "get 4 0.100\npower 1 9.500"})
        run.event({"event": "endure", "cuts": 5, "outages": 4, "kept": 1})
        with contextlib.redirect_stdout(out):
            endure.report_times(run)
            endure.report(run, "logs")
        self.assertTrue(out.getvalue().startswith("power: 1, 9.5 s, 9500.0 ms each\nget: 4, 0.1 s, 25.0 ms each\n"))
        self.assertIn("1 power cuts of the machine, 4 of the disk alone; writes at them: 1 kept", out.getvalue())

    def test_exit_codes(self):
        """0 only without a violation; what the emulator or a time limit ends is neither good nor broken"""
        self.assertEqual([endure.exit_code(code) for code in (0, 1, 2, 3, 4, 124)], [0, 1, 2, 125, 1, 125])


class Tally(unittest.TestCase):
    """What several runs have done together."""

    def test_total(self):
        """runs are added up by kernel, file system and profile"""
        args = argparse.Namespace(seed=1, kernel="6.1", fs="", profile="ours", cpus=2)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "tally")
            tally.add(path, args, {"requests": 5, "hostile": 2, "max": 70}, 0, 0)
            tally.add(path, args, {"requests": 6, "max": 90}, 1, 1)
            args.fs = "xfs"
            tally.add(path, args, {"requests": 7, "cuts": 3, "max": 10}, 0, 0)
            rows = tally.table(tally.read(path)).splitlines()
        self.assertEqual(rows[2:], ["| 6.1 | none | ours | 2 | 11 | 0 | 0 | 2 | 1 | 90 |",
                                    "| 6.1 | xfs | ours | 1 | 7 | 0 | 3 | 0 | 0 | 10 |",
                                    "| all |  |  | 3 | 18 | 0 | 3 | 2 | 1 | 90 |"])

    def test_other_file(self):
        """another file is an error"""
        for text in ("nonsense\n", "7\n"):
            with self.subTest(text=text), tempfile.NamedTemporaryFile("w") as file:
                file.write(text)
                file.flush()
                with self.assertRaises(tally.TallyError):
                    tally.read(file.name)


class Reasons(unittest.TestCase):
    """Why a run could not be made."""

    def test_last_line(self):
        """the last line of the test host's errors, if any"""
        with tempfile.NamedTemporaryFile("w") as file:
            self.assertEqual(endure.last_line(file.name), "")
            file.write("first\nhvhost: no such option\n")
            file.flush()
            self.assertEqual(endure.last_line(file.name), "hvhost: no such option")
        self.assertEqual(endure.last_line("/nonexistent/stderr"), "")


class Survey(unittest.TestCase):
    """An act that has found something is left out."""

    def survey(self, ends, minutes=10):
        args = argparse.Namespace(minutes=minutes, without=["x"])
        draws, out = Draws(args, ends), io.StringIO()
        with contextlib.redirect_stdout(out):
            code = endure.survey(draws, args)
        return code, draws.without, out.getvalue()

    def test_goes_on(self):
        """until a run finds nothing"""
        code, without, said = self.survey([(1, {"act": "get", "seconds": 3}, "no value"),
                                           (1, {"act": "set", "seconds": 9}, "stale"), (0, {}, "")])
        self.assertEqual(code, 1)
        self.assertEqual(without, [["x"], ["x", "get"], ["x", "get", "set"]])
        self.assertIn("get, after 3 s: no value\n", said)
        self.assertTrue(said.rstrip().endswith("2 violations"))

    def test_time(self):
        """until the time is over"""
        code, without, _ = self.survey([(1, {"act": "get"}, "no value")], minutes=0)
        self.assertEqual((code, len(without)), (1, 1))

    def test_good(self):
        """nothing is found"""
        self.assertEqual(self.survey([(0, {}, "")])[0], 0)

    def test_dead_guest(self):
        """a guest that died in no act's hands is broken, too, and ends it"""
        self.assertEqual(self.survey([(4, {}, "panic")])[0], 1)


if __name__ == "__main__":
    unittest.main()
