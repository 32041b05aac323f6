# SPDX-License-Identifier: GPL-2.0-only
"""What a benchmark notes of the machine that it ran on."""

import os
import subprocess
import sys
import unittest

BESIDE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "bench", "beside")

# In a process of its own, since it adopts what its children leave behind.
OWN = f"""
import runpy
print(*runpy.run_path({BESIDE!r})["own"](["sh", "-c", "setsid {sys.executable} -c '" + BUSY + "' & exit 3"]))
"""
BUSY = """
import time
while time.process_time() < 0.2: pass
"""


class Beside(unittest.TestCase):
    """Other programs' part of the processors."""

    def test_orphan(self):
        """a process whose parent has ended counts as the command's own"""
        done = subprocess.run([sys.executable, "-c", f"BUSY = {BUSY!r}\n{OWN}"], stdout=subprocess.PIPE, check=True,
                              text=True)
        code, seconds = done.stdout.split()
        self.assertEqual(int(code), 3)
        self.assertGreaterEqual(float(seconds), 0.2)


if __name__ == "__main__":
    unittest.main()
