# SPDX-License-Identifier: GPL-2.0-only
"""The cache: what is fetched or made once, and survives between runs. tests/lib/cache.sh is its
counterpart for shell programs.

Everything in it is made beside its place and renamed into it, so that what is there is whole.
"""

import os
import shutil

from .lock import locked


def cache_dir():
    """The folder that survives between runs; created when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.abspath(os.environ.get("HVKVP_CACHE") or os.path.join(base, "hvkvp"))
    os.makedirs(path, exist_ok=True)
    return path


def folder(name, make):
    """The folder of this name in the cache. make(path) fills a new one when the cache lacks it."""
    path = os.path.join(cache_dir(), name)
    with locked(f"{path}.lock"):
        if not os.path.isdir(path):
            # What an interrupted run left.
            shutil.rmtree(f"{path}.new", ignore_errors=True)
            os.makedirs(f"{path}.new")
            make(f"{path}.new")
            os.rename(f"{path}.new", path)
    return path
