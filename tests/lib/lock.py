# SPDX-License-Identifier: GPL-2.0-only
"""Locks between threads and between programs."""

import fcntl
import os
from contextlib import contextmanager


@contextmanager
def locked(path):
    """Holds the lock file at `path`, which is created, with its folder; it stays."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Each open is a lock of its own: it keeps out other threads as well.
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
