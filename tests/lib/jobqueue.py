# SPDX-License-Identifier: GPL-2.0-only
"""Jobs that wait for their kernel, and those that can run."""

import threading


class JobQueue:
    """What workers take their jobs from. A job can be taken once its kernel has been released."""

    def __init__(self, jobs, released=()):
        self._jobs = list(jobs)
        self._released = set(released)
        self._changed = threading.Condition()

    def __len__(self):
        with self._changed:
            return len(self._jobs)

    def release(self, kernel):
        """Its jobs can run now."""
        with self._changed:
            self._released.add(kernel)
            self._changed.notify_all()

    def drop(self, kernel):
        """Its jobs will never run. Returns them."""
        with self._changed:
            dropped = [job for job in self._jobs if job.kernel == kernel]
            self._jobs = [job for job in self._jobs if job.kernel != kernel]
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
        return next((job for job in self._jobs if job.kernel in self._released), None)
