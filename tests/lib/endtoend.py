# SPDX-License-Identifier: GPL-2.0-only
"""The end-to-end jobs of one check: what they need, and what came of each, into the report."""

import difflib
import os
from contextlib import nullcontext

from . import own, places, tree
from .emulator import MOST_STOPS
from .farm import Farm
from .job import meaning, qemu_of
from .jobqueue import JobQueue
from .report import Failure
from .results import Results

TAIL_LINES = 15


def rerun(pattern):
    """The command that runs this again."""
    return f"tests/run --only '{pattern}'"


def tail(path, lines=TAIL_LINES):
    """The last lines of a log, or nothing."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return "".join(file.readlines()[-lines:])
    except OSError:
        return ""


class SelectionError(Exception):
    """What --only asks for does not exist."""


class EndToEnd:
    """The jobs of one check. build_host() comes first; each build_image() lets its jobs run."""

    def __init__(self, jobs, report, logs, only_case="", parts=own.Parts(), place=None):
        self._jobs = JobQueue(jobs)
        self._report = report
        self._logs = logs
        self._only_case = only_case
        self._parts = parts
        self._place = place
        self._found = Results()
        self._matched = False       # a case with this text in its name
        self._unselected = set()
        self._failed = False
        self._stops = 0             # guests that the emulator stopped
        self._results = {job: [] for job in jobs}
        self._hvhost = ""
        self._kernels = {}
        self._images = {}
        self._emulators = {}

    def build_host(self):
        self._hvhost = tree.build_host()

    def build_image(self, kernel):
        """The guest image for this kernel; its jobs can run from then on."""
        self._kernels[kernel.name] = kernel
        for disk in sorted({job.disk for job in self._results if job.kernel == kernel.name} or {""}):
            self._images[kernel.name, disk] = self._image(kernel, disk)
        self._jobs.release(kernel.name)

    def add_emulator(self, suite, path):
        """The QEMU of a Debian suite; its jobs can run from then on."""
        self._emulators[suite] = path
        self._jobs.release(qemu_of(suite))

    def give_up(self, name, why):
        """There will be no image for this kernel, or no such emulator; see Job.needs."""
        for job in self._jobs.drop(name):
            self._report.fail(Failure(job.name, why, rerun(job.name)))

    def run(self, level1_kernel, workers, slot=nullcontext, stop=None):
        """Runs every job, as soon as its image is there; slot as for Farm, stop as for Program."""
        kind, why = places.choose(self._place, self._hvhost)
        where = "on this machine's own KVM" if kind == "here" else f"inside an emulated level 1 ({why})"
        self._report.progress(f"{len(self._jobs)} guest boots, {where}")
        farm = Farm(self._jobs, self._prepare, kind, level1_kernel,
                    self._logs, workers, slot=slot,
                    emulator=lambda job: self._emulators.get(job.qemu))
        for kind, job, data in farm.messages():
            if stop and stop.is_set():
                break
            getattr(self, f"_on_{kind}")(job, data)
        self._found.write(self._logs)
        self._judge_emulator()

    def _judge_emulator(self):
        self._report.progress(f"emulator: {self._stops} guests stopped before any code under test ran")
        if self._stops > MOST_STOPS:
            self._report.fail(Failure("the emulator", f"{self._stops} guests stopped before any code "
                                      f"under test ran, at most {MOST_STOPS} are accepted: see "
                                      "the logs in the folders *.stopped", "tests/run"))

    def check_selection(self):
        """A text that no case has in its name is a mistake, and no success."""
        if self._only_case and not self._matched and not self._failed:
            near = difflib.get_close_matches(self._only_case, self._unselected, 5, 0.4)
            raise SelectionError(f"no case has '{self._only_case}' in its name"
                                 + (f"; there are: {'; '.join(near)}" if near else ""))

    def _image(self, kernel, disk):
        # Nothing of ours is built for a user's kernel that does not run it.
        ours = not self._parts.kernel or any(job.profile != "stock" for job in self._results)
        return tree.guest_image(kernel, ours=ours, parts=self._parts, disk=disk)

    def kernel(self, job):
        """The kernel of a job's guest."""
        return self._kernels[job.kernel]

    def _prepare(self, job, place):
        words = job.argv(place, self._hvhost, self._kernels[job.kernel],
                         self._images[job.kernel, job.disk], self._parts)
        if self._only_case:
            words += ["--script-arg", f"only={self._only_case}"]
        return words

    # What the farm tells.

    def _on_place(self, _, text):
        self._report.progress(text)

    def _on_start(self, job, _):
        self._report.progress(f"{job.name}: booting the guest (limit {job.time} s)")

    def _on_emulator(self, job, why):
        self._stops += 1
        self._report.emulator(job.name, why)

    def _on_quiet(self, _, running):
        for job, seconds in running:
            self._report.progress(f"{job.name}: still running after {seconds:.0f} s, "
                                  f"limit {job.time} s")

    def _on_event(self, job, event):
        self._found.event(job.name, event)
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
            self._report.skip(name, why, rerun(job.name))
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
            # Another file may have the case that is wanted: see check_selection().
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
        self._failed = True
        folder = os.path.join(self._logs, job.name.replace("/", "-"))
        tails = [(f"{os.path.join(folder, file)}", text)
                 for file, text in ((file, tail(os.path.join(folder, file)))
                                    for file in ("stderr", "console.log")) if text]
        self._report.fail(Failure(name, why, rerun(pattern), tuple(tails)))
