# SPDX-License-Identifier: GPL-2.0-only
"""TAP: whatever does not come as whole lines, or not as planned, is a failure."""

import os
import tempfile
import threading
import time
import unittest

from lib import tap


class Runs(unittest.TestCase):
    """Shell programs that print more or less good TAP."""

    def run_script(self, script, limit=20, stop=None):
        """[(result, name, why)] of all that the program says."""
        with tempfile.TemporaryDirectory() as folder:
            run = tap.TapRun(["bash", "-c", script], os.path.join(folder, "log"), limit, stop)
            return [(one.result, one.name, one.why) for one in run.results()
                    if one.result != "quiet"]

    def failures(self, script, **more):
        return [(name, why) for result, name, why in self.run_script(script, **more)
                if result == "fail"]

    def assert_fails(self, script, name, text, **more):
        """The first failure has this name, and a reason with this text in it."""
        found = self.failures(script, **more)
        self.assertEqual([name], [one for one, _ in found[:1]], found)
        self.assertIn(text, found[0][1])

    def test_good(self):
        """good lines of two programs in a row pass"""
        self.assertEqual(self.run_script("echo 1..1; echo ok 1 - a; echo 1..2; echo ok - b; echo 'ok 2 - c - d'"),
                         [("pass", "a", ""), ("pass", "b", ""), ("pass", "c - d", "")])

    def test_time(self):
        """the time that a test prints is kept"""
        self.assertEqual(self.run_script("echo 1..2; echo '# took 12 s'; echo ok 1 - a; echo ok 2 - b"),
                         [("pass", "a", "12 s"), ("pass", "b", "")])

    def test_pieces(self):
        """a line that arrives in pieces is one line"""
        # sleep: so that they are read one by one
        script = "echo 1..1; for c in o k ' ' 1 ' - a' b; do printf %s \"$c\"; sleep 0.05; done; echo"
        self.assertEqual(self.run_script(script), [("pass", "ab", "")])

    def test_last_line(self):
        """a last line without its end counts"""
        self.assertEqual(self.run_script("echo 1..1; printf 'ok 1 - a'"), [("pass", "a", "")])

    def test_threads(self):
        """lines of several writers that run together are found"""
        self.assert_fails("echo 1..3; echo 'ok - a: address is set by what makes itok - ifupdown-openresolv: b'; "
                          "echo ok - c; echo ok - d", "its output", "two lines run together")
        self.assert_fails("echo 1..2; echo 'ok 1 - anot ok 2 - b'; echo ok 2 - c; echo ok 3 - d",
                          "its output", "two lines run together")

    def test_together_with_comment(self):
        """a result behind a comment's end is found, a quoted one is none"""
        self.assert_fails("echo 1..1; echo '# the addressok 1 - a'; echo ok 1 - b", "its output", "run together")
        self.assertEqual(self.failures("echo 1..1; echo '# not ok 1 - quoted'; echo ok 1 - b"), [])

    def test_together_with_plan(self):
        """a plan behind the end of a line is found"""
        self.assert_fails("echo 1..1; echo 'ok - a1..1'; echo 'ok 1 - a'", "its output", "run together")

    def test_rest_of_a_line(self):
        """text that is no TAP is what is left of some line"""
        self.assert_fails("echo 1..1; echo ok - a; echo me of another", "its output", "no TAP")

    def test_error_output(self):
        """standard error is free text, and shown with what fails"""
        self.assertEqual(self.failures("echo ok here >&2; echo 1..1; echo ok - a"), [])
        # sleep: two streams have no order of their own
        self.assertEqual(self.failures("echo 1..1; echo trouble >&2; sleep 0.2; echo not ok - a; exit 1"),
                         [("a", "trouble")])

    def test_plan(self):
        """a plan that does not match, or is not there, is a failure"""
        self.assert_fails("echo 1..3; echo ok - a; echo ok - b", "the run as a whole", "3 tests were planned, 2 ran")
        self.assert_fails("echo 1..1; echo ok - a; echo ok - b", "the run as a whole", "1 tests were planned, 2 ran")
        self.assert_fails("echo ok - a", "the run as a whole", "no plan")

    def test_death(self):
        """a program that dies has failed, and the signal is named"""
        self.assert_fails("echo 1..1; echo ok - a; kill -SEGV $$", "the run as a whole", "signal 11")
        self.assert_fails("echo 1..1; echo ok - a; exit 3", "the run as a whole", "exit code 3")
        self.assert_fails("echo 'Bail out! no disk'; exit 1", "the run as a whole", "no disk")

    def test_silence(self):
        """a program that prints nothing has failed"""
        self.assert_fails("true", "the run as a whole", "no test ran (exit code 0)")
        self.assert_fails("echo 1..0", "all of it", "without a reason")

    def test_skip(self):
        """a skip has a reason"""
        self.assertEqual(self.run_script("echo 1..1; echo 'ok 1 - a # SKIP no disk'"), [("skip", "a", "no disk")])
        self.assertEqual(self.run_script("echo '1..0 # SKIP no compiler'"), [("skip", "all of it", "no compiler")])
        self.assert_fails("echo 1..1; echo 'ok 1 - a # SKIP'", "a", "without a reason")

    def test_limit(self):
        """a program that goes on for ever is ended, with all that it started"""
        with tempfile.NamedTemporaryFile() as mark:
            # sleep: it is what goes on for ever
            self.assert_fails(f"echo 1..1; (while :; do echo >>{mark.name}; sleep 0.1; done) & wait",
                              "the run as a whole", "still running after 1 s", limit=1)
            size = os.path.getsize(mark.name)
            time.sleep(0.5)  # sleep: nothing may happen in it
            self.assertEqual(os.path.getsize(mark.name), size)

    def test_stop(self):
        """an interrupted run ends its programs"""
        stop = threading.Event()
        stop.set()
        # sleep: the program that is interrupted
        self.assert_fails("echo 1..1; sleep 60", "the run as a whole", "interrupted", stop=stop)
