#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Programs that share the pool files, against a running hvkvpd: run.py HVKVPD. Prints TAP."""

import fcntl
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import traceback

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# pylint: disable=wrong-import-position
import damage  # noqa: E402
from host import E_FAIL, Host, pool_path, record  # noqa: E402
from lib import cache, command  # noqa: E402

# cloud-init and what its reporting handlers import; unpacked, not installed.
PACKAGES = ("cloud-init", "python3-requests", "python3-urllib3", "python3-certifi",
            "python3-idna", "python3-chardet", "python3-oauthlib", "python3-yaml",
            "python3-configobj", "python3-six", "python3-jinja2", "python3-markupsafe")
SIZE = 2560


class Skip(Exception):
    """Something that a case needs is not to be had."""


def unpack(target):
    """Fills the folder with Debian's cloud-init and what it needs."""
    if not shutil.which("apt-get") or not shutil.which("dpkg"):
        raise Skip("cloud-init comes from Debian's packages, and there is no apt-get")
    with tempfile.TemporaryDirectory() as scratch:
        done = subprocess.run(["apt-get", "download", "-q", *PACKAGES], cwd=scratch, timeout=120,
                              capture_output=True, text=True, check=False)
        debs = glob.glob(os.path.join(scratch, "*.deb"))
        if done.returncode or len(debs) != len(PACKAGES):
            raise Skip("the package cloud-init cannot be downloaded "
                       f"({(done.stderr.strip() or 'no packages').splitlines()[-1]})")
        for deb in debs:
            subprocess.run(["dpkg", "-x", deb, target], check=True)


def cloud_init():
    """The module path of Debian's cloud-init."""
    # Another number when PACKAGES change.
    return os.path.join(cache.folder("cloud-init-1", unpack), "usr/lib/python3/dist-packages")


def handler_class():
    """HyperVKvpReportingHandler and the event module, of the system's Python version."""
    sys.path.append(cloud_init())
    try:
        # pylint: disable=import-outside-toplevel,import-error
        from cloudinit.reporting import events, handlers
    except ImportError as error:
        raise Skip(f"cloud-init's modules cannot be loaded here: {error}") from error
    return handlers.HyperVKvpReportingHandler, events


def cloud_init_reports(daemon, folder):
    """cloud-init's reporting handler: events, long ones in pieces, and a stale file."""
    handler_type, events = handler_class()
    path = pool_path(folder, 1)
    host = Host(daemon, folder)
    assert host.pairs(1) == []
    handler_type._already_truncated_pool_file = False  # pylint: disable=protected-access
    handler = handler_type(kvp_file_path=path)
    host.set(1, "of the host", "before")
    for i in range(20):
        handler.publish_event(events.ReportingEvent("start", f"step-{i}", "what is done"))
        if i % 5 == 0:
            host.set(1, f"of the host {i}", "in between")
            host.delete(1, f"of the host {i - 5}")
    handler.publish_event(events.ReportingEvent("finish", "long", "0123456789" * 400))
    handler.flush()
    pairs = host.pairs(1)
    theirs = [pair for pair in pairs if pair[0].startswith("CLOUD_INIT|")]
    # All that cloud-init has written is in the file, and the host reads what fits a message.
    with open(path, "rb") as file:
        data = file.read()
    assert len(data) % SIZE == 0
    written = sum(data[i:i + 11] == b"CLOUD_INIT|" for i in range(0, len(data), SIZE))
    steps = sum("|start|step-" in key for key, _ in theirs)
    pieces = [value for key, value in theirs if "|finish|long|" in key]
    assert steps == 20, theirs
    assert len(pieces) >= 4 and sum(value.count("0123456789") for value in pieces) >= 380, pieces
    assert [key for key, _ in pairs if key.startswith("of the host")] == \
        ["of the host", "of the host 15"], pairs
    print(f"# cloud-init wrote {written} records; the host reads {len(theirs)} of them")

    # After a boot, the file is older than that: cloud-init empties it, without a lock.
    os.utime(path, (1, 1))
    handler_type._already_truncated_pool_file = False  # pylint: disable=protected-access
    handler = handler_type(kvp_file_path=path)
    handler.publish_event(events.ReportingEvent("start", "second boot", "x"))
    handler.flush()
    host.set(1, "of the host", "after")
    pairs = host.pairs(1)
    assert len(pairs) == 2 and "second boot" in pairs[0][0], pairs
    assert pairs[1] == ("of the host", "after"), pairs
    log = host.close()
    # What the daemon had in its journal does not come back.
    host = Host(daemon, folder)
    assert host.pairs(1) == pairs, host.pairs(1)
    host.close()
    assert "error" not in log.lower(), log


def documented_samples(daemon, folder):
    """Read pool 0, create in pool 1, delete from pool 1, as the documentation's samples do."""
    host = Host(daemon, folder)
    for i in range(5):
        host.set(0, f"key{i}", f"value{i}")
        host.set(1, f"key{i}", f"value{i}")
    # Read: a POSIX read lock, up to 200 records.
    with open(pool_path(folder, 0), "rb") as file:
        fcntl.lockf(file, fcntl.LOCK_SH)
        data = file.read(200 * SIZE)
    found = [(data[at:at + 512].rstrip(b"\0"), data[at + 512:at + SIZE].rstrip(b"\0"))
             for at in range(0, len(data), SIZE)]
    assert found == [(f"key{i}".encode(), f"value{i}".encode()) for i in range(5)]
    # Create: a POSIX write lock, not at the end: record 0 is written over.
    with open(pool_path(folder, 1), "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.write(record("created", "by a sample"))
    pairs = host.pairs(1)
    assert pairs[0] == ("created", "by a sample") and len(pairs) == 5, pairs
    # Delete: the last record goes into the hole, and the file is shortened.
    with open(pool_path(folder, 1), "r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        file.seek(4 * SIZE)
        last = file.read(SIZE)
        file.seek(SIZE)
        file.write(last)
        file.truncate(4 * SIZE)
    assert [key for key, _ in host.pairs(1)] == ["created", "key4", "key2", "key3"]
    assert host.set(1, "key4", "ours") == 0
    assert dict(host.pairs(1))["key4"] == "ours"
    host.close()


def memory(daemon, folder):
    """10,000 keys: resident memory, and an enumeration."""
    path = pool_path(folder, 1)
    with open(path, "wb") as file:
        for i in range(10000):
            file.write(record(f"key-{i:06}", f"value-{i:08}" * 4))
    empty = tempfile.mkdtemp()
    host = Host(daemon, empty)
    host.pairs(1)
    base = host.rss()
    host.close()
    shutil.rmtree(empty)
    host = Host(daemon, folder)
    seconds, count = host.seconds(1)
    used = 10000 * (10 + 14 * 4) // 1024
    size = os.path.getsize(path) // 1024
    rss = host.rss()
    print(f"# 10,000 keys: resident {rss} KiB, {base} KiB without any; keys and values have "
          f"{used} KiB, the file {size} KiB; {seconds * 1e6 / count:.1f} us for each pair")
    assert count == 10000 and rss - base < 3 * used
    host.close()


def need_root():
    """Mounts need root."""
    if os.geteuid():
        raise Skip("needs root, for a mount")


def full_disk(daemon, folder):
    """A disk that is full: the host gets E_FAIL, nothing is lost, and it goes on when there is room."""
    need_root()
    host = Host(daemon, folder, mount=f"mount -t tmpfs -o size=512k none {folder}")
    host.pairs(0)
    inside = host.root() + folder
    filler = os.path.join(inside, "filler")
    with open(filler, "wb") as file:
        file.write(bytes(120 * 1024))
    told = []
    status = 0
    while not status and len(told) < 300:
        pair = (f"key{len(told)}", f"value{len(told)}")
        status = host.set(1, *pair)
        told += [] if status else [pair]
    assert status == E_FAIL and len(told) > 20, (hex(status), len(told))
    assert host.set(0, "another pool", "x") == E_FAIL
    assert host.pairs(1) == told and host.pairs(0) == []
    with open(pool_path(inside, 1), "rb") as file:
        assert file.read() == b"".join(record(*pair) for pair in told)
    assert host.set(1, "key3", "changed") == 0, "a change needs no room"
    assert host.delete(1, "key5") == 0, "a removal needs no room"
    told[3] = ("key3", "changed")
    del told[5]
    assert sorted(host.pairs(1)) == sorted(told)    # the last one may have gone into the gap
    os.unlink(filler)
    assert host.set(0, "another pool", "x") == 0 and host.set(1, "more", "x") == 0
    assert sorted(host.pairs(1)) == sorted(told + [("more", "x")])
    log = host.close()
    assert "No space left on device; free some space there" in log, log
    print(f"# full with {len(told) + 1} pairs")


def read_only(daemon, folder):
    """A file system that is read-only: the host can read, a SET is E_FAIL until it can be written."""
    need_root()
    host = Host(daemon, folder)
    assert host.set(0, "key", "value") == 0 and host.set(1, "key", "value") == 0
    host.close()
    host = Host(daemon, folder, mount=f"mount --bind {folder} {folder}; "
                                      f"mount -o remount,bind,ro {folder}")
    assert host.pairs(0) == host.pairs(1) == [("key", "value")]
    assert host.set(0, "key", "other") == E_FAIL and host.delete(1, "key") == E_FAIL
    assert host.pairs(0) == host.pairs(1) == [("key", "value")]
    host.run("mount", "-o", "remount,bind,rw", folder)
    assert host.set(0, "key", "other") == 0 and host.delete(1, "key") == 0
    assert host.pairs(0) == [("key", "other")] and host.pairs(1) == []
    log = host.close()
    assert "Read-only file system; remount it for writing" in log, log


def limits(daemon, folder):
    """Limits on keys and bytes: E_FAIL for a pair too many, in each pool by itself."""
    host = Host(daemon, folder, "--max-keys", "3", "--max-bytes", "7680")
    assert [host.set(1, f"key{i}", "x") for i in range(4)] == [0, 0, 0, E_FAIL]
    assert host.set(1, "key0", "changed") == 0 and host.set(0, "key", "x") == 0
    assert host.delete(1, "key1") == 0 and host.set(1, "key3", "x") == 0
    assert host.pairs(1) == [("key0", "changed"), ("key2", "x"), ("key3", "x")]
    log = host.close()
    assert "holds 3 pairs, and the limit is 3" in log, log


CASES = (cloud_init_reports, documented_samples, memory, full_disk, read_only, limits,
         *damage.cases())


def main():
    daemon = os.path.abspath(sys.argv[1])
    failed = 0
    print(f"1..{len(CASES)}")
    for number, case in enumerate(CASES, 1):
        folder = tempfile.mkdtemp(prefix="hvkvp-clients-")
        name = f"{number} - clients: {case.__doc__.rstrip('.')}"
        try:
            case(daemon, folder)
            print(f"ok {name}")
        except Skip as why:
            print(f"ok {name} # SKIP {why}")
        except Exception:  # pylint: disable=broad-except
            failed = 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {name}")
        shutil.rmtree(folder, ignore_errors=True)
        sys.stdout.flush()
    return failed


if __name__ == "__main__":
    command.run(main)
