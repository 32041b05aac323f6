# SPDX-License-Identifier: GPL-2.0-only
"""Small static programs that run inside the machines, built when their source changes."""

import os
import subprocess
import threading

from .cache import cache_dir
from .kernel import VM_DIR

TOP = os.path.dirname(os.path.dirname(VM_DIR))
# Where tests/host/install.mk has put this, there is no source, and nothing to write to.
PREBUILT = os.path.join(TOP, "prebuilt")
INSTALLED = os.path.isdir(PREBUILT)
BUILD_DIR = os.path.join(cache_dir(), "build") if INSTALLED else os.path.join(TOP, "build")
UAPI = os.path.join(TOP, "uapi")


class BuildError(Exception):
    """A program that the machines need cannot be built."""


def static_program(source):
    """Path of the program built from this one C file under tests/vm."""
    if INSTALLED:
        return os.path.join(PREBUILT, os.path.splitext(os.path.basename(source))[0])
    source = os.path.join(VM_DIR, source)
    target = os.path.join(BUILD_DIR, "vm", os.path.splitext(os.path.basename(source))[0])
    sources = [source, os.path.join(VM_DIR, "port.h"), *(entry.path for entry in os.scandir(UAPI))]
    if os.path.exists(target) and os.path.getmtime(target) > max(map(os.path.getmtime, sources)):
        return target
    os.makedirs(os.path.dirname(target), exist_ok=True)
    # Two machines may come up side by side.
    scratch = f"{target}.{os.getpid()}.{threading.get_ident()}"
    done = subprocess.run([os.environ.get("CC", "gcc"), "-std=gnu11", "-O2", "-Wall", "-Wextra",
                           "-Werror", "-static", f"-I{UAPI}", "-o", scratch, source],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildError(f"building {source} failed:\n{done.stderr}")
    os.replace(scratch, target)
    return target


def busybox():
    """Path of Debian's static busybox."""
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            return path
    raise BuildError("busybox is not installed: run tests/vm/install-packages")
