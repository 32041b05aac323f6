# SPDX-License-Identifier: GPL-2.0-only
"""Debian's kernels as tests/vm/fetch-kernel puts them into the cache."""

import os
import shlex
import subprocess
from dataclasses import dataclass

VM_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class KernelError(Exception):
    """A kernel cannot be had; the message says why."""


@dataclass(frozen=True)
class Kernel:
    """One unpacked kernel: see fetch-kernel for what each path is."""

    name: str
    release: str
    image: str
    kdir: str
    modules: str
    root: str


def cache_dir():
    """The folder that survives between runs; created when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.abspath(os.environ.get("HVKVP_CACHE") or os.path.join(base, "hvkvp"))
    os.makedirs(path, exist_ok=True)
    return path


def fetch(name):
    """The kernel of this name, fetched when the cache lacks it (progress goes to stderr)."""
    done = subprocess.run([os.path.join(VM_DIR, "fetch-kernel"), name], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, check=False)
    if done.returncode:
        raise KernelError(f"kernel {name} could not be fetched (see the lines above)")
    values = dict(word.split("=", 1) for word in shlex.split(done.stdout))
    return Kernel(values["KERNEL_NAME"], values["KERNEL_RELEASE"], values["KERNEL_IMAGE"],
                  values["KDIR"], values["MODULES_DIR"], values["KERNEL_ROOT"])
