#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What people do with a guest that runs: a shell, gdb, a dump, the log of a crash. TAP; HVKVP_ALL=1 only."""

import hashlib
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

# pylint: disable=wrong-import-position
import points  # noqa: E402
from lib import build, cache, command, job, kernel, modules, skips, symbols, tree  # noqa: E402

RUN = os.path.join(HERE, "run")
# A guest is up in 15 s; the rest is for a machine that has other work.
SECONDS = 300
# The host asks until gdb kills the guest.
ASKS = """
bus.wait_open(60)
negotiate{timeout = 60}
set("external", "k", "v")
guest_ok("grep -e ' linux_banner$' -e hv_kvp /proc/kallsyms >/tmp/kallsyms")
guest_fetch("/tmp/kallsyms")
dump("middle.core")
say("ready")
for i = 1, 100000 do get("external", "k") end
"""
# The same without what only our pair has.
ASKS_STOCK = """
bus.wait_open(60)
negotiate{timeout = 60}
dump("middle.core")
say("ready")
for i = 1, 100000 do set("external", "k", "v") end
"""
# What a drgn of Debian finds in a dump: names of tasks, the kernel's version, the log.
DRGN = """
from drgn.helpers.linux import for_each_task
print("release", prog["init_uts_ns"].name.release.string_().decode())
print("tasks", sorted({task.comm.string_().decode() for task in for_each_task(prog)}))
print("bus", prog["vmbus_connection"].conn_state.format_(type_name=False))
print("line", prog.symbol("hv_kvp_onchannelcallback").name)
"""
BARE = """
heartbeat:offer()
heartbeat:wait_open(60)
case("nothing can be loaded", function() expect(guest("test -e /proc/modules").ok, false) end)
"""
CONVERSATION = """
bus.wait_open(60)
negotiate{timeout = 60}
case("a conversation", function()
	set("external", "key", "value")
	get("external", "key")
	enumerate("external")
	delete("external", "key")
	get("external", "key")
end)
"""
PARTS = """
bus.wait_open(60)
negotiate{timeout = 60}
case("a pair is stored", function() expect(set("external", "k", "v").ok) end)
"""
# What the stock driver logs when it is loaded.
REGISTERS = b"Registering HyperV Utility Driver"
SIGNED = b"~Module signature appended~\n"
# FOLDER TREE CACHE CLOSED, in mounts of its own.
AS_USER = r"""
set -eu
mount --make-rprivate /
mkdir "$1"/{tree,home,lower}
(cd "$2" && git ls-files -z | xargs -0 tar -c --ignore-failed-read) | tar -x -C "$1/tree"
mount --bind "$3" "$1/lower"
mount -t tmpfs -o mode=755 none "$4"
mkdir -p "$3" "$4/upper" "$4/work"
mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$4/upper,workdir=$4/work" "$3"
find "$3" -maxdepth 2 -exec chown -h 65534 {} +
chown -R 65534 "$1/tree" "$1/home"
for tool in /usr/bin/apt* /usr/bin/dpkg*; do
	mount --bind /dev/null "$tool"
done
cd "$1/tree"
exec setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH=/usr/bin:/bin HOME="$1/home" HVKVP_CACHE="$3" sh -c '
	apt-get --version 2>/dev/null || echo "user $(id -u), no apt"
	exec tests/vm/run --profile stock heartbeat'
"""
WAITS = """
bus.wait_open(60)
say("ready")
wait{true_when = function() return false end, timeout = 600}
"""
VERSION = """
bus.wait_open(60)
case("KVP 5.0 is agreed", function() expect(negotiate{timeout = 60}.kvp, "5.0") end)
"""
CRASHES = """
bus.wait_open(60)
negotiate{timeout = 60}
guest_ok("echo 1 >/proc/sys/kernel/ftrace_dump_on_oops; echo 200 >/sys/kernel/tracing/buffer_size_kb;" ..
	"for i in $(seq 400); do echo the trace has this line $i >/sys/kernel/tracing/trace_marker; done")
local crash = "echo c >/proc/sysrq-trigger"
native.agent_write(#crash .. "\\n" .. crash)
wait{log = "Kernel panic - not syncing", timeout = 60}
"""


class Shell:
    """A terminal at which tests/vm/run shows a shell of the guest."""

    def __init__(self, *words):
        self._master, terminal = pty.openpty()
        self._seen = ""
        self._process = subprocess.Popen([RUN, "--kernel", "6.1", "--shell", *words], stdin=terminal,
                                         stdout=terminal, stderr=terminal, start_new_session=True)
        os.close(terminal)

    def expect(self, pattern):
        """Waits for it, and forgets what came before it."""
        deadline = time.monotonic() + SECONDS
        while not (found := re.search(pattern, self._seen)):
            ready = select.select([self._master], [], [], max(0, deadline - time.monotonic()))[0]
            assert ready, f"no '{pattern}' in: {self._seen[-2000:]}"
            try:
                self._seen += os.read(self._master, 4096).decode(errors="replace")
            except OSError:
                raise AssertionError(f"the end, and no '{pattern}' in: {self._seen[-2000:]}") from None
        self._seen = self._seen[found.end():]
        return found

    def type(self, text):
        os.write(self._master, text.encode())

    def end(self):
        """Waits for the end of the run, which must be a good one."""
        try:
            self.expect("never to be seen")
        except AssertionError:
            pass    # the end
        rc = self._process.wait(SECONDS)
        os.close(self._master)
        assert rc == 0, f"exit code {rc}: {self._seen[-2000:]}"

    def stop(self):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def test_shell(folder):
    """booted: a shell in the guest, on a terminal: a command, ctrl-C, the end"""
    shell = Shell("--logs", folder)
    try:
        shell.expect("guest# ")
        shell.type("tty; echo $((6 * 7)); uname -r\n")
        assert shell.expect(r"/dev/pts/\d+\r\n42\r\n(\S+)\r\n").group(1).startswith("6.1.")
        shell.expect("guest# ")
        shell.type("echo begin; sleep 1000\n")     # sleep: ctrl-C ends it
        shell.expect("begin\r\n")
        shell.type("\3")
        shell.expect("guest# ")
        shell.type("echo $?; hvkvp get external none\n")
        shell.expect(r"130\r\n")
        shell.expect("no key")
        shell.type("exit\n")
        shell.end()
    finally:
        shell.stop()


def test_shell_pipe(folder):
    """booted: commands from a pipe, after the cases; its end ends the shell"""
    case = write(folder, "cases.lua", "bus.wait_open(60)\ncase('one', function() guest_ok('echo 7 >/tmp/a') end)\n")
    done = subprocess.run([RUN, "--kernel", "6.1", "--shell", "--logs", folder, case],
                          input="cat /tmp/a\n", capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    assert "\n7\n" in done.stdout and '"event"' not in done.stdout, done.stdout


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def gdb(*commands):
    """What gdb prints for these commands."""
    words = [word for command in ("set confirm off", "set pagination off", *commands) for word in ("-ex", command)]
    done = subprocess.run(["gdb", "-nx", "-batch", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=SECONDS, check=False)
    return done.stdout


def has(said, *patterns):
    """Each pattern, in this order."""
    at = 0
    for pattern in patterns:
        found = re.compile(pattern).search(said, at)
        assert found, f"no '{pattern}' behind byte {at} of:\n{said}"
        at = found.end()


def wait_for(process, text):
    for line in process.stdout:
        if text in line:
            return
    raise AssertionError(f"the run ended before it said '{text}'")


def held(words, look):
    """tests/vm/run with these words waits for gdb; look() is what happens meanwhile, and the run goes on to its end."""
    with subprocess.Popen([RUN, *words, "--", "--mem", "256"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        try:
            wait_for(process, '"ready"')
            look()
            process.stdout.read()
            process.wait(SECONDS)
        except AssertionError as error:
            process.terminate()
            raise AssertionError(f"{error}\nThe run said: {process.stdout.read()[-3000:]}") from error
        finally:
            process.kill()


def test_gdb(folder):
    """booted: gdb stops at a breakpoint in hv_kvp, steps, changes memory and registers; dumps are opened by gdb"""
    if not shutil.which("gdb"):
        return "gdb is not installed: run tests/vm/install-packages"
    port = free_port()
    core = os.path.join(folder, "end.core")
    case = write(folder, "asks.lua", ASKS)
    held(("--kernel", "6.1", "--gdb", str(port), "--dump", core, "--logs", folder, case),
         lambda: look_with_gdb(folder, port))
    for dump in (os.path.join(folder, "asks", "middle.core"), core):
        look_at_dump(folder, dump)
    return None


def test_source_lines(folder):
    """booted: gdb shows the source of a kernel with debug information; gdb and drgn open its dump"""
    for tool in ("gdb", "drgn"):
        if not shutil.which(tool):
            return f"{tool} is not installed: run tests/vm/install-packages"
    kdir = kernel.fetch("tree-sid").kdir
    port = free_port()
    case = write(folder, "asks.lua", ASKS_STOCK)

    def look():
        has(gdb(f"directory {kdir}", f"file {kdir}/vmlinux", f"target remote :{port}",
                "break hv_kvp_onchannelcallback", "continue", "backtrace 2", "list",
                "print ((struct vmbus_channel *)context)->state", "next", "next", "next", "frame",
                "print kvp_transaction.state", "kill"),
            r"Breakpoint 1 at 0x[0-9a-f]+: file drivers/hv/hv_kvp.c, line \d+\.",
            r"hit Breakpoint 1, hv_kvp_onchannelcallback \(context=0x[0-9a-f]+\) at drivers/hv/hv_kvp.c:\d+",
            r"#0 +hv_kvp_onchannelcallback \(context=.* at drivers/hv/hv_kvp.c:\d+", r"#1 .* at \S+\.[ch]:\d+",
            "void hv_kvp_onchannelcallback", r"\$1 = CHANNEL_OPENED_STATE",
            # The function begins with an instruction of one byte: a breakpoint must not have more.
            r"#0 +hv_kvp_onchannelcallback .* at drivers/hv/hv_kvp.c:\d+", r"\$2 = ")

    held(("--tree", kdir, "--gdb", str(port), "--logs", folder, case), look)
    look_at_source(folder, kdir, os.path.join(folder, "asks", "middle.core"))
    return None


def look_at_source(folder, kdir, dump):
    release = kernel.fetch("tree-sid").release
    has(gdb(f"directory {kdir}", f"file {kdir}/vmlinux", f"core-file {dump}", "info threads",
            "print init_uts_ns.name.release", "list hv_kvp_onchannelcallback", "print vmbus_connection.conn_state"),
        "LWP 1", "LWP 2", re.escape(f'$1 = "{release}'), "void hv_kvp_onchannelcallback", r"\$2 = CONNECTED")
    script = write(folder, "look.py", DRGN)
    done = subprocess.run(["drgn", "-c", dump, "-s", f"{kdir}/vmlinux", script], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=SECONDS, check=False)
    has(done.stdout + done.stderr, f"release {release}\n", r"tasks \[.*'agent'.*'hv_kvp_daemon'",
        "bus CONNECTED", "line hv_kvp_onchannelcallback")


def test_tree_cases(folder):
    """booted: tests/run --tree runs a whole case file against a tree with all built in, also without CONFIG_MODULES"""
    def check(kdir, pattern):
        done = subprocess.run([os.path.join(os.path.dirname(HERE), "run"), "--tree", kdir, "--only", pattern, "--logs", folder],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.returncode, done.stdout, done.stderr

    for name in ("tree-sid", "tree-bare"):
        kdir = kernel.fetch(name).kdir
        rc, said, errors = check(kdir, "heartbeat")
        assert rc == 0, said + errors
        has(said, "ok +heartbeat/stock/own: each number is answered", r"\n[1-9]\d passed, 0 failed, 0 skipped\n")
    bare = write(folder, "bare.lua", BARE)
    done = subprocess.run([RUN, "--tree", kdir, "--logs", folder, bare], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == job.GOOD, done.stdout + done.stderr
    rc, said, errors = check(kdir, "heartbeat:no such case")
    assert rc == 2 and errors.startswith("tests/run: no case has 'no such case' in its name"), (rc, said, errors)
    assert errors.count("\n") == 1, errors


def test_parts(folder):
    """booted: an image with a folder of modules; one module and one daemon over a known kernel"""
    def run(text, *words):
        case = write(folder, "parts.lua", PARTS + text)
        done = subprocess.run([RUN, "--profile", "stock", "--logs", folder, *words, case], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        assert done.returncode == job.GOOD, done.stdout + done.stderr

    def digest(path):
        with open(path, "rb") as file:
            return hashlib.sha1(file.read()).hexdigest()

    newer, older = kernel.fetch("6.12"), kernel.fetch("6.1")
    run(f"""case("release and modules", function()
        expect(guest_ok("uname -r"), "{newer.release}")
        expect(guest("grep -q ^hv_utils /proc/modules").ok)
        end)""", "--kernel-image", newer.image, "--modules", newer.modules)
    # A module that says so when it is loaded, and a daemon of another Debian.
    mine = os.path.join(folder, "hv_utils.ko")
    # Without its signature: a wrong one is refused.
    data = modules.read_module(modules.ModuleTree(older.modules).path("hv_utils"))
    assert data.count(REGISTERS) == 1 and data.endswith(SIGNED)
    data = data[:-len(SIGNED) - 12 - int.from_bytes(data[-len(SIGNED) - 4:-len(SIGNED)], "big")]
    with open(mine, "wb") as file:
        file.write(data.replace(REGISTERS, REGISTERS.upper()))
    daemon = os.path.join(newer.root, "usr", "sbin", "hv_kvp_daemon")
    assert digest(daemon) != digest(os.path.join(older.root, "usr", "sbin", "hv_kvp_daemon"))
    run(f"""case("the exchanged ones", function()
        wait{{log = "{REGISTERS.upper().decode()}", from = 0}}
        expect(guest_ok("sha1sum $(readlink /proc/$(cat /run/kvp-service.pid)/exe)"):sub(1, 40), "{digest(daemon)}")
        end)""", "--kernel", "6.1", "--module", mine, "--daemon", daemon)


def children(pid):
    """Processes that this one has started, which still run."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                state, parent = file.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state not in "ZX":
            found.append(int(name))
    return found


def test_interrupted(folder):
    """booted: a run beside another one has logs of its own; ctrl-C ends a run and its machines"""
    logs = os.path.join(folder, "logs")
    waits = write(folder, "waits.lua", WAITS)
    with subprocess.Popen([RUN, "--time", "900", "--logs", logs, waits], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as process:
        try:
            wait_for(process, '"ready"')
            done = subprocess.run([RUN, "--logs", logs, write(folder, "other.lua", VERSION)], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=SECONDS, check=False)
            assert done.returncode == job.GOOD, done.stdout + done.stderr
            assert os.path.exists(f"{logs}-2/other/console.log") and not os.path.exists(f"{logs}/other"), done.stderr
            machines = children(process.pid)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=SECONDS)[0]
            assert process.returncode == 130 and "Traceback" not in said, (process.returncode, said[-3000:])
            assert machines and not any(os.path.exists(f"/proc/{pid}") for pid in machines), machines
        finally:
            process.kill()


def test_user(folder):
    """booted: an ordinary user runs a case file in a tree of his own, with apt and dpkg hidden"""
    os.chmod(folder, 0o755)
    base = cache.cache_dir()
    # Where others may not enter, as /root: it is replaced, with the cache in it at the same place.
    parts = [base[:at] for at, byte in enumerate(base) if byte == "/" and at]
    closed = next((path for path in parts if not os.stat(path).st_mode & stat.S_IXOTH), base)
    script = write(folder, "user.sh", AS_USER)
    done = subprocess.run(["unshare", "-m", "bash", script, folder, tree.TOP, base, closed], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=2 * SECONDS, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    has(done.stdout, "user 65534, no apt", '"each number is answered with the next one", "result": "pass"', '"failed": 0,')


def look_with_gdb(folder, port):
    with open(os.path.join(folder, "asks", "kallsyms"), encoding="utf-8") as file:
        found = symbols.parse(file.read())
    with open(os.path.join(folder, "symbols.elf"), "wb") as file:
        file.write(symbols.elf(found))
    start = [f"file {folder}/symbols.elf", f"target remote :{port}"]
    has(gdb(*start, "info threads", "x/s (char *)&linux_banner", "break kvp_ic_parse", "continue", "backtrace 3",
            "print/x $cs", "print/x $rip", "stepi", "print/x $rip", "delete",
            # Below the stack nothing is used by an interrupt, which is off or has a stack of its own.
            "set var *(long *)($rsp - 4096) = 0x1122334455667788", "print/x *(long *)($rsp - 4096)",
            "set var $r15 = $r15 ^ 1", "set var $r15 = $r15 ^ 1", "print/x $gs_base", "detach"),
        "virtual CPU 0", "virtual CPU 1", "Linux version 6.1", "Breakpoint 1 at 0x", "hit Breakpoint 1, 0x[0-9a-f]+ in kvp_ic_parse",
        "#0 +0x[0-9a-f]+ in kvp_ic_parse", "#1 ", r"\$1 = 0x10\n", r"\$2 = 0x", r"\$3 = 0x",
        r"\$4 = 0x1122334455667788", r"\$5 = 0xffff", "detached")
    # The guest went on: it can be stopped again.
    has(gdb(*start, "break kvp_ic_answer", "continue", "print/x $rip", "kill"),
        "hit Breakpoint 1, 0x[0-9a-f]+ in kvp_ic_answer", r"\$1 = 0x")


def look_at_dump(folder, dump):
    has(gdb(f"file {folder}/symbols.elf", f"core-file {dump}", "info threads", "print/x $rip",
            "x/s (char *)&linux_banner", "x/2i kvp_ic_parse"),
        "LWP 1", "LWP 2", r"\$1 = 0x", "Linux version 6.1", "kvp_ic_parse")


def test_crash(folder):
    """booted: after a panic the log is complete, with the registers of each processor"""
    case = write(folder, "crashes.lua", CRASHES)
    done = subprocess.run([RUN, "--kernel", "6.1", "--append", "crash_kexec_post_notifiers", "--time", "150",
                           "--logs", folder, case], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=SECONDS, check=False)
    assert done.returncode == job.BAD, done.stderr
    with open(os.path.join(folder, "crashes", "console.log"), encoding="utf-8", errors="replace") as file:
        console = file.read()
    has(console, "the trace has this line 400", "Dumping|sysrq: Trigger a crash|Rebooting|Kernel panic")
    assert "the trace has this line 399" in console, console[-3000:]
    with open(os.path.join(folder, "crashes", "stderr"), encoding="utf-8", errors="replace") as file:
        has(file.read(), r"vcpu\d registers at the crash: rip ffffffff", "cr3 0", "vcpu0 registers at the end: rip ",
            "vcpu1 registers at the end: rip ")


def test_replay(folder):
    """booted: a capture of our pair on 6.1 is replayed to it on 6.12, and to the stock pair, whose GET differs"""
    def run(script, *words):
        done = subprocess.run([RUN, "--logs", folder, *words, *script], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=SECONDS, check=False)
        return done.returncode, done.stdout + done.stderr

    def packet(operation, result):
        return rf'"name": "packet \d+, {operation}, pool 0", "result": "{result}"'

    case = write(folder, "talks.lua", CONVERSATION)
    rc, said = run([case, "--", "--write", "talks.pcapng"], "--kernel", "6.1")
    assert rc == job.GOOD, said
    capture = os.path.join(folder, "talks", "talks.pcapng")
    rc, said = run([], "--kernel", "6.12", "--replay", capture)
    assert rc == job.GOOD, said
    has(said, packet("SET", "pass"), packet("GET", "pass"), '"failed": 0')
    rc, said = run([], "--kernel", "6.1", "--profile", "stock", "--replay", capture)
    assert rc == job.BAD, said
    has(said, packet("SET", "pass"), packet("GET", "fail"))


def git(folder, *words):
    done = subprocess.run(["git", "-c", "user.name=test", "-c", "user.email=test@example.com", *words], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=4 * SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def test_bisect(folder):
    """booted: git bisect run finds the commit of five that agrees on KVP 4.0 only"""
    repo = os.path.join(folder, "hv_kvp")
    os.makedirs(repo)
    for name in ("Makefile", "Kbuild", "driver", "uapi"):
        copy = shutil.copytree if os.path.isdir(os.path.join(tree.TOP, name)) else shutil.copy
        copy(os.path.join(tree.TOP, name), os.path.join(repo, name))
    git(repo, "init", "-q")
    write(repo, ".gitignore", "*.o\n*.ko\n*.mod*\n.*.cmd\n.*.d\nModule.symvers\nmodules.order\n")
    params = os.path.join(repo, "driver", "params.c")
    with open(params, encoding="utf-8") as file:
        text = file.read()
    assert ".max_message = 5," in text
    commits = []
    for number in range(1, 6):
        if number == 4:
            text = text.replace(".max_message = 5,", ".max_message = 4,")
        write(repo, "driver/params.c", f"{text}/* {number} */\n")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", f"number {number}")
        commits.append(git(repo, "rev-parse", "HEAD"))
    case = write(folder, "version.lua", VERSION)
    step = write(folder, "step", f"make module KDIR={kernel.fetch('6.1').kdir} CC=gcc || exit 125\n"
                 f"{RUN} --bisect --kernel 6.1 --module hv_kvp.ko --logs {folder}/logs {case}\n")
    git(repo, "bisect", "start", commits[4], commits[0])
    said = git(repo, "bisect", "run", "sh", step)
    assert f"{commits[3]} is the first bad commit" in said, said[-3000:]


KVM_CREATE_VCPU, KVM_CREATE_IRQCHIP, KVM_IRQFD, KVM_RUN, KVM_ENABLE_CAP = 0xae41, 0xae60, 0x4020ae76, 0xae80, 0x4068aea3


def probe(folder, *refuse):
    """(exit code, standard error) of hvhost --probe in level 1, to which an ioctl may be refused."""
    words = [tree.HVHOST, "--probe"]
    if refuse:
        words = [build.static_program("level1/refuse.c"), hex(refuse[0]), *words]
    done = subprocess.run([RUN, "--logs", folder, "--exec", words[0], "--", *words[1:]], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS, check=False)
    return done.returncode, done.stderr


def test_probe(folder):
    """booted: the probe says no where KVM makes no processor or raises no interrupts; it needs no I/O APIC"""
    tree.build_host()
    rc, said = probe(folder)
    assert rc == 0, said
    # What a probe does not need may be missing, and so may what the test host has itself.
    for request in (KVM_RUN, KVM_CREATE_IRQCHIP):
        rc, said = probe(folder, request)
        assert rc == 0, said
    for request, reason in ((KVM_ENABLE_CAP, "KVM_CAP_HYPERV_SYNIC2 failed"),
                            (KVM_CREATE_VCPU, "KVM_CREATE_VCPU failed"), (KVM_IRQFD, "KVM_IRQFD failed")):
        rc, said = probe(folder, request)
        assert rc == 1 and reason in said, (rc, said)


def test_installed(folder):
    """booted: an installed hvhost runs a case of its own where there is no source tree"""
    done = subprocess.run(["make", "-s", "-C", tree.TOP, "install-hvhost", f"PREFIX={folder}/usr"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    hide = 'mount -t tmpfs none "$0" && cd / && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", hide, tree.TOP, f"{folder}/usr/bin/hvhost", "run",
                           "--only", "each number", "--logs", f"{folder}/logs", "heartbeat"],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"each number is answered with the next one", "result": "pass"' in done.stdout, done.stdout


if __name__ == "__main__":
    command.run(lambda: points.run(globals(), sys.argv[1:],
                                   None if skips.EVERYTHING else "boots machines: HVKVP_ALL=1 runs it"))
