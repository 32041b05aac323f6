# SPDX-License-Identifier: GPL-2.0-only
"""A case, a file or a pattern that does not exist is an error, and no success."""

import io
import os
import subprocess
import tempfile
import unittest

from lib import cases, endtoend, job, report

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Command(unittest.TestCase):
    """tests/run"""

    def test_nothing(self):
        """tests/run --only with a pattern that nothing has in its name: one line, exit code 2"""
        for words in (["--only", "nosuch"], ["--only", "nosuch", "--list"], ["--only", "nosuch:case"]):
            done = subprocess.run([os.path.join(TESTS, "run"), *words], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (2, "", f"tests/run: nothing has '{words[1]}' in its name: see tests/run --list\n"))


    def test_options(self):
        """a kernel that is not known, or no worker: an error, and no failed job"""
        for words, text in ((["--kernel", "nosuch"], "tests/run: there is no kernel 'nosuch'; there are 5.10, "),
                            (["--workers", "0"], "0 is not at least 1")):
            done = subprocess.run([os.path.join(TESTS, "run"), *words, "--only", "heartbeat"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn(text, done.stderr)


class Cases(unittest.TestCase):
    """A text that a case must have in its name, and what the test hosts of two jobs report."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.jobs = [job.Job(f"{name}.lua", name=name) for name in ("one", "two")]
        self.report = report.Report(io.StringIO())
        self.found = endtoend.EndToEnd(self.jobs, self.report, folder.name, "get of")

    def tell(self, which, unselected, selected, rc):
        """What one of them reports. It ends with rc."""
        on = self.found
        for name in unselected:
            on._on_event(self.jobs[which], {"event": "unselected", "name": name})     # pylint: disable=protected-access
        for name in selected:
            on._on_event(self.jobs[which], {"event": "case", "name": name, "result": "pass"})     # pylint: disable=protected-access
        on._on_event(self.jobs[which], {"event": "end", "selected": len(selected)})     # pylint: disable=protected-access
        on._on_end(self.jobs[which], (rc, "", 1.0, ""))     # pylint: disable=protected-access

    def test_none(self):
        """no case of any file has it: an error that names near ones, and no failure beside it"""
        self.tell(0, ["set of a key", "gets of a key"], [], 2)
        self.tell(1, ["something else"], [], 2)
        with self.assertRaises(endtoend.SelectionError) as caught:
            self.found.check_selection()
        self.assertEqual(str(caught.exception), "no case has 'get of' in its name; there are: gets of a key; set of a key")
        self.assertEqual(self.report.failures, [])

    def test_one(self):
        """a case of one file has it: that the others have none is no error"""
        self.tell(0, ["set of a key"], [], 2)
        self.tell(1, [], ["get of a key"], 0)
        self.found.check_selection()
        self.assertEqual((self.report.passed, self.report.failures), (1, []))

    def test_failed(self):
        """a run that failed before any case is a failure, and no wrong selection"""
        self.found._on_end(self.jobs[0], (2, "", 1.0, ""))     # pylint: disable=protected-access
        self.found.check_selection()
        self.assertEqual([one.name for one in self.report.failures], ["one: the run as a whole"])


class Jobs(unittest.TestCase):
    """What the headers of case files ask for."""

    @staticmethod
    def listed(*words):
        done = subprocess.run([os.path.join(TESTS, "run"), "--list", *words], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False, env={**os.environ, "HVKVP_ALL": ""})
        return done.returncode, [line.split()[0] for line in done.stdout.splitlines()]

    def test_asked_for(self):
        """what only check-all runs is run where --only names it, and nothing that is shorter"""
        self.assertEqual(self.listed("--only", "fcopy/"), (0, ["fcopy/stock/6.1", "fcopy/stock/5.10"]))
        self.assertEqual(self.listed("--only", "heartbeat"), (0, ["heartbeat/stock/6.1"]))

    def test_uses(self):
        """a file is left out for a kernel of ours that lacks what it uses, or has no disk"""
        with tempfile.TemporaryDirectory() as folder:
            for name, words in (("adapter", "uses=hv_netvsc"), ("disk", "disk=ext4"), ("any", "profile=ours")):
                with open(os.path.join(folder, f"{name}.lua"), "w", encoding="ascii") as file:
                    file.write(f"-- job: {words}\n")
            for kernel, wanted in (("6.12", ["adapter", "any", "disk"]), ("debug", ["adapter", "any"]), ("kcsan", ["any"])):
                self.assertEqual([one.name.split("/")[0] for one in cases.discover(folder, kernel)], wanted, kernel)
            with open(os.path.join(folder, "wrong.lua"), "w", encoding="ascii") as file:
                file.write("-- job: uses=hv_nothing\n")
            self.assertRaisesRegex(job.JobError, "there is no 'hv_nothing'", cases.discover, folder)

    def test_bound(self):
        """a job that is bound to its kernel is left out on another one"""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "a.lua"), "w", encoding="ascii") as file:
                file.write("-- job: profile=stock kernel=6.1\n-- job: profile=stock kernel=sid bound=yes args=x\n")
            for kernel, wanted in ((None, [("6.1", ()), ("sid", ("x",))]), ("6.12", [("6.12", ())]),
                                   ("sid", [("sid", ()), ("sid", ("x",))])):
                self.assertEqual([(one.kernel, one.args) for one in cases.discover(folder, kernel, True)
                                  if one.kernel != "5.10" and one.profile == "stock"], wanted, kernel)
