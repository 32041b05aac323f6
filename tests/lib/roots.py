# SPDX-License-Identifier: GPL-2.0-only
"""Debian roots in the cache, made by tests/package/root."""

import os

from .build import TOP
from .tool import run_tool, to_stderr


class RootError(Exception):
    """A Debian root cannot be had; the message says why."""


def make(name, say=to_stderr, stop=None):
    """The folder of this root, made when the cache lacks it."""
    rc, path, said = run_tool(os.path.join(TOP, "tests", "package", "root"), name, say=say, stop=stop)
    if rc:
        raise RootError(f"there is no Debian root '{name}': tests/package/root failed:\n{said}")
    return path
