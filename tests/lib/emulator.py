# SPDX-License-Identifier: GPL-2.0-only
"""Tells a guest that the emulator stopped from a guest that failed.

The emulated processor of level 1 makes a guest hang or crash now and then while its kernel boots.
That says nothing about this project as long as none of the code under test has run. The guest's
init writes MARK to the kernel log just before it loads or starts any of that; a message on the
KVP channel and an answer of the guest's agent are proof as well, should the mark be lost.

A job that stops before all of these is reported as `emulator` and repeated once. One that stops
later has failed, whatever the cause, and is never repeated.
"""

from .level1 import Level1Error

# See tests/vm/guest/init.
MARK = b"init: code under test starts now"
# The test host's events that prove the same.
PROOFS = ("open", "negotiated", "op", "guest")
# Exit codes of the test host, and of the place that ends it (job.meaning() names them all).
GUEST_DIED, GUEST_SILENT = 4, (1, 3, 124)
# A boot takes 5 to 12 s. A case that fails earlier did not fail for want of a guest, unless the
# guest died.
SILENT_SECONDS = 20
# So many of a run may stop like that. More is a defect of the emulator's settings, or of ours.
MOST_STOPS = 2


class Watch:
    """One boot of a job: holds its events back until code under test has run.

    Until then the results of its cases are those of a guest that may be booted again. `hand_on`
    gets the events, in their order.
    """

    def __init__(self, hand_on):
        self._hand_on = hand_on
        self._held = []
        self._console = b""
        self.reached = False

    def event(self, event):
        if event.get("event") in PROOFS:
            self.release()
        if self.reached:
            self._hand_on(event)
        else:
            self._held.append(event)

    def data(self, file, data):
        """What has been added to a file of the job."""
        if self.reached or file != "console.log":
            return
        # A mark may come in pieces.
        self._console += data
        if MARK in self._console:
            self.release()
        self._console = self._console[-len(MARK):]

    def release(self):
        """Hands on what was held back, and all that comes from now on."""
        self.reached, held, self._held = True, self._held, []
        for event in held:
            self._hand_on(event)

    def stopped(self, rc, error, seconds):
        """Has the guest stopped before any code under test has run?

        rc: the test host's exit code, or None where `error` ended the job; seconds: since its start.
        """
        if self.reached:
            return False
        if error:       # level 1 is all emulator, and boots nothing of ours
            return isinstance(error, Level1Error)
        return rc == GUEST_DIED or rc in GUEST_SILENT and seconds >= SILENT_SECONDS
