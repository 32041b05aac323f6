# SPDX-License-Identifier: GPL-2.0-only
"""Kernels in the cache: Debian's by tests/vm/fetch-kernel, our own by tests/vm/build-kernel."""

import os
import shlex
from dataclasses import dataclass

from .tool import run_tool, to_stderr

VM_DIR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "vm")
# Ours: built and not fetched, so that a test may prefer to do without where the cache lacks one.
BUILT = ("um", "debug", "kcsan", "clang", "tree-6.12", "tree-sid", "tree-bare")
# Those of them that guests boot, and what each has of what a case file may use (`uses` in cases.py). What they check
# makes them slow.
CHECKING = {"debug": ("hv_netvsc",), "kcsan": ()}


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


def check_name(name):
    """Raises KernelError unless one of the tools knows it."""
    with open(os.path.join(VM_DIR, "kernels"), encoding="utf-8") as file:
        fetched = [line.split()[0] for line in file if line.strip() and not line.startswith("#")]
    if name not in (*fetched, *BUILT):
        raise KernelError(f"there is no kernel '{name}'; there are {', '.join((*fetched, *BUILT))}")


def fetch(name, say=to_stderr, stop=None):
    """The kernel of this name, fetched or built when the cache lacks it.

    say(line) gets the progress; `stop` ends it early, see Program.
    """
    check_name(name)
    tool = "build-kernel" if name in BUILT else "fetch-kernel"
    rc, text, said = run_tool(os.path.join(VM_DIR, tool), name, say=say, stop=stop)
    if rc:
        raise KernelError(f"there is no kernel {name}: {tool} failed:\n{said}")
    return _parse(text)


def cached(name):
    """A kernel of BUILT if the cache has it, otherwise None."""
    rc, text, _ = run_tool(os.path.join(VM_DIR, "build-kernel"), "--cached", name)
    return _parse(text) if rc == 0 else None


def _parse(text):
    values = dict(word.split("=", 1) for word in shlex.split(text))
    return Kernel(values["KERNEL_NAME"], values["KERNEL_RELEASE"], values["KERNEL_IMAGE"],
                  values["KDIR"], values["MODULES_DIR"], values["KERNEL_ROOT"],
                  values.get("BUILD_ROOT", ""))
