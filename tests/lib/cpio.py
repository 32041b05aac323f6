# SPDX-License-Identifier: GPL-2.0-only
"""Writes initramfs archives ("newc" cpio), the same bytes for the same content.

Everything belongs to root and has no date, so no privileges are needed and images can be
compared.
"""

import stat


class Archive:
    """A tree in memory: add what it holds, then ask for the bytes."""

    def __init__(self):
        self._entries = {}

    def directory(self, path, mode=0o755):
        path = path.strip("/")
        if path and path not in self._entries:
            self._parents(path)
            self._entries[path] = (stat.S_IFDIR | mode, b"")

    def file(self, path, data, mode=0o644):
        path = path.strip("/")
        self._parents(path)
        self._entries[path] = (stat.S_IFREG | mode, bytes(data))

    def link(self, path, target):
        path = path.strip("/")
        self._parents(path)
        self._entries[path] = (stat.S_IFLNK | 0o777, target.encode())

    def __contains__(self, path):
        return path.strip("/") in self._entries

    def to_bytes(self):
        parts = []
        # Sorted, a directory comes before what is in it.
        for number, path in enumerate(sorted(self._entries), 1):
            mode, data = self._entries[path]
            parts.append(_entry(number, path, mode, data))
        parts.append(_entry(0, "TRAILER!!!", 0, b""))
        return b"".join(parts)

    def _parents(self, path):
        parent = path.rpartition("/")[0]
        if parent:
            self.directory(parent)


def _entry(number, path, mode, data):
    name = path.encode() + b"\0"
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, 0, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name
    return _padded(head) + _padded(data)


def _padded(data):
    return data + bytes(-len(data) % 4)
