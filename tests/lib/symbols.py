# SPDX-License-Identifier: GPL-2.0-only
"""An ELF file that has nothing but symbols, for a debugger, from what a kernel says in /proc/kallsyms."""

import struct

# From the kernel's image up, modules included: one section over all of it, so that symbols are functions.
FIRST = 0xffffffff80000000
TEXT = "tTwW"
NOBITS, SYMTAB, STRTAB = 8, 2, 3
ALLOC_EXEC = 6
NOTYPE, OBJECT, FUNC, GLOBAL = 0, 1, 2, 1 << 4
EXECUTABLE, X86_64 = 2, 62
HEADER, SECTION = 64, 64


class SymbolsError(Exception):
    """The text is no list of symbols, or has no addresses."""


def parse(text):
    """(address, kind, name) of each symbol of the kernel's image and its modules."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        try:
            address = int(words[0], 16)
            kind, name = words[1], words[2]
        except (IndexError, ValueError) as error:
            raise SymbolsError(f"line {number} is not of /proc/kallsyms: {line[:60]}") from error
        if address >= FIRST:
            found.append((address, kind, name))
    if not found:
        raise SymbolsError("there is no address in it: read it as root, with kernel.kptr_restrict=0")
    return found


def elf(symbols):
    """The bytes of an ELF file with these symbols."""
    names = bytearray(b"\0")
    table = bytearray(24)
    for address, kind, name in symbols:
        table += struct.pack("<IBBHQQ", len(names), GLOBAL | (FUNC if kind in TEXT else OBJECT), 0, 1,
                             address, 0)
        names += name.encode() + b"\0"
    sections = b"\0.text\0.symtab\0.strtab\0.shstrtab\0"
    at = HEADER
    blocks = []
    for block in (bytes(table), bytes(names), sections):
        blocks.append(at)
        at += len(block)
    head = struct.pack("<4s5B7xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 0, 0, EXECUTABLE, X86_64, 1, 0, 0, at, 0,
                       HEADER, 0, 0, SECTION, 5, 4)
    rows = [(0,) * 10,
            (sections.index(b".text"), NOBITS, ALLOC_EXEC, FIRST, HEADER, (1 << 64) - 1 - FIRST, 0, 0, 16, 0),
            (sections.index(b".symtab"), SYMTAB, 0, 0, blocks[0], len(table), 3, 1, 8, 24),
            (sections.index(b".strtab"), STRTAB, 0, 0, blocks[1], len(names), 0, 0, 1, 0),
            (sections.index(b".shstrtab"), STRTAB, 0, 0, blocks[2], len(sections), 0, 0, 1, 0)]
    return head + bytes(table) + bytes(names) + sections + b"".join(
        struct.pack("<IIQQQQIIQQ", *row) for row in rows)
