/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What qemu-user does not do as a kernel does
 */
#ifndef UNIT_EMULATOR_H
#define UNIT_EMULATOR_H

#include <stdbool.h>

/**
 * emulator_spawns() - does posix_spawn() report a program that cannot be run?
 *
 * It needs the memory that parent and child share after vfork(2).
 *
 * Return: false where it does not; the case is then marked as skipped.
 */
bool emulator_spawns(void);

/**
 * emulator_shows_name() - can others see in /proc when a program changes its argv[0]?
 *
 * They see the emulator's own there, if there is one.
 *
 * Return: false where they cannot; the case is then marked as skipped.
 */
bool emulator_shows_name(void);

#endif /* UNIT_EMULATOR_H */
