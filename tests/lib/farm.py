# SPDX-License-Identifier: GPL-2.0-only
"""Runs many jobs, in one place or in several side by side, and tells what happens as it does."""

import itertools
import os
import queue
import shutil
import threading
import time
from contextlib import nullcontext
from dataclasses import replace

from .emulator import Watch
from .job import JobLog, busy_factor, meaning
from .level1 import CPU, Level1, Level1Error, Level1Silent
from .places import Here


class Farm:
    """A queue of jobs and the workers that take them one after another.

    slot() is a context that a worker enters for each job: where others compete for processors.
    emulator(job) is the QEMU that this job's level 1 needs, None for the usual one.
    prepare(job, place) gives a job's command line for that place. Everything that happens comes
    out of messages(), in the caller's thread, as (kind, job, data):
      "place"  None  text about a place that opened, or could not
      "start"  job   None
      "event"  job   one object of the test host's output
      "emulator"  job  how the guest stopped before any code under test ran; the job is repeated
      "end"    job   (exit code or None, text of an error, seconds, log folder)
      "quiet"  None  [(job, seconds)] that run; comes when nothing else came for `quiet` seconds

    messages() raises Level1Silent when a level-1 machine on the usual QEMU does not answer and
    none has before: the others would not either.
    """

    def __init__(self, jobs, prepare, kind, kernel, logs, workers=1, quiet=10, slot=nullcontext,
                 emulator=lambda job: None):
        self._quiet = quiet
        self._jobs = jobs
        self._slot = slot
        self._emulator = emulator
        self._prepare = prepare
        self._kind = kind
        self._kernel = kernel
        self._logs = logs
        self._out = queue.SimpleQueue()
        self._running = {}
        self._stop = threading.Event()
        self._answered = False      # a level-1 machine on the usual QEMU has come up
        self._machines = itertools.count()
        self._threads = [threading.Thread(target=self._work, daemon=True)
                         for _ in range(min(workers, len(jobs)))]
        self._working = len(self._threads)

    def messages(self):
        for thread in self._threads:
            thread.start()
        try:
            while self._working:
                message = self._next()
                if message:
                    yield message
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
        elif kind == "fatal":
            raise data
        elif kind == "end":
            self._running.pop(job, None)
        elif kind == "worker ended":
            self._working -= 1
            return None
        return kind, job, data

    def _work(self):
        """One worker: a place, opened again when it dies."""
        place = None
        try:
            while not self._stop.is_set():
                job = self._jobs.take()
                if not job:
                    break
                with self._slot():
                    self._out.put(("start", job, None))
                    emulated = self._kind == "level1" or bool(job.qemu or job.processor)
                    place = self._do(job, place, emulated)
        finally:
            self._close(place)
            self._out.put(("worker ended", None, None))

    def _do(self, job, place, may_repeat):
        """Runs a job to its end; returns the place, or None if it is no good any more."""
        started = run_started = time.monotonic()
        folder = os.path.join(self._logs, job.name.replace("/", "-"))
        watch = Watch(lambda event: self._out.put(("event", job, event)))
        if not may_repeat:
            watch.release()
        rc, error, wanted = None, None, self._emulator(job)
        try:
            if place and not self._fits(place, wanted, job.processor):
                place = self._close(place)
            place = place or self._open(wanted, job.processor)
            run_started = time.monotonic()
            rc = self._run(job, place, folder, watch)
        except Exception as caught:     # pylint: disable=broad-except
            # Whatever went wrong belongs to this job; the others shall still run.
            error = caught
            place = self._close(place)
        now = time.monotonic()
        if isinstance(error, Level1Silent) and not wanted and not job.processor and not self._answered:
            self._stop.set()
            self._out.put(("fatal", None, error))
        elif watch.stopped(rc, error, now - run_started):
            self._keep(folder)
            self._out.put(("emulator", job, str(error or meaning(rc))))
            return self._do(job, self._close(place), may_repeat=False)
        else:
            watch.release()
            trouble = "" if error is None else str(error) or repr(error)
            self._out.put(("end", job, (rc, trouble, now - started, folder)))
        return place

    def _here(self, emulator, processor):
        """Whether a job that needs these can run without level 1."""
        return self._kind == "here" and not emulator and not processor

    def _fits(self, place, emulator, processor):
        """Whether a job that needs these can run in a place that is open."""
        wanted = None if self._here(emulator, processor) else processor or CPU
        return (place.emulator, place.processor) == (emulator, wanted)

    def _open(self, emulator, processor):
        if self._here(emulator, processor):
            return Here()
        # A log of its own: that of a machine that died is wanted afterwards.
        log = os.path.join(self._logs, f"level1-{next(self._machines)}.log")
        self._out.put(("place", None, "starting a level-1 machine (about 4 s)"))
        place = Level1(self._kernel, log, emulator, processor=processor or CPU)
        self._answered = self._answered or not (emulator or processor)
        self._out.put(("place", None, f"level 1 is up after {place.boot_seconds:.1f} s"
                       + (f", on {emulator}" if emulator else "")
                       + (f", a {processor}" if processor else "")))
        return place

    def _run(self, job, place, folder, watch):
        with JobLog(folder, watch.event) as log:
            def sink(file, data):
                watch.data(file, data)
                log.sink(file, data)
            job = replace(job, busy=busy_factor())
            return place.run(self._prepare(job, place), job.limit, sink)

    @staticmethod
    def _keep(folder):
        """The files of a boot that is repeated stay beside those of the next one."""
        kept = f"{folder}.stopped"
        shutil.rmtree(kept, ignore_errors=True)
        if os.path.isdir(folder):
            os.rename(folder, kept)

    @staticmethod
    def _close(place):
        if place:
            try:
                place.close()
            except (OSError, Level1Error):
                pass    # it is gone already, which is what is wanted
