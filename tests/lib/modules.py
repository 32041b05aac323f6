# SPDX-License-Identifier: GPL-2.0-only
"""Kernel modules on disk: what they are called, what they depend on, what modprobe must read."""

import lzma
import os


class ModuleError(Exception):
    """A module that is asked for cannot be had."""


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def read_module(path):
    """The module's bytes, uncompressed."""
    with open(path, "rb") as source:
        data = source.read()
    return lzma.decompress(data) if path.endswith(".xz") else data


def depends(data):
    """Names in the module's own list of dependencies (its .modinfo strings)."""
    at = data.find(b"\0depends=")
    if at < 0:
        return []
    value = data[at + 9:data.index(b"\0", at + 9)].decode()
    return [name.replace("-", "_") for name in value.split(",") if name]


class ModuleTree:
    """The modules of one unpacked kernel (its lib/modules/RELEASE), and extra ones by path."""

    def __init__(self, root):
        self._paths = {}
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

    def closure(self, names):
        """{name: (bytes, [every dependency, nearest first])} for these and all they need."""
        loaded = {}
        for name in names:
            self._collect(name.replace("-", "_"), loaded, needed_by=None)
        return {name: (data, _order(name, loaded)) for name, (data, _) in loaded.items()}

    def _collect(self, name, loaded, needed_by):
        if name in loaded or name in self._builtin:
            return
        if name not in self._paths:
            reason = f", needed by {needed_by}" if needed_by else ""
            raise ModuleError(f"this kernel has no module '{name}'{reason}")
        data = read_module(self._paths[name])
        needs = [need for need in depends(data) if need not in self._builtin]
        loaded[name] = (data, needs)
        for need in needs:
            self._collect(need, loaded, needed_by=name)


def _builtin(root):
    path = os.path.join(root, "modules.builtin")
    if not os.path.exists(path):
        return set()
    with open(path, encoding="ascii") as lines:
        return {module_name(line.strip()) for line in lines}


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
