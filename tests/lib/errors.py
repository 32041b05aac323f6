# SPDX-License-Identifier: GPL-2.0-only
"""What the modules here raise when something cannot be done: the message is for the user."""

from .build import BuildError
from .guest import GuestError
from .job import JobError
from .kernel import KernelError
from .level1 import Level1Error
from .modules import ModuleError
from .own import OwnError
from .qemu import QemuError
from .roots import RootError

ERRORS = (BuildError, GuestError, JobError, KernelError, Level1Error, ModuleError, OwnError, QemuError,
          RootError)
