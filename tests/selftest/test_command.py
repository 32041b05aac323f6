# SPDX-License-Identifier: GPL-2.0-only
"""How programs begin and end, and what of their environment they heed."""

import os
import subprocess
import sys
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = "import sys; sys.path.insert(0, sys.argv[1]); from lib import command, skips\n"
NO_READER, INTERRUPTED = 141, 130
# Nothing that these tests start boots a machine.
ENV = {name: text for name, text in os.environ.items() if not name.startswith("HVKVP_")}


def run(words, stdout=subprocess.PIPE, env=None, **more):
    """(exit code, standard output, standard error)"""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False,
                          env={**ENV, **(env or {})}, **more)
    return done.returncode, done.stdout, done.stderr


def program(code, **more):
    return run([sys.executable, "-c", START + code, TESTS], **more)


def unread(words):
    """The same where the reader of standard output has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return run(words, writer)
    finally:
        os.close(writer)


class Endings(unittest.TestCase):
    """command.run()"""

    def test_unread(self):
        """a program whose output nobody reads any more ends as one that SIGPIPE ends, without a traceback"""
        for words in (["run", "--list"], ["lint", "--list"], ["vm/booted.py"], ["selftest/run", "tap"]):
            self.assertEqual(unread([os.path.join(TESTS, words[0]), *words[1:]]), (NO_READER, None, ""), words)
        for code in ("command.run(lambda: print(1))", "command.run(lambda: [print(i) for i in range(100000)])",
                     "command.run(lambda: print(1, flush=True), 'x', OSError)"):
            self.assertEqual(unread([sys.executable, "-c", START + code, TESTS]), (NO_READER, None, ""), code)

    def test_head(self):
        """a report that nobody reads any more ends its stages"""
        code = """
from lib import report, stages
all = stages.Stages(report.Report(), ())
def work(post):
    while not all.stop.is_set():
        post.progress("on")
    print("ended", file=sys.stderr)
all.add(stages.Stage("one", work))
command.run(all.run)
"""
        self.assertEqual(unread([sys.executable, "-c", START + code, TESTS]), (NO_READER, None, "ended\n"))

    def test_other_pipe(self):
        """a socket that breaks is an error of its own"""
        code = "raise BrokenPipeError('the socket')\n"
        rc, _, said = program(f"def main():\n  {code}command.run(main)\n")
        self.assertEqual(rc, 1)
        self.assertIn("BrokenPipeError: the socket", said)
        self.assertEqual(program(f"def main():\n  {code}command.run(main, 'x', OSError, code=2)\n"), (2, "", "x: the socket\n"))

    def test_codes(self):
        """exit codes and messages of a result, an error, an exit, an interruption"""
        for body, wanted in (("return 3", (3, "", "")), ("pass", (0, "", "")), ("sys.exit(4)", (4, "", "")),
                             ("sys.exit('why')", (1, "", "why\n")), ("raise ValueError('why')", (2, "", "x: why\n")),
                             ("raise KeyboardInterrupt", (INTERRUPTED, "", "x: interrupted\n"))):
            self.assertEqual(program(f"def main(): {body}\ncommand.run(main, 'x', ValueError, code=2)\n"), wanted, body)
        self.assertEqual(program("command.run(lambda: print(1))", stdout=subprocess.DEVNULL)[0], 0)


class Environment(unittest.TestCase):
    """What skips.py takes from the environment."""

    def test_switches(self):
        """HVKVP_ALL=0, or empty, leaves out what takes long, as in the shell tests"""
        for name, shown in (("HVKVP_ALL", "EVERYTHING"), ("HVKVP_DEBUG", "DEBUG")):
            for value, wanted in (("0", "False"), ("", "False"), ("1", "True"), ("yes", "True")):
                self.assertEqual(program(f"print(skips.{shown})", env={name: value})[1].strip(), wanted, (name, value))

    def test_same_in_shell(self):
        """the shell tests read the same switch in the same way"""
        for value, skipped in (("0", True), ("", True), ("1", False)):
            said = run(["bash", "-c", ". tests/package/tap.sh; needs_roots() { echo runs; exit; }; slow_test x"],
                       cwd=os.path.dirname(TESTS), env={"HVKVP_ALL": value})[1]
            self.assertEqual("SKIP" in said, skipped, said)
