/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pagetable.h - which virtual addresses of a guest are mapped to its RAM
 *
 * Reads the guest's page tables, which the guest can have made anything of: a
 * table outside of RAM is skipped, and so is an entry that repeats the one before
 * it, with which kernels map one page or table many times (KASAN's shadow).
 */
#ifndef HOST_PAGETABLE_H
#define HOST_PAGETABLE_H

#include <stdbool.h>

#include "util/types.h"

/**
 * struct page_run - adjacent pages with adjacent addresses on both sides
 */
struct page_run {
	u64 address;
	u64 gpa;
	u64 len;
};

/**
 * pagetable_runs() - the runs of the upper half, where the kernel is, in the order of addresses
 * @ram: guest RAM, from guest physical address 0
 * @ram_size: its bytes
 * @cr3: guest physical address of the top table
 * @levels: 4 or 5
 * @runs: filled in
 * @max: entries of @runs
 *
 * Return: how many there are; at most @max, later ones are left out.
 */
unsigned int pagetable_runs(const u8 *ram, u64 ram_size, u64 cr3, unsigned int levels,
			    struct page_run *runs, unsigned int max);

#endif
