# SPDX-License-Identifier: GPL-2.0-only
"""Runs unit tests that speak TAP on standard output."""

import os
import re
import select
import signal
import subprocess
import time
from dataclasses import dataclass

RESULT = re.compile(r"^\s*(not )?ok\b\s*(\d+)?\s*-?\s*(.*)$")
PLAN = re.compile(r"^1\.\.(\d+)")
DIRECTIVE = re.compile(r"\s+#\s*(SKIP|TODO)\b\s*(.*)$", re.IGNORECASE)
COMMENT_LINES = 12
QUIET_SECONDS = 10


@dataclass(frozen=True)
class TapResult:
    """One test point."""

    name: str
    result: str     # pass, fail, skip; quiet: no test, but nothing was heard for a while
    why: str = ""


class TapRun:
    """The result of one command that prints TAP, by one program or by several in a row."""

    def __init__(self, command, log, limit):
        self._command = command
        self._log = log
        self._limit = limit
        self._planned = 0
        self._seen = 0
        self._said = []
        self._bailed = ""
        self._late = False
        self._failed = False

    def results(self):
        """Yields each TapResult as it comes; what is wrong with the run as a whole comes last."""
        process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, start_new_session=True)
        try:
            with open(self._log, "wb") as log:
                yield from self._follow(process, log)
            rc = process.poll() if self._late else process.wait()
        finally:
            # The group: a test that was given up may have left programs behind.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.stdout.close()
            process.wait()
        trouble = self._trouble(rc)
        if trouble:
            yield TapResult("the run as a whole", "fail", trouble + self._tail())

    def _follow(self, process, log):
        """Results from the program's output, until it ends or its time is over."""
        started, heard, rest = time.monotonic(), time.monotonic(), b""
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 1)
            now = time.monotonic()
            if now - started > self._limit:
                self._late = True
                return
            if ready:
                data = os.read(process.stdout.fileno(), 65536)
                if not data:
                    break
                log.write(data)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    yield from self._line(line.decode("utf-8", "backslashreplace").rstrip())
                heard = now
            elif now - heard > QUIET_SECONDS:
                yield TapResult("", "quiet", f"{now - started:.0f} s, limit {self._limit} s")
                heard = now
        yield from self._line(rest.decode("utf-8", "backslashreplace").rstrip())

    def _line(self, line):
        plan = PLAN.match(line)
        result = RESULT.match(line)
        if plan:
            self._planned += int(plan.group(1))
        elif line.startswith("Bail out!"):
            self._bailed = line
        elif result:
            self._seen += 1
            yield self._point(*result.groups())
        elif line:
            self._said = [*self._said[1 - COMMENT_LINES:], line]

    def _point(self, failed, number, text):
        directive = DIRECTIVE.search(text)
        name = DIRECTIVE.sub("", text) or f"test {number or self._seen}"
        comments, self._said = self._said, []
        if directive and (directive.group(1).upper() == "SKIP" or failed):
            return TapResult(name, "skip", directive.group(2) or directive.group(1))
        if failed:
            self._failed = True
            return TapResult(name, "fail", "\n".join(comments))
        return TapResult(name, "pass")

    def _trouble(self, rc):
        if self._late:
            return f"still running after {self._limit} s, ended"
        if self._bailed:
            return self._bailed
        if self._seen == 0:
            return f"no test ran (exit code {rc})"
        if self._planned and self._planned != self._seen:
            return f"{self._planned} tests were planned, {self._seen} ran (exit code {rc})"
        if rc and not self._failed:
            return f"exit code {rc}, though no test failed"
        return ""

    def _tail(self):
        return "".join(f"\n{line}" for line in self._said)
