# SPDX-License-Identifier: GPL-2.0-only
"""Case files under tests/e2e and the jobs that their headers ask for.

A header line is `-- job: WORD=VALUE ...`, as many as there shall be guest boots of that file:

    profile=ours|stock|on-stock   whose module and service serve KVP (ours); on-stock: our service
                         on the kernel's own driver
    kernel=NAME          the guest's kernel, one of tests/vm/kernels (6.1), or "debug" or "kcsan"
    peer=yes             run the file against the stock pair, too
    time=SECONDS         limit for the whole conversation (60)
    load=A,B | none      modules the guest loads at boot (those of the profile)
    start=no             do not start the service at boot
    cpus=N mem=MIB       of the guest (2, 512)
    append="..."         further words for the guest's kernel command line
    args="..."           further words for the script (its `args` table)
    host="..."           further words for hvhost, such as "--bus-version 5.0"
    qemu=SUITE           level 1 runs on this Debian suite's QEMU (this machine's)
    processor=MODEL      level 1's, as QEMU names them (max); one of Intel's with ",vendor=AuthenticAMD"
    all=yes              only in `make check-all`, or where --only names nothing else
    bound=yes            on this kernel alone: left out with --kernel or --tree
    disk=ext4|xfs        the guest can make and mount this file system on a disk
    uses=hv_netvsc       of the kernel. With --kernel, the file is left out for a kernel of ours that lacks it, as is
                         what has a disk
    trace=no             keep no trace.log, for long runs

`-- demo: WORD=VALUE ...` means the same, for a file that is shown and not part of the check.
"""

import os
import re
import shlex
from dataclasses import replace

from .job import Job, JobError
from .kernel import BUILT, CHECKING

HEADER = re.compile(r"^--\s*(job|demo):\s*(.*)$")
FLAGS = {"yes": True, "no": False}
# What Debian's kernels have, and not each of ours.
USES = ("hv_netvsc",)


def _flag(text):
    if text not in FLAGS:
        raise ValueError("yes or no is wanted")
    return FLAGS[text]


def _words(text):
    return tuple(text.split())


def _uses(text):
    names = tuple(text.split(","))
    for name in names:
        if name not in USES:
            raise ValueError(f"there is no '{name}' to use; there are {', '.join(USES)}")
    return names


FIELDS = {"profile": str, "kernel": str, "peer": _flag, "time": int, "load": str, "start": _flag,
          "cpus": int, "mem": int, "append": str, "qemu": str, "processor": str, "args": _words, "host": _words,
          "all": _flag, "bound": _flag, "disk": str, "trace": _flag, "uses": _uses}
# What `make check` runs on one kernel, `make check-all` runs on each of these.
USUAL, OTHERS = "6.1", ("5.10", "6.12", "sid")
# How much more time a job gets on a kernel that checks everything.
DEBUG_FACTOR = 3


def headers(path):
    """The header lines of a case file: (where it stands, "job" or "demo", its words)."""
    found = []
    with open(path, encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            match = HEADER.match(line)
            if match:
                found.append((f"{path}:{number}", *match.groups()))
    return found


def parse_header(path, where, text):
    """The job that the words of one header line describe."""
    values = {}
    for word in shlex.split(text):
        key, equals, value = word.partition("=")
        try:
            if key not in FIELDS or not equals:
                raise ValueError(f"there is no such word; there are {', '.join(FIELDS)}")
            values[key] = FIELDS[key](value)
        except ValueError as error:
            raise JobError(f"{where}: '{word}': {error}") from error
    return Job(script=path, **values)


def jobs_of(path):
    """Every job of one case file that belongs to the check, the peer's included."""
    found = headers(path)
    if not found:
        raise JobError(f"{path} has no line '-- job: ...', so nobody would run it "
                       f"(see tests/lib/cases.py)")
    jobs = []
    for where, kind, text in found:
        job = parse_header(path, where, text)
        if kind == "demo":
            continue
        jobs.append(job)
        if job.peer:
            jobs.append(replace(job, profile="stock"))
    return jobs


def demo_of(path):
    """The job of a demonstration."""
    for where, kind, text in headers(path):
        if kind == "demo":
            return replace(parse_header(path, where, text), name="demo")
    raise JobError(f"{path} has no line '-- demo: ...' (see tests/lib/cases.py)")


def discover(folder, kernel=None, everything=False):
    """All jobs, named, in an order that is the same every time.

    `kernel` replaces theirs; `everything` adds what takes long, and all files on all kernels.
    """
    jobs = []
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if file.endswith(".lua"):
            jobs += jobs_of(os.path.join(folder, file))
    if everything:
        jobs += _matrix(jobs)
    else:
        jobs = [job for job in jobs if not job.all]
    if kernel:
        jobs = _on_kernel(jobs, kernel)
    unique = {}
    for job in jobs:
        key = replace(job, time=0)
        unique[key] = max(unique.get(key, job), job, key=lambda one: one.time)
    return [replace(job, name=name) for job, name in zip(unique.values(), _names(unique.values()))]


def _matrix(jobs):
    """Each file on each kernel for which it has no job of its own."""
    own = {(job.script, job.kernel) for job in jobs}
    return [replace(job, kernel=kernel) for kernel in OTHERS for job in jobs
            if job.kernel == USUAL and job.profile == "ours" and not job.all and not job.qemu
            and (job.script, kernel) not in own]


def _on_kernel(jobs, kernel):
    # What needs a kernel of our own says so, and nothing else can stand in for it.
    jobs = [job for job in jobs if job.kernel == kernel or not (job.bound or job.kernel in BUILT)]
    if kernel not in BUILT:
        return [replace(job, kernel=kernel) for job in jobs]
    if kernel not in CHECKING:
        raise JobError(f"kernel '{kernel}' boots no guest")
    # It brings no stock daemon, and a file that has a job for it needs no other.
    own = {job.script for job in jobs if job.kernel == kernel}
    return [job if job.kernel == kernel else
            replace(job, kernel=kernel, time=job.time * DEBUG_FACTOR) for job in jobs
            if job.kernel == kernel or job.profile == "ours" and job.script not in own
            and "hv_utils" not in job.load and not job.qemu
            and not job.disk and set(job.uses) <= set(CHECKING[kernel])]


def _names(jobs):
    """FILE/PROFILE/KERNEL[/qemu-SUITE][/MODEL], and a number behind it where one file has several alike."""
    seen, names = {}, []
    for job in jobs:
        stem = os.path.splitext(os.path.basename(job.script))[0]
        name = f"{stem}/{job.profile}/{job.kernel}" + (f"/qemu-{job.qemu}" if job.qemu else "")
        name += f"/{job.processor.split(',')[0]}" if job.processor else ""
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name}/{seen[name]}")
    return names
