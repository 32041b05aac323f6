# SPDX-License-Identifier: GPL-2.0-only
"""A host for hvkvpd: the driver's end of a SOCK_SEQPACKET pair, by the numbers of the protocol."""

import os
import socket
import struct
import subprocess
import time

GET, SET, DELETE, ENUMERATE = range(4)
NO_MORE_ITEMS = 0x80070103
E_FAIL = 0x80004005


class Host:
    """A running hvkvpd with its pools in `folder`, which `mount`, a shell command, prepares."""

    def __init__(self, daemon, folder, *options, mount=None):
        self._socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(20)
        # A mount is seen by this daemon only, and goes with it.
        inside = ["unshare", "--mount", "sh", "-ec", mount + '; exec "$@"', "sh"] if mount else []
        self._process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*inside, daemon, "--foreground", "--device", f"fd:{other.fileno()}", "--state-dir",
             folder, *options],
            pass_fds=[other.fileno()], stderr=subprocess.PIPE)
        other.close()
        self._id = 0
        self._socket.recv(64)
        self._socket.send(struct.pack("<IHHQHHIQ", 32, 1, 0, 0, 1, 0, 30000, 0))

    def close(self):
        """Stop the daemon; its log."""
        self._process.terminate()
        log = self._process.communicate(timeout=20)[1].decode()
        self._socket.close()
        return log

    def root(self):
        """What the daemon has as /."""
        return f"/proc/{self._process.pid}/root"

    def run(self, *command):
        """Run a command among the daemon's mounts."""
        subprocess.run(["nsenter", "-t", str(self._process.pid), "-m", "-r", *command], check=True)

    def rss(self):
        """Resident memory in KiB."""
        with open(f"/proc/{self._process.pid}/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))

    def _ask(self, body):
        self._id += 1
        body = body.ljust(2580, b"\0")
        head = struct.pack("<IHHQQHHHHBBHI", 40 + len(body), 2, 0, self._id, 2**64 - 1,
                           3, 0, 5, 0, body[0], body[1], 0, len(body))
        self._socket.send(head + body)
        reply = self._socket.recv(16384)
        return struct.unpack_from("<I", reply, 16)[0], reply[24:]

    @staticmethod
    def _text(text):
        return text.encode("utf-16-le") + b"\0\0"

    def set(self, pool, key, value):
        """Status of a SET."""
        key, value = self._text(key), self._text(value)
        return self._ask(struct.pack("<BBHIII", SET, pool, 0, 1, len(key), len(value))
                         + key.ljust(512, b"\0") + value)[0]

    def delete(self, pool, key):
        """Status of a DELETE."""
        key = self._text(key)
        return self._ask(struct.pack("<BBHI", DELETE, pool, 0, len(key)) + key)[0]

    def enumerate(self, pool, index):
        """Status of an ENUMERATE."""
        return self._ask(struct.pack("<BBHI", ENUMERATE, pool, 0, index))[0]

    def pairs(self, pool):
        """All pairs of a pool, by enumeration."""
        found = []
        while True:
            status, body = self._ask(struct.pack("<BBHI", ENUMERATE, pool, 0, len(found)))
            if status:
                assert status == NO_MORE_ITEMS, hex(status)
                return found
            sizes = struct.unpack_from("<II", body, 12)
            found.append((body[20:20 + sizes[0] - 2].decode("utf-16-le"),
                          body[532:532 + sizes[1] - 2].decode("utf-16-le")))

    def seconds(self, pool):
        """How long an enumeration takes, and how many pairs it gives."""
        start = time.monotonic()
        count = len(self.pairs(pool))
        return time.monotonic() - start, count


def record(key, value):
    """A pair as it lies in a pool file."""
    return key.encode().ljust(512, b"\0") + value.encode().ljust(2048, b"\0")


def pool_path(folder, pool):
    """The file of a pool."""
    return os.path.join(folder, f".kvp_pool_{pool}")
