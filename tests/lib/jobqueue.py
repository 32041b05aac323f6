# SPDX-License-Identifier: GPL-2.0-only
"""Jobs that wait for what they need, and those that can run."""

import threading


class JobQueue:
    """What workers take their jobs from. A job can be taken once all that it needs has been released."""

    def __init__(self, jobs, released=()):
        self._jobs = list(jobs)
        self._released = set(released)
        self._changed = threading.Condition()

    def __len__(self):
        with self._changed:
            return len(self._jobs)

    def release(self, name):
        """A kernel or an emulator is there; see Job.needs."""
        with self._changed:
            self._released.add(name)
            self._changed.notify_all()

    def drop(self, name):
        """What needs this will never run. Returns those jobs."""
        with self._changed:
            dropped = [job for job in self._jobs if name in job.needs]
            self._jobs = [job for job in self._jobs if name not in job.needs]
            self._changed.notify_all()
        return dropped

    def take(self):
        """The first job that can run; waits while there are only others. None: there are no more."""
        with self._changed:
            self._changed.wait_for(lambda: not self._jobs or self._first())
            job = self._first()
            if job:
                self._jobs.remove(job)
            return job

    def _first(self):
        return next((job for job in self._jobs if self._released.issuperset(job.needs)), None)
