# SPDX-License-Identifier: GPL-2.0-only
"""Connections to a job that runs: its gdb stub on a port of this machine, tunnels into level 1."""

import socket
import sys
import threading
import unittest
from unittest import mock

from lib import attach, level1
from lib.places import Here

# Stands for the test host: answers what it gets, once for each connection, and ends with the second one.
STUB = """
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("gdb.sock")
server.listen()
for _ in range(2):
    client = server.accept()[0]
    client.sendall(b"<" + client.recv(100) + b">")
    client.close()
"""
LIMIT = 60


class Ports(unittest.TestCase):
    """A job's socket on a port."""

    def test_gdb(self):
        """one connection after the other is handed on to the job, and none when it has ended"""
        with Here() as place:
            gdb = attach.Gdb(place, 0)
            gdb.start()
            job = threading.Thread(target=place.run, args=([sys.executable, "-c", STUB], LIMIT, lambda *_: None))
            job.start()
            for text in (b"one", b"two"):
                with socket.create_connection(("127.0.0.1", gdb.port), LIMIT) as client:
                    client.sendall(text)
                    self.assertEqual(client.recv(100), b"<" + text + b">")
                    self.assertEqual(client.recv(100), b"")
            job.join(LIMIT)
            gdb.stop()
            gdb.join(LIMIT)
            self.assertFalse(gdb.is_alive())

    def test_nothing_there(self):
        """a socket that a job does not have"""
        with Here() as place:
            self.assertIsNone(place.connect("gdb.sock"))


class Tunnels(unittest.TestCase):
    """A tunnel's end out here; a list stands for the channel to the relay."""

    def setUp(self):
        self.sent = []
        self.arrived = threading.Semaphore(0)
        self.tunnel = level1._Tunnel(self.send, 3, lambda: None)      # pylint: disable=protected-access

    def send(self, line, data=b""):
        self.sent.append((line, data))
        if line.startswith("open") and self.answer:
            self.tunnel.come(self.answer, b"")
        self.arrived.release()

    def test_bytes(self):
        """bytes go both ways, and closing our end closes the other one"""
        self.answer = "opened"
        ours = self.tunnel.open("./gdb.sock")
        self.tunnel.come("recv", b"from in there")
        self.assertEqual(ours.recv(100), b"from in there")
        ours.sendall(b"from here")
        ours.shutdown(socket.SHUT_WR)
        for _ in range(3):
            self.assertTrue(self.arrived.acquire(timeout=LIMIT))
        self.assertEqual(self.sent, [("open 3 ./gdb.sock\n", b""), ("send 3 9\n", b"from here"), ("shut 3\n", b"")])
        ours.close()

    def test_refused(self):
        """nothing listens in there"""
        self.answer = "closed"
        self.assertIsNone(self.tunnel.open("./gdb.sock"))

    def test_closed(self):
        """the relay closes it: our end ends, and the number is not shut, which may be another's by then"""
        self.answer = "opened"
        before = threading.enumerate()
        ours = self.tunnel.open("./gdb.sock")
        started = [thread for thread in threading.enumerate() if thread not in before]
        self.tunnel.come("closed", b"")
        self.assertEqual(ours.recv(100), b"")
        ours.close()
        for thread in started:
            thread.join(LIMIT)
        self.assertEqual(self.sent, [("open 3 ./gdb.sock\n", b"")])

    def test_closed_slowly(self):
        """the same, when the thread that waits for our end is faster than the one that closes it"""
        self.answer = "opened"
        before = threading.enumerate()
        ours = self.tunnel.open("./gdb.sock")
        started = [thread for thread in threading.enumerate() if thread not in before]
        shut = level1._shut     # pylint: disable=protected-access

        def slowly(sock):
            shut(sock)
            for thread in started:
                thread.join(LIMIT)

        with mock.patch.object(level1, "_shut", slowly):
            self.tunnel.come("closed", b"")
        ours.close()
        self.assertEqual(self.sent, [("open 3 ./gdb.sock\n", b"")])


if __name__ == "__main__":
    unittest.main()
