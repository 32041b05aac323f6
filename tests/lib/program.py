# SPDX-License-Identifier: GPL-2.0-only
"""A program that runs beside others, and what it writes, in whole lines."""

import os
import selectors
import signal
import subprocess
import time

QUIET_SECONDS = 10
LOOK_SECONDS = 0.5


class Program:
    """One program in a process group of its own. It ends with its output, its time or `stop`.

    lines() yields (stream, line) with stream "out" or "err"; (None, "") when the program has
    written nothing for QUIET_SECONDS. After it: rc, the exit code as Popen has it; `late` and
    `stopped` say whether it was ended from here. `log`: a path for all that it writes.
    `stop`: a threading.Event, or None.
    """

    def __init__(self, command, log=os.devnull, limit=None, stop=None):
        self._command = command
        self._log = log
        self._limit = limit
        self._stop = stop
        self._rest = {"out": b"", "err": b""}
        self.rc = None
        self.late = False
        self.stopped = False

    def lines(self):
        """Runs it. Whoever leaves this early ends the program, and all that it started."""
        process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, start_new_session=True)
        try:
            with open(self._log, "ab") as log:
                yield from self._follow(process, log)
            if not self.late and not self.stopped:
                self.rc = process.wait()
        finally:
            # The group: a program that was given up may have left others behind.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.stdout.close()
            process.stderr.close()
            process.wait()

    def _follow(self, process, log):
        started = heard = time.monotonic()
        with selectors.DefaultSelector() as waiting:
            # Reasons first: what is ready at the same time is read in this order.
            waiting.register(process.stderr, selectors.EVENT_READ, "err")
            waiting.register(process.stdout, selectors.EVENT_READ, "out")
            while waiting.get_map():
                ready = sorted(waiting.select(LOOK_SECONDS), key=lambda one: one[0].data)
                now = time.monotonic()
                self.late = self._limit is not None and now - started > self._limit
                self.stopped = self._stop is not None and self._stop.is_set()
                if self.late or self.stopped:
                    break
                for key, _ in ready:
                    data = os.read(key.fd, 65536)
                    if not data:
                        waiting.unregister(key.fileobj)
                    log.write(data)
                    log.flush()
                    yield from self._split(key.data, data)
                if ready:
                    heard = now
                elif now - heard > QUIET_SECONDS:
                    yield None, ""
                    heard = now
        for stream, rest in self._rest.items():
            if rest:
                yield stream, _text(rest)

    def _split(self, stream, data):
        *lines, self._rest[stream] = (self._rest[stream] + data).split(b"\n")
        for line in lines:
            yield stream, _text(line)


def _text(line):
    return line.decode("utf-8", "backslashreplace").rstrip()
