# SPDX-License-Identifier: GPL-2.0-only
"""What people see of a check: a line per case as it comes, the failures again at the end."""

import sys
from dataclasses import dataclass

COLOURS = {"ok": "32", "FAIL": "1;31", "skip": "33", "emu": "33", "peer": "36", "..": "2", "==": "1"}


def clock(seconds):
    """Minutes and seconds."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


@dataclass(frozen=True)
class Failure:
    """What a reader needs to go on from here."""

    name: str
    why: str
    rerun: str
    tails: tuple = ()       # (title, text) pairs


class Report:
    """Prints and counts. One thread only.

    may_skip(name): whether this test may be skipped; another one that is skipped has failed.
    """

    def __init__(self, stream=sys.stdout, may_skip=lambda name: True):
        self._stream = stream
        self._may_skip = may_skip
        self._colour = stream.isatty()
        self.passed = 0
        self.failures = []
        self.skips = []
        self.peer_fails = []
        self.emulated = []

    def heading(self, text):
        self._line("==", text)

    def progress(self, text):
        self._line("..", text)

    def ok(self, name, note=""):
        self.passed += 1
        self._line("ok", name + (f"  ({note})" if note else ""))

    def fail(self, failure):
        self.failures.append(failure)
        self._line("FAIL", failure.name)
        self._indented(failure.why)

    def skip(self, name, why, rerun=""):
        if not why:
            self.fail(Failure(name, "skipped without a reason", rerun))
        elif not self._may_skip(name):
            self.fail(Failure(name, f"skipped without a listed reason (tests/lib/skips.py): {why}",
                              rerun))
        else:
            self.skips.append((name, why))
            self._line("skip", f"{name}: {why}")

    def peer(self, name, text):
        """A case in which the stock pair does what it is known to do: nobody's failure."""
        self.peer_fails.append((name, text))
        self._line("peer", f"{name}: peer fails: {text}")

    def emulator(self, name, why):
        """A guest that the emulator stopped before any code under test ran."""
        self.emulated.append((name, why))
        self._line("emu", f"{name}: emulator: the guest stopped before any code under test ran "
                          f"({why.splitlines()[0]}); repeated once")

    def note(self, name, text):
        self._line("peer", f"{name}: {text}")

    def table(self, heading, rows):
        """Rows of (name, seconds since the start, seconds that it took)."""
        width = max((len(name) for name, _, _ in rows), default=0)
        self.heading(f"{heading:<{width}}  {'began at':>9}  {'took':>6}  min:s")
        for name, began, took in rows:
            self._plain(f"      {name:<{width}}  {clock(began):>9}  {clock(took):>6}")

    def close(self, logs):
        """The last words; returns the exit code."""
        if self.peer_fails:
            self.heading(f"peer fails: {len(self.peer_fails)} known defects of the stock pair")
            for name, text in self.peer_fails:
                self._plain(f"      {name}: {text.splitlines()[0] if text else ''}")
        if self.skips:
            self.heading("skipped")
            for name, why in self.skips:
                self._plain(f"      {name}: {why}")
        if self.emulated:
            self.heading("emulator: stopped before any code under test ran, and repeated: "
                         f"{len(self.emulated)}")
            for name, why in self.emulated:
                self._plain(f"      {name}: {why.splitlines()[0]}")
        if self.failures:
            self.heading("failed")
        for failure in self.failures:
            self._recap(failure)
        self._plain(f"logs: {logs}")
        none = not (self.passed or self.failures or self.peer_fails)
        if none:
            self._plain("no test ran")
        self._plain(f"{self.passed} passed, {len(self.failures)} failed, {len(self.skips)} skipped")
        return 1 if self.failures or none else 0

    def _recap(self, failure):
        self._line("FAIL", failure.name)
        self._indented(failure.why)
        for title, text in failure.tails:
            self._plain(f"      --- {title}")
            self._indented(text)
        if failure.rerun:
            self._plain(f"      again: {failure.rerun}")

    def _line(self, word, text):
        painted = f"{word:<5}"
        if self._colour:
            painted = f"\033[{COLOURS[word]}m{painted}\033[0m"
        self._plain(f"{painted} {text}")

    def _indented(self, text):
        for line in text.splitlines():
            self._plain(f"      {line}")

    def _plain(self, text):
        self._stream.write(text + "\n")
        self._stream.flush()
