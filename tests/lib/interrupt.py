# SPDX-License-Identifier: GPL-2.0-only
"""A run that is ended by SIGTERM or SIGHUP cleans up as one that is interrupted on the keyboard."""

import signal


def _interrupt(number, _):
    raise KeyboardInterrupt(signal.Signals(number).name)


def on_signals():
    """From now on both raise KeyboardInterrupt in the main thread, unless they are ignored (nohup)."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _interrupt)
