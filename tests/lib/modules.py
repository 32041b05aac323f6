# SPDX-License-Identifier: GPL-2.0-only
"""Kernel modules on disk: what they are called, what they depend on, what modprobe must read."""

import gzip
import lzma
import os


class ModuleError(Exception):
    """A module that is asked for cannot be had."""


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def read_module(path):
    """The module's bytes, uncompressed."""
    try:
        with open(path, "rb") as source:
            data = source.read()
        if path.endswith(".xz"):
            return lzma.decompress(data)
        if path.endswith(".gz"):
            return gzip.decompress(data)
    except (OSError, lzma.LZMAError) as error:
        raise ModuleError(f"module {path} cannot be read: {error}") from error
    if path.endswith(".zst"):
        raise ModuleError(f"module {path}: zstd is not supported, unpack it first (unzstd)")
    return data


def depends(data):
    """Names in the module's own list of dependencies (its .modinfo strings)."""
    at = data.find(b"\0depends=")
    if at < 0:
        return []
    value = data[at + 9:data.index(b"\0", at + 9)].decode()
    return [name.replace("-", "_") for name in value.split(",") if name]


class ModuleTree:
    """The modules of one kernel: those below `root` (its lib/modules/RELEASE), and others by path.

    builtin: names of what the kernel has built in; None if unknown, then everything that is no
    module counts as built in.
    """

    def __init__(self, root=None, paths=(), builtin=frozenset()):
        self._paths = {module_name(path): path for path in paths}
        self._builtin = builtin
        if not root:
            return
        for folder, _, files in os.walk(root):
            for file in files:
                if ".ko" in file:
                    self._paths[module_name(file)] = os.path.join(folder, file)
        self._builtin = _builtin(root)
        if not self._paths:
            raise ModuleError(f"{root} holds no kernel modules")

    def add(self, path):
        """Prefers the module at this path to one of the same name in the tree."""
        self._paths[module_name(path)] = path

    def paths(self):
        return list(self._paths.values())

    def path(self, name):
        """Where the module of this name is; None if there is none."""
        return self._paths.get(name.replace("-", "_"))

    def has_builtin(self, name):
        """Does the kernel have this built in, as far as one knows?"""
        name = name.replace("-", "_")
        return name not in self._paths and (self._builtin is None or name in self._builtin)

    def lists_builtin(self, name):
        """Does the kernel's own list say that it is built in?"""
        return name not in self._paths and name in (self._builtin or ())

    def closure(self, names):
        """{name: (bytes, [every dependency, nearest first])} for these and all they need."""
        loaded = {}
        for name in names:
            self._collect(name.replace("-", "_"), loaded, needed_by=None)
        return {name: (data, _order(name, loaded)) for name, (data, _) in loaded.items()}

    def _collect(self, name, loaded, needed_by):
        if name in loaded or self.has_builtin(name):
            return
        if name not in self._paths:
            reason = f", needed by {needed_by}" if needed_by else ""
            raise ModuleError(f"this kernel has no module '{name}'{reason}")
        data = read_module(self._paths[name])
        needs = [need for need in depends(data) if not self.has_builtin(need)]
        loaded[name] = (data, needs)
        for need in needs:
            self._collect(need, loaded, needed_by=name)


def read_builtin(path):
    """Names in a modules.builtin; empty if there is no such file."""
    if not os.path.exists(path):
        return frozenset()
    with open(path, encoding="ascii") as lines:
        return frozenset(module_name(line.strip()) for line in lines)


def _builtin(root):
    return read_builtin(os.path.join(root, "modules.builtin"))


def _order(name, loaded):
    """Dependencies as modules.dep lists them: what must be loaded first comes last."""
    order = []

    def visit(module):
        for need in loaded[module][1]:
            if need in order:
                order.remove(need)
            order.append(need)
            visit(need)

    visit(name)
    return order


def add_modules(archive, tree, names, release):
    """Puts the modules and a modules.dep for modprobe into the archive; returns a load order."""
    folder = f"lib/modules/{release}"
    modules = tree.closure(names)
    lines = []
    for name in sorted(modules):
        data, needs = modules[name]
        archive.file(f"{folder}/{name}.ko", data)
        lines.append(f"{name}.ko:" + "".join(f" {need}.ko" for need in needs) + "\n")
    archive.file(f"{folder}/modules.dep", "".join(lines).encode())
    load = []
    for name in names:
        name = name.replace("-", "_")
        if name in modules:
            for need in [*reversed(modules[name][1]), name]:
                if need not in load:
                    load.append(need)
    return load
