# SPDX-License-Identifier: GPL-2.0-only
"""Results of cases in formats that other tools read: JUnit XML and KTAP."""

import os
import re
from xml.sax.saxutils import escape, quoteattr

# What XML 1.0 cannot hold.
CONTROL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _text(text):
    return CONTROL.sub("?", text or "")


class Results:
    """Collects (suite, case, result, seconds, reason); results are those of the test host's events."""

    def __init__(self):
        self._suites = {}

    def event(self, suite, event):
        """An event of the test host; only cases count."""
        if event.get("event") == "case":
            self.add(suite, event.get("name", "?"), event.get("result", "fail"),
                     event.get("ms", 0) / 1000, event.get("why"))

    def add(self, suite, case, result, seconds=0.0, why=""):
        self._suites.setdefault(suite, []).append((case, result, seconds, why or ""))

    def junit(self):
        """JUnit XML. A defect of the peer that is known is a skipped test, as is a skipped case."""
        lines = ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>"]
        for suite, cases in self._suites.items():
            failed = sum(result == "fail" for _, result, _, _ in cases)
            skipped = sum(result in ("skip", "peer-fails") for _, result, _, _ in cases)
            lines.append(f"<testsuite name={quoteattr(_text(suite))} tests=\"{len(cases)}\" "
                         f"failures=\"{failed}\" skipped=\"{skipped}\" "
                         f"time=\"{sum(case[2] for case in cases):.3f}\">")
            lines += [self._junit_case(suite, *case) for case in cases]
            lines.append("</testsuite>")
        return "\n".join([*lines, "</testsuites>", ""])

    @staticmethod
    def _junit_case(suite, case, result, seconds, why):
        head = f"<testcase classname={quoteattr(_text(suite))} name={quoteattr(_text(case))} " \
               f"time=\"{seconds:.3f}\""
        why = _text(why)
        first = quoteattr(why.splitlines()[0] if why else "")
        if result == "fail":
            return f"{head}><failure message={first}>{escape(why)}</failure></testcase>"
        if result in ("skip", "peer-fails"):
            reason = quoteattr(f"peer fails: {why}") if result == "peer-fails" else first
            return f"{head}><skipped message={reason}/></testcase>"
        return f"{head}/>"

    def ktap(self):
        """KTAP version 1: a subtest for each suite. Known defects are "# TODO"."""
        lines = ["KTAP version 1", f"1..{len(self._suites)}"]
        for number, (suite, cases) in enumerate(self._suites.items(), 1):
            lines += ["  KTAP version 1", f"  1..{len(cases)}"]
            for index, (case, result, _, why) in enumerate(cases, 1):
                lines += self._ktap_case(index, case.replace("#", "\\#"), result, why)
            good = all(result != "fail" for _, result, _, _ in cases)
            lines.append(f"{'ok' if good else 'not ok'} {number} {suite}")
        return "\n".join([*lines, ""])

    @staticmethod
    def _ktap_case(index, case, result, why):
        why = " ".join(why.split())
        if result == "fail":
            return [f"  # {why}", f"  not ok {index} {case}"]
        mark = {"skip": f" # SKIP {why}", "peer-fails": f" # TODO {why}"}.get(result, "")
        word = "not ok" if result == "peer-fails" else "ok"
        return [f"  {word} {index} {case}{mark}"]

    def write(self, folder):
        """results.xml and results.ktap in this folder; returns their paths."""
        paths = []
        for name, text in (("results.xml", self.junit()), ("results.ktap", self.ktap())):
            path = os.path.join(folder, name)
            with open(f"{path}.new", "w", encoding="utf-8") as target:
                target.write(text)
            os.replace(f"{path}.new", path)
            paths.append(path)
        return paths
