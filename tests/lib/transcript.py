# SPDX-License-Identifier: GPL-2.0-only
"""Turns the test host's events into a transcript that a person enjoys reading."""

import math
import re
import sys
import time
import unicodedata

BOLD, DIM, RED, GREEN, YELLOW, CYAN = "1", "2", "1;31", "1;32", "33", "36"
WIDTH = 108
VALUE_WIDTH = 44
OUTPUT_LINES = 12
OP_NAMES = {0: "GET", 1: "SET", 2: "DELETE", 3: "ENUMERATE", 4: "GET_IP", 5: "SET_IP"}
POOL_NAMES = {0: "external", 1: "guest", 2: "auto", 3: "parameter"}


def quantile(values, share):
    """The smallest value that at least this share of all is not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def micros(value):
    """A duration in microseconds, in the unit that people would choose."""
    return f"{value / 1000:.1f} ms" if value >= 10000 else f"{value:.0f} µs"


def columns(text):
    """How wide a text is on a terminal."""
    plain = re.sub(r"\033\[[0-9;]*m", "", text)
    return sum(2 if unicodedata.east_asian_width(each) in "WF" else 1 for each in plain)


def shown(text):
    """A value on one line, cut where it is long."""
    text = re.sub(r"[\x00-\x1f\x7f]", ".", str(text))
    return text if len(text) <= VALUE_WIDTH else text[:VALUE_WIDTH - 1] + "…"


class Screen:
    """Lines, colours on a terminal, and there one last line that is written over."""

    def __init__(self, stream=sys.stdout):
        self._stream = stream
        self.live = stream.isatty()
        self._status = False

    def paint(self, colour, text):
        return f"\033[{colour}m{text}\033[0m" if self.live else text

    def line(self, text=""):
        self._wipe()
        self._stream.write(text.rstrip() + "\n")
        self._stream.flush()

    def status(self, text):
        """What is being waited for. Only a terminal shows it; the next line replaces it."""
        if self.live:
            self._wipe()
            self._stream.write(self.paint(DIM, text[:WIDTH]))
            self._stream.flush()
            self._status = True

    def _wipe(self):
        if self._status:
            self._stream.write("\r\033[K")
            self._status = False


class Transcript:
    """Takes events in their order; finish() writes the summary."""

    def __init__(self, screen):
        self._screen = screen
        self._started = self._last = time.monotonic()
        self._step = 0
        self._open_step = None
        self._versions = {}
        self._latencies = {}
        self._benches = []
        self._cases = []
        self._enumeration = []

    def event(self, event):
        kind = event.get("event", "")
        if self._enumeration and not self._continues(event):
            self._end_enumeration()
        handler = getattr(self, "_on_" + kind.replace("-", "_"), None)
        if handler:
            handler(event)
            self._last = time.monotonic()

    def booting(self):
        """The guest is started now: times count from here."""
        self._started = self._last = time.monotonic()

    def waiting(self):
        """Shows what is being waited for, and for how long."""
        what = self._open_step or ("the end" if self._cases else "the guest to boot")
        seconds = time.monotonic() - self._last
        self._screen.status(f"{'':9}… waiting {seconds:.0f} s: {what}")
        return f"{'':9}… still waiting after {seconds:.0f} s: {what}"

    def finish(self, verdict):
        """The summary; `verdict` is why it failed, or empty. Returns whether all went well."""
        if self._enumeration:
            self._end_enumeration()
        self._end_summary()
        failed = [name for name, result in self._cases if result == "fail"]
        passed = sum(result == "pass" for _, result in self._cases)
        good = not verdict and not failed and passed
        word = self._screen.paint(GREEN, "PASS") if good else self._screen.paint(RED, "FAIL")
        counts = f"{passed} of {len(self._cases)} steps"
        self._screen.line(f"{word}  {counts}, {time.monotonic() - self._started:.0f} s"
                          + (f": {verdict}" if verdict and not good else ""))
        return bool(good)

    # What the test host tells, one method per event.

    def _on_begin(self, event):
        self._step += 1
        self._open_step = event.get("name")
        self._screen.line()
        self._screen.line(self._screen.paint(BOLD, f"{self._step:>6}.  {self._open_step}"))

    def _on_case(self, event):
        if self._open_step != event.get("name"):
            self._on_begin(event)
        self._open_step = None
        result = event.get("result")
        self._cases.append((event.get("name"), result))
        seconds = f"{event.get('ms', 0) / 1000:.1f} s"
        if result == "pass":
            self._aligned(f"{'':9}{self._screen.paint(GREEN, 'pass')}", seconds)
            return
        colour = RED if result == "fail" else YELLOW
        self._aligned(f"{'':9}{self._screen.paint(colour, str(result))}", seconds)
        for line in str(event.get("why") or "").splitlines():
            self._screen.line(f"{'':11}{line}")

    def _on_vmbus(self, event):
        self._versions["VMBus"] = event.get("version")
        self._said("guest", "bus", f"makes contact, VMBus protocol {event.get('version')} agreed")

    def _on_offer(self, event):
        self._said("host", "bus", f"offers device {event.get('device')} as channel {event.get('channel')}")

    def _on_open(self, event):
        self._said("guest", "bus", f"opens channel {event.get('channel')} of {event.get('device')}")

    def _on_close(self, event):
        self._said("guest", "bus", f"closes channel {event.get('channel')} of {event.get('device')}")

    def _on_rescind(self, event):
        self._said("host", "bus", f"withdraws {event.get('device')}, channel {event.get('channel')}")

    def _on_unload(self, _):
        self._said("guest", "bus", "leaves the bus")

    def _on_negotiated(self, event):
        self._versions["framework"] = event.get("fw")
        self._versions["KVP"] = event.get("kvp")
        self._said("guest", "negotiate", f"framework {event.get('fw')}, KVP {event.get('kvp')}",
                   event.get("us"))

    def _on_op(self, event):
        name = self._op_name(event)
        if isinstance(event.get("us"), (int, float)):
            self._latencies.setdefault(name, []).append(event["us"])
        if name == "ENUMERATE":
            self._enumeration.append(event)
            return
        text = f"{self._pool_name(event)}  {shown(event.get('key') or event.get('adapter') or '')}"
        value = event.get("value", event.get("addresses"))
        if value is not None:
            text += f" = {shown(value)}"
        if event.get("status") or not event.get("ok", True):
            status = event.get("status_name") or event.get("status")
            text += "  " + self._screen.paint(YELLOW, f"({status})")
        self._said("host", name, text, event.get("us"))

    def _on_guest(self, event):
        lines = str(event.get("out") or "").splitlines()
        text = str(event.get("cmd", ""))
        if event.get("rc"):
            text += self._screen.paint(YELLOW, f"  (exit code {event['rc']})")
        if len(lines) == 1:
            text += f"  {self._screen.paint(DIM, '->')} {shown(lines[0])}"
        self._said("guest", "$", text, event.get("ms", 0) * 1000)
        for line in lines[:OUTPUT_LINES] if len(lines) > 1 else ():
            self._screen.line(f"{'':28}{line}")
        if len(lines) > OUTPUT_LINES:
            self._screen.line(f"{'':28}... {len(lines) - OUTPUT_LINES} more lines")

    def _on_say(self, event):
        self._screen.line(f"{'':9}{event.get('text', '')}")

    def _on_note(self, event):
        self._screen.line(self._screen.paint(YELLOW, f"{'':9}note: {event.get('text', '')}"))

    def _on_noise(self, event):
        self._on_note(event)

    def _on_bench(self, event):
        self._benches.append(event)
        self._said("host", "bench", f"{event.get('name')}: {event.get('n')} times, "
                   f"median {micros(event.get('median', 0))}")

    def _on_guest_end(self, event):
        self._said("guest", "end", f"{event.get('state')} {event.get('text') or ''}")

    # Helpers.

    @staticmethod
    def _op_name(event):
        op = event.get("op", "?")
        return OP_NAMES.get(op, str(op)).upper()

    @staticmethod
    def _pool_name(event):
        pool = event.get("pool", "")
        return str(POOL_NAMES.get(pool, pool))

    def _continues(self, event):
        """Does this event go on with the enumeration at hand?"""
        return (event.get("event") == "op" and self._op_name(event) == "ENUMERATE"
                and event.get("pool") == self._enumeration[-1].get("pool"))

    def _end_enumeration(self):
        """An enumeration asks once per item: one line for all of them."""
        events, self._enumeration = self._enumeration, []
        items = sum(not event.get("status") and event.get("ok", True) for event in events)
        each = [event["us"] for event in events if isinstance(event.get("us"), (int, float))]
        self._said("host", "ENUMERATE", f"{self._pool_name(events[0])}  {items} item(s), "
                   f"{len(events)} request(s)", quantile(each, 0.5) if each else None, "each")

    def _said(self, who, what, text, us=None, suffix=""):
        elapsed = self._screen.paint(DIM, f"{time.monotonic() - self._started:7.2f}")
        side = self._screen.paint(CYAN if who == "host" else YELLOW, f"{who:<6}")
        took = "" if us is None else f"{micros(us)} {suffix}".strip()
        self._aligned(f"{elapsed}  {side} {what:<10} {text}", took)

    def _aligned(self, text, right):
        room = WIDTH - columns(text) - columns(right)
        self._screen.line(text + " " * max(2, room) + self._screen.paint(DIM, right))

    def _end_summary(self):
        self._screen.line()
        self._screen.line(self._screen.paint(BOLD, "  Summary"))
        versions = [f"{name} {value}" for name, value in self._versions.items() if value]
        if versions:
            self._screen.line(f"      versions: {', '.join(versions)}")
        rows = [(name, len(values), min(values), quantile(values, 0.5), quantile(values, 0.99),
                 max(values)) for name, values in sorted(self._latencies.items())]
        benches = [(event.get("name") or "bench", event.get("n", 0), event.get("min", 0),
                    event.get("median", 0), event.get("p99", 0), event.get("max", 0))
                   for event in self._benches]
        self._table("in the steps above", rows)
        self._table("many in a row, from host to host", benches)
        self._screen.line()

    def _table(self, title, rows):
        if not rows:
            return
        self._screen.line(self._screen.paint(
            DIM, f"      {title:<34}{'times':>7}{'min':>11}{'median':>11}{'p99':>11}{'max':>11}"))
        for name, times, *durations in rows:
            cells = "".join(f"{micros(value):>11}" for value in durations)
            self._screen.line(f"      {name:<34}{times:>7}{cells}")
