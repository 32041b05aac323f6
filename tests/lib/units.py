# SPDX-License-Identifier: GPL-2.0-only
"""The unit tests: folders whose `make check` prints TAP."""

import os

from . import skips
from .build import TOP
from .report import Failure
from .tap import TapRun

# Seconds. With everything the packages alone boot Debian a dozen times.
LIMIT = 3 * 3600 if skips.EVERYTHING else 1800
UNITS = {"selftest": "tests/selftest", "unit": "tests/unit", "crash": "tests/crash", "fuzz": "tests/fuzz",
         "clients": "tests/clients", "host": "tests/host", "kunit": "tests/kunit",
         "vm": "tests/vm", "package": "tests/package", "managers": "tests/managers"}


def available():
    """{name: folder} of those that the tree has."""
    return {name: folder for name, folder in UNITS.items()
            if os.path.exists(os.path.join(TOP, folder, "Makefile"))}


def run(name, folder, report, logs, stop=None):
    """Runs one of them, each result into the report."""
    report.progress(f"{name}: the tests in {folder} begin (limit {LIMIT} s)")
    log = os.path.join(logs, f"unit-{name}.log")
    again = f"tests/run --only {name}"
    command = ["make", "-s", "--no-print-directory", "-C", os.path.join(TOP, folder), "check"]
    for point in TapRun(command, log, LIMIT, stop).results():
        full = f"{name}: {point.name}"
        if point.result == "pass":
            report.ok(full, point.why)
        elif point.result == "skip":
            report.skip(full, point.why, again)
        elif point.result == "quiet":
            report.progress(f"{name}: still running")
        else:
            report.fail(Failure(full, point.why, again, (("log", log),)))
