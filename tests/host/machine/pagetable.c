// SPDX-License-Identifier: GPL-2.0-only
/*
 * pagetable.c - walk a guest's page tables
 *
 * Numbers: AMD's manual, "Long-Mode Page Translation".
 */
#include "machine/pagetable.h"

#define ENTRIES		512
#define PRESENT		1u
#define LARGE		0x80u
#define ADDRESS		0x000ffffffffff000ull
#define PAGE_BITS	12
#define LEVEL_BITS	9
/* A table is a page of RAM, and may be used in several places; tables in a circle have no end. */
#define USES_MAX	16

/**
 * struct walk - one walk
 * @nruns: entries of @runs that are used
 * @left: tables that are still looked into
 */
struct walk {
	const u8 *ram;
	u64 ram_size;
	struct page_run *runs;
	unsigned int nruns;
	unsigned int max;
	u64 left;
};

static void add(struct walk *walk, u64 address, u64 gpa, u64 len)
{
	struct page_run *last = walk->nruns ? &walk->runs[walk->nruns - 1] : NULL;

	/* Devices, and what lies behind the end of RAM. */
	if (gpa >= walk->ram_size)
		return;
	if (len > walk->ram_size - gpa)
		len = walk->ram_size - gpa;
	if (last && last->address + last->len == address && last->gpa + last->len == gpa)
		last->len += len;
	else if (walk->nruns < walk->max)
		walk->runs[walk->nruns++] = (struct page_run){ address, gpa, len };
}

/* @level is 1 for a table of pages; @first is the first entry to look at. */
static void walk_table(struct walk *walk, u64 table, unsigned int level, u64 base,
		       unsigned int first)
{
	const unsigned int shift = PAGE_BITS + (level - 1) * LEVEL_BITS;
	u64 before = 0;

	if (table >= walk->ram_size || walk->ram_size - table < ENTRIES * sizeof(u64) || !walk->left)
		return;
	walk->left--;
	for (unsigned int i = first; i < ENTRIES; i++) {
		const u64 address = base + ((u64)i << shift);
		u64 entry;

		memcpy(&entry, walk->ram + table + i * sizeof(entry), sizeof(entry));
		if (!(entry & PRESENT) || (entry & ADDRESS) == before)
			continue;
		before = entry & ADDRESS;
		if (level == 1)
			add(walk, address, entry & ADDRESS, 1ull << shift);
		else if (entry & LARGE)
			add(walk, address, entry & ADDRESS & ~((1ull << shift) - 1), 1ull << shift);
		else
			walk_table(walk, entry & ADDRESS, level - 1, address, 0);
	}
}

unsigned int pagetable_runs(const u8 *ram, u64 ram_size, u64 cr3, unsigned int levels,
			    struct page_run *runs, unsigned int max)
{
	struct walk walk = { .ram = ram, .ram_size = ram_size, .runs = runs, .max = max,
			     .left = (ram_size >> PAGE_BITS) * USES_MAX };
	const unsigned int bits = PAGE_BITS + levels * LEVEL_BITS;

	/* Bit @bits - 1 is set in the upper half, and so are all above it. */
	walk_table(&walk, cr3 & ADDRESS, levels, ~0ull << bits, ENTRIES / 2);
	return walk.nruns;
}
