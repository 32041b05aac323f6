# SPDX-License-Identifier: GPL-2.0-only
"""One job: a guest boot under the test host that runs one case file."""

import json
import math
import os
import re
from dataclasses import dataclass, field, replace

from .kernel import CHECKING
from .own import Parts, module_tree

# What the test host has built in; require() finds it there.
BUILT_IN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "host", "lua")
REQUIRE = re.compile(r"""\brequire\s*\(?\s*["']([\w-]+)["']""")
# Files that a case puts into the guest are brought along as well.
PUT = re.compile(r"""\bguest_put\s*\(\s*["']([\w.-]+)["']\s*,""")

# Modules of each profile, loaded by the guest's init in this order.
# "on-stock" is our daemon on the stock driver.
PROFILES = {"ours": "hv_vmbus,hv_kvp", "stock": "hv_vmbus,hv_utils",
            "on-stock": "hv_vmbus,hv_utils"}
# Of a debug kernel's script, whose job has a longer limit of its own.
DEBUG_PATIENCE = 3
# Dumps of a machine, which are mostly zeros.
SPARSE = ".core"
# On top of a job's own limit, before the place ends the test host from outside.
MARGIN = 15
# The longest time limit that the test host takes.
DAY = 86400


def qemu_of(suite):
    """The name, among what jobs need, of a Debian suite's QEMU."""
    return f"QEMU {suite}"


def beside(script):
    """Paths of the files beside a case file that it requires or puts into the guest, and those require;
    whether they exist or not."""
    folder, found, left = os.path.dirname(script), [], [script]
    while left:
        try:
            with open(left.pop(), encoding="utf-8", errors="replace") as file:
                code = [line.split("--")[0] for line in file]
        except OSError:
            continue
        for name in REQUIRE.findall("".join(code)):
            path = os.path.join(folder, f"{name}.lua")
            if path not in found and not os.path.exists(os.path.join(BUILT_IN, f"{name}.lua")):
                found.append(path)
                left.append(path)
        found += [path for path in (os.path.join(folder, name) for name in PUT.findall("".join(code)))
                  if path not in found]
    return found


def busy_factor():
    """By how much limits grow where the machine has other work: 1 up to a load of 3 for each CPU, which
    is what a check makes itself; 4 at most."""
    return max(1, min(4, math.ceil(os.getloadavg()[0] / os.cpu_count() / 3)))


class JobError(Exception):
    """A job is described wrongly."""


@dataclass(frozen=True)
class Job:
    """What to boot and what to run. Times in seconds, memory in MiB."""

    script: str
    name: str = ""
    kernel: str = "6.1"
    profile: str = "ours"
    load: str = ""          # modules; empty: those of the profile
    start: bool = True      # start the profile's service at boot
    peer: bool = False      # run it against the stock pair as well
    time: int = 60
    cpus: int = 2
    mem: int = 512
    append: str = ""
    args: tuple = ()        # further words for the script
    host: tuple = field(default=())     # further words for hvhost
    replay: bool = False    # the script is a capture, which is played
    qemu: str = ""          # a Debian suite: level 1 runs on its QEMU
    processor: str = ""     # of level 1, as QEMU names it; empty: what QEMU can emulate at most
    all: bool = False       # too long for the usual check
    bound: bool = False     # to its kernel: another one cannot stand in for it
    trace: bool = True      # keep each message and packet: more work than what it shows, in a long run
    disk: str = ""          # the file system on the guest's disk, one of guest.FILE_SYSTEMS
    uses: tuple = ()        # what not every kernel of ours has, of cases.USES
    busy: int = 1           # what limits are multiplied by, see busy_factor()

    def __post_init__(self):
        if self.profile not in PROFILES:
            raise JobError(f"{self.script}: no profile '{self.profile}', "
                           f"there are {', '.join(PROFILES)}")

    @property
    def seconds(self):
        """The time limit of the test host."""
        return min(self.time * self.busy, DAY)

    @property
    def limit(self):
        return self.seconds + MARGIN

    def modules(self):
        """Names of the modules that the guest loads at boot, in their order."""
        names = "" if self.load == "none" else self.load or PROFILES[self.profile]
        return [name for name in names.split(",") if name]

    @property
    def needs(self):
        """What has to be made ready for it: its kernel's name, and its emulator."""
        return (self.kernel, qemu_of(self.qemu)) if self.qemu else (self.kernel,)

    def argv(self, place, hvhost, kernel, initrd, parts=Parts()):
        """The command line, after everything it names was put where it runs."""
        words = [place.put(hvhost, 0o755),
                 "--kernel", place.put(kernel.image), "--initrd", place.put(initrd),
                 *self._conversation(place), "--cpus", str(self.cpus),
                 "--mem", str(self.mem), "--time-limit", str(self.seconds),
                 "--console", "console.log", *(("--trace", "trace.log") if self.trace else ()), "--stats",
                 "--append", self._append(module_tree(kernel, parts))]
        for arg in self._script_args():
            words += ["--script-arg", arg]
        return words + list(self.host)

    def _conversation(self, place):
        """Words for what is said; none at all for a shell alone."""
        if not self.script:
            return []
        script = place.put(self.script)
        for path in [] if self.replay else filter(os.path.exists, beside(self.script)):
            place.put(path, folder=os.path.dirname(script))
        return ["--replay" if self.replay else "--script", script]

    def _append(self, tree):
        # Nothing loads what is built in. Ours may be in no tree: it was built a moment ago.
        load = [name for name in self.modules() if not tree.has_builtin(name)
                or name == "hv_kvp" and not tree.lists_builtin(name)]
        words = [f"kvp.profile={self.profile}", f"kvp.load={','.join(load)}",
                 f"kvp.start={int(self.start)}", self.append]
        if self.kernel in CHECKING:
            words.append("kvp.agent_limit=600")
        return " ".join(word for word in words if word)

    def _script_args(self):
        peer = ("peer",) if self.profile == "stock" else ()
        patience = self.busy * (DEBUG_PATIENCE if self.kernel in CHECKING else 1)
        return (f"profile={self.profile}", f"kernel={self.kernel}", f"patience={patience}", *peer,
                *self.args)


def add_strict(parser):
    parser.add_argument("--strict", metavar="[=CASE]",
                        help="known defects of the stock pair count as failures; with =CASE only in cases "
                             "that have CASE in their name")


def strict_words(argv):
    """The command line as a parser needs it: what stands behind --strict is a case file, and no CASE."""
    return ["--strict=" if word == "--strict" else word for word in argv]


def strict(job, text):
    """The job with known defects as failures: None for none, "" for all, else of cases with text."""
    if text is None:
        return job
    return replace(job, args=(*job.args, f"strict={text}" if text else "strict"))


class JobLog:
    """Keeps a job's files in a folder and hands on the events of its standard output."""

    def __init__(self, folder, on_event):
        self.folder = folder
        self._on_event = on_event
        self._files = {}
        self._line = b""
        os.makedirs(folder, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for file in self._files.values():
            file.close()
        if self._line:
            self._hand_on(self._line)

    def sink(self, name, data):
        name = os.path.basename(name)
        if name not in self._files:
            self._files[name] = open(os.path.join(self.folder, name), "wb", buffering=0)
        if name.endswith(SPARSE) and data.count(0) == len(data):
            self._files[name].seek(len(data), os.SEEK_CUR)
            self._files[name].truncate()
        else:
            self._files[name].write(data)
        if name == "stdout":
            *lines, self._line = (self._line + data).split(b"\n")
            for line in lines:
                self._hand_on(line)

    def _hand_on(self, line):
        text = line.decode("utf-8", "backslashreplace").strip()
        if not text:
            return
        try:
            event = json.loads(text)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            event = {"event": "noise", "text": text}
        self._on_event(event)


GOOD, BAD, USAGE, CANNOT_TELL = 0, 1, 2, 125


def verdict(codes):
    """The exit code of a run, as `git bisect run` reads it, from those of its jobs.

    A failed case or a dead guest is bad whatever else happened. Time limits and the emulator say
    nothing about the guest.
    """
    found = {GOOD if rc == 0 else BAD if rc in (1, 4) else USAGE if rc == 2 else CANNOT_TELL
             for rc in codes}
    return next((code for code in (BAD, USAGE, CANNOT_TELL) if code in found), GOOD)


def meaning(rc):
    """What an exit code of the test host says."""
    return {0: "all cases passed", 1: "a case failed", 2: "usage or setup error",
            3: "out of time", 4: "the guest died", 124: "out of time, ended from outside",
            127: "could not be started"}.get(
                rc, f"ended by signal {rc - 128}" if rc > 128 else f"exit code {rc}")
