# SPDX-License-Identifier: GPL-2.0-only
"""What the tests need of this source tree, built: module per kernel, daemon, command, test host."""

import filecmp
import glob
import hashlib
import os
import shutil
import subprocess

from . import guest
from .build import BUILD_DIR, INSTALLED, TOP, BuildError, static_program
from .kernel import BUILT, VM_DIR
from .lock import locked
from .own import Parts

HVHOST = os.path.join(TOP, "tests", "host", "hvhost")
MODULE_SOURCES = ("Kbuild", "driver", "uapi")


def make(*words, log=None):
    """Runs make at the top of the tree; its output goes to `log`, and into the error."""
    with locked(os.path.join(BUILD_DIR, "make.lock")):
        return _run(["make", "-C", TOP, f"-j{os.cpu_count()}", "--no-print-directory", *words], log)


def build_host():
    if not INSTALLED:
        make("host")
    return HVHOST


def build_daemon():
    make("daemon", "WERROR=1")
    return [os.path.join(TOP, "daemon", "build", name) for name in ("hvkvpd", "hvkvp")]


def programs():
    """(source, destination) of what we install besides the module, and of the tests' own services."""
    if INSTALLED:
        return []
    return [(path, f"usr/sbin/{os.path.basename(path)}")
            for path in (*build_daemon(), os.path.join(TOP, "daemon", "system", "hvkvp-driver"),
                         static_program("guest/node-test.c"), static_program("../bench/kvp-echo.c"),
                         static_program("../bench/kvp-fill.c"))] + test_programs()


def test_programs():
    """(source, destination) of programs that a guest needs whoever's service runs in it."""
    if INSTALLED:
        return []
    return [(static_program("guest/neighbour.c"), "usr/sbin/neighbour")]


def module_folder(kernel, kind):
    """Where a module is built: `kind` is module, or the name of a folder in tests/."""
    return os.path.join(BUILD_DIR, kind, kernel.release)


def build_module(kernel, words=()):
    """Path of hv_kvp.ko for this kernel, built in a folder of its own from a copy of the sources.

    A copy, because Kbuild builds beside the sources and one tree serves several kernels.
    `words`: further ones for make; Kbuild notices when they change.
    """
    folder = module_folder(kernel, "module")
    with locked(f"{folder}.lock"):
        _mirror(folder, MODULE_SOURCES)
        _kbuild(kernel, folder, words)
    return os.path.join(folder, "hv_kvp.ko")


def build_kunit(kernel, words=()):
    """Path of kvp_kunit.ko, the KUnit suites, for a kernel that has KUnit."""
    return _test_module(kernel, "kunit", "kvp_kunit.ko", words)


def _test_module(kernel, folder, name, words=()):
    """A module out of tests/FOLDER, which may use sources of the driver."""
    copy = module_folder(kernel, folder)
    place = os.path.join("tests", folder)
    with locked(f"{copy}.lock"):
        _mirror(copy, ("driver", "uapi", place))
        _kbuild(kernel, os.path.join(copy, place), words)
    return os.path.join(copy, place, name)


def guest_modules(kernel, words=()):
    """Our modules for a guest on this kernel; on one of our own also those that test it."""
    if INSTALLED:
        raise BuildError("the source of hv_kvp is not installed with hvhost: give --module hv_kvp.ko and "
                         "--daemon hvkvpd, or --profile stock")
    modules = [build_module(kernel, words)]
    if kernel.name in BUILT:
        modules += [build_kunit(kernel, words), _test_module(kernel, "planted", "planted.ko")]
    return modules


def _kbuild(kernel, folder, more=()):
    words = [f"-j{os.cpu_count()}", *more,
             # Needs pahole and gives a module nothing that a test looks at.
             "CONFIG_DEBUG_INFO_BTF_MODULES=", "modules"]
    _run(kbuild_command(kernel, folder, words), os.path.join(folder, "build.log"))


def kbuild_command(kernel, folder, words):
    """The command that runs Kbuild in `folder` with these words, in the kernel's own root if it has one."""
    if kernel.name == "um":
        words = ["ARCH=um", *words]
    if kernel.build_root:
        return _inside(kernel.build_root, folder, [
            "make", "-C", f"/usr/src/linux-headers-{kernel.release}", "M=/mnt", *words])
    # Old headers ask for the compiler of their time by its name.
    compiler = () if "LLVM=1" in words else ("CC=gcc",)
    return ["make", "-C", kernel.kdir, f"M={folder}", *compiler, *words]


def _inside(root, folder, words):
    """A command that runs `words` in `root`, with `folder` as its /mnt; the mounts end with it."""
    script = 'mount -t proc proc "$0/proc" && mount --bind "$1" "$0/mnt" && r=$0 && shift && ' \
             'exec chroot "$r" "$@"'
    return ["unshare", "--mount", "sh", "-c", script, root, folder, *words]


def guest_image(kernel, ours=True, words=(), parts=Parts(), stock=True, disk=""):
    """Path of the guest's initramfs for this kernel, with our module, daemon and command if wanted.

    parts: what the user brings; stock: the stock daemons are needed; disk: see guest.image().
    """
    build = ours and kernel.kdir and not parts.bring("hv_kvp")
    data = guest.image(kernel, extra_modules=guest_modules(kernel, words) if build else (),
                       programs=programs() if ours else test_programs(), stock=stock, parts=parts, disk=disk)
    kind = ("ours" if ours else "stock") + (f"-{disk}" if disk else "")
    if parts != Parts():
        # Several runs with other parts may be side by side.
        kind += "-" + hashlib.sha256(data).hexdigest()[:12]
        _remove_old(os.path.join(BUILD_DIR, "guest-*-*-*.cpio"))
    path = os.path.join(BUILD_DIR, f"guest-{kernel.name}-{kind}.cpio")
    os.makedirs(BUILD_DIR, exist_ok=True)
    with open(f"{path}.{os.getpid()}", "wb") as target:
        target.write(data)
    os.replace(f"{path}.{os.getpid()}", path)
    return path


def _remove_old(pattern, keep=8):
    """Removes all but the newest files that match."""
    for path in sorted(glob.glob(pattern), key=os.path.getmtime)[:-keep]:
        os.unlink(path)


def _mirror(folder, names):
    """Copies what changed; what make left there stays, so that it builds only what changed."""
    for name in names:
        source = os.path.join(TOP, name)
        if not os.path.exists(source):
            raise BuildError(f"{source} does not exist: the module cannot be built")
        files = [source] if os.path.isfile(source) else [
            os.path.join(at, file) for at, _, found in os.walk(source)
            for file in found if file.endswith((".c", ".h", "Kbuild", "Makefile"))]
        for file in files:
            target = os.path.join(folder, os.path.relpath(file, TOP))
            # By content, and with a new time: make must see that an older file has come back.
            if not os.path.exists(target) or not filecmp.cmp(file, target, shallow=False):
                os.makedirs(os.path.dirname(target), exist_ok=True)
                shutil.copy(file, target)


def _run(command, log=None):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if log:
        with open(log, "w", encoding="utf-8") as target:
            target.write(done.stdout)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise BuildError(f"'{' '.join(command)}' failed:\n{tail}")
    return done.stdout
