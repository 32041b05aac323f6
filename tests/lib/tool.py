# SPDX-License-Identifier: GPL-2.0-only
"""Programs of ours that print a result, and say on standard error how far they are."""

import sys

from .program import Program

LAST_LINES = 8


def to_stderr(line):
    """Where progress goes when there is no report."""
    print(line, file=sys.stderr, flush=True)


def run_tool(*words, say=to_stderr, stop=None):
    """(exit code, standard output, last lines of standard error); say(line) gets each of those."""
    tool, found, said = Program(words, stop=stop), [], []
    for stream, line in tool.lines():
        if stream == "out":
            found.append(line)
        elif stream == "err" and line:
            said = [*said[1 - LAST_LINES:], line]
            say(line)
    return tool.rc, "\n".join(found), "\n".join(said)
