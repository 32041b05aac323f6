# SPDX-License-Identifier: GPL-2.0-only
"""What people and debuggers use while a job runs: its shell on this terminal, its gdb stub on a port."""

import os
import select
import socket
import sys
import termios
import threading
import tty

SHELL, GDB = "./shell.sock", "./gdb.sock"
RETRY_SECONDS = 0.2
BYTES = 32768
# Not ctrl-D: a shell that edits lines has not switched that off before it has come up.
END_OF_INPUT = b"exit\n"
DETACH = b"\x1d"           # ctrl-], as telnet has it


def connected(place, name, stop):
    """A connection to a socket of the running job, or None when `stop` was set before there was one."""
    while not stop.is_set():
        sock = place.connect(name)
        if sock:
            return sock
        stop.wait(RETRY_SECONDS)
    return None


class Shell(threading.Thread):
    """Connects standard input and output with the shell in the guest, until one of them ends."""

    def __init__(self, place, note):
        super().__init__(daemon=True)
        self._place = place
        self._note = note
        self._over = threading.Event()

    def run(self):
        sock = connected(self._place, SHELL, self._over)
        if not sock:
            return
        saved = termios.tcgetattr(0) if os.isatty(0) else None
        if saved:
            self._note("a shell in the guest; it ends with \"exit\", or ctrl-]\r")
            tty.setraw(0)
        try:
            _pump(sock, saved is not None)
        finally:
            if saved:
                termios.tcsetattr(0, termios.TCSADRAIN, saved)
            sock.close()

    def stop(self):
        self._over.set()
        self.join(5)


def _pump(sock, terminal):
    sources = [sock, 0]
    while True:
        ready = select.select(sources, [], [])[0]
        if sock in ready:
            data = sock.recv(BYTES)
            if not data:
                return
            sys.stdout.buffer.write(data)
            sys.stdout.flush()
        if 0 in ready:
            data = os.read(0, 1024)
            if terminal and DETACH in data:
                return
            if not data:
                sources.remove(0)
            sock.sendall(data or END_OF_INPUT)


class Gdb(threading.Thread):
    """Listens on a TCP port of this machine, and hands each connection on to the gdb stub."""

    def __init__(self, place, port):
        super().__init__(daemon=True)
        self._place = place
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]

    def run(self):
        while not self._over.is_set():
            if not select.select([self._listener], [], [], RETRY_SECONDS)[0]:
                continue
            client = self._listener.accept()[0]
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stub = connected(self._place, GDB, self._over)
            if stub:
                _exchange(client, stub, self._over)
                stub.close()
            client.close()

    def stop(self):
        self._over.set()
        self.join(5)
        self._listener.close()


def _exchange(one, other, stop):
    """Bytes both ways until an end closes, or the job has ended and all of its bytes are through."""
    while True:
        ready = select.select([one, other], [], [], RETRY_SECONDS)[0]
        if not ready and stop.is_set():
            return
        for source in ready:
            try:
                data = source.recv(BYTES)
                if not data:
                    return
                (other if source is one else one).sendall(data)
            except OSError:
                return
