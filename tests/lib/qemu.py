# SPDX-License-Identifier: GPL-2.0-only
"""Which QEMU emulates the level-1 machine: this machine's, or another that HVKVP_QEMU names."""

import os
import re
import shutil
import signal
import subprocess

from .kernel import VM_DIR
from .tool import run_tool, to_stderr

FETCH = os.path.join(VM_DIR, "fetch-qemu")
VARIABLE = "HVKVP_QEMU"
DEFAULT = "qemu-system-x86_64"


class QemuError(Exception):
    """There is no such emulator; the message says how to get one."""


def program(name=None):
    """Absolute path of the emulator: of this name, else HVKVP_QEMU's, else this machine's."""
    wanted = name or os.environ.get(VARIABLE) or DEFAULT
    found = shutil.which(wanted)
    if found:
        return os.path.abspath(found)
    if wanted == DEFAULT:
        raise QemuError(f"{DEFAULT} is not installed: run tests/vm/install-packages")
    raise QemuError(f"{wanted} is no program: {VARIABLE} takes a path, and "
                    "tests/vm/fetch-qemu SUITE prints that of a Debian suite's QEMU")


def suites():
    """Debian suites whose QEMU can be had."""
    return run_tool(FETCH, "--list")[1].split()


def fetch(suite, say=to_stderr, stop=None):
    """Path of the emulator of a Debian suite, fetched when the cache lacks it.

    say(line) gets the progress; `stop` ends it early, see Program.
    """
    rc, path, said = run_tool(FETCH, suite, say=say, stop=stop)
    if rc:
        raise QemuError(f"there is no QEMU of {suite}: fetch-qemu failed:\n{said}")
    return path


def find(name=None):
    """The emulator of a Debian suite, or of a path or name as in program()."""
    return fetch(name) if name and name in suites() else program(name)


def version(path):
    """Its version, as 10.0.2."""
    done = subprocess.run([path, "--version"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    found = re.search(r"version (\d[\d.]*)", done.stdout)
    if not found:
        raise QemuError(f"{path} --version names none: exit code {done.returncode}, {done.stderr}")
    return found.group(1)


def meaning(rc):
    """How the emulator ended, from what Popen.wait() returned."""
    return f"QEMU was killed by {signal.Signals(-rc).name}" if rc < 0 else f"QEMU's exit code {rc}"
