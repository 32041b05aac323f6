# SPDX-License-Identifier: GPL-2.0-only
"""How much may be done at once."""

import heapq
import itertools
import threading
from contextlib import contextmanager


class Slots:
    """So many pieces of work at once; of those that wait, the most urgent one is next."""

    def __init__(self, count):
        self._count = count
        self.held = 0
        self._waiting = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()

    @property
    def waiting(self):
        """How many wait."""
        return len(self._waiting)

    @contextmanager
    def one(self, urgency=0):
        """Waits for a slot and holds it. The lower the number, the more urgent."""
        mine = (urgency, next(self._numbers))
        with self._changed:
            heapq.heappush(self._waiting, mine)
            self._changed.wait_for(lambda: self.held < self._count and self._waiting[0] == mine)
            heapq.heappop(self._waiting)
            self.held += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self.held -= 1
                self._changed.notify_all()
