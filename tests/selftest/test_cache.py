# SPDX-License-Identifier: GPL-2.0-only
"""What is in the cache is whole."""

import os
import subprocess
import tempfile
import threading
import unittest
from unittest import mock

from lib import cache
from lib.build import TOP


class Folder(unittest.TestCase):
    """cache.folder(), and its counterpart for shell programs."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        # It does not exist yet, and neither does its parent.
        self.base = os.path.join(scratch.name, "not", "yet")
        change = mock.patch.dict(os.environ, HVKVP_CACHE=self.base)
        change.start()
        self.addCleanup(change.stop)

    @staticmethod
    def fill(path):
        with open(os.path.join(path, "file"), "w", encoding="ascii") as file:
            file.write("whole")

    def test_first(self):
        """it is made where there is no cache at all, once"""
        calls = []
        for _ in range(2):
            path = cache.folder("a/b", lambda new: (calls.append(new), self.fill(new)))
        self.assertTrue(os.path.exists(os.path.join(path, "file")))
        self.assertEqual(len(calls), 1)

    def test_interrupted(self):
        """what an interrupted run left half-done is made anew"""
        def dies(new):
            self.fill(new)
            raise KeyboardInterrupt

        with self.assertRaises(KeyboardInterrupt):
            cache.folder("a", dies)
        self.assertFalse(os.path.exists(os.path.join(self.base, "a")))
        seen = []
        cache.folder("a", lambda new: seen.extend(os.listdir(new)))
        self.assertEqual(seen, [])

    def test_interrupted_root(self):
        """a Debian root whose making was killed, with its mounts, is made anew"""
        bin_dir = os.path.join(os.path.dirname(os.path.dirname(self.base)), "bin")
        os.makedirs(bin_dir)
        program = os.path.join(bin_dir, "mmdebstrap")

        def root(*lines):
            with open(program, "w", encoding="ascii") as file:
                file.write("\n".join(("#!/bin/sh", 'for new; do case $new in *.new) break ;; esac; done', *lines, "")))
            os.chmod(program, 0o755)
            return subprocess.run([os.path.join(TOP, "tests", "package", "root"), "ifupdown"], check=False, text=True,
                                  capture_output=True, env={**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"})

        killed = root('mkdir -p "$new/proc" && mount -t tmpfs none "$new/proc"', "kill -KILL $$")
        self.assertNotEqual(killed.returncode, 0)
        self.assertIn("mmdebstrap failed", killed.stderr)
        made = root('mkdir -p "$new/etc"')
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertTrue(os.path.isdir(os.path.join(made.stdout.strip(), "etc")))

    def test_threads(self):
        """several that want it at once have it made once"""
        calls, begun, go_on = [], threading.Event(), threading.Event()

        def make(new):
            calls.append(new)
            begun.set()
            go_on.wait(10)

        threads = [threading.Thread(target=cache.folder, args=["a", make]) for _ in range(3)]
        for thread in threads:
            thread.start()
        begun.wait(10)
        go_on.set()
        for thread in threads:
            thread.join(10)
        self.assertEqual(len(calls), 1)

    def test_shell(self):
        """cache.sh: two programs make an entry one after the other, and replace it whole"""
        script = """set -eu
            say() { echo "$*" >&2; }
            die() { echo "$*" >&2; exit 1; }
            . "$1/tests/lib/cache.sh"
            open_cache sub
            lock_entry "$cache/sub/entry" 60
            mkdir "$cache/sub/entry.new"
            echo whole >"$cache/sub/entry.new/file"
            publish "$cache/sub/entry"
            cat "$cache/sub/entry/file"
            """
        both = [subprocess.Popen(["bash", "-c", script, "-", TOP], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, text=True) for _ in range(2)]
        self.assertEqual([one.communicate(timeout=60)[0] for one in both], ["whole\n"] * 2)
        self.assertEqual(os.listdir(os.path.join(self.base, "sub", "entry")), ["file"])
