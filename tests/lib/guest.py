# SPDX-License-Identifier: GPL-2.0-only
"""The guest's initramfs: Debian's busybox, the agent, kernel modules and what a test brings along."""

import os
import re
import subprocess

from .build import busybox, static_program
from .cpio import Archive
from .kernel import BUILT, VM_DIR, fetch
from .modules import add_modules, module_name
from .own import OwnKernel, Parts, module_tree

MODULES = ("hv_vmbus", "hv_utils", "hv_netvsc", "hv_balloon", "dummy")
IN_TREE = ("hv_kvp",)           # of a kernel that has our driver in its tree
# Where the kernel has them: a file system to freeze, and what file copy is served by.
OPTIONAL = ("brd", "ext4", "uio_hv_generic")
# What a guest needs for a disk: the controller, and of each file system its modules and what makes it.
CONTROLLER = ("hv_storvsc", "sd_mod")
FILE_SYSTEMS = {"ext4": (("ext4",), "mkfs.ext4"), "xfs": (("xfs",), "mkfs.xfs")}
STOCK_DAEMONS = ("hv_kvp_daemon", "hv_vss_daemon")
OLDER_DAEMONS = ("hv_fcopy_daemon",)    # not with kernels from 6.10 on
NEWER_DAEMONS = ("hv_fcopy_uio_daemon",)    # with those; no other kernel's can stand in for it
TOOLS = ("usr/bin/flock",)      # what busybox lacks; every Debian has them
STOCK_KERNEL = "6.1"            # of the Debian that this runs on
HOSTNAME = "kvpguest"
ETC = {
    "hostname": f"{HOSTNAME}\n",
    "hosts": f"127.0.0.1 localhost\n127.0.1.1 {HOSTNAME}.example.com {HOSTNAME}\n",
    "passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "group": "root:x:0:\nnogroup:x:65534:\n",
    "nsswitch.conf": "hosts: files\n",
    "os-release": 'NAME="KVP Test Guest"\nID=kvptest\nVERSION_ID="22.04"\n',
}


class GuestError(Exception):
    """Something that the image shall hold is not there."""


def image(kernel, modules=MODULES, extra_modules=(), programs=(), files=(), stock=True,
          parts=Parts(), disk=""):
    """The initramfs as bytes.

    modules: names out of the kernel's own; extra_modules: paths of .ko files.
    programs: (source, destination) pairs, brought with the libraries they are linked to.
    files: (source, destination, mode) triples.
    stock: also Debian's daemons and their scripts, see _stock_root().
    parts: of the user's, which replace ours and the kernel's.
    disk: the file system that the guest shall make and mount on a disk, one of FILE_SYSTEMS.
    """
    archive = Archive()
    for folder in ("proc", "sys", "dev", "run", "tmp", "root", "var/lib", "var/log", "usr/bin"):
        archive.directory(folder)
    for name, text in ETC.items():
        archive.file(f"etc/{name}", text.encode())
    _add_file(archive, busybox(), "bin/busybox", 0o755)
    archive.link("bin/sh", "busybox")
    _add_file(archive, static_program("guest/agent.c"), "sbin/agent", 0o755)
    _add_file(archive, os.path.join(VM_DIR, "guest", "init"), "init", 0o755)
    _add_file(archive, os.path.join(VM_DIR, "guest", "kvp-service"), "sbin/kvp-service", 0o755)
    for name in ("poweroff", "reboot"):
        _add_file(archive, os.path.join(VM_DIR, "guest", "end"), f"sbin/{name}", 0o755)
    for tool in TOOLS:
        _add_program(archive, f"/{tool}", tool)
    tree = module_tree(kernel, parts)
    if isinstance(kernel, OwnKernel) or kernel.name in BUILT:
        # It brings what it brings; what a run needs has been checked, or is in its configuration.
        modules = [name for name in (*modules, *IN_TREE) if tree.path(name)]
    modules = [*modules, *(name for name in OPTIONAL if tree.path(name))]
    if disk:
        more, program = FILE_SYSTEMS[disk]
        modules = [*modules, *(name for name in (*CONTROLLER, *more) if not tree.has_builtin(name))]
        programs = [*programs, (f"/usr/sbin/{program}", f"usr/sbin/{program}")]
    for path in extra_modules:
        if not os.path.exists(path):
            raise GuestError(f"{path} does not exist: build it first (make module)")
        tree.add(path)
    wanted = [*modules, *map(module_name, (*extra_modules, *parts.modules))]
    add_modules(archive, tree, list(dict.fromkeys(wanted)), kernel.release)
    replaced = {destination for _, destination in parts.daemons}
    if stock and (kernel.root or isinstance(kernel, OwnKernel)):
        _add_stock_daemons(archive, replaced, lambda: _stock_root(kernel), kernel.root)
    for source, destination in (*programs, *parts.daemons):
        if destination not in replaced or source in dict(parts.daemons):
            _add_program(archive, source, destination)
    for source, destination, mode in files:
        _add_file(archive, source, destination, mode)
    return archive.to_bytes()


def _add_file(archive, source, destination, mode):
    try:
        with open(source, "rb") as content:
            archive.file(destination, content.read(), mode)
    except OSError as error:
        raise GuestError(f"{source} cannot go into the guest: {error.strerror}") from error


def _stock_root(kernel):
    """Whose daemon: of the kernel's own suite, if its programs run with this system's libraries."""
    return kernel.root if kernel.root and not kernel.build_root else fetch(STOCK_KERNEL).root


def _add_stock_daemons(archive, replaced, find_root, kernel_root):
    """Debian's daemons but for those that are replaced; nothing is fetched if that is all."""
    wanted = [name for name in STOCK_DAEMONS if f"usr/sbin/{name}" not in replaced]
    if "hv_kvp_daemon" not in wanted:
        return
    root = find_root()
    wanted += [name for name in OLDER_DAEMONS if f"usr/sbin/{name}" not in replaced
               and os.path.exists(f"{root}/usr/sbin/{name}")]
    for name in wanted:
        _add_program(archive, f"{root}/usr/sbin/{name}", f"usr/sbin/{name}")
    for name in NEWER_DAEMONS:
        path = f"{kernel_root}/usr/sbin/{name}"
        if f"usr/sbin/{name}" not in replaced and kernel_root and os.path.exists(path):
            _add_program(archive, path, f"usr/sbin/{name}")
    scripts = f"{root}/usr/libexec/hypervkvpd"
    # Older packages have none.
    for script in sorted(os.listdir(scripts)) if os.path.isdir(scripts) else ():
        _add_file(archive, os.path.join(scripts, script), f"usr/libexec/hypervkvpd/{script}", 0o755)


def _add_program(archive, source, destination):
    if not os.path.exists(source):
        raise GuestError(f"{source} does not exist: build it first")
    _add_file(archive, source, destination, 0o755)
    for library in _libraries(source):
        if library not in archive:
            _add_file(archive, library, library, 0o755)


def _libraries(program):
    """Absolute paths of the shared libraries (and the loader) that a program needs."""
    done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    if done.returncode:     # static, or a script
        return []
    missing = re.findall(r"^\s*(\S+) => not found", done.stdout, re.MULTILINE) + \
        re.findall(r"version `(\S+)' not found", done.stdout + done.stderr)
    if missing:
        raise GuestError(f"{program} needs {', '.join(missing)}, which this machine lacks")
    return re.findall(r"(?:=> |^\s*)(/\S+) \(0x", done.stdout, re.MULTILINE)
