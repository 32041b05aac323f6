/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A state directory for a fuzzer
 */
#ifndef FUZZ_DIR_H
#define FUZZ_DIR_H

#include <stddef.h>
#include <stdint.h>

/**
 * fuzz_dir() - the directory
 *
 * Return: path; made at the first call, in memory where that is possible,
 * removed at the end. The log is silent from then on.
 */
const char *fuzz_dir(void);

/**
 * fuzz_put() - write a file in it
 * @name: of the file
 * @data: contents
 * @len: of @data
 */
void fuzz_put(const char *name, const uint8_t *data, size_t len);

/* Stop, as a crash does: something is not as it must be. */
#define MUST(condition) do { if (!(condition)) __builtin_trap(); } while (0)

#endif /* FUZZ_DIR_H */
