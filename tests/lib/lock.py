# SPDX-License-Identifier: GPL-2.0-only
"""Locks between threads and between programs."""

import fcntl
import itertools
import os
from contextlib import contextmanager


@contextmanager
def claimed(folder):
    """A folder that no other run uses: this one, which is created, or the first that is free of FOLDER-2, FOLDER-3, ..."""
    base = folder = os.path.normpath(folder)
    for number in itertools.count(2):
        os.makedirs(folder, exist_ok=True)
        file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            folder = f"{base}-{number}"
            continue
        try:
            yield folder
        finally:
            os.close(file)
        return


@contextmanager
def locked(path):
    """Holds the lock file at `path`, which is created, with its folder; it stays."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    # Each open is a lock of its own: it keeps out other threads as well.
    with open(path, "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
