#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the commands of docs/testing-ic.md as they are written there: TAP; HVKVP_ALL=1 only.

As a reader does: in a copy of this tree (links to its files, with logs of its own), with a kernel in ~/linux.
"""

import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

# pylint: disable=wrong-import-position
import points  # noqa: E402
from booted import SECONDS, free_port, has, wait_for, write  # noqa: E402
from lib import cache, command, kernel, skips, tree  # noqa: E402

PAGE = os.path.join(tree.TOP, "docs/testing-ic.md")
# What is not run here, by how it begins, and why.
ELSEWHERE = {"wireshark ": "needs a display; tshark has the same dissector",
             "git bisect ": "booted.py bisects, with commits that are built faster",
             "    ~/hv_kvp": "of the same command"}
PASSED = r"\n[1-9]\d* passed, 0 failed, 0 skipped\n"
# What a reader's my.lua may be.
MINE = """
bus.wait_open(60)
negotiate{timeout = 60}
case("pairs", function() set("external", "k", "v"); get("external", "k"); delete("external", "k") end)
"""
# Symbols for gdb; then messages of the bus and packets, as long as anybody looks.
WATCHED = MINE + """
guest_ok("grep -e hv_ -e linux_banner /proc/kallsyms >/tmp/kallsyms")
guest_fetch("/tmp/kallsyms")
say("ready")
local none = bus.offer{class = "01234567-89ab-cdef-0123-456789abcdef", name = "none"}
case("busy", {timeout = 100000}, function()
	while true do
		bus.withdraw(none)
		bus.wait_event("release", 600)
		bus.offer(none)
		set("external", "k", "v")
	end
end)
"""


def blocks():
    """The indented blocks of the page, as lists of lines without what a # begins."""
    found = []
    with open(PAGE, encoding="utf-8") as file:
        for block in re.findall(r"(?:^ {4}.*\n)+", file.read(), re.MULTILINE):
            found.append([line[4:].split("  #")[0].rstrip() for line in block.splitlines()])
    return found


def is_lua(block):
    return re.match(r"bus\.|local ", block[0]) is not None


def end(process):
    """Ends a shell with what it has started, where that still runs: a run of ours takes its machines along."""
    try:
        os.killpg(process.pid, signal.SIGTERM)
    except ProcessLookupError:
        return
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


class Reader:
    """Somebody with a copy of the tree, and a kernel in ~/linux, who types what the page says."""

    def __init__(self, folder):
        self.home = os.path.join(folder, "home")
        self.folder = os.path.join(self.home, "hv_kvp")
        os.makedirs(self.folder)
        for name in os.listdir(tree.TOP):
            if name not in ("build", ".git"):
                os.symlink(os.path.join(tree.TOP, name), os.path.join(self.folder, name))
        os.symlink(kernel.fetch("tree-sid").kdir, os.path.join(self.home, "linux"))
        self.left = [line for block in blocks() if not is_lua(block) for line in block
                     if not line.startswith(tuple(ELSEWHERE))]
        self._env = {**os.environ, "HOME": self.home, "HVKVP_CACHE": cache.cache_dir(), "HVKVP_ALL": ""}
        self._port = str(free_port())

    def start(self, line):
        assert line in self.left, f"the page does not have (any more): {line}"
        return self.start_other(line)

    def start_other(self, line):
        print(f"# {line}", flush=True)
        return subprocess.Popen(["sh", "-c", line.replace("1234", self._port)], cwd=self.folder, env=self._env, text=True,
                                errors="replace", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                start_new_session=True)

    def wait(self, line, process, typed=""):
        """(exit code, what it printed) of the command, which reads @typed."""
        with process:
            try:
                said = process.communicate(typed, timeout=SECONDS)[0]
            finally:
                end(process)
        if line in self.left:
            self.left.remove(line)
        return process.returncode, said

    def run(self, line, *patterns, typed="", rc=0):
        """A command of the page ends with this exit code, and prints this."""
        code, said = self.wait(line, self.start(line), typed)
        assert code == rc, f"exit code {code}: {said[-3000:]}"
        has(said, *patterns)

    def debug(self, guest, line, *patterns, more=""):
        """The same for a debugger's, while the command @guest runs a guest, which the debugger ends."""
        with self.start_other(guest) as process:
            try:
                wait_for(process, '"ready"')
                self.run(line, *patterns, typed=f"{more}\nkill\nquit\n")
                process.communicate(timeout=SECONDS)
            finally:
                end(process)


def test_commands(folder):
    """booted: the commands of docs/testing-ic.md do what it says, as they are written there"""
    reader = Reader(folder)
    write(reader.folder, "my.lua", MINE)
    reader.run("tests/run --only heartbeat", PASSED)
    reader.run("tests/run --kernel 6.12 --only timesync", PASSED)
    # A known defect of every kernel counts.
    reader.run("tests/vm/run --tree ~/linux --only 'hold up' --strict tests/e2e/heartbeat.lua", '"failed": 1,', rc=1)

    capture = "build/logs/run/my/capture.pcapng"
    reader.run("tests/vm/run --profile stock my.lua -- --write capture.pcapng", '"passed": 1,')
    reader.run(f"tshark -X lua_script:tests/host/wireshark/hyperv_ic.lua -r {capture} -Y 'hyperv_ic.kvp.operation == 1'",
               "Request SET External k = v", "Answer  SET External k = v: S_OK")
    reader.run(f"tests/vm/run --kernel 6.12 --profile stock --replay {capture}", '"failed": 0,')
    reader.run(f"tests/vm/capture-cases {capture} > case.lua")
    with open(os.path.join(reader.folder, "case.lua"), encoding="utf-8") as file:
        has(file.read(), r'local r = set\(0, "k", "v"\)')

    reader.run("tests/vm/run --kernel 6.12 --profile stock --shell", r"\n42\n", typed="echo $((6 * 7))\nexit\n")
    reader.run("tests/vm/run --tree ~/linux --shell my.lua", r"\n42\n", typed="echo $((6 * 7))\nexit\n")
    reader.run("echo 'dmesg | grep hv_' | tests/vm/run --tree ~/linux --shell", "hv_vmbus: Vmbus version")

    write(reader.folder, "my.lua", WATCHED)
    guest = "tests/vm/run --tree ~/linux --gdb 1234 my.lua"
    reader.debug(guest, "gdb ~/linux/vmlinux -ex 'target remote :1234' -ex 'break vmbus_on_msg_dpc' -ex continue",
                 r"hit Breakpoint 1, vmbus_on_msg_dpc \(data=", r"#1 .*tasklet", more="backtrace 2")
    reader.left.remove(guest)
    with reader.start_other("tests/vm/run --gdb 1234 my.lua") as process:
        try:
            wait_for(process, '"ready"')
            reader.run("tests/vm/symbols build/logs/run/my/kallsyms symbols.elf")
            reader.run("gdb symbols.elf -ex 'target remote :1234' -ex 'break kvp_ic_parse' -ex continue",
                       "hit Breakpoint 1, 0x[0-9a-f]+ in kvp_ic_parse", typed="kill\nquit\n")
            process.communicate(timeout=SECONDS)
        finally:
            end(process)

    write(reader.folder, "my.lua", MINE)
    line = "tests/vm/run --tree ~/linux --dump guest.core my.lua"
    rc, said = reader.wait(line, reader.start_other(line))
    assert rc == 0, said
    reader.run("gdb ~/linux/vmlinux guest.core -ex 'info threads' -ex 'x/s linux_banner'", "LWP 2", "Linux version 7.", typed="quit\n")
    typed = [line for line in reader.left if line.startswith(">>> ")]
    reader.run("drgn -c guest.core -s ~/linux/vmlinux", "CONNECTED", typed="".join(f"{line[4:]}\n" for line in typed))
    left = [line for line in reader.left if line not in typed]
    assert not left, f"not run: {left}"


def test_cases(folder):
    """booted: the case files of docs/testing-ic.md: one fails against a kernel that knows no KVP 6.0, all can be loaded"""
    examples = ["\n".join(block) + "\n" for block in blocks() if is_lua(block)]
    assert len(examples) == 2, examples
    for number, text in enumerate(examples):
        done = subprocess.run([tree.HVHOST, "--check-script", write(folder, f"example{number}.lua", text)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    done = subprocess.run([os.path.join(HERE, "run"), "--logs", folder, f"{folder}/example0.lua"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    has(done.stdout, r'both know it", "result": "fail", "why": "example0.lua:\d+: got .*5\.0.*, wanted', '"failed": 2,')


if __name__ == "__main__":
    command.run(lambda: points.run(globals(), sys.argv[1:],
                                   None if skips.EVERYTHING else "boots machines: HVKVP_ALL=1 runs it"))
