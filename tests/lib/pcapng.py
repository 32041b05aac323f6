# SPDX-License-Identifier: GPL-2.0-only
"""Captures of hvhost --write and hvkvp monitor --write: IC packets in pcapng files, read and written."""

import struct
from dataclasses import dataclass

LINK_IC = 147
SECTION, INTERFACE, PACKET = 0x0A0D0D0A, 1, 6
MAGIC = 0x1A2B3C4D
OPT_IF_NAME, OPT_FLAGS = 2, 2
INBOUND, OUTBOUND = 1, 2


class CaptureError(Exception):
    """A file is no capture; the message says why."""


@dataclass(frozen=True)
class Packet:
    """number: in the file, from 1. data: from the 20-byte IC header on. time: file units."""

    number: int
    channel: str
    to_guest: bool
    data: bytes
    time: int = 0


def read(data):
    """The IC packets of a capture."""
    packets, interfaces, number, at = [], [], 0, 0
    if data[:4] != struct.pack("<I", SECTION) or data[8:12] != struct.pack("<I", MAGIC):
        raise CaptureError("this is no pcapng file of a little-endian machine")
    while at + 12 <= len(data):
        kind, length = struct.unpack_from("<II", data, at)
        if length < 12 or length % 4 or at + length > len(data):
            raise CaptureError(f"the block at offset {at} is damaged")
        block = data[at + 8:at + length - 4]
        if kind == SECTION:
            interfaces = []
        elif kind == INTERFACE:
            name = _options(block[8:]).get(OPT_IF_NAME, b"")
            interfaces.append((struct.unpack_from("<H", block)[0], name.decode("utf-8", "replace")))
        elif kind == PACKET:
            number += 1
            interface, high, low, size = struct.unpack_from("<IIII", block)
            if interface < len(interfaces) and interfaces[interface][0] == LINK_IC and size >= 20:
                body = block[20:20 + size]
                flags = _options(block[20 + (size + 3 & ~3):]).get(OPT_FLAGS, bytes(4))
                direction = struct.unpack("<I", flags)[0] & 3
                out = direction == OUTBOUND if direction else not body[17] & 4
                packets.append(Packet(number, interfaces[interface][1], out, body, high << 32 | low))
        at += length
    return packets


def _options(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if not code:
            break
        found[code] = data[at + 4:at + 4 + length]
        at += 4 + (length + 3 & ~3)
    return found


def write(packets):
    """A capture with these packets, as bytes."""
    names = list(dict.fromkeys(packet.channel for packet in packets))
    blocks = [_block(SECTION, struct.pack("<IHHq", MAGIC, 1, 0, -1))]
    blocks += [_block(INTERFACE, struct.pack("<HHI", LINK_IC, 0, 0)
                      + _option(OPT_IF_NAME, name.encode()) + _option(9, b"\x09")) for name in names]
    for packet in packets:
        size = len(packet.data)
        head = struct.pack("<IIIII", names.index(packet.channel), packet.time >> 32,
                           packet.time & 0xFFFFFFFF, size, size)
        flags = struct.pack("<I", OUTBOUND if packet.to_guest else INBOUND)
        blocks.append(_block(PACKET, head + _padded(packet.data) + _option(OPT_FLAGS, flags)))
    return b"".join(blocks)


def _padded(data):
    return data + bytes(-len(data) % 4)


def _option(code, value):
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _block(kind, payload):
    length = struct.pack("<I", len(payload) + 12)
    return struct.pack("<I", kind) + length + payload + length
