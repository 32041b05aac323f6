# SPDX-License-Identifier: GPL-2.0-only
"""Runs tests that write TAP on standard output, by one program or by several in a row.

Whatever is no TAP there is a failure: it is a line that came in pieces, or two that ran together,
and a result may be lost in it. Standard error is free text, and is shown with what fails next.
"""

import re
import signal
from dataclasses import dataclass

from .program import Program

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:-\s+)?(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)(?:\s+#\s*SKIP\s*(.*))?$", re.IGNORECASE)
DIRECTIVE = re.compile(r"\s*#\s*(SKIP|TODO)\b\s*(.*)$", re.IGNORECASE)
# A result, or a plan, behind the end of another line. A quoted one has a blank before it.
RUN_TOGETHER = re.compile(r"(?<=\S)(?:not ok|ok) (?:\d+ )?- |(?<=[^\s.\d])1\.\.\d+$")
# The last comment before a test that passes.
TOOK = re.compile(r"^# took (\d+ s)$")
COMMENT_LINES = 40


@dataclass(frozen=True)
class TapResult:
    """One test point."""

    name: str
    result: str     # pass, fail, skip; quiet: no test, but nothing was heard for a while
    why: str = ""   # of one that passes: its time, if the test says that


class TapRun:
    """The result of one command that prints TAP."""

    def __init__(self, command, log, limit, stop=None):
        self._program = Program(command, log, limit, stop)
        self._limit = limit
        self._planned = None
        self._seen = 0
        self._said = []
        self._bailed = ""
        self._failed = False
        self._skipped = False

    def results(self):
        """Yields each TapResult as it comes; what is wrong with the run as a whole comes last."""
        for stream, line in self._program.lines():
            if stream is None:
                yield TapResult("", "quiet")
            elif stream == "err":
                self._say(line)
            elif line:
                yield from self._line(line)
        trouble = self._trouble(self._program.rc)
        if trouble:
            yield TapResult("the run as a whole", "fail", "\n".join([trouble, *self._said]))

    def _line(self, line):
        plan, result = PLAN.match(line), RESULT.match(line)
        # The result at the start of a line is its own.
        if RUN_TOGETHER.search(line, 1):
            yield self._garbage(f"two lines run together: {line}")
        elif plan:
            self._planned = (self._planned or 0) + int(plan.group(1))
            if plan.group(1) == "0":
                self._skipped = True
                yield self._skip("all of it", plan.group(2))
        elif line.startswith("Bail out!"):
            self._bailed = line
        elif result:
            self._seen += 1
            yield self._point(*result.groups())
        elif line.startswith("#"):
            self._say(line)
        else:
            yield self._garbage(f"this is no TAP, or a part of a line: {line}")

    def _say(self, line):
        if line:
            self._said = [*self._said[1 - COMMENT_LINES:], line]

    def _garbage(self, why):
        self._failed = True
        return TapResult("its output", "fail", why)

    def _point(self, failed, number, text):
        directive = DIRECTIVE.search(text)
        name = DIRECTIVE.sub("", text) or f"test {number or self._seen}"
        comments, self._said = self._said, []
        if directive and (directive.group(1).upper() == "SKIP" or failed):
            return self._skip(name, directive.group(2))
        if failed:
            self._failed = True
            return TapResult(name, "fail", "\n".join(comments))
        took = TOOK.match(comments[-1]) if comments else None
        return TapResult(name, "pass", took.group(1) if took else "")

    def _skip(self, name, why):
        if why:
            return TapResult(name, "skip", why)
        self._failed = True
        return TapResult(name, "fail", "it is skipped without a reason")

    def _trouble(self, rc):
        if self._program.stopped:
            return "interrupted"
        if self._program.late:
            return f"still running after {self._limit} s, ended"
        if self._bailed:
            return self._bailed
        if rc < 0:
            return f"ended by signal {-rc} ({signal.strsignal(-rc)}); {self._seen} tests ran"
        if self._seen == 0 and not self._skipped:
            return f"no test ran (exit code {rc})"
        if self._planned is None:
            return f"no plan was printed; {self._seen} tests ran (exit code {rc})"
        if self._planned != self._seen:
            return f"{self._planned} tests were planned, {self._seen} ran (exit code {rc})"
        if rc and not self._failed:
            return f"exit code {rc}, though no test failed"
        return ""
