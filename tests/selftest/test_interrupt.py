# SPDX-License-Identifier: GPL-2.0-only
"""A run that is ended by a signal leaves nothing running."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# A run with one stage, whose program starts another, and both hold a lock.
RUN = """
import signal
import sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where nohup has started the tests
sys.path.insert(0, sys.argv[1])
from lib import interrupt, program, report, stages
interrupt.on_signals()

def work(_):
    for _ in program.Program(["flock", "lock", "sh", "-c", "echo >started; exec tail -f lock"], stop=run.stop).lines():
        pass

run = stages.Stages(report.Report(open("/dev/null", "w")), ())
run.add(stages.Stage("one", work))
try:
    run.run()
except KeyboardInterrupt:
    sys.exit(130)
"""
LIMIT = 60


class Signals(unittest.TestCase):
    """SIGTERM comes from a CI that cancels a job, SIGHUP from a terminal that is closed."""

    def end(self, number):
        with tempfile.TemporaryDirectory() as folder:
            os.mkfifo(os.path.join(folder, "started"))
            with subprocess.Popen([sys.executable, "-c", RUN, TESTS], cwd=folder, stdin=subprocess.DEVNULL) as run:
                with open(os.path.join(folder, "started"), "rb") as started:
                    started.read()
                run.send_signal(number)
                try:
                    self.assertEqual(run.wait(LIMIT), 130)
                finally:
                    run.kill()
            free = subprocess.run(["flock", "--wait", "10", "lock", "true"], cwd=folder, check=False)
            self.assertEqual(free.returncode, 0, "a program of the run still holds the lock")

    def test_term(self):
        """SIGTERM ends the programs of a run"""
        self.end(signal.SIGTERM)

    def test_hangup(self):
        """SIGHUP ends the programs of a run"""
        self.end(signal.SIGHUP)
