# SPDX-License-Identifier: GPL-2.0-only
"""What the tools must know of kernels and modules before a machine boots: read from the files themselves."""

import struct

ELF_MAGIC = b"\x7fELF"
X86_64 = 62
SHN_UNDEF, STB_WEAK = 0, 2
VERSION_ENTRY = 64      # of __versions on 64-bit kernels: a CRC as u64, a name of 56 bytes


class FormatError(Exception):
    """A file is not what it should be; the message says what is wrong."""


def kernel_release(path):
    """The release of an x86-64 bzImage, as `uname -r` prints it."""
    try:
        with open(path, "rb") as file:
            head = file.read(0x10000)
    except OSError as error:
        raise FormatError(f"kernel image {path}: {error.strerror}") from error
    if head[:4] == ELF_MAGIC:
        raise FormatError(f"{path} is an ELF file: give the bzImage (arch/x86/boot/bzImage) "
                          "instead of vmlinux")
    if head[0x202:0x206] != b"HdrS":
        raise FormatError(f"{path} is not an x86 bzImage")
    protocol, offset = struct.unpack_from("<H6xH", head, 0x206)
    if protocol < 0x20c or not struct.unpack_from("<H", head, 0x236)[0] & 1:
        raise FormatError(f"{path} has no 64-bit entry point: build it with CONFIG_64BIT=y")
    at = offset + 0x200
    text = head[at:head.find(b"\0", at)].decode("ascii", "replace") if offset else ""
    if not text:
        raise FormatError(f"{path} does not contain its release")
    return text.split(" ", 1)[0]


class Module:
    """A kernel module's bytes: .modinfo, undefined symbols, CRCs of symbols, exported symbols."""

    def __init__(self, data, path):
        self._data = data
        self.path = path
        if data[:4] != ELF_MAGIC or len(data) < 64 or data[4] != 2:
            raise FormatError(f"{path} is not a 64-bit kernel module")
        if struct.unpack_from("<H", data, 18)[0] != X86_64:
            raise FormatError(f"{path} is not a module for x86-64")
        try:
            self._sections = self._read_sections()
            self.info = self._read_info()
            self.undefined, self.exported = self._read_symbols()
            self.crcs = self._read_versions()
        except (struct.error, IndexError, ValueError) as error:
            raise FormatError(f"{path} is damaged: {error}") from error

    @property
    def release(self):
        """The kernel release that it was built for."""
        return self.info.get("vermagic", "").split(" ", 1)[0]

    def _read_sections(self):
        offset, size, count, names = struct.unpack_from("<Q10xHHH", self._data, 40)
        headers = [struct.unpack_from("<IIQQQQII", self._data, offset + i * size)
                   for i in range(count)]
        table = headers[names]
        text = self._data[table[4]:table[4] + table[5]]
        return [(text[h[0]:text.index(b"\0", h[0])].decode(), h) for h in headers]

    def _bytes(self, wanted):
        for name, header in self._sections:
            if name == wanted:
                return self._data[header[4]:header[4] + header[5]]
        return b""

    def _read_info(self):
        pairs = (text.split(b"=", 1) for text in self._bytes(".modinfo").split(b"\0") if b"=" in text)
        return {key.decode(): value.decode("utf-8", "replace") for key, value in pairs}

    def _read_symbols(self):
        table, names = self._bytes(".symtab"), self._bytes(".strtab")
        undefined, exported = set(), set()
        for name, info, _, section, _, _ in struct.iter_unpack("<IBBHQQ", table):
            text = names[name:names.index(b"\0", name)].decode()
            if section == SHN_UNDEF and text and info >> 4 != STB_WEAK:
                undefined.add(text)
            elif text.startswith("__ksymtab_"):
                exported.add(text[len("__ksymtab_"):])
        return undefined, exported

    def _read_versions(self):
        data = self._bytes("__versions")
        if len(data) % VERSION_ENTRY:
            raise ValueError("odd size of __versions")
        return {name.split(b"\0", 1)[0].decode(): crc & 0xffffffff
                for crc, name in struct.iter_unpack("<Q56s", data)}


def symbol_versions(path):
    """{symbol: CRC} of a Module.symvers."""
    found = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            words = line.split("\t")
            if len(words) >= 2:
                found[words[1]] = int(words[0], 16)
    return found
