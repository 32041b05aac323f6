/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * regs.h - the registers as gdb numbers them, and their description for gdb
 */
#ifndef HOST_GDB_REGS_H
#define HOST_GDB_REGS_H

#include <stdbool.h>
#include <stddef.h>

#include "machine/debug.h"

/** REGS_HEX_MAX - room that all registers need as hex digits, the NUL included */
#define REGS_HEX_MAX	1024

/** regs_describe() - the target description, XML. Return: its length, below @size. */
size_t regs_describe(char *to, size_t size);

/** regs_all() - all registers in gdb's order, as hex digits; "xx" for each byte of those that are not known */
void regs_all(const struct debug_regs *regs, char *to);

/**
 * regs_set_all() - the opposite; those that cannot be set stay
 *
 * Return: false if the digits are too few or none.
 */
bool regs_set_all(struct debug_regs *regs, const char *digits);

/** regs_one() - register @number alone. Return: false if there is none. */
bool regs_one(const struct debug_regs *regs, unsigned int number, char *to);

/** regs_set_one() - Return: false if there is none, or it cannot be set. */
bool regs_set_one(struct debug_regs *regs, unsigned int number, const char *digits);

#endif
