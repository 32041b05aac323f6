# SPDX-License-Identifier: GPL-2.0-only
"""Kernels in the cache: Debian's by tests/vm/fetch-kernel, our own by tests/vm/build-kernel."""

import os
import shlex
import subprocess
from dataclasses import dataclass

VM_DIR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vm")
# Ours: built and not fetched, so that a test may prefer to do without where the cache lacks one.
BUILT = ("um", "debug", "clang")


class KernelError(Exception):
    """A kernel cannot be had; the message says why."""


@dataclass(frozen=True)
class Kernel:
    """One kernel: see fetch-kernel and build-kernel for what each path is."""

    name: str
    release: str
    image: str
    kdir: str
    modules: str
    root: str
    build_root: str = ""


def cache_dir():
    """The folder that survives between runs; created when missing."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = os.path.abspath(os.environ.get("HVKVP_CACHE") or os.path.join(base, "hvkvp"))
    os.makedirs(path, exist_ok=True)
    return path


def fetch(name):
    """The kernel of this name, fetched or built when the cache lacks it (progress: stderr)."""
    tool = "build-kernel" if name in BUILT else "fetch-kernel"
    done = _run(tool, name)
    if done.returncode:
        raise KernelError(f"there is no kernel {name}: {tool} failed (see the lines above)")
    return _parse(done.stdout)


def cached(name):
    """A kernel of BUILT if the cache has it, otherwise None."""
    done = _run("build-kernel", "--cached", name)
    return _parse(done.stdout) if done.returncode == 0 else None


def _run(tool, *words):
    return subprocess.run([os.path.join(VM_DIR, tool), *words], stdout=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, text=True, check=False)


def _parse(text):
    values = dict(word.split("=", 1) for word in shlex.split(text))
    return Kernel(values["KERNEL_NAME"], values["KERNEL_RELEASE"], values["KERNEL_IMAGE"],
                  values["KDIR"], values["MODULES_DIR"], values["KERNEL_ROOT"],
                  values.get("BUILD_ROOT", ""))
