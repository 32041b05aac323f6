# SPDX-License-Identifier: GPL-2.0-only
"""What may lie in a pool file's place, and what the host, the log and the other pools make of it."""

import os
import shutil

from host import E_FAIL, Host, pool_path, record

GOOD = record("first", "1"), record("last", "2")
PAIRS = [("first", "1"), ("last", "2")]
SPARSE = 419430     # records in 1 GiB


def between(bad):
    """A pool file with this record between good ones."""
    def make(path):
        with open(path, "wb") as file:
            file.write(GOOD[0] + bad + GOOD[1])
    return make


def partial(path):
    """A record that was not written to its end."""
    with open(path, "wb") as file:
        file.write(GOOD[0] + GOOD[1] + b"x" * 700)


def sparse(path):
    """Two records at the ends of 1 GiB of holes."""
    with open(path, "wb") as file:
        file.write(GOOD[0])
        file.truncate(SPARSE * len(GOOD[0]))
        file.seek(0, os.SEEK_END)
        file.write(GOOD[1])


def link(path):
    """A symbolic link to a good file."""
    between(b"")(path + ".target")
    os.symlink(path + ".target", path)


def beside(key, value):
    """The pairs that the host sees then."""
    return [PAIRS[0], (key, value), PAIRS[1]]


ALTERED = ("the host sees 1 of 3 pairs cut to what a message holds, or with U+FFFD for what is not UTF-8; "
           "see hvkvp fsck")
EMPTY_KEY = bytes(512) + b"v".ljust(2048, b"\0")
NO_END = b"k" * 512 + b"v".ljust(2048, b"\0")
BAD_KEY = b"\xff\xfe".ljust(512, b"\0") + b"v".ljust(2048, b"\0")
SURROGATE = b"half \xed\xa0\xbd".ljust(512, b"\0") + b"v".ljust(2048, b"\0")
FULL = b"full".ljust(512, b"\0") + b"v" * 2048
CONTROL = "\x01\x1b[2J\n\t\x7f"
BAD_VALUE = b"bad".ljust(512, b"\0") + b"\xc3(".ljust(2048, b"\0")

# What is there, how it is made, what the log says, None for nothing; the pairs that the host sees, None if it is
# told E_FAIL; and whether a new pair fits.
DAMAGES = (
    ("a partial last record", partial, "ends in a partial record of 700 bytes", PAIRS, True),
    ("an empty key", between(EMPTY_KEY),
     "1 of 3 records have no key and are left alone; see hvkvp fsck", PAIRS, True),
    ("a key of 512 bytes without an end", between(NO_END), ALTERED, beside("k" * 255, "v"), True),
    ("a key that is not UTF-8", between(BAD_KEY), ALTERED, beside("\ufffd\ufffd", "v"), True),
    ("a value that is not UTF-8", between(BAD_VALUE), ALTERED, beside("bad", "\ufffd("), True),
    ("a key with a surrogate", between(SURROGATE), ALTERED, beside("half \ufffd\ufffd\ufffd", "v"), True),
    ("a key of 256 characters", between(record("k" * 256, "v")), ALTERED, beside("k" * 255, "v"), True),
    ("a key of 511 characters", between(record("k" * 511, "v")), ALTERED, beside("k" * 255, "v"), True),
    ("a value of 2,047 characters", between(record("long", "v" * 2047)), ALTERED,
     beside("long", "v" * 1023), True),
    ("a value of 2,048 bytes without an end", between(FULL), ALTERED, beside("full", "v" * 1023), True),
    ("a value whose cut is in a character", between(record("cut", "v" * 1022 + "\U0001f600")), ALTERED,
     beside("cut", "v" * 1022), True),
    ("control characters", between(record(CONTROL, CONTROL)), None, beside(CONTROL, CONTROL), True),
    ("nine odd records", between(EMPTY_KEY + BAD_KEY + BAD_VALUE + SURROGATE + record("k" * 511, "v") +
                                 record("a", "v" * 2047) + record("b", "v" * 1024) + FULL +
                                 record(CONTROL, CONTROL)),
     "the host sees 7 of 10 pairs cut to what a message holds, or with U+FFFD",
     [PAIRS[0], ("\ufffd\ufffd", "v"), ("bad", "\ufffd("), ("half \ufffd\ufffd\ufffd", "v"),
      ("k" * 255, "v"), ("a", "v" * 1023), ("b", "v" * 1023), ("full", "v" * 1023), (CONTROL, CONTROL),
      PAIRS[1]], True),
    ("a value of 1,024 characters", between(record("long", "v" * 1024)), ALTERED,
     beside("long", "v" * 1023), True),
    ("a sparse file of 1 GiB", sparse,
     f"{SPARSE - 1} of {SPARSE + 1} records have no key", PAIRS, False),
    ("a FIFO", os.mkfifo, "is a FIFO, not a regular file; remove it", None, False),
    ("a directory", os.mkdir, "is a directory, not a regular file; remove it", None, False),
    ("a symbolic link", link,
     "is a symbolic link, which is not followed; replace it by a regular file", None, False),
)


def damaged(make, says, pairs, fits):
    """The case for one of them."""
    def case(daemon, folder):
        path = pool_path(folder, 1)
        make(path)
        host = Host(daemon, folder)
        status = host.enumerate(1, 0)
        assert status == (0 if pairs else E_FAIL), hex(status)
        if pairs:
            assert host.pairs(1) == pairs, host.pairs(1)
            assert host.set(1, "last", "2") == 0
        status = host.set(1, "new", "3")
        assert status == (0 if fits else E_FAIL), hex(status)
        # The others do not notice.
        assert host.set(0, "key", "value") == 0 and host.pairs(0) == [("key", "value")]
        # Once the remedy was applied, it goes on.
        if not fits:
            (shutil.rmtree if os.path.isdir(path) else os.unlink)(path)
            assert host.set(1, "new", "3") == 0 and host.pairs(1) == [("new", "3")]
        else:
            assert host.pairs(1) == pairs + [("new", "3")]
        log = host.close()
        if says:
            assert f"{path}: {says}" in log, log
            # Once for a file that can be read, though it has changed.
            assert not pairs or log.count(f"{path}: {says}") == 1, log
        else:
            assert path not in log, log
    return case


def missing_directory(daemon, folder):
    """a directory that is missing, at the start or later: told, and made where it can be"""
    deep = os.path.join(folder, "not", "there")
    host = Host(daemon, deep)
    assert host.set(1, "key", "value") == E_FAIL and host.pairs(1) == []
    os.makedirs(deep)
    assert host.set(1, "key", "value") == 0 and host.pairs(1) == [("key", "value")]
    shutil.rmtree(deep)
    assert host.pairs(1) == []
    assert host.set(1, "key", "again") == 0 and host.pairs(1) == [("key", "again")]
    log = host.close()
    assert "create the directory or choose another --state-dir" in log, log


def cases():
    """All of them, with names."""
    named = []
    for name, *rest in DAMAGES:
        one = damaged(*rest)
        one.__doc__ = f"In place of pool 1: {name}"
        named.append(one)
    missing_directory.__doc__ = "In place of the pools: " + missing_directory.__doc__
    return (*named, missing_directory)
