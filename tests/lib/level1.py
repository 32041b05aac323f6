# SPDX-License-Identifier: GPL-2.0-only
"""The level-1 machine: a Linux with KVM and its Hyper-V parts, emulated by QEMU.

For machines whose own KVM cannot run the test host. QEMU emulates AMD's SVM with nested
paging, so that a real kvm-amd.ko works in there. Its only channel is a virtio-serial port with
the relay at the other end (level1/relay.c describes what is spoken).

Why one CPU. With two, QEMU 7.2 translates in two threads, and a thread that translates a block
while the other takes back a breakpoint of the kernel's code patching keeps the stale breakpoint
for ever: both CPUs then trap at one address of __schedule() without end (found with a debugger;
the code is patched whenever the first VM comes or the last goes). 3 of about 60 guest boots
hung so. And two machines with one CPU each are faster on 2 cores than one with two: 4 boots of
guests took 12-15 s against 29-47 s, each with the boots of the level-1 machines themselves.

Why it is poked. QEMU 7.2 updates a CPU's pending-interrupt word without a lock when it enters and
leaves a nested guest, and so loses an interrupt that its main thread raises at that moment. The
vector then waits in the local APIC, and nothing looks at it before the next interrupt; when it
was the timer's, that is never (seen once in one to two minutes of busy traffic: halted, IRR 236).
An empty line down the channel, 50 times a second, is such a next interrupt.
"""

import functools
import os
import select
import shlex
import socket
import subprocess
import threading
import time

from . import qemu
from .build import busybox, static_program
from .cache import cache_dir
from .cpio import Archive
from .kernel import VM_DIR
from .modules import ModuleTree, add_modules

MODULES = ("virtio_pci", "virtio_console", "irqbypass", "kvm", "kvm_amd")
# Without "enhanced" string instructions kernels copy and clear by words, which the emulator does
# eight times as fast, above all where memory has held code of an earlier guest. FSRM goes with
# ERMS: on QEMU 10.0.2 Linux 6.1 hung in its early boot with max,-erms, and booted without both.
CPU = "max"
CPU_CHANGES = "+svm,+npt,-erms,-fsrm"
# Without the first two words KVM's clock page stays invalid and every clock read of the guest
# leaves the guest.
# "no_timer_check": a busy machine may give the emulator no time to raise the timer while that is
# being looked for, and the kernel then panics (seen once).
# "tsc_early_khz", see tsc_khz(), for the same reason: the kernel measures the counter with a timer that a busy machine
# raises late. It once found 296 MHz instead of 2596, and level 1's clock ran nine times too fast: every time limit in
# there was over at a ninth of its time, and the guest's kernel reported stalls. "tsc=reliable" has nothing check it.
# Not quiet: the console shows where a boot stopped, and takes no measurable time.
CMDLINE = "console=ttyS0 no_timer_check tsc=reliable tsc_early_khz={khz} mitigations=off panic=-1"
# A boot takes 3 s on an idle machine, and its longest silence is below 1 s. It is given up after
# so many seconds without a new byte on the console, or in all.
QUIET_LIMIT = 30
BOOT_LIMIT = 120
POKE_SECONDS = 0.02
TUNNELS_MAX = 4     # the relay's
TUNNEL_BYTES = 32768    # at once
PIECE = 1 << 20
TAIL_LINES = 20


class Level1Error(Exception):
    """The machine does not come up, or died; the message names its log."""


class Level1Silent(Level1Error):
    """The machine never answered. `why` is a line, `tails` are (title, text) of what it left."""

    def __init__(self, why, tails=()):
        super().__init__("\n".join([why, *(f"--- {title}\n{text}" for title, text in tails)]))
        self.why = why
        self.tails = tails


def initramfs(kernel):
    """Path of the machine's initramfs for this kernel; written when its content changes."""
    archive = Archive()
    for folder in ("proc", "sys", "dev", "job", "tmp"):
        archive.directory(folder)
    with open(busybox(), "rb") as source:
        archive.file("bin/busybox", source.read(), 0o755)
    with open(os.path.join(VM_DIR, "level1", "init"), "rb") as source:
        archive.file("init", source.read(), 0o755)
    with open(static_program("level1/relay.c"), "rb") as source:
        archive.file("bin/relay", source.read(), 0o755)
    load = add_modules(archive, ModuleTree(kernel.modules), MODULES, kernel.release)
    archive.file("load", "\n".join(load).encode())
    path = os.path.join(cache_dir(), f"level1-{kernel.name}.cpio")
    scratch = f"{path}.{os.getpid()}.{threading.get_ident()}"
    with open(scratch, "wb") as target:
        target.write(archive.to_bytes())
    os.replace(scratch, path)
    return path


@functools.lru_cache(maxsize=None)
def tsc_khz():
    """The frequency of this machine's time stamp counter, which is also the emulated one's."""
    done = subprocess.run([static_program("level1/tsc.c")], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=True)
    return int(done.stdout)


class Level1:
    """One running machine. Use as a context manager; not for several threads at once."""

    def __init__(self, kernel, log, emulator=None, cpus=1, memory_mb=2048,
                 poke_seconds=POKE_SECONDS, processor=CPU):
        """emulator: a QEMU, see qemu.program(); poke_seconds: between two pokes, 0 for none; processor:
        QEMU's name of one, with changes; KVM must take it for AMD's, which is what is emulated."""
        self.log = log
        self.emulator = emulator
        self.processor = processor
        self.files = {}
        try:
            program = qemu.program(emulator)
        except qemu.QemuError as error:
            raise Level1Silent(str(error)) from error
        self._socket, theirs = socket.socketpair()
        self._command = [
            program,
            "-accel", "tcg,thread=multi", "-machine", "q35", "-cpu",
            f"{processor},{CPU_CHANGES}",
            "-smp", str(cpus), "-m", str(memory_mb),
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-kernel", kernel.image, "-initrd", initramfs(kernel), "-append",
            CMDLINE.format(khz=tsc_khz()),
            "-chardev", "file,id=log,path=" + log.replace(",", ",,"), "-serial", "chardev:log",
            "-chardev", f"socket,id=relay,fd={theirs.fileno()}",
            "-device", "virtio-serial-pci", "-device", "virtserialport,chardev=relay",
        ]
        with open(log, "wb"):
            pass    # it may hold an earlier machine's
        self._errors = open(log + ".qemu", "wb")
        # Not even a killed run leaves a machine behind.
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *self._command],
                                         stdin=subprocess.DEVNULL, stdout=self._errors,
                                         stderr=self._errors, pass_fds=[theirs.fileno()])
        theirs.close()
        self._reader = self._socket.makefile("rb")
        self._sending = threading.Lock()
        self._tunnels = {}
        self._numbering = threading.Lock()
        self._closed = threading.Event()
        try:
            self.boot_seconds = self._wait_ready()
        except BaseException:
            self._process.kill()    # it does not listen
            self.close()
            raise
        if poke_seconds:
            threading.Thread(target=self._poke, args=[poke_seconds], daemon=True).start()

    def _wait_ready(self):
        """Returns the seconds until the relay has answered."""
        started = heard = time.monotonic()
        size = 0
        while not select.select([self._socket], [], [], 0.5)[0]:
            now, grown = time.monotonic(), os.path.getsize(self.log)
            if grown != size:
                size, heard = grown, now
            if now - heard > QUIET_LIMIT:
                raise self._silent(f"wrote nothing to its console for {QUIET_LIMIT} s")
            if now - started > BOOT_LIMIT:
                raise self._silent(f"was not up after {BOOT_LIMIT} s")
        self._socket.settimeout(QUIET_LIMIT)
        try:
            line = self._line()
        except Level1Error as error:
            raise self._silent(f"ended ({self._ended()})") from error
        if line != "ready":
            raise self._silent(f"sent '{line}' instead of 'ready'")
        return time.monotonic() - started

    def _ended(self):
        """How QEMU ended, which has closed the channel."""
        try:
            return qemu.meaning(self._process.wait(5))
        except subprocess.TimeoutExpired:
            return "QEMU still runs, the channel is closed"

    def _silent(self, what):
        logs = [(path, _tail(path)) for path in (self.log + ".qemu", self.log)]
        return Level1Silent(f"the level-1 machine {what} before it answered",
                            (("QEMU's command line", shlex.join(self._command)), *logs))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def put(self, path, mode=0o644, folder=None):
        """Copies a file in, once for each state of it; returns its path in there.

        folder: put it there, beside a file that was put before.
        """
        state = os.stat(path)
        key = (os.path.abspath(path), state.st_mtime_ns, state.st_size, mode, folder)
        if key not in self.files:
            # A folder each: messages that name a file have its own name.
            name = f"{folder or f'/job/files/{len(self.files)}'}/{os.path.basename(path)}"
            with open(path, "rb") as source:
                data = source.read()
            self._send(f"put {mode:o} {len(data)} {name}\n".encode() + data)
            self.files[key] = name
        return self.files[key]

    def run(self, argv, limit, sink):
        """Runs argv in there for at most `limit` seconds; returns its exit code (124: late).

        sink(file, data) gets what the job writes as it comes: "stdout", "stderr" and the name
        of each file that it leaves in its working folder.
        """
        packed = b"".join(word.encode() + b"\0" for word in argv)
        # The relay enforces the limit; silence for much longer means that level 1 hangs.
        self._socket.settimeout(limit + 30)
        self._send(f"run {limit} {len(packed)}\n".encode() + packed)
        while True:
            words = self._line().split(" ")
            if words[0] == "data" and len(words) == 3:
                sink(words[1], self._exactly(int(words[2])))
            elif words[0] == "hole" and len(words) == 3:
                for size in _pieces(int(words[2])):
                    sink(words[1], bytes(size))
            elif words[0] in ("opened", "recv", "closed"):
                data = self._exactly(int(words[2])) if words[0] == "recv" else b""
                self._tunnels[int(words[1])].come(words[0], data)
            elif words[0] == "exit" and len(words) == 2:
                return int(words[1])
            else:
                raise Level1Error(f"level 1 sent '{' '.join(words)}', see {self.log}")

    def connect(self, name):
        """A socket that is connected to a Unix socket in the running job's folder, or None if there is none.

        Any thread but that of run(), while a job runs.
        """
        with self._numbering:
            number = next((n for n in range(TUNNELS_MAX) if n not in self._tunnels), None)
            if number is None:
                return None
            tunnel = self._tunnels[number] = _Tunnel(
                lambda line, data=b"": self._send(line.encode() + data), number,
                lambda: self._tunnels.pop(number))
        return tunnel.open(name)

    def close(self):
        """Ends the machine; it switches itself off when the channel closes."""
        self._closed.set()
        self._reader.close()
        self._socket.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _send(self, data):
        try:
            with self._sending:
                self._socket.sendall(data)
        except OSError as error:
            raise self._gone(error) from error

    def _poke(self, seconds):
        try:
            while not self._closed.wait(seconds):
                self._send(b"\n")
        except Level1Error:
            pass    # whoever reads from the channel will tell

    def _line(self):
        try:
            line = self._reader.readline(512)
        except OSError as error:
            raise self._gone(error) from error
        if not line.endswith(b"\n"):
            raise self._gone("the channel closed")
        return line[:-1].decode()

    def _exactly(self, size):
        try:
            data = self._reader.read(size)
        except OSError as error:
            raise self._gone(error) from error
        if len(data) != size:
            raise self._gone("the channel closed")
        return data

    def _gone(self, why):
        return Level1Error(f"the level-1 machine is gone ({why}), see {self.log} and {self.log}.qemu")


class _Tunnel:
    """A connection into the machine: a socket here, and what the relay says about the one in there.

    Its number is free, release(), when the relay has closed it and no thread sends to it any more: a
    line that was late would go into the next tunnel of that number.
    """

    def __init__(self, send, number, release):
        self._send = send
        self._number = number
        self._release = release
        self._answered = threading.Event()
        self._theirs = None
        self._lock = threading.Lock()
        self._holders = 2       # the relay, and whoever sends

    def open(self, name):
        """Our end, or None if nothing listens there."""
        ours, theirs = socket.socketpair()
        self._theirs = theirs
        self._send(f"open {self._number} {name}\n")
        self._answered.wait(QUIET_LIMIT)
        if self._theirs and not self._answered.is_set():
            self._send(f"shut {self._number}\n")
        elif self._theirs:
            threading.Thread(target=self._outgoing, args=[theirs], daemon=True).start()
            return ours
        theirs.close()
        ours.close()
        self._let_go()
        return None

    def come(self, what, data):
        """What the relay has sent, on the thread that reads from it."""
        if what == "closed" and self._theirs:
            # The outgoing thread wakes up at once, and must not see it any more.
            theirs, self._theirs = self._theirs, None
            _shut(theirs)
            self._let_go()
        elif what == "recv" and self._theirs:
            try:
                self._theirs.sendall(data)
            except OSError:
                pass    # the outgoing thread will find the same
        self._answered.set()

    def _outgoing(self, theirs):
        try:
            while data := theirs.recv(TUNNEL_BYTES):
                self._send(f"send {self._number} {len(data)}\n", data)
            # One that the relay has closed is gone, and its number may be another's.
            if self._theirs:
                self._send(f"shut {self._number}\n")
        except (OSError, Level1Error):
            pass    # the machine is gone
        theirs.close()
        self._let_go()

    def _let_go(self):
        with self._lock:
            self._holders -= 1
            last = not self._holders
        if last:
            self._release()


def _shut(sock):
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass    # the other end is gone


def _pieces(size):
    """Sizes that add up to this one."""
    while size:
        yield min(size, PIECE)
        size -= min(size, PIECE)


def _tail(path):
    """The last lines of a log."""
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return "".join(file.readlines()[-TAIL_LINES:]).rstrip() or "(empty)"
    except OSError as error:
        return f"({error.strerror})"
