# SPDX-License-Identifier: GPL-2.0-only
"""The check: builds, unit tests, end-to-end jobs on VMs; each result into the report."""

import difflib
import os
import time

from . import kernel as kernels
from . import places, tree
from .emulator import MOST_STOPS
from .farm import Farm
from .job import meaning
from .report import Failure
from .tap import TapRun

# HVKVP_ALL=1 (make check-all): tests/package makes more than a Debian root to boot, and every case file
# runs on every kernel.
EVERYTHING = bool(os.environ.get("HVKVP_ALL"))
UNIT_LIMIT = 3600 if EVERYTHING else 900
TAIL_LINES = 15
# Folders whose `make check` prints TAP.
UNITS = {"selftest": "tests/selftest", "unit": "tests/unit", "crash": "tests/crash",
         "fuzz": "tests/fuzz", "clients": "tests/clients", "host": "tests/host",
         "kunit": "tests/kunit", "package": "tests/package", "managers": "tests/managers"}
# What has to be built before, where the cache lacks it, and is told to take long.
UNIT_KERNELS = {"kunit": "um"}
LEVEL1_KERNEL = "6.1"


def rerun(pattern):
    return f"tests/run --only '{pattern}'"


def tail(path, lines=TAIL_LINES):
    """The last lines of a log, or nothing."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


def available_units():
    return {name: folder for name, folder in UNITS.items()
            if os.path.exists(os.path.join(tree.TOP, folder, "Makefile"))}


def run_units(names, report, logs):
    for name, folder in names.items():
        report.heading(f"unit tests: {folder}")
        log = os.path.join(logs, f"unit-{name}.log")
        if not _have_kernel(name, report):
            continue
        command = ["make", "-s", "--no-print-directory", "-C", os.path.join(tree.TOP, folder),
                   "check"]
        for point in TapRun(command, log, UNIT_LIMIT).results():
            full = f"{name}: {point.name}"
            if point.result == "pass":
                report.ok(full)
            elif point.result == "skip":
                report.skip(full, point.why)
            elif point.result == "quiet":
                report.progress(f"{name}: still running after {point.why}")
            else:
                report.fail(Failure(full, point.why, rerun(name), (("log", log),)))


def _have_kernel(name, report):
    """The kernel in which this unit runs, if it needs one of its own."""
    if name in UNIT_KERNELS and not kernels.cached(UNIT_KERNELS[name]):
        report.progress(f"building kernel '{UNIT_KERNELS[name]}' into the cache: "
                        "4 minutes on two free cores, and only once")
        try:
            kernels.fetch(UNIT_KERNELS[name])
        except kernels.KernelError as error:
            report.fail(Failure(f"{name}: its kernel", str(error), rerun(name)))
            return False
    return True


class SelectionError(Exception):
    """What --only asks for does not exist."""


class EndToEnd:
    """The jobs of one check."""

    def __init__(self, jobs, report, logs, only_case=""):
        self._jobs = jobs
        self._report = report
        self._logs = logs
        self._only_case = only_case
        self._matched = False       # a case with this text in its name
        self._unselected = set()
        self._results = {job: [] for job in jobs}
        self._hvhost = ""
        self._kernels = {}
        self._images = {}

    def build(self):
        """Everything the jobs need; raises what the tools below raise."""
        self._timed("the test host", self._build_host)
        self._skip_unbuilt()
        for name in sorted({job.kernel for job in self._jobs} | {LEVEL1_KERNEL}):
            self._kernels[name] = kernels.fetch(name)
        for name in sorted({job.kernel for job in self._jobs}):
            self._timed(f"module, daemon and guest image for kernel {name}",
                        lambda name=name: self._build_image(name))

    def run(self, workers):
        can, said = places.probe(self._hvhost)
        where = "on this machine's own KVM" if can else f"inside an emulated level 1 ({said})"
        self._report.heading(f"end to end: {len(self._jobs)} guest boots, {where}")
        farm = Farm(self._jobs, self._prepare, "here" if can else "level1",
                    self._kernels[LEVEL1_KERNEL], self._logs, workers)
        for kind, job, data in farm.messages():
            getattr(self, f"_on_{kind}")(job, data)
        self._judge_emulator()
        self._check_selection()

    def _check_selection(self):
        """A text that no case has in its name is a mistake, and no success."""
        if self._only_case and not self._matched and not self._report.failures:
            near = difflib.get_close_matches(self._only_case, self._unselected, 5, 0.4)
            raise SelectionError(f"no case has '{self._only_case}' in its name"
                                 + (f"; there are: {'; '.join(near)}" if near else ""))

    def _judge_emulator(self):
        stops = len(self._report.emulated)
        if stops > MOST_STOPS:
            self._report.fail(Failure("the emulator", f"{stops} guests stopped before any code "
                                      f"under test ran, at most {MOST_STOPS} are accepted: see "
                                      "the logs in the folders *.stopped", "tests/soak"))

    def _skip_unbuilt(self):
        """Kernels of our own take long to build: without one its jobs are skipped, by name."""
        wanted = {job.kernel for job in self._jobs} & set(kernels.BUILT)
        missing = {name for name in wanted if not kernels.cached(name)}
        for job in self._jobs:
            if job.kernel in missing:
                self._report.skip(job.name, f"the cache has no kernel '{job.kernel}'; "
                                  f"tests/vm/build-kernel {job.kernel} builds it")
        self._jobs = [job for job in self._jobs if job.kernel not in missing]

    def _build_host(self):
        self._hvhost = tree.build_host()

    def _build_image(self, name):
        self._images[name] = self._image(self._kernels[name])

    def _image(self, kernel):
        return tree.guest_image(kernel)

    def kernel(self, job):
        """The kernel of a job's guest."""
        return self._kernels[job.kernel]

    def _timed(self, what, build):
        self._report.progress(f"building {what}")
        started = time.monotonic()
        build()
        self._report.progress(f"built {what} ({time.monotonic() - started:.1f} s)")

    def _prepare(self, job, place):
        words = job.argv(place, self._hvhost, self._kernels[job.kernel], self._images[job.kernel])
        if self._only_case:
            words += ["--script-arg", f"only={self._only_case}"]
        return words

    # What the farm tells.

    def _on_place(self, _, text):
        self._report.progress(text)

    def _on_start(self, job, _):
        self._report.progress(f"{job.name}: booting the guest (limit {job.time} s)")

    def _on_emulator(self, job, why):
        self._report.emulator(job.name, why)

    def _on_quiet(self, _, running):
        for job, seconds in running:
            self._report.progress(f"{job.name}: still running after {seconds:.0f} s, "
                                  f"limit {job.time} s")

    def _on_event(self, job, event):
        if event.get("event") == "case":
            self._on_case(job, event)
        elif event.get("event") == "unselected":
            self._unselected.add(event.get("name", ""))
        elif event.get("event") == "end":
            self._matched = self._matched or event.get("selected", 0) > 0
            self._results[job].append("end")

    def _on_case(self, job, event):
        name = f"{job.name}: {event.get('name', '?')}"
        result, why = event.get("result"), event.get("why") or ""
        self._results[job].append(result)
        if result == "pass":
            self._report.ok(name, f"{event.get('ms', 0):.0f} ms")
        elif result == "skip" and job.profile != "ours":
            self._report.note(name, f"not here: {why}")
        elif result == "skip":
            self._report.skip(name, why)
        elif result == "peer-fails":
            self._report.peer(name, why)
        elif result == "peer-passes":
            self._report.ok(name, "the peer was thought to fail here")
        else:
            self._fail(job, name, why, f"{job.name}:{event.get('name', '')}")

    def _on_end(self, job, data):
        rc, trouble, seconds, _ = data
        results = self._results[job]
        counted = [result for result in results if result != "end"]
        if not trouble and rc:
            # A failed case has been told already, and so has the crash of a peer known to crash.
            known = "fail" in counted if rc == 1 else rc == 4 and "peer-fails" in counted[-1:]
            # Another file may have the case that is wanted: see _check_selection().
            known = known or rc == 2 and self._only_case and results == ["end"]
            trouble = "" if known else meaning(rc)
        elif not trouble and "end" not in results:
            trouble = "the test host ended without saying so"
        elif not trouble and not counted:
            trouble = "no case ran"
        if trouble and not (trouble == "no case ran" and self._only_case):
            self._fail(job, f"{job.name}: the run as a whole", trouble, job.name)
        self._report.progress(f"{job.name}: done in {seconds:.1f} s")

    def _fail(self, job, name, why, pattern):
        folder = os.path.join(self._logs, job.name.replace("/", "-"))
        tails = [(f"{os.path.join(folder, file)}", text)
                 for file, text in ((file, tail(os.path.join(folder, file)))
                                    for file in ("stderr", "console.log")) if text]
        self._report.fail(Failure(name, why, rerun(pattern), tuple(tails)))
