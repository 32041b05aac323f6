# SPDX-License-Identifier: GPL-2.0-only
"""The key-value pairs that a Linux guest shares with its Hyper-V host, by libhvkvp(3).

    import hvkvp
    with hvkvp.Kvp() as kvp:
        kvp.set("guest", "state", "ready")
        print(kvp.get("external", "role"))          # KeyError if there is no such key
        with kvp.transaction("guest") as change:    # all or nothing
            change.expect("count", "1")
            change.set("count", "2")
        for event in kvp.watch("external"):         # every change, for ever
            print(event.key, event.old, event.new)

Failures are OSError with errno and a sentence. A Kvp is for one thread at a time.
"""

import ctypes
import os
import select
import time
from collections import namedtuple

Event = namedtuple("Event", "pool key old new source time_ns lost")

_SOURCES = ("guest", "host", "other")
_lib = ctypes.CDLL("libhvkvp.so.0")
_handle = ctypes.c_void_p
_text = ctypes.c_char_p
_pair = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, _text, _text)


class _Event(ctypes.Structure):
    _fields_ = [("lost", ctypes.c_uint64), ("time_ns", ctypes.c_uint64), ("pool", ctypes.c_int),
                ("source", ctypes.c_int), ("key", _text), ("old", _text), ("new", _text)]


for _name, _result, *_arguments in (
        ("open", ctypes.c_int, ctypes.POINTER(_handle), _text),
        ("close", None, _handle),
        ("error", _text, _handle),
        ("pool", ctypes.c_int, _text),
        ("pool_name", _text, ctypes.c_int),
        ("get", ctypes.c_int, _handle, ctypes.c_int, _text, ctypes.POINTER(_text)),
        ("set", ctypes.c_int, _handle, ctypes.c_int, _text, _text),
        ("delete", ctypes.c_int, _handle, ctypes.c_int, _text),
        ("each", ctypes.c_int, _handle, ctypes.c_int, _pair, ctypes.c_void_p),
        ("begin", ctypes.c_int, _handle, ctypes.c_int, ctypes.POINTER(_handle)),
        ("transaction_set", ctypes.c_int, _handle, _text, _text),
        ("transaction_delete", ctypes.c_int, _handle, _text),
        ("transaction_expect", ctypes.c_int, _handle, _text, _text),
        ("commit", ctypes.c_int, _handle),
        ("abort", None, _handle),
        ("watch", ctypes.c_int, _handle, ctypes.c_uint),
        ("watch_fd", ctypes.c_int, _handle),
        ("watch_timeout", ctypes.c_int, _handle),
        ("watch_next", ctypes.c_int, _handle, ctypes.POINTER(_Event), ctypes.c_size_t)):
    _function = getattr(_lib, "hvkvp_" + _name)
    _function.restype = _result
    _function.argtypes = _arguments


def _bytes(text):
    if not isinstance(text, str):
        raise TypeError(f"a key, value or pool has to be a str, not {type(text).__name__}")
    data = text.encode()
    if b"\0" in data:
        raise ValueError("a key or value cannot have a NUL character")
    return data


def _str(data):
    return None if data is None else data.decode()


def _number(pool):
    number = _lib.hvkvp_pool(_bytes(str(pool)))
    if number < 0:
        raise ValueError(f"no such pool: {pool}")
    return number


class Kvp:
    """A handle of the pools in a state directory; the system's by default."""

    def __init__(self, state_dir=None):
        self._kvp = _handle()
        error = _lib.hvkvp_open(ctypes.byref(self._kvp),
                                None if state_dir is None else os.fsencode(state_dir))
        if error:
            raise OSError(-error, os.strerror(-error))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Frees the handle."""
        _lib.hvkvp_close(self._kvp)
        self._kvp = _handle()

    def _open(self):
        # The library does not check for NULL.
        if not self._kvp:
            raise ValueError("the Kvp is closed")
        return self._kvp

    def check(self, result):
        """Returns the result of a function of the library, or raises OSError."""
        if result < 0:
            raise OSError(-result, _lib.hvkvp_error(self._open()).decode(errors="replace"))
        return result

    def get(self, pool, key):
        """The value of a key; KeyError if there is none."""
        value = _text()
        result = _lib.hvkvp_get(self._open(), _number(pool), _bytes(key), ctypes.byref(value))
        if result == -2:  # ENOENT
            raise KeyError(key)
        self.check(result)
        return _str(value.value)

    def set(self, pool, key, value):
        """Creates or changes a pair, durably. Returns whether it was created."""
        return bool(self.check(_lib.hvkvp_set(self._open(), _number(pool), _bytes(key), _bytes(value))))

    def delete(self, pool, key):
        """Removes a pair; KeyError if there is none."""
        result = _lib.hvkvp_delete(self._open(), _number(pool), _bytes(key))
        if result == -2:  # ENOENT
            raise KeyError(key)
        self.check(result)

    def pairs(self, pool):
        """All pairs of a pool, in the order of the file: a list, as a key may be there several times."""
        found = []

        def add(_, key, value):
            found.append((_str(key), _str(value)))
            return 0

        self.check(_lib.hvkvp_each(self._open(), _number(pool), _pair(add), None))
        return found

    def transaction(self, pool):
        """Several changes as one: for "with"; an exception in there changes nothing."""
        return Transaction(self, self._open(), _number(pool))

    def watch(self, *pools, timeout=None):
        """Yields each change from now on, as Event; ends when there is none for timeout seconds."""
        bits = sum(1 << _number(pool) for pool in pools or ("external", "guest", "parameter", "internal"))
        self.check(_lib.hvkvp_watch(self._open(), bits))
        return self._events(timeout)

    def _events(self, timeout):
        event = _Event()
        poll = select.poll()
        poll.register(_lib.hvkvp_watch_fd(self._open()), select.POLLIN)
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            while self.check(_lib.hvkvp_watch_next(self._open(), ctypes.byref(event), ctypes.sizeof(event))):
                if event.lost:
                    yield Event(None, None, None, None, None, None, event.lost)
                else:
                    yield Event(_str(_lib.hvkvp_pool_name(event.pool)), _str(event.key), _str(event.old),
                                _str(event.new), _SOURCES[event.source], event.time_ns, 0)
                end = None if timeout is None else time.monotonic() + timeout
            left = None if end is None else (end - time.monotonic()) * 1000
            if left is not None and left <= 0:
                return
            wait = _lib.hvkvp_watch_timeout(self._open())
            poll.poll(left if wait < 0 else wait if left is None else min(left, wait))


class Transaction:
    """What Kvp.transaction() returns."""

    def __init__(self, kvp, handle, pool):
        self._kvp = kvp
        self._transaction = _handle()
        kvp.check(_lib.hvkvp_begin(handle, pool, ctypes.byref(self._transaction)))

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        transaction = self._transaction if kind else self._running()
        self._transaction = _handle()
        if kind:
            _lib.hvkvp_abort(transaction)
        else:
            self._kvp.check(_lib.hvkvp_commit(transaction))

    def _running(self):
        if not self._transaction:
            raise ValueError("the transaction has ended")
        self._kvp._open()
        return self._transaction

    def set(self, key, value):
        """Creates or changes a pair."""
        self._kvp.check(_lib.hvkvp_transaction_set(self._running(), _bytes(key), _bytes(value)))

    def delete(self, key):
        """Removes a key, if it is there."""
        self._kvp.check(_lib.hvkvp_transaction_delete(self._running(), _bytes(key)))

    def expect(self, key, value):
        """Changes nothing at all unless the key has this value; None: unless there is no such key."""
        expected = None if value is None else _bytes(value)
        self._kvp.check(_lib.hvkvp_transaction_expect(self._running(), _bytes(key), expected))
