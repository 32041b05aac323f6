# SPDX-License-Identifier: GPL-2.0-only
"""Stages run when what they need is there, and one thread reports them."""

import io
import threading
import time
import unittest

from lib import report
from lib.jobqueue import JobQueue
from lib.slots import Slots
from lib.stages import Stage, Stages


class Refused(Exception):
    """What a stage of these tests raises."""


class Run(unittest.TestCase):
    """Small stages."""

    def setUp(self):
        self.stream = io.StringIO()
        self.report = report.Report(self.stream)
        self.stages = Stages(self.report, (Refused,))

    def failed(self):
        return {failure.name: failure.why for failure in self.report.failures}

    def test_order(self):
        """a stage begins after what it needs, and others do not wait"""
        went, free = [], threading.Event()
        self.stages.add(Stage("slow", lambda _: (free.wait(10), went.append("slow"))))
        self.stages.add(Stage("after", lambda _: went.append("after"), ("slow",)))
        self.stages.add(Stage("other", lambda _: (went.append("other"), free.set())))
        done = self.stages.run()
        self.assertEqual(went, ["other", "slow", "after"])
        self.assertEqual({stage.name for stage in done}, {"slow", "after", "other"})
        self.assertEqual(self.failed(), {})

    def test_failure(self):
        """a stage that fails is reported, and so is what needed it"""
        def refuse(_):
            raise Refused("there is no disk")

        told = []
        self.stages.add(Stage("first", refuse))
        self.stages.add(Stage("second", lambda _: self.fail("it ran"), ("first",), on_failure=told.append))
        self.stages.run()
        self.assertEqual(self.failed()["first"], "there is no disk")
        self.assertIn("not run, since this failed: first", self.failed()["second"])
        self.assertEqual(len(told), 1)

    def test_defect(self):
        """a stage that dies of a defect is a failure of the run"""
        self.stages.add(Stage("broken", lambda _: {}["nothing"]))
        self.stages.run()
        self.assertIn("KeyError", self.failed()["broken"])
        self.assertEqual(self.report.close("none"), 1)

    def test_unknown_need(self):
        """a stage that needs one that does not exist is refused at once"""
        with self.assertRaises(ValueError):
            self.stages.add(Stage("alone", lambda _: None, ("nowhere",)))

    def test_threads(self):
        """what several stages report at once comes in whole lines"""
        def talk(post):
            for number in range(200):
                post.ok(f"{threading.current_thread().name}: {number}")

        for name in "abcd":
            self.stages.add(Stage(name, talk))
        self.stages.run()
        lines = self.stream.getvalue().splitlines()
        self.assertEqual(len(lines), 800)
        for line in lines:
            self.assertRegex(line, r"^ok    Thread-\d+ \(_stage\): \d+$")
        self.assertEqual(self.report.passed, 800)

    def test_slots(self):
        """no more at once than there are slots; the urgent one that waits comes first"""
        slots, went, free = Slots(1), [], threading.Event()

        def work(name, urgency):
            with slots.one(urgency):
                if name == "holder":
                    free.wait(10)
                went.append((name, slots.held))

        threads = [threading.Thread(target=work, args=words)
                   for words in (("holder", 0), ("late", 2), ("urgent", 1))]
        for number, thread in enumerate(threads):
            thread.start()
            while slots.held + slots.waiting <= number:
                time.sleep(0.01)  # sleep: it polls
        free.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual(went, [("holder", 1), ("urgent", 1), ("late", 1)])

    def test_slot_of_a_stage(self):
        """a stage holds its slot while it works"""
        slots, held = Slots(2), []
        self.stages.add(Stage("one", lambda _: held.append(slots.held), slots=slots))
        self.stages.run()
        self.assertEqual((held, slots.held), ([1], 0))


class Jobs(unittest.TestCase):
    """The queue that the workers take jobs from."""

    class Job:
        """As much of a job as the queue looks at."""

        def __init__(self, name, kernel):
            self.name, self.needs = name, (kernel, f"QEMU of {name}")

    def test_waiting(self):
        """jobs whose kernel is not there hold up no others"""
        one, other = self.Job("a", "debug"), self.Job("b", "6.1")
        jobs = JobQueue([one, other])
        for name in ("6.1", "QEMU of a", "QEMU of b"):
            jobs.release(name)
        self.assertIs(jobs.take(), other)
        threading.Timer(0.1, jobs.release, ["debug"]).start()
        self.assertIs(jobs.take(), one)
        self.assertIsNone(jobs.take())

    def test_dropped(self):
        """jobs whose kernel never comes are given back, and nobody waits for them"""
        one = self.Job("a", "debug")
        jobs, dropped = JobQueue([one]), []
        threading.Timer(0.1, lambda: dropped.extend(jobs.drop("debug"))).start()
        self.assertIsNone(jobs.take())
        self.assertEqual(dropped, [one])
