# SPDX-License-Identifier: GPL-2.0-only
"""The test functions of a program, as TAP."""

import os
import shutil
import sys
import tempfile
import traceback


def _reason(error):
    """What failed, and where."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    text = str(error) if isinstance(error, AssertionError) and str(error) else repr(error)
    return f"{os.path.basename(where.filename)}:{where.lineno}: {text}"


def run(names, words=(), skip=None):
    """Runs the functions test_* in @names, each with a folder of its own, or those with one of the words in their names.

    A function's docstring is the name of its result. It returns why it was skipped, or None. All are skipped
    if @skip says why. Returns the exit code.
    """
    tests = [value for name, value in names.items() if name.startswith("test_")
             and (not words or any(word in name for word in words))]
    if words and not tests:
        print(f"no test has one of these words in its name: {' '.join(words)}", file=sys.stderr)
        return 2
    failed = 0
    for number, test in enumerate(tests, 1):
        name = f"{number} - {test.__doc__}"
        folder = tempfile.mkdtemp(prefix="hvkvp-test-")
        try:
            skipped = skip or test(folder)
            print(f"ok {name}" + (f" # SKIP {skipped}" if skipped else ""), flush=True)
        except Exception as error:      # pylint: disable=broad-except
            failed += 1
            print(f"not ok {name}\n# " + _reason(error).replace("\n", "\n# "), flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{len(tests)}")
    return 1 if failed else 0
