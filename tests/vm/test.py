#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""What tests/vm/run refuses before a machine boots, its exit codes, and its results: TAP."""

import os
import shutil
import struct
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from importlib.machinery import SourceFileLoader

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

# pylint: disable=wrong-import-position
import points  # noqa: E402
from lib import command, elf, job, kernel, lock, modules, own, pcapng, results, tree  # noqa: E402

RUN = os.path.join(HERE, "run")
DISSECTOR = os.path.join(os.path.dirname(HERE), "host", "wireshark", "hyperv_ic.lua")
SECONDS = 5     # nothing that is refused may take longer, on a busy machine


def run(*words, env=None):
    """(exit code, standard error, seconds) of tests/vm/run."""
    began = time.monotonic()
    done = subprocess.run([RUN, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=env, check=False)
    return done.returncode, done.stderr, time.monotonic() - began


def refused(text, *words, code=2):
    """The run ends at once with this exit code, and its last line has the text."""
    rc, said, seconds = run(*words)
    last = said.strip().splitlines()[-1] if said.strip() else ""
    assert text in last, f"no '{text}' in: {said}"
    assert rc == code, f"exit code {rc}, wanted {code}: {said}"
    assert seconds < SECONDS, f"took {seconds:.1f} s"


def stock(name="6.1"):
    """A kernel that the cache has, as fetch-kernel prints it."""
    return kernel.fetch(name)


def module_of(name, release="6.1"):
    return modules.ModuleTree(stock(release).modules).path(name)


def unpacked(folder, name, release="6.1"):
    """A module as a plain .ko file."""
    path = os.path.join(folder, f"{name}.ko")
    with open(path, "wb") as file:
        file.write(modules.read_module(module_of(name, release)))
    return path


CASE = "case('one', function() end)\n"


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def case_file(folder, text=CASE):
    return write(folder, "cases.lua", text)


def test_missing_case_file(_):
    """a case file that does not exist is refused at once"""
    refused("nowhere.lua does not exist", "nowhere.lua")
    refused("nowhere.lua does not exist", "--bisect", "nowhere.lua", code=255)


def test_syntax(folder):
    """a case file that cannot be loaded is refused at once, with its line"""
    refused("cases.lua:2:", case_file(folder, "local a = 1\nlocal = 2\n"))


def test_image(folder):
    """a kernel image that is missing, or none, is refused at once"""
    case = case_file(folder)
    refused("No such file", "--kernel-image", f"{folder}/none", case)
    refused("is not an x86 bzImage", "--kernel-image", case, case)
    with open(f"{folder}/vmlinux", "wb") as file:
        file.write(b"\x7fELF" + bytes(600))
    refused("instead of vmlinux", "--kernel-image", f"{folder}/vmlinux", case)
    refused("build it first", "--tree", folder, case)
    refused("exclude each other", "--tree", folder, "--kernel-image", case, case)
    refused("build it first", "--bisect", "--tree", folder, case,
            code=125)


def test_other_release(folder):
    """a module that was built for another kernel is refused at once, and both releases are named"""
    case = case_file(folder)
    other = unpacked(folder, "hv_utils", "6.12")
    for words in (("--kernel", "6.1", "--module", other),
                  ("--kernel-image", stock().image, "--modules", other)):
        rc, said, seconds = run(*words, "--profile", "stock", case)
        assert rc == 2 and seconds < SECONDS, (rc, said, seconds)
        assert stock("6.12").release in said and stock().release in said, said


def test_missing_module(folder):
    """a module that the kernel does not have is refused at once"""
    case = case_file(folder)
    refused("has no module 'nosuch'", "--profile", "stock", "--load", "hv_vmbus,nosuch", case)
    refused("does not exist", "--module", f"{folder}/none.ko", case)
    refused("is not a 64-bit kernel module", "--module", case, case)


def test_symbols(folder):
    """a module that needs a symbol which the kernel lacks, or of another version, is refused"""
    found = stock()
    tree = elf.symbol_versions(os.path.join(found.kdir, "Module.symvers"))
    path = unpacked(folder, "hv_utils")
    with open(path, "rb") as file:
        data = file.read()
    good = elf.Module(data, path)
    assert good.crcs and all(tree[name] == crc for name, crc in good.crcs.items())
    renamed = data.replace(b"\0vmbus_open\0", b"\0vmbus_nope\0")
    assert renamed != data
    with open(path, "wb") as file:
        file.write(renamed)
    refused("'vmbus_nope', which the kernel does not export", "--profile", "stock", "--module", path,
            case_file(folder))
    name, crc = sorted(good.crcs.items())[0]
    entry = struct.pack("<Q", crc) + name.encode() + b"\0"
    assert entry in data
    with open(path, "wb") as file:
        file.write(data.replace(entry, struct.pack("<Q", crc ^ 1) + entry[8:]))
    refused(f"the version of symbol '{name}'", "--profile", "stock", "--module", path,
            case_file(folder))


def test_ours_needs_a_module(folder):
    """profile ours on an image without headers asks for hv_kvp.ko"""
    refused("give --module hv_kvp.ko", "--kernel-image", stock().image, "--profile", "ours",
            case_file(folder))


def test_daemon(folder):
    """a daemon that is no program, or has no known name, is refused at once"""
    case = case_file(folder)
    refused("is not the name of a daemon", "--daemon", case, case)
    refused("is not a program", "--daemon", f"hvkvpd={case}", case)


def build_tree(folder):
    """As a tree in which a kernel was built that has no modules."""
    boot = os.path.join(folder, "arch", "x86", "boot")
    os.makedirs(boot)
    os.makedirs(os.path.join(folder, "drivers", "hv"))
    shutil.copy(stock().image, os.path.join(boot, "bzImage"))


def builtin(folder, *names):
    write(folder, "modules.builtin", "".join(f"kernel/drivers/hv/{name}.ko\n" for name in names))
    return own.from_tree(folder)


def test_driver_in_tree(folder):
    """a build tree that has hv_kvp: built in it needs no module, and is not loaded; hv_utils may be built in, too"""
    build_tree(folder)
    load = ["hv_vmbus", "hv_utils", "hv_kvp"]
    described = job.Job("cases.lua", load=",".join(load))

    def loaded(found):
        words = described._append(own.module_tree(found, own.Parts()))      # pylint: disable=protected-access
        return words.split("kvp.load=")[1].split(" ")[0]

    found = builtin(folder, "hv_vmbus", "hv_utils", "kvp/hv_kvp")
    own.check(found, own.Parts(found), "ours", load)
    assert own.Parts(found).bring("hv_kvp") and loaded(found) == "", loaded(found)
    found = builtin(folder, "hv_vmbus", "hv_utils")
    assert not own.Parts(found).bring("hv_kvp") and loaded(found) == "hv_kvp", loaded(found)
    try:
        own.check(found, own.Parts(found), "ours", load)
        raise AssertionError("hv_utils takes the device, and nothing was said")
    except own.OwnError as error:
        assert "has hv_utils built in" in str(error), error
    # As a module of that tree it is one of the kernel's own.
    os.makedirs(os.path.join(folder, "drivers", "hv", "kvp"))
    shutil.copy(unpacked(folder, "hv_utils"), os.path.join(folder, "drivers", "hv", "kvp", "hv_kvp.ko"))
    write(folder, "modules.order", "drivers/hv/kvp/hv_kvp.o\n")
    found = own.from_tree(folder)
    own.check(found, own.Parts(found), "ours", load)
    assert own.Parts(found).bring("hv_kvp") and loaded(found) == "hv_kvp", loaded(found)


def test_tree(folder):
    """a build tree: image, release and modules are found, also when all is built in"""
    build_tree(folder)
    found = own.from_tree(folder)
    assert found.release == stock().release and not found.paths and found.builtin is None
    assert own.module_tree(found, own.Parts()).has_builtin("hv_utils")
    own.check(found, own.Parts(), "stock", ["hv_vmbus", "hv_utils"])
    for order in ("drivers/hv/hv_utils.ko", "drivers/hv/hv_utils.o", "kernel/drivers/hv/hv_utils.ko"):
        with open(os.path.join(folder, "modules.order"), "w", encoding="ascii") as file:
            file.write(order + "\n")
        try:
            own.from_tree(folder)
            raise AssertionError("a module that is not built was not noticed")
        except own.OwnError as error:
            assert "not built" in str(error)
        path = unpacked(os.path.join(folder, "drivers", "hv"), "hv_utils")
        mixed = own.from_tree(folder)
        assert mixed.paths == (path,), mixed.paths
        own.check(mixed, own.Parts(), "stock", ["hv_vmbus", "hv_utils"])
        os.unlink(path)
    with open(os.path.join(folder, "modules.builtin"), "w", encoding="ascii") as file:
        file.write("kernel/drivers/hv/hv_vmbus.ko\n")
    os.unlink(os.path.join(folder, "modules.order"))
    try:
        own.check(own.from_tree(folder), own.Parts(), "stock", ["hv_vmbus", "hv_utils"])
        raise AssertionError("a module that is neither built nor built in was not noticed")
    except own.OwnError as error:
        assert "no module 'hv_utils'" in str(error)


def test_stale_tree(folder):
    """a build tree: modules that were built before its configuration changed are not taken"""
    build_tree(folder)
    unpacked(os.path.join(folder, "drivers", "hv"), "hv_utils")
    write(folder, "modules.order", "drivers/hv/hv_utils.o\n")
    write(folder, "Module.symvers", "")
    os.makedirs(os.path.join(folder, "include", "config"))
    write(folder, "include/config/auto.conf", "CONFIG_MODULES=y\n")
    assert len(own.from_tree(folder).paths) == 1 and own.from_tree(folder).kdir == folder
    # It is built in now.
    found = builtin(folder, "hv_vmbus", "hv_utils")
    assert not found.paths and own.module_tree(found, own.Parts()).has_builtin("hv_utils"), found
    # No module can be loaded now; nor can one be built.
    os.unlink(os.path.join(folder, "modules.builtin"))
    write(folder, "include/config/auto.conf", "CONFIG_HYPERV=y\n")
    found = own.from_tree(folder)
    assert not found.paths and not found.kdir, found
    own.check(found, own.Parts(found), "stock", ["hv_vmbus", "hv_utils"])
    refused("profile 'ours' needs hv_kvp, and", "--tree", folder, "--profile", "ours", case_file(folder))
    refused("hv_utils.ko cannot be loaded: kernel", "--tree", folder, "--module", f"{folder}/drivers/hv/hv_utils.ko",
            case_file(folder))


def test_verdict(_):
    """exit codes of several jobs become one, as git bisect reads it"""
    for codes, wanted in (([], 0), ([0, 0], 0), ([0, 1], 1), ([4], 1), ([2], 2), ([3], 125),
                          ([124, 0], 125), ([3, 1], 1), ([2, 3], 2), ([139], 125)):
        assert job.verdict(codes) == wanted, (codes, job.verdict(codes), wanted)


def test_cached_without_apt(folder):
    """a kernel in the cache needs no apt and no dpkg; one that is not says what it needs"""
    stock()
    tools = os.path.join(folder, "bin")
    os.makedirs(tools)
    for place in ("/bin", "/usr/bin", "/sbin", "/usr/sbin"):
        for name in os.listdir(place):
            if not name.startswith(("apt", "dpkg")) and not os.path.lexists(f"{tools}/{name}"):
                os.symlink(os.path.join(place, name), os.path.join(tools, name))
    fetch = os.path.join(HERE, "fetch-kernel")
    env = {**os.environ, "PATH": tools}
    done = subprocess.run([fetch, "6.1"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "KERNEL_IMAGE=" in done.stdout, done.stderr
    env["HVKVP_CACHE"] = os.path.join(folder, "empty")
    done = subprocess.run([fetch, "6.1"], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "needs Debian's apt-get and dpkg" in done.stderr, done.stderr


def test_results(_):
    """JUnit and KTAP hold what happened, whatever bytes the reasons have"""
    found = results.Results()
    for name, result, why in (("good", "pass", None), ("bad <&\"", "fail", "got \x01 ]]> é\nmore"),
                              ("later", "skip", "no disk"), ("weak", "peer-fails", "7.1")):
        found.event("verbs", {"event": "case", "name": name, "result": result, "why": why, "ms": 5})
    found.event("verbs", {"event": "op"})
    suite = xml.fromstring(found.junit()).find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("4", "1", "2")
    cases = {case.get("name"): case for case in suite}
    assert cases["bad <&\""].find("failure").text == "got ? ]]> é\nmore"
    assert cases["weak"].find("skipped").get("message") == "peer fails: 7.1"
    assert found.ktap().splitlines() == [
        "KTAP version 1", "1..1", "  KTAP version 1", "  1..4", "  ok 1 good",
        "  # got \x01 ]]> é more", "  not ok 2 bad <&\"", "  ok 3 later # SKIP no disk",
        "  not ok 4 weak # TODO 7.1", "not ok 1 verbs"], found.ktap()


def test_options(folder):
    """what an option cannot be is refused at once; a path with a blank is quoted where it is to be typed"""
    case = case_file(folder)
    for text, *words in (("0 is not at least 1", "--time", "0"), ("99 is not from 1 to 16", "--cpus", "99"),
                         ("65536 is not from 1 to 65535", "--gdb", "65536"), ("invalid number value: 'x'", "--gdb", "x"),
                         ("its folder does not exist", "--dump", f"{folder}/none/guest.core"),
                         ("there is no kernel '9.9'; there are 5.10, 6.1,", "--kernel", "9.9"),
                         ("there is no kernel ''", "--kernel", "")):
        refused(text, *words, case)
    refused("is not a file", folder)
    os.makedirs(f"{folder}/my linux")
    refused(f"make -C '{folder}/my linux' bzImage", "--tree", f"{folder}/my linux", case)


def test_logs(folder):
    """runs side by side do not share a folder of logs"""
    logs = os.path.join(folder, "logs")
    with lock.claimed(f"{logs}/") as one, lock.claimed(logs) as two, lock.claimed(logs) as three:
        assert (one, two, three) == (logs, f"{logs}-2", f"{logs}-3"), (one, two, three)
    with lock.claimed(logs) as again:
        assert again == logs, again


def test_defect(folder):
    """a defect of the tool is no bad commit"""
    broken = write(folder, "broken.py", "import sys\nfrom importlib.machinery import SourceFileLoader\n"
                   f"sys.argv[0] = {RUN!r}\nrunner = SourceFileLoader('runner', {RUN!r}).load_module()\n"
                   "runner.prepare = lambda *words: {}['defect']\nrunner.command.run(runner.main, 'run')\n")
    for word, code in (("--time=60", 2), ("--bisect", 125)):
        done = subprocess.run([sys.executable, broken, word, case_file(folder)], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        assert done.returncode == code and "KeyError: 'defect'" in done.stderr, (done.returncode, done.stderr)


def test_strict(folder):
    """what stands behind --strict is a case file; --strict=TEXT names cases"""
    case = case_file(folder)
    for word in ("--strict", "--strict=one"):
        refused("is not an x86 bzImage", "--kernel-image", case, word, case)
    refused("nowhere.lua does not exist", "--strict", "nowhere.lua")


def test_names(folder):
    """a name stands for a case file of ours, with the settings of its header"""
    refused("nosuch.lua does not exist", "nosuch")
    refused("is not an x86 bzImage", "--kernel-image", case_file(folder), "heartbeat", "kvp")
    runner = SourceFileLoader("runner", RUN).load_module()      # pylint: disable=deprecated-method,no-value-for-parameter
    assert [os.path.basename(path) for path in runner.case_files("vss")] == ["vss.lua"]
    assert len(runner.case_files("kvp")) == len(runner.KVP) and all(map(os.path.exists, runner.case_files("kvp")))
    assert runner.case_files(case_file(folder)) == [case_file(folder)]
    found = runner.settings(runner.case_files("heartbeat")[0], "6.12", "stock")
    assert (found.profile, found.start, found.time, found.kernel) == ("stock", False, 300, "6.12"), found
    assert runner.settings(case_file(folder), "6.1", "ours") == job.Job(case_file(folder))


def test_installed(folder):
    """what make install-hvhost installs works outside of the tree, and says what it has no source of"""
    done = subprocess.run(["make", "-s", "-C", tree.TOP, "install-hvhost", f"PREFIX={folder}/usr"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    shutil.copytree(f"{folder}/usr/lib/hvhost", f"{folder}/before")
    case = case_file(folder, "local mine = require 'mine'\n" + CASE)
    for wanted, text, words in (
            (0, "usage: hvhost --kernel", ["--help"]), (2, "nosuch.lua does not exist", ["run", "nosuch"]),
            (2, "mine.lua, which does not exist", ["run", "--kernel-image", stock().image, case]),
            (2, "is not an x86 bzImage", ["run", "--kernel-image", case, "kvp", "heartbeat"]),
            (2, "the source of hv_kvp is not installed", ["run", "--profile", "ours", "verbs"]),
            (2, "usage: symbols", ["symbols"]), (0, "6.1", ["fetch-kernel", "--list"])):
        done = subprocess.run([f"{folder}/usr/bin/hvhost", *words], cwd="/", stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == wanted and text in said, (words, done.returncode, said)
    # Ordinary users cannot write there.
    now = {os.path.relpath(os.path.join(at, name), f"{folder}/usr/lib/hvhost")
           for at, _, names in os.walk(f"{folder}/usr/lib/hvhost") for name in names if not name.endswith(".pyc")}
    before = {os.path.relpath(os.path.join(at, name), f"{folder}/before")
              for at, _, names in os.walk(f"{folder}/before") for name in names}
    assert now == before, now ^ before
    done = subprocess.run(["make", "-s", "-C", tree.TOP, "uninstall-hvhost", f"PREFIX={folder}/usr"],
                          capture_output=True, text=True, check=False)
    left = [name for _, _, names in os.walk(f"{folder}/usr") for name in names]
    assert done.returncode == 0 and not left, (left, done.stderr)


def test_symbols_for_gdb(folder):
    """/proc/kallsyms becomes symbols that gdb finds, those of modules included"""
    text = write(folder, "kallsyms", "0000000000000000 A fixed_percpu_data\nffffffff81000000 T startup_64\n"
                 "ffffffff82000000 D linux_banner\nffffffffc0000010 t kvp_ic_parse\t[hv_kvp]\n")
    tool = [os.path.join(HERE, "symbols")]
    done = subprocess.run([*tool, text, f"{folder}/elf"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for words, reason in ((["none", "elf"], "No such file"), ([text], "usage: symbols"),
                          ([write(folder, "empty", "0000000000000000 T _text\n"), "elf"], "read it as root"),
                          ([write(folder, "other", "hello\n"), "elf"], "line 1 is not of /proc/kallsyms")):
        done = subprocess.run([*tool, *words], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and reason in done.stderr, (words, done.stderr)
    if not shutil.which("gdb"):
        return "gdb is not installed: run tests/vm/install-packages"
    done = subprocess.run(["gdb", "-nx", "-batch", f"{folder}/elf", "-ex", "info line kvp_ic_parse", "-ex",
                           "info symbol 0xffffffff81000004"], capture_output=True, text=True, check=False)
    assert "0xffffffffc0000010 <kvp_ic_parse>" in done.stdout and "startup_64 + 4" in done.stdout, done.stdout
    return None


def ic_packet(kind, version, body, status=0, answer=False):
    """A packet from its IC header on."""
    major, minor = version
    return struct.pack("<HHHHHHIBBH", 3 if kind else 0, 0, kind, major, minor, len(body), status, 0,
                       5 if answer else 3, 0) + body


def test_requires(folder):
    """a case file that requires what is neither built in nor beside it"""
    case = case_file(folder, "local mine = require 'mine'\n" + CASE)
    refused(f"requires {os.path.join(folder, 'mine.lua')}, which does not exist", "--only", "one", case)


def exchange(op, pool, key, value, index=None):
    """A KVP body of 2580 bytes."""
    key, value = ((text + "\0").encode("utf-16-le") for text in (key, value))
    head = struct.pack("<BBH", op, pool, 0) + (struct.pack("<I", index) if index is not None else b"")
    body = head + struct.pack("<III", 1, len(key), len(value)) + key.ljust(512, b"\0") \
        + value.ljust(2048, b"\0")
    return body.ljust(2580, b"\0")


def addresses():
    """A GET_IP body in binary form: one address of each family."""
    body = bytearray(7428)
    struct.pack_into("<BB2xIIIIII", body, 0, 4, 1, 1, 1, 1, 0, 1, 0)
    body[28:28 + 34] = "00:15:5d:01:02:03".encode("utf-16-le")
    body[284:286] = b"\3\1"
    body[288:292] = bytes((10, 0, 0, 7))
    body[544:560] = bytes.fromhex("fe80000000000000000000000000000a")
    body[1568:1572] = bytes((255, 255, 255, 0))
    struct.pack_into("<I", body, 1824, 64)
    body[2080:2084] = bytes((10, 0, 0, 1))
    body[2180:2184] = bytes((9, 9, 9, 9))
    return bytes(body)


def conversation():
    """A capture with one of everything."""
    offer = struct.pack("<HHI10H", 2, 3, 0, 1, 0, 3, 0, 3, 0, 4, 0, 5, 0)
    chosen = struct.pack("<HHI4H", 1, 1, 0, 3, 0, 5, 0)
    pairs = [(0, (0, 0), offer, chosen, 0),
             (2, (5, 0), exchange(1, 0, "k\u00e9y", "value \"1\""), exchange(1, 0, "k\u00e9y", "v"), 0),
             (2, (5, 0), exchange(3, 2, "", "", 10), exchange(3, 2, "", "", 10), 0x80070103),
             (2, (5, 0), exchange(0, 1, "name", ""), exchange(0, 1, "name", "text"), 0),
             (2, (5, 0), bytes([4, 1]) + bytes(7426), addresses(), 0)]
    packets = []
    for number, (kind, version, asked, answered, status) in enumerate(pairs):
        packets.append(pcapng.Packet(0, "kvp channel 1", True, ic_packet(kind, version, asked),
                                     number * 10 ** 9))
        packets.append(pcapng.Packet(0, "kvp channel 1", False,
                                     ic_packet(kind, version, answered, status, True),
                                     number * 10 ** 9 + 2 * 10 ** 6))
    for kind, version, body in ((1, (3, 0), struct.pack("<Q32x", 41)),
                                (5, (5, 0), bytes([5]) + bytes(11)), (3, (3, 2), bytes(2060)),
                                (4, (4, 0), struct.pack("<QQB5x", 1, 2, 1))):
        packets.append(pcapng.Packet(0, f"other channel {kind}", True, ic_packet(kind, version, body)))
    packets.append(pcapng.Packet(0, "other channel 9", True, ic_packet(2, (5, 0), b"\1")[:20]))
    return pcapng.write(packets)


def tshark(capture, *words):
    """The lines that tshark prints for a capture with our dissector."""
    done = subprocess.run(["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", capture, *words],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    # A warning about root comes on standard error; so would an error of the dissector.
    wrong = [line for line in done.stderr.splitlines() if "Lua" in line or "error" in line.lower()]
    assert done.returncode == 0 and not wrong, done.stderr
    return done.stdout.splitlines()


def test_dissector(folder):
    """tshark shows a capture: versions, operation, pool, key, value, addresses, status, latency"""
    if not shutil.which("tshark"):
        return "tshark is not installed: run tests/vm/install-packages"
    capture = os.path.join(folder, "all.pcapng")
    with open(capture, "wb") as file:
        file.write(conversation())
    info = tshark(capture, "-T", "fields", "-e", "_ws.col.Info")
    assert info == [
        "Request Negotiate framework 1.0 3.0, version 3.0 4.0 5.0",
        "Answer  Negotiate framework 3.0, version 5.0: S_OK",
        'Request SET External k\u00e9y = value "1"', "Answer  SET External k\u00e9y = v: S_OK",
        "Request ENUMERATE Auto 10", "Answer  ENUMERATE Auto 10: NO_MORE_ITEMS",
        "Request GET Guest name", "Answer  GET Guest name = text: S_OK",
        "Request GET_IP Guest", "Answer  GET_IP Guest 00:15:5d:01:02:03 = 10.0.0.7;fe80::a: S_OK",
        "Request Heartbeat 41", "Request VSS FREEZE", "Request Shutdown flags 0x0",
        "Request Time Sync", "Request KVP"], info
    fields = ("framework", "version", "status", "request_in", "latency", "kvp.operation", "kvp.pool",
              "kvp.key", "kvp.value")
    words = [word for name in fields for word in ("-e", f"hyperv_ic.{name}")]
    row = tshark(capture, "-T", "fields", "-E", "separator=|", *words)[3].split("|")
    assert row[:4] == ["3.0", "5.0", "0x00000000", "3"] and row[5:] == ["1", "0", "k\u00e9y", "v"], row
    assert abs(float(row[4]) - 0.002) < 1e-6, row
    ip = tshark(capture, "-T", "fields", "-E", "separator=|", "-e", "hyperv_ic.kvp.subnet", "-e",
                "hyperv_ic.kvp.gateway", "-e", "hyperv_ic.kvp.dns", "-e", "hyperv_ic.kvp.family")[9]
    assert ip == "255.255.255.0,64|10.0.0.1|9.9.9.9|3", ip
    # Damaged bodies are for the dissector to survive.
    with open(capture, "rb") as file:
        packets = pcapng.read(file.read())
    cut = [pcapng.Packet(0, "kvp channel 1", packet.to_guest, packet.data[:size])
           for packet in packets for size in (20, 21, 24, 28, 60, 600, 2100) if size < len(packet.data)]
    with open(capture, "wb") as file:
        file.write(pcapng.write(cut))
    assert len(tshark(capture, "-V", "-T", "fields", "-e", "frame.number")) == len(cut)
    return None


def monitored(hvkvp, capture, packets):
    """Let hvkvp write a capture of packets that a driver would report on its device."""
    def message(kind, number, rest):
        return struct.pack("<IHHQ", 16 + len(rest), kind, 0, number) + rest

    device, driver = os.pipe2(os.O_DIRECT)     # keeps messages apart, as the device does
    try:
        os.write(driver, message(1, 0, struct.pack("<HHIQ", 1, 2, 0, 0)))
        for number, packet in enumerate(packets):
            whole = struct.pack("<II", 1, len(packet.data)) + packet.data
            os.write(driver, message(4, 1 + number // 2, struct.pack(
                "<QIIII", packet.time, 1 if packet.to_guest else 2, 0, len(whole), 0) + whole))
        os.close(driver)
        done = subprocess.run([hvkvp, "--device", f"/proc/self/fd/{device}", "--write", capture, "monitor"],
                              pass_fds=[device], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    finally:
        os.close(device)
    assert done.returncode == 3 and "the device was removed" in done.stderr, done.stderr


def printed(hvkvp, capture):
    """What hvkvp says about a capture, a line for each packet, without the time."""
    done = subprocess.run([hvkvp, "--read", capture, "monitor"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [line.split(None, 1)[1] for line in done.stdout.splitlines()]


def test_monitor_capture(folder):
    """a capture of hvkvp monitor --write is read by tshark, hvkvp and our tools as the test host's"""
    hvkvp = tree.build_daemon()[1]
    captures = [os.path.join(folder, name) for name in ("hvhost", "hvkvp")]
    with open(captures[0], "wb") as file:
        file.write(conversation())
    packets = pcapng.read(conversation())[:8]   # those that fit into a page, as a pipe's messages do
    monitored(hvkvp, captures[1], packets)
    with open(captures[1], "rb") as file:
        again = pcapng.read(file.read())
    assert [(p.to_guest, p.data) for p in again] == [(p.to_guest, p.data) for p in packets]
    lines = [printed(hvkvp, capture) for capture in captures]
    assert lines[0][:8] == lines[1] and len(lines[0]) == 10, lines
    assert lines[1][3] == "2 guest   set status=S_OK pool=external key=k\u00e9y after 2000 us", lines[1]
    if not shutil.which("tshark"):
        return "tshark is not installed: run tests/vm/install-packages"
    columns = ("-T", "fields", "-e", "_ws.col.Info", "-e", "hyperv_ic.latency")
    assert tshark(captures[1], *columns) == tshark(captures[0], *columns)[:8]
    assert tshark(captures[1], "-T", "fields", "-e", "frame.packet_id")[2:4] == ["2", "2"]
    return None


def test_capture_cases(folder):
    """a capture becomes a case file that loads, with what was asked and answered"""
    capture = os.path.join(folder, "all.pcapng")
    with open(capture, "wb") as file:
        file.write(conversation())
    done = subprocess.run([os.path.join(HERE, "capture-cases"), capture], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr
    for line in ('local r = negotiate{fw = {"1.0", "3.0"}, kvp = {"3.0", "4.0", "5.0"}}',
                 'expect(r.kvp, "5.0")', 'local r = set(0, "k\u00e9y", "value \\"1\\"")',
                 "local r = enumerate_one(2, 10)", "expect(r.status, 0x80070103)",
                 'local r = get(1, "name")', 'expect(r.value, "text")', 'raw{ic = bytes("0300'):
        assert line in done.stdout, f"no '{line}' in:\n{done.stdout[:1500]}"
    rc, said, _ = run("--only", "x", "--kernel-image", capture, case_file(folder, done.stdout))
    assert rc == 2 and "is not an x86 bzImage" in said, said


def main():
    # What is refused must be refused in seconds, and not after a build.
    tree.build_host()
    return points.run(globals(), sys.argv[1:])


if __name__ == "__main__":
    command.run(main)
