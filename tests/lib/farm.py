# SPDX-License-Identifier: GPL-2.0-only
"""Runs many jobs, in one place or in several side by side, and tells what happens as it does."""

import os
import queue
import threading
import time

from .job import JobLog
from .level1 import Level1, Level1Error
from .places import Here


class Farm:
    """A list of jobs and the workers that take them one after another.

    prepare(job, place) gives a job's command line for that place. Everything that happens comes
    out of messages(), in the caller's thread, as (kind, job, data):
      "place"  None  text about a place that opened, or could not
      "start"  job   None
      "event"  job   one object of the test host's output
      "end"    job   (exit code or None, text of an error, seconds, log folder)
      "quiet"  None  [(job, seconds)] that run; comes when nothing else came for `quiet` seconds
    """

    def __init__(self, jobs, prepare, kind, kernel, logs, workers=1, quiet=10):
        self._quiet = quiet
        self._jobs = queue.SimpleQueue()
        for job in jobs:
            self._jobs.put(job)
        self._left = len(jobs)
        self._prepare = prepare
        self._kind = kind
        self._kernel = kernel
        self._logs = logs
        self._out = queue.SimpleQueue()
        self._running = {}
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=[number], daemon=True)
                         for number in range(min(workers, len(jobs)))]

    def messages(self):
        for thread in self._threads:
            thread.start()
        try:
            while self._left:
                yield self._next()
        finally:
            self._stop.set()
        for thread in self._threads:
            thread.join(10)

    def _next(self):
        try:
            kind, job, data = self._out.get(timeout=self._quiet)
        except queue.Empty:
            now = time.monotonic()
            return "quiet", None, [(job, now - since) for job, since in self._running.items()]
        if kind == "start":
            self._running[job] = time.monotonic()
        elif kind == "end":
            self._running.pop(job, None)
            self._left -= 1
        return kind, job, data

    def _work(self, number):
        """One worker: a place, opened again when it dies."""
        place = None
        while not self._stop.is_set():
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                break
            self._out.put(("start", job, None))
            started = time.monotonic()
            folder = os.path.join(self._logs, job.name.replace("/", "-"))
            rc, trouble = None, ""
            try:
                place = place or self._open(number)
                rc = self._run(job, place, folder)
            except Exception as error:      # pylint: disable=broad-except
                # Whatever went wrong belongs to this job; the others shall still run.
                trouble = str(error) or repr(error)
                place = self._close(place)
            self._out.put(("end", job, (rc, trouble, time.monotonic() - started, folder)))
        self._close(place)

    def _open(self, number):
        if self._kind == "here":
            return Here()
        log = os.path.join(self._logs, f"level1-{number}.log")
        self._out.put(("place", None, "starting a level-1 machine (about 4 s)"))
        place = Level1(self._kernel, log)
        self._out.put(("place", None, f"level 1 is up after {place.boot_seconds:.1f} s"))
        return place

    def _run(self, job, place, folder):
        with JobLog(folder, lambda event: self._out.put(("event", job, event))) as log:
            return place.run(self._prepare(job, place), job.limit, log.sink)

    @staticmethod
    def _close(place):
        if place:
            try:
                place.close()
            except (OSError, Level1Error):
                pass    # it is gone already, which is what is wanted
