# SPDX-License-Identifier: GPL-2.0-only
"""The stages of a check, and what each of them needs."""

from . import kernel as kernels
from . import own, qemu, roots, skips, tree, units
from .endtoend import EndToEnd
from .errors import ERRORS
from .job import qemu_of
from .slots import Slots
from .stages import Stage, Stages

LEVEL1_KERNEL = "6.1"
# What a unit test needs besides the programs: kernels to build modules against, one of our own to
# run, Debian roots.
UNIT_KERNELS = {"kunit": ("um",), "package": ("6.1", "6.12")}
UNIT_KERNELS_ALL = {"package": ("trixie", "tree-6.12", "tree-sid"), "vm": ("tree-sid", "tree-bare")}
UNIT_ROOTS = {"package": ("tree",), "managers": ("managers", "ifupdown", "openresolv", "dhcpcd", "connman")}
UNIT_ROOTS_ALL = {"package": ("build", "clean", "build-13", "clean-13", "build-sid", "clean-sid", "fresh-12", "fresh-13",
                               "early-12", "early-13", "boot-12",
                               "inits", "builds"),
                   "managers": ("build", "dhcpcd-connman")}
# Downloads side by side: each of them also unpacks what it has got.
DOWNLOADS = 2
# What the others wait for comes first, what takes longest next.
FIRST, EARLY, USUAL, LATE = range(4)


class Check:
    """Units and jobs of one check as stages. Each stage's work runs in a thread of its own."""

    def __init__(self, chosen, jobs, report, logs, case, workers, parts=own.Parts(), place=None):
        self._report = report
        self._logs = logs
        self._workers = workers
        self._stages = Stages(report, ERRORS)
        self._stop = self._stages.stop
        self._processors = Slots(workers)
        self._downloads = Slots(DOWNLOADS)
        self._kernels = {}
        self._vms = None
        self._parts = parts
        jobs = [job for job in jobs if not self._left_out(job)]
        if parts != own.Parts():
            jobs = self._fitting(jobs)
        self._programs()
        if jobs:
            self._vms = EndToEnd(jobs, self._stages.post, logs, case, parts, place)
            self._guests(sorted({job.kernel for job in jobs}))
            self._emulators(sorted({job.qemu for job in jobs} - {""}))
        for name, folder in chosen.items():
            self._unit(name, folder)

    def run(self):
        """Runs them all. Returns the stages in the order in which they began."""
        done = self._stages.run()
        if self._vms:
            self._vms.check_selection()
        return done

    def _left_out(self, job):
        """Skips a job whose kernel would have to be built, and is not asked for."""
        if job.kernel not in kernels.BUILT or skips.DEBUG or self._cached(job.kernel):
            return False
        self._report.skip(job.name, f"the cache has no kernel '{job.kernel}', which takes 40 minutes "
                          "of a processor; HVKVP_DEBUG=1 builds it")
        return True

    def _fitting(self, jobs):
        """The jobs that the user's kernel or parts can run; which cannot is told, with the reason."""
        good, why = [], ""
        for job in jobs:
            kernel = self._parts.kernel or kernels.fetch(job.kernel)
            try:
                own.check(kernel, self._parts, job.profile, job.modules())
                good.append(job)
            except own.OwnError as error:
                why = str(error)
                self._report.note(job.name, f"left out: {why}")
        if not good:
            raise own.OwnError(why or "there is nothing to run")
        return good

    def _cached(self, name):
        if name not in self._kernels:
            self._kernels[name] = kernels.cached(name)
        return self._kernels[name]

    def _programs(self):
        def work(_):
            tree.build_host()
            tree.programs()

        self._stages.add(Stage("programs", work, slots=self._processors, urgency=FIRST))

    def _kernel(self, name):
        """The stage that brings a kernel into the cache; its name."""
        stage = f"kernel {name}"

        def work(post):
            if name == own.NAME:
                self._kernels[name] = self._parts.kernel
                return
            self._kernels[name] = kernels.fetch(name, say=post.progress, stop=self._stop)

        if stage not in self._stages:
            # Our own are compiled with what the others leave over: they are nice.
            slots = None if name in kernels.BUILT else self._downloads
            self._stages.add(Stage(stage, work, slots=slots,
                                   urgency=FIRST if name == LEVEL1_KERNEL else USUAL))
        return stage

    def _root(self, name):
        """The stage that makes a Debian root; its name."""
        stage = f"root {name}"
        if stage not in self._stages:
            self._stages.add(Stage(stage, lambda post: roots.make(name, post.progress, self._stop),
                                   slots=self._downloads, urgency=EARLY))
        return stage

    def _guests(self, names):
        """A stage for each kernel's guest image, and one for all guests."""
        self._kernel(LEVEL1_KERNEL)
        for name in names:
            # Its stock daemon may be that of level 1's kernel.
            self._stages.add(Stage(
                f"image {name}", lambda _, name=name: self._vms.build_image(self._kernels[name]),
                ("programs", self._kernel(name), self._kernel(LEVEL1_KERNEL)), self._processors, FIRST,
                on_failure=lambda why, name=name: self._vms.give_up(name, why)))
        self._stages.add(Stage("guests", self._run_guests,
                               ("programs", self._kernel(LEVEL1_KERNEL))))

    def _emulators(self, suites):
        """A stage for each Debian suite whose QEMU a job needs."""
        for suite in suites:
            def work(post, suite=suite):
                self._vms.add_emulator(suite, qemu.fetch(suite, post.progress, self._stop))

            self._stages.add(Stage(qemu_of(suite), work, slots=self._downloads, urgency=LATE,
                                   on_failure=lambda why, suite=suite: self._vms.give_up(qemu_of(suite), why)))

    def _run_guests(self, _):
        self._vms.build_host()
        self._vms.run(self._kernels[LEVEL1_KERNEL], self._workers,
                      lambda: self._processors.one(USUAL), self._stop)

    def _unit(self, name, folder):
        def wanted(usual, everything):
            return usual.get(name, ()) + (everything.get(name, ()) if skips.EVERYTHING else ())

        needs = ["programs", *map(self._kernel, wanted(UNIT_KERNELS, UNIT_KERNELS_ALL)),
                 *map(self._root, wanted(UNIT_ROOTS, UNIT_ROOTS_ALL))]

        def work(post):
            units.run(name, folder, post, self._logs, self._stop)

        self._stages.add(Stage(name, work, tuple(needs), self._processors,
                               EARLY if name in UNIT_ROOTS else USUAL,
                               rerun=f"tests/run --only {name}"))
