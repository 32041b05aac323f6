# SPDX-License-Identifier: GPL-2.0-only
"""Where the test host runs: right here, on this machine's KVM, or inside the level-1 machine.

Both places offer put(path, mode), run(argv, limit, sink), connect(name) and close(), with the same
meaning (see level1.Level1), and are context managers.
"""

import os
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

from .level1 import Level1

OUT_OF_TIME = 124
FOLLOW_SECONDS = 0.02
GRACE_SECONDS = 3
PIECE = 1 << 20


class Here:
    """Runs jobs directly on this machine."""

    emulator = processor = None

    def __init__(self):
        self._folder = tempfile.mkdtemp(prefix="hvkvp-")
        self._work = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def put(self, path, mode=0o644, folder=None):     # pylint: disable=unused-argument
        return os.path.abspath(path)

    def run(self, argv, limit, sink):
        self._work = work = tempfile.mkdtemp(dir=self._folder)
        follower = _Follower(work, sink)
        with open(os.path.join(work, "stdout"), "wb") as out, \
                open(os.path.join(work, "stderr"), "wb") as err:
            process = subprocess.Popen(argv, cwd=work, stdin=subprocess.DEVNULL, stdout=out,
                                       stderr=err, start_new_session=True)
        try:
            late = _wait(process, limit, follower)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            follower.look()
            shutil.rmtree(work, ignore_errors=True)
        if late:
            return OUT_OF_TIME
        return process.returncode if process.returncode >= 0 else 128 - process.returncode

    def connect(self, name):
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(os.path.join(self._work or self._folder, name))
        except OSError:
            sock.close()
            return None
        return sock

    def close(self):
        shutil.rmtree(self._folder, ignore_errors=True)


def _wait(process, limit, follower):
    """Follows the job until its end; True when it had to be ended."""
    ends = time.monotonic() + limit
    while process.poll() is None and time.monotonic() < ends:
        time.sleep(FOLLOW_SECONDS)  # sleep: it polls, with a time limit
        follower.look()
    if process.poll() is not None:
        return False
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass    # the caller kills it
    return True


class _Follower:
    """Hands on what has been added to the files of a folder."""

    def __init__(self, folder, sink):
        self._folder = folder
        self._sink = sink
        self._sent = {}

    def look(self):
        for name in sorted(os.listdir(self._folder)):
            path = os.path.join(self._folder, name)
            if stat.S_ISREG(os.lstat(path).st_mode):
                self._follow(name, path)

    def _follow(self, name, path):
        with open(path, "rb") as file:
            file.seek(self._sent.get(name, 0))
            while data := file.read(PIECE):
                self._sink(name, data)
            self._sent[name] = file.tell()


def probe(hvhost):
    """(can this machine run the test host directly, what the probe said)."""
    done = subprocess.run([hvhost, "--probe"], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False)
    said = (done.stdout + done.stderr).strip().splitlines()
    return done.returncode == 0, said[-1] if said else f"exit code {done.returncode}"


def add_argument(parser):
    parser.add_argument("--place", choices=("here", "level1"),
                        help="where the machines run: on this machine's own KVM, or in an emulated level 1 "
                             "(default: here, if its KVM can)")


def choose(wanted, hvhost):
    """("here" or "level1", why): what --place asks for, or else what this machine can do."""
    if wanted:
        return wanted, "as asked for"
    can, said = probe(hvhost)
    return "here" if can else "level1", said


def open_place(kind, kernel, log):
    """kind: "here" or "level1"; kernel (a function that gives it) and log are level 1's."""
    return Here() if kind == "here" else Level1(kernel(), log)
