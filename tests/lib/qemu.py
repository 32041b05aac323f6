# SPDX-License-Identifier: GPL-2.0-only
"""Which QEMU emulates the level-1 machine: this machine's, or another that HVKVP_QEMU names."""

import os
import shutil
import signal

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


def meaning(rc):
    """How the emulator ended, from what Popen.wait() returned."""
    return f"QEMU was killed by {signal.Signals(-rc).name}" if rc < 0 else f"QEMU's exit code {rc}"
