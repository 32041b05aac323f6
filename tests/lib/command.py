# SPDX-License-Identifier: GPL-2.0-only
"""How every program of the tests begins and ends: signals, errors, a reader that has gone."""

import argparse
import os
import select
import signal
import sys

from . import interrupt

INTERRUPTED = 128 + signal.SIGINT
NO_READER = 128 + signal.SIGPIPE


def number(low, high=None):
    """The type of an option that takes an integer from low to high."""
    def parse(text):
        value = int(text)
        if value < low or high is not None and value > high:
            raise argparse.ArgumentTypeError(f"{value} is not {'at least' if high is None else 'from'} {low}"
                                             + ("" if high is None else f" to {high}"))
        return value

    parse.__name__ = "number"       # what argparse calls it
    return parse


def run(main, name="", errors=(), code=1):
    """Calls main(), and ends the process with the exit code that it returns.

    @errors are exceptions whose message is for the user: it goes to standard error behind @name, and the exit code is
    @code. Where nobody reads standard output any more, as behind `| head`, the program ends without a message, with the
    exit code of one that SIGPIPE has ended.
    """
    interrupt.on_signals()
    try:
        rc = _call(main, name, errors, code)
        if sys.stdout:
            sys.stdout.flush()
    except OSError as error:
        if not abandoned(error):
            raise
        rc = NO_READER
    if rc == NO_READER:
        # The interpreter flushes once more, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(rc)


def _call(main, name, errors, code):
    try:
        return main()
    except SystemExit as end:       # of a parser, after its help
        if end.code is None or isinstance(end.code, int):
            return end.code
        print(end.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"{name}: interrupted".removeprefix(": "), file=sys.stderr)
        return INTERRUPTED
    except errors as error:
        if abandoned(error):
            return NO_READER
        print(f"{name}: {error}", file=sys.stderr)
        return code


def abandoned(error):
    """Does this error say that the reader of standard output has gone? A socket breaks with the same error."""
    if not isinstance(error, BrokenPipeError) or not sys.stdout:
        return False
    out = select.poll()
    out.register(sys.stdout.fileno(), 0)
    return any(events & select.POLLERR for _, events in out.poll(0))
