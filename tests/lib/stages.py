# SPDX-License-Identifier: GPL-2.0-only
"""Stages of a run that need each other: each begins as soon as what it needs is there."""

import queue
import threading
import time
import traceback
from dataclasses import dataclass, field

from .report import Failure

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"
# How long an interrupted run waits for its stages to end what they have started, seconds.
END_SECONDS = 10


@dataclass
class Stage:
    """One stage, and how it went. Times in seconds on the clock of time.monotonic()."""

    name: str
    work: object            # called with one Post
    needs: tuple = ()       # names of stages
    slots: object = None    # Slots to hold one of, or None
    urgency: int = 0
    on_failure: object = None   # called with the reason when it failed, or what it needs did
    rerun: str = "tests/run"
    state: str = WAITING
    why: str = ""
    started: float = 0.0
    ended: float = 0.0
    ready: threading.Event = field(default_factory=threading.Event)


class Post:
    """The methods of a report, to be called in any thread: they are done in that of Stages.run()."""

    def __init__(self, calls):
        self._calls = calls

    def __getattr__(self, name):
        return lambda *words: self._calls.put((name, words))


class Stages:
    """Runs stages side by side, and hands on to one report what they have to say.

    Only the thread that calls run() touches the report. `errors` are the exceptions with which
    a stage says that it cannot be done; any other is a defect of the stage, and reported as well.
    """

    def __init__(self, report, errors):
        self._report = report
        self._errors = errors
        self._calls = queue.SimpleQueue()
        self._stages = {}
        self.post = Post(self._calls)
        # Set when the run is interrupted.
        self.stop = threading.Event()

    def add(self, stage):
        if stage.name in self._stages:
            raise ValueError(f"there are two stages '{stage.name}'")
        missing = [name for name in stage.needs if name not in self._stages]
        if missing:
            raise ValueError(f"stage '{stage.name}' needs {missing}, which are not there yet")
        self._stages[stage.name] = stage

    def __contains__(self, name):
        return name in self._stages

    def run(self):
        """Until every stage has ended. Returns them in the order in which they began."""
        threads = [threading.Thread(target=self._stage, args=[stage], daemon=True)
                   for stage in self._stages.values()]
        for thread in threads:
            thread.start()
        left = len(threads)
        try:
            while left:
                name, words = self._calls.get()
                if name is None:
                    left -= 1
                else:
                    getattr(self._report, name)(*words)
        except BaseException:
            # Interrupted, or nobody reads the report any more.
            self.stop.set()
            end = time.monotonic() + END_SECONDS
            for thread in threads:
                thread.join(max(0, end - time.monotonic()))
            raise
        return sorted((stage for stage in self._stages.values() if stage.started),
                      key=lambda stage: stage.started)

    def _stage(self, stage):
        needed = [self._stages[name] for name in stage.needs]
        for each in needed:
            each.ready.wait()
        failed = [each.name for each in needed if each.state != DONE]
        try:
            if failed:
                self._end(stage, FAILED, f"not run, since this failed: {', '.join(failed)}")
            elif stage.slots:
                with stage.slots.one(stage.urgency):
                    self._work(stage)
            else:
                self._work(stage)
        finally:
            stage.ready.set()
            self._calls.put((None, ()))

    def _work(self, stage):
        if self.stop.is_set():
            self._end(stage, FAILED, "interrupted")
            return
        stage.state, stage.started = RUNNING, time.monotonic()
        try:
            stage.work(self.post)
        except self._errors as error:
            self._end(stage, FAILED, getattr(error, "why", str(error)), getattr(error, "tails", ()))
        except Exception as error:      # pylint: disable=broad-except
            self._end(stage, FAILED, f"a defect of this stage: {error!r}\n{traceback.format_exc()}")
        else:
            self._end(stage, DONE, "")

    def _end(self, stage, state, why, tails=()):
        stage.state, stage.why = state, why
        stage.ended = time.monotonic()
        if state == FAILED:
            self.post.fail(Failure(stage.name, why, stage.rerun, tuple(tails)))
            if stage.on_failure:
                stage.on_failure(why)
