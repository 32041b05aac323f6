# SPDX-License-Identifier: GPL-2.0-only
"""A guest kernel of the user's, or single parts over a known one; all checked before a machine boots."""

import os
import shlex
from dataclasses import dataclass, replace

from .elf import FormatError, Module, kernel_release, symbol_versions
from .kernel import Kernel
from .modules import ModuleError, ModuleTree, module_name, read_builtin, read_module

NAME = "own"
# What --daemon FILE replaces, by the file's name.
DAEMONS = ("hvkvpd", "hv_kvp_daemon", "hv_vss_daemon", "hv_fcopy_daemon", "hv_fcopy_uio_daemon")
VMBUS = "hv_vmbus"


class OwnError(Exception):
    """A kernel or a part cannot be used; the message is one line that says why and what to do."""


@dataclass(frozen=True)
class OwnKernel(Kernel):
    """A kernel that is not in the cache.

    paths: its modules, as files. builtin: what is built in, or None where nothing says so.
    modular: it can load modules, as far as one knows.
    """

    paths: tuple = ()
    builtin: object = frozenset()
    modular: bool = True

    def module_tree(self):
        return ModuleTree(paths=self.paths, builtin=self.builtin)

    def has(self, name):
        """Is this one of its modules, or known to be built in?"""
        return self.module_tree().path(name) is not None or name in (self.builtin or ())


@dataclass(frozen=True)
class Parts:
    """What the user brings along.

    kernel: an OwnKernel, or None. modules: files that replace modules of the same name, or come
    on top. daemons: (file, its name in the guest) pairs.
    """

    kernel: object = None
    modules: tuple = ()
    daemons: tuple = ()

    def has_module(self, name):
        return name in map(module_name, self.modules)

    def bring(self, name):
        """Does a part, or the kernel, bring this module?"""
        return self.has_module(name) or bool(self.kernel) and self.kernel.has(name)


def add_arguments(parser):
    group = parser.add_argument_group("a kernel of your own, or parts of one")
    group.add_argument("--tree", metavar="DIR",
                       help="boot what was built in this kernel source or build tree: image, "
                            "release and modules are found")
    group.add_argument("--kernel-image", metavar="FILE", help="boot this bzImage")
    group.add_argument("--modules", metavar="DIR|FILE.ko", action="append", default=[],
                       help="its modules: a lib/modules/RELEASE, or single files; may be repeated; "
                            "without any, all is taken to be built in")
    group.add_argument("--module", metavar="FILE.ko", action="append", default=[],
                       help="use this module instead of the kernel's one of the same name; may be "
                            "repeated")
    group.add_argument("--daemon", metavar="[NAME=]FILE", action="append", default=[],
                       help=f"use this daemon instead; NAME is one of {', '.join(DAEMONS)} "
                            "(default: the file's name); may be repeated")


def parts_of(args):
    """The Parts that the command line asks for; each file is looked at."""
    if args.tree and args.kernel_image:
        raise OwnError("--tree and --kernel-image exclude each other")
    if args.modules and not args.kernel_image:
        raise OwnError("--modules needs --kernel-image (use --module to replace one module)")
    kernel = from_tree(args.tree) if args.tree else \
        from_image(args.kernel_image, args.modules) if args.kernel_image else None
    modules = tuple(os.path.abspath(path) for path in args.module)
    for path in modules:
        _open_module(path)
    return Parts(kernel, modules, tuple(map(_daemon, args.daemon)))


def from_image(image, modules=()):
    """A bzImage, and modules as folders or files."""
    release = _release(image)
    paths, builtin = [], None
    for path in modules:
        if os.path.isdir(path):
            folder = ModuleTree(path)
            paths += folder.paths()
            builtin = read_builtin(os.path.join(path, "modules.builtin")) or builtin
        else:
            _open_module(path)
            paths.append(path)
    return OwnKernel(NAME, release, os.path.abspath(image), "", "", "",
                     paths=tuple(map(os.path.abspath, paths)), builtin=builtin)


def from_tree(tree):
    """What `make` left in a kernel build tree."""
    tree = os.path.abspath(tree)
    image = os.path.join(tree, "arch", "x86", "boot", "bzImage")
    if not os.path.isdir(tree):
        raise OwnError(f"{tree} is not a folder")
    if not os.path.exists(image):
        raise OwnError(f"{image} does not exist: build it first "
                       f"(make -C {shlex.quote(tree)} bzImage modules)")
    builtin = read_builtin(os.path.join(tree, "modules.builtin"))
    modular = _modular(tree)
    order = os.path.join(tree, "modules.order")
    paths = _ordered(tree, order, builtin) if modular and os.path.exists(order) else ()
    kdir = tree if modular and os.path.exists(os.path.join(tree, "Module.symvers")) else ""
    return OwnKernel(NAME, _release(image), image, kdir, "", "", paths=tuple(paths), builtin=builtin or None,
                     modular=modular)


def _modular(tree):
    """Can this kernel load modules? A tree keeps those that were built before its configuration changed."""
    try:
        with open(os.path.join(tree, "include", "config", "auto.conf"), encoding="ascii", errors="replace") as lines:
            return any(line.strip() == "CONFIG_MODULES=y" for line in lines)
    except FileNotFoundError:
        return True


def _ordered(tree, order, builtin):
    """The modules that a modules.order names: as .ko, or as .o in newer kernels.

    But those that have been built in since then.
    """
    with open(order, encoding="ascii") as lines:
        paths = [os.path.join(tree, os.path.splitext(line.strip().removeprefix("kernel/"))[0] + ".ko")
                 for line in lines if line.strip()]
    paths = [path for path in paths if module_name(path) not in builtin]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise OwnError(f"{missing[0]} is in modules.order but not built: make -C {shlex.quote(tree)} modules")
    return paths


def check(kernel, parts, profile, load):
    """Raises OwnError unless this kernel can run the profile with these modules loaded, in this order."""
    modules = module_tree(kernel, parts)
    if isinstance(kernel, OwnKernel) and not kernel.modular:
        _check_builtin(kernel, parts, load)
    if isinstance(kernel, OwnKernel) and profile == "ours" and "hv_kvp" in load:
        _check_ours(kernel, parts, modules)
    symbols = symbol_versions(os.path.join(kernel.kdir, "Module.symvers")) \
        if kernel.kdir and os.path.exists(os.path.join(kernel.kdir, "Module.symvers")) else {}
    wanted = [name for name in load if name != "hv_kvp" or parts.bring(name)]
    try:
        files = modules.closure(wanted)
    except ModuleError as error:
        raise OwnError(f"kernel {kernel.release}: {error}") from error
    opened = [Module(data, modules.path(name)) for name, (data, _) in files.items()]
    exported = set(symbols).union(*(module.exported for module in opened))
    replaced = set(parts.modules)
    for module in opened:
        if module.release != kernel.release:
            raise OwnError(f"{module.path} was built for {module.release or 'an unknown kernel'}, "
                           f"and the guest's kernel is {kernel.release}")
        # A kernel's own modules fit it; what was exchanged may not.
        if symbols and module.path in replaced:
            _check_symbols(module, symbols, exported)


def _check_symbols(module, symbols, exported):
    unknown = sorted(module.undefined - exported)
    if unknown:
        raise OwnError(f"{module.path} needs '{unknown[0]}', which the kernel does not export"
                       + (f" (and {len(unknown) - 1} more)" if unknown[1:] else ""))
    wrong = sorted(name for name, crc in module.crcs.items()
                   if symbols.get(name, crc) not in (0, crc))
    if wrong:
        raise OwnError(f"{module.path} disagrees with the kernel about the version of symbol "
                       f"'{wrong[0]}': build it against this kernel")


def _check_builtin(kernel, parts, load):
    """Nothing can be loaded into this one."""
    if parts.modules:
        raise OwnError(f"{parts.modules[0]} cannot be loaded: kernel {kernel.release} was built without CONFIG_MODULES")
    if "hv_kvp" in load and not parts.bring("hv_kvp"):
        raise OwnError(f"profile 'ours' needs hv_kvp, and kernel {kernel.release} was built without CONFIG_MODULES: "
                       "build it in (driver/add-to-kernel), or use --profile stock or on-stock")


def _check_ours(kernel, parts, modules):
    if parts.bring("hv_kvp"):
        return
    if modules.has_builtin("hv_utils") and modules.path("hv_utils") is None \
            and kernel.builtin is not None:
        raise OwnError(f"kernel {kernel.release} has hv_utils built in, which takes the KVP device "
                       "before hv_kvp is loaded: use --profile stock or on-stock")
    if not kernel.kdir:
        raise OwnError("profile 'ours' needs hv_kvp.ko for this kernel: give --module hv_kvp.ko, "
                       "or --tree with a built tree, or --profile stock")


def module_tree(kernel, parts):
    """The kernel's modules, with the user's in their place."""
    modules = kernel.module_tree() if isinstance(kernel, OwnKernel) else ModuleTree(kernel.modules)
    for path in parts.modules:
        modules.add(path)
    return modules


def _release(image):
    try:
        return kernel_release(image)
    except FormatError as error:
        raise OwnError(str(error)) from error


def _open_module(path):
    if not os.path.isfile(path):
        raise OwnError(f"module {path} does not exist")
    try:
        return Module(read_module(path), path)
    except (FormatError, ModuleError) as error:
        raise OwnError(str(error)) from error


def _daemon(text):
    name, equals, path = text.rpartition("=")
    name = name if equals else os.path.basename(path)
    if name not in DAEMONS:
        raise OwnError(f"--daemon {text}: '{name}' is not the name of a daemon; write NAME=FILE "
                       f"with one of {', '.join(DAEMONS)}")
    if not os.access(path, os.X_OK) or not os.path.isfile(path):
        raise OwnError(f"--daemon {text}: {path} is not a program")
    return os.path.abspath(path), f"usr/sbin/{name}"
