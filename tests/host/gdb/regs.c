// SPDX-License-Identifier: GPL-2.0-only
/*
 * regs.c - the registers as gdb numbers them
 *
 * Names and order: gdb's manual, "i386 Features". Floating point is described
 * because gdb demands it, and is not known.
 */
#include "gdb/regs.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "gdb/rsp.h"

#define UNKNOWN		((size_t)-1)
#define GPR(n)		(offsetof(struct debug_regs, gpr) + (n) * sizeof(u64))
#define SEGMENT(n)	(offsetof(struct debug_regs, segment) + (n) * sizeof(u16))
#define FIELD(f)	offsetof(struct debug_regs, f)

/**
 * struct reg - one register
 * @size: bytes, as gdb sees it
 * @at: where it is in struct debug_regs, or UNKNOWN
 * @held: bytes there
 * @fixed: it cannot be set
 * @type: as gdb calls it, NULL for a plain number
 */
static const struct reg {
	const char *feature;
	const char *name;
	u8 size;
	size_t at;
	u8 held;
	bool fixed;
	const char *type;
} table[] = {
#define R(name, n)	{ "core", name, 8, GPR(n), 8, false, NULL }
	R("rax", 0), R("rbx", 1), R("rcx", 2), R("rdx", 3), R("rsi", 4), R("rdi", 5),
	{ "core", "rbp", 8, GPR(6), 8, false, "data_ptr" },
	{ "core", "rsp", 8, GPR(7), 8, false, "data_ptr" },
	R("r8", 8), R("r9", 9), R("r10", 10), R("r11", 11), R("r12", 12), R("r13", 13),
	R("r14", 14), R("r15", 15),
	{ "core", "rip", 8, FIELD(rip), 8, false, "code_ptr" },
	{ "core", "eflags", 4, FIELD(rflags), 4, false, NULL },
#define S(name, n)	{ "core", name, 4, SEGMENT(n), 2, true, NULL }
	S("cs", 0), S("ss", 1), S("ds", 2), S("es", 3), S("fs", 4), S("gs", 5),
#define F(name)		{ "core", name, 10, UNKNOWN, 0, true, "i387_ext" }
	F("st0"), F("st1"), F("st2"), F("st3"), F("st4"), F("st5"), F("st6"), F("st7"),
#define C(name)		{ "core", name, 4, UNKNOWN, 0, true, NULL }
	C("fctrl"), C("fstat"), C("ftag"), C("fiseg"), C("fioff"), C("foseg"), C("fooff"),
	C("fop"),
	{ "segments", "fs_base", 8, FIELD(fs_base), 8, true, NULL },
	{ "segments", "gs_base", 8, FIELD(gs_base), 8, true, NULL },
};

size_t regs_describe(char *to, size_t size)
{
	const char *feature = "";
	size_t n;

	n = snprintf(to, size, "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
		     "<target><architecture>i386:x86-64</architecture>");
	for (size_t i = 0; i < ARRAY_SIZE(table) && n < size; i++) {
		const struct reg *r = &table[i];

		if (strcmp(feature, r->feature)) {
			n += snprintf(to + n, size - n, "%s<feature name=\"org.gnu.gdb.i386.%s\">",
				      *feature ? "</feature>" : "", r->feature);
			feature = r->feature;
		}
		if (n < size)
			n += snprintf(to + n, size - n, "<reg name=\"%s\" bitsize=\"%d\" type=\"%s\"/>",
				      r->name, r->size * 8,
				      r->type ? r->type : r->size == 8 ? "int64" : "int32");
	}
	if (n < size)
		n += snprintf(to + n, size - n, "</feature></target>");
	return n < size ? n : 0;
}

/* Return: behind what was written. */
static char *show(const struct debug_regs *regs, const struct reg *r, char *to)
{
	u8 bytes[16] = { 0 };

	if (r->at == UNKNOWN) {
		memset(to, 'x', 2 * r->size);
		to[2 * r->size] = 0;
	} else {
		memcpy(bytes, (const u8 *)regs + r->at, r->held);
		rsp_hex(to, bytes, r->size);
	}
	return to + 2 * r->size;
}

static bool take(struct debug_regs *regs, const struct reg *r, const char *digits)
{
	u8 bytes[16];

	if (strnlen(digits, 2 * r->size) < 2u * r->size)
		return false;
	if (r->fixed)
		return true;
	if (!rsp_unhex(bytes, digits, r->size))
		return false;
	memcpy((u8 *)regs + r->at, bytes, r->held);
	return true;
}

void regs_all(const struct debug_regs *regs, char *to)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		to = show(regs, &table[i], to);
}

bool regs_set_all(struct debug_regs *regs, const char *digits)
{
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		if (!take(regs, &table[i], digits))
			return false;
		digits += 2 * table[i].size;
	}
	return true;
}

bool regs_one(const struct debug_regs *regs, unsigned int number, char *to)
{
	if (number >= ARRAY_SIZE(table))
		return false;
	show(regs, &table[number], to);
	return true;
}

bool regs_set_one(struct debug_regs *regs, unsigned int number, const char *digits)
{
	return number < ARRAY_SIZE(table) && !table[number].fixed && take(regs, &table[number], digits);
}
