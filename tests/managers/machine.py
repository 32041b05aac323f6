# SPDX-License-Identifier: GPL-2.0-only
"""A Debian root in namespaces of its own, and the host's end of its hvkvpd."""

import os
import shutil
import signal
import socket
import struct
import subprocess
import time

MAC = "00:15:5d:aa:bb:01"
GET_IP, SET_IP = 4, 5
# What enables a manager, below /etc/systemd/system.
ENABLED = ("dbus-org.freedesktop.network1.service", "multi-user.target.wants/systemd-networkd.service",
           "multi-user.target.wants/NetworkManager.service", "multi-user.target.wants/dhcpcd.service",
           "multi-user.target.wants/connman.service")


def call(*words, check=True, **more):
    return subprocess.run(words, check=check, text=True, capture_output=True, **more)


class Machine:
    """A root of its own, with eth0 (a veth; its other end is far0) in a network of its own."""

    def __init__(self, top, lower, daemon):
        self.top, self.root, self.upper = top, f"{top}/root", f"{top}/upper"
        self.processes, self.index = [], 70
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", top], check=True)
        for folder in ("root", "upper", "work"):
            os.mkdir(f"{top}/{folder}")
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o",
                        f"lowerdir={lower},upperdir={self.upper},workdir={top}/work", self.root],
                       check=True)
        # A sysfs that cannot be written: managers then know that there is no udev.
        for kind, where, options in (("proc", "proc", "rw"), ("sysfs", "sys", "ro"),
                                     ("tmpfs", "run", "mode=0755")):
            subprocess.run(["mount", "-t", kind, "-o", options, kind, f"{self.root}/{where}"],
                           check=True)
        subprocess.run(["mount", "--rbind", "/dev", f"{self.root}/dev"], check=True)
        call("ip", "link", "set", "lo", "up")
        call("ip", "link", "add", "eth0", "address", MAC, "type", "veth", "peer", "name", "far0")
        call("ip", "link", "set", "far0", "up")
        for program in ("hvkvpd", "hvkvp"):
            shutil.copy(f"{daemon}/{program}", f"{self.root}/usr/sbin/{program}")
        self.write("/etc/machine-id", "0123456789abcdef0123456789abcdef\n")

    def enable_only(self, link):
        """Of all that the root has installed, one manager is enabled, as on a real machine."""
        folder = f"{self.root}/etc/systemd/system"
        for each in ENABLED:
            if os.path.lexists(f"{folder}/{each}"):
                os.unlink(f"{folder}/{each}")
        if not link:
            return
        os.makedirs(os.path.dirname(f"{folder}/{link}"), exist_ok=True)
        if not os.path.lexists(f"{folder}/{link}"):
            os.symlink("/dev/null", f"{folder}/{link}")

    def write(self, path, text, mode=0o644):
        full = self.root + path
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(full, mode)

    def vmbus(self, writable):
        """A /sys of VMBus adapters, in the place of the kernel's; one that is writable makes managers ask udev."""
        os.makedirs(f"{self.top}/sys")
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", f"{self.top}/sys"], check=True)
        for folder in ("class/net", "bus/vmbus", "devices"):
            os.makedirs(f"{self.top}/sys/{folder}")
        os.makedirs(f"{self.root}/run/udev/data")
        call("ip", "link", "del", "eth0")
        subprocess.run(["mount", "--bind", f"{self.top}/sys", f"{self.root}/sys"], check=True)
        if not writable:
            subprocess.run(["mount", "-o", "remount,bind,ro", f"{self.root}/sys"], check=True)

    def plug(self, name, guid, mac):
        """An adapter appears: what sysfs and udev say of it is there first. Its other end is farN, for ethN."""
        self.index += 1
        bus, device = f"{self.top}/sys/devices/{guid}", f"{self.top}/sys/devices/{guid}/net/{name}"
        os.makedirs(device)
        for path, text in ((f"{device}/ifindex", f"{self.index}"), (f"{device}/address", mac), (f"{device}/type", "1"),
                           (f"{device}/uevent", f"INTERFACE={name}\nIFINDEX={self.index}"), (f"{bus}/uevent", ""),
                           (f"{self.root}/run/udev/data/n{self.index}", "I:1")):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text + "\n")
        os.symlink("../../../bus/vmbus", f"{bus}/subsystem")
        os.symlink(f"../../../{guid}", f"{device}/device")
        os.symlink("../../../../class/net", f"{device}/subsystem")
        os.symlink(f"../../devices/{guid}/net/{name}", f"{self.top}/sys/class/net/{name}")
        call("ip", "link", "add", name, "index", str(self.index), "address", mac, "type", "veth", "peer", "name",
             name.replace("eth", "far"))
        call("ip", "link", "set", name.replace("eth", "far"), "up")

    def unplug(self, name):
        device = os.path.realpath(f"{self.top}/sys/class/net/{name}")
        call("ip", "link", "del", name)
        os.unlink(f"{self.top}/sys/class/net/{name}")
        shutil.rmtree(device.split("/net/")[0])

    def start(self, *words, log, **more):
        with open(f"{self.top}/{log}.log", "a", encoding="utf-8") as out:
            process = subprocess.Popen(["chroot", self.root, *words], stdout=out, stderr=out,
                                       stdin=subprocess.DEVNULL, **more)
        self.processes.append(process)
        return process

    def stop(self, process):
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self.processes.remove(process)

    def processes_named(self, name):
        """Their numbers, without those that have ended and were not waited for, which have no command line."""
        found = []
        for folder in filter(str.isdigit, os.listdir(f"{self.root}/proc")):
            try:
                with open(f"{self.root}/proc/{folder}/comm", encoding="utf-8") as comm, \
                     open(f"{self.root}/proc/{folder}/cmdline", "rb") as words:
                    if comm.read() == f"{name}\n" and words.read():
                        found.append(int(folder))
            except (FileNotFoundError, ProcessLookupError):
                pass
        return found

    def end_all(self, name):
        """As systemd does with what a service leaves behind."""
        for process in self.processes_named(name):
            os.kill(process, signal.SIGKILL)
        wait(lambda: not self.processes_named(name), f"the end of {name}")

    def inside(self, *words, check=True):
        return call("chroot", self.root, *words, check=check)

    def bus(self):
        if os.path.exists(f"{self.root}/run/dbus/system_bus_socket"):
            return
        os.makedirs(f"{self.root}/run/dbus", exist_ok=True)
        self.start("dbus-daemon", "--system", "--nofork", "--nopidfile", log="dbus")
        wait(lambda: os.path.exists(f"{self.root}/run/dbus/system_bus_socket"), "the bus")

    def etc(self):
        """Files of /etc, and of ConnMan's folder, that are not as in the Debian root, with their contents."""
        found = {}
        for folder, _, names in (*os.walk(f"{self.upper}/etc"), *os.walk(f"{self.upper}/var/lib/connman")):
            for name in names:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    found[path[len(self.upper):]] = os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, encoding="utf-8", errors="replace") as text:
                        found[path[len(self.upper):]] = text.read()
        return found


def wait(condition, what, limit=20):
    end = time.monotonic() + limit
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {limit} s")
        time.sleep(0.1)  # sleep: it polls, with a time limit


def shows(text, *words):
    return text in call("ip", *words, check=False).stdout


class Host:
    """The host's end: hvkvpd's driver is a socket here."""

    def __init__(self, machine):
        self.machine, self.id = machine, 0
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.set_inheritable(theirs.fileno(), True)
        self.process = machine.start("/usr/sbin/hvkvpd", "--foreground", "--log-level", "info",
                                     "--device", f"fd:{theirs.fileno()}", log="hvkvpd",
                                     pass_fds=[theirs.fileno()])
        theirs.close()
        self.socket.settimeout(30)
        self.socket.recv(8192)
        self.socket.send(struct.pack("<IHHQHHIQ", 32, 1, 0, 0, 1, 0, 30000, 0))

    def set_ip(self, family, dhcp=0, addresses="", subnets="", gateways="", dns="", adapter=MAC):
        return self.request(SET_IP, self.body(SET_IP, adapter, family, dhcp, addresses, subnets, gateways, dns))[0]

    def says_dhcp(self):
        """What GET_IP says of the first adapter."""
        status, body = self.request(GET_IP, self.body(GET_IP, MAC, 0, 0, "", "", "", ""))
        return status == 0 and body[2 + 2 * 128 + 1] == 1

    @staticmethod
    def body(operation, adapter, family, dhcp, *lists):
        def field(text, units):
            return text.encode("utf-16-le").ljust(2 * units, b"\0")

        return (bytes([operation, 1]) + field(adapter, 128) + bytes([family, dhcp]) +
                b"".join(field(text, units) for text, units in zip(lists, (1024, 1024, 512, 1024))))

    def request(self, operation, body):
        """Return: status and body of the answer."""
        self.id += 1
        self.socket.send(struct.pack("<IHHQQHHHHBBHI", 40 + len(body), 2, 0, self.id, 2**63,
                                     3, 0, 4, 0, operation, 1, 0, len(body)) + body)
        reply = self.socket.recv(8192)
        return struct.unpack_from("<I", reply, 16)[0], reply[24:]

    def close(self):
        self.socket.close()
        # It may be in the middle of what it makes a manager do: IP_KEEP_MS, daemon/ip/budget.h.
        self.process.wait(40)
        self.machine.processes.remove(self.process)


def expect(good, what):
    if not good:
        raise AssertionError(what)
