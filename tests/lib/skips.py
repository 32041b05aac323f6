# SPDX-License-Identifier: GPL-2.0-only
"""What a check may skip, by name: whatever else is skipped has failed. README.md has the same list."""

import fnmatch
import os


def _on(name):
    """Whether this variable of the environment asks for something: any text does but none and 0, as in the shell tests."""
    return os.environ.get(name, "") not in ("", "0")


# HVKVP_ALL=1 (make check-all): nothing is left out.
EVERYTHING = _on("HVKVP_ALL")
# HVKVP_DEBUG=1 (make check-all, .ci/run): the debug kernel is built, and its jobs run.
DEBUG = EVERYTHING or _on("HVKVP_DEBUG")

# Patterns, of tests that run only with HVKVP_ALL=1 ...
ONLY_ALL = (
    "package: packages: build, install, DKMS on two kernels, run, upgrade, remove, purge",
    "package: the packages under systemd and udev",
    "package: KVP in the initramfs",
    "package: a fresh machine",
    "package: the RPM packages",
    "package: OpenRC, sysvinit, s6 and runit",
    "package: the driver in a kernel's own tree",
    "package: the package hvhost in a clean Debian",
    "package: musl, 32 bits, static, flags of distributions",
    "package: arm64: packages, module and unit tests, cross-compiled",
    "vm: booted: *",
    "managers: the managers of trixie",
    "managers: the host sets addresses on a booted Debian, under each network manager",
)
# ... of those that cannot be run where they are, with HVKVP_ALL=1 either: tests/package says of each case what an emulator
# lacks or which compiler a root has not, and fails if it is another one ...
LACKING = (
    "package: arm64: the unit tests under qemu-user: *",
    "package: 32 bits: all unit tests: *",
    "package: musl: all unit tests: *",
)
# ... of those that need loop devices, or a file system that the machine's own kernel may lack: a container has neither ...
MACHINE = ("crash: real file systems: *",)
# ... and of those that run with HVKVP_DEBUG=1, or where the cache has the debug kernel.
ONLY_DEBUG = ("*/ours/debug", "*/ours/debug/*")


def may_skip(name, everything=EVERYTHING, debug=DEBUG):
    """Whether the test of this name may be skipped in this run."""
    return any(fnmatch.fnmatchcase(name, pattern)
               for pattern in LACKING + MACHINE + (() if everything else ONLY_ALL) + (() if debug else ONLY_DEBUG))
