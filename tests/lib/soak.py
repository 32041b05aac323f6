# SPDX-License-Identifier: GPL-2.0-only
"""Boots the smallest guest many times inside level 1, and says how often, and where, one stopped."""

import math
import os
import shutil
import threading
import time
from dataclasses import dataclass

from .emulator import MARK
from .job import JobLog, meaning
from .level1 import Level1, Level1Error, Level1Silent

GOOD = "good"
NO_LEVEL1 = "level 1 never answered"
LEVEL1_DIED = "level 1 died"
BEFORE = "guest stopped before code under test"
AFTER = "guest stopped after code under test had started"
STOPS = (NO_LEVEL1, LEVEL1_DIED, BEFORE, AFTER)
# Stops of one kind that the table describes one by one.
MOST_SHOWN = 20
# Of the two ends of a confidence interval, for 95 %.
Z = 1.96


@dataclass(frozen=True)
class Setting:
    """What is compared: an emulator and options of Level1, under a name."""

    name: str
    level1: dict


@dataclass(frozen=True)
class Boot:
    """How one boot of a guest ended. Its fields are what a file of results has."""

    setting: str
    outcome: str
    seconds: float
    load: float             # the machine's load average when it ended
    why: str = ""
    console: str = ""       # the last line of the guest's console, or else of level 1's
    processors: str = ""    # where the guest's processors stopped


def _lines(path):
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return [line.strip() for line in file if line.strip()]
    except OSError:
        return []


def last_line(*paths):
    """The last line of the first of these logs that has any."""
    return next((lines[-1] for lines in map(_lines, paths) if lines), "")


def judge(rc, error, folder):
    """The outcome of a boot: its exit code, or the error that ended it, and its logs."""
    if error:
        return NO_LEVEL1 if isinstance(error, Level1Silent) else LEVEL1_DIED
    if rc == 0:
        return GOOD
    mark = MARK.decode()
    return AFTER if any(mark in line for line in _lines(os.path.join(folder, "console.log"))) else BEFORE


class Soak:
    """Boots of one setting, on several level-1 machines side by side."""

    def __init__(self, setting, kernel, prepare, logs):
        """kernel: level 1's. prepare(job, place) gives a job's command line for that place."""
        self._setting = setting
        self._kernel = kernel
        self._prepare = prepare
        self._logs = logs
        self._lock = threading.Lock()
        self._left = 0
        self._answered = False
        self._fatal = None

    def run(self, job, count, machines, done):
        """Boots `count` times; calls done(boot) after each, one at a time.

        Raises Level1Silent when the first level-1 machines never answer: no other would.
        """
        self._left = count
        threads = [threading.Thread(target=self._work, args=[job, done], daemon=True)
                   for _ in range(min(machines, count))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._fatal and not self._answered:
            raise self._fatal

    def _work(self, job, done):
        place = None
        while self._take():
            folder = os.path.join(self._logs, str(time.time_ns()))
            os.makedirs(folder)
            started = time.monotonic()
            rc, error = None, None
            try:
                place = place or Level1(self._kernel, f"{folder}.level1", **self._setting.level1)
                self._answered = True
                started = time.monotonic()
                with JobLog(folder, lambda event: None) as log:
                    rc = place.run(self._prepare(job, place), job.limit, log.sink)
            except Level1Error as caught:
                error = caught
            if isinstance(error, Level1Silent) and not self._answered:
                self._fatal = error
                return
            self._report(Boot(self._setting.name, judge(rc, error, folder),
                              round(time.monotonic() - started, 1), round(os.getloadavg()[0], 1),
                              *self._why(rc, error, folder, place)), done)
            if rc == 0:
                shutil.rmtree(folder)
            elif place:
                place.close()
                place = None
        if place:
            place.close()

    def _take(self):
        with self._lock:
            self._left -= 1
            return self._left >= 0

    def _report(self, boot, done):
        with self._lock:
            done(boot)

    @staticmethod
    def _why(rc, error, folder, place):
        """The last fields of a Boot."""
        if rc == 0:
            return ()
        logs = [os.path.join(folder, "console.log"), place.log if place else f"{folder}.level1"]
        stopped = [line for line in _lines(os.path.join(folder, "stderr")) if ", rip " in line]
        return (getattr(error, "why", str(error)) if error else meaning(rc), last_line(*logs),
                "; ".join(stopped))


def interval(count, total):
    """The 95 % confidence interval of a rate, in percent (Wilson's)."""
    if not total:
        return 0, 100
    rate, square = count / total, Z * Z / total
    middle = (rate + square / 2) / (1 + square)
    reach = Z / (1 + square) * math.sqrt(rate * (1 - rate) / total + square / (4 * total))
    return 100 * max(0, middle - reach), 100 * min(1, middle + reach)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0


def table(boots):
    """Lines that say, for each setting, how many boots stopped, where, and at what rate."""
    names = list(dict.fromkeys(boot.setting for boot in boots))
    width = max(map(len, ["setting", *names]))
    lines = [f"{'setting':<{width}}  boots  stopped   rate   95 % interval  median boot   load"]
    for name in names:
        own = [boot for boot in boots if boot.setting == name]
        bad = [boot for boot in own if boot.outcome != GOOD]
        low, high = interval(len(bad), len(own))
        seconds = median(boot.seconds for boot in own if boot.outcome == GOOD)
        lines.append(f"{name:<{width}}  {len(own):>5}  {len(bad):>7}  {100 * len(bad) / len(own):>4.1f} %"
                     f"  {low:>4.1f} to {high:>4.1f} %  {seconds:>8.1f} s  "
                     f"{median(boot.load for boot in own):>5.1f}")
    for name in names:
        for outcome in STOPS:
            found = [boot for boot in boots if (boot.setting, boot.outcome) == (name, outcome)]
            lines += [f"{name}: {outcome}: {len(found)}"] * bool(found)
            for boot in found[:MOST_SHOWN]:
                lines.append(f"    {boot.why} ({boot.seconds:.0f} s); console: {boot.console or '(empty)'}")
                lines += [f"        {boot.processors}"] * bool(boot.processors)
            lines += [f"    and {len(found) - MOST_SHOWN} more"] * (len(found) > MOST_SHOWN)
    return lines
