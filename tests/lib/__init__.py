# SPDX-License-Identifier: GPL-2.0-only
"""Machines for the tests: kernels, initramfs images, the level-1 machine, jobs and reports."""
