// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the gdb stub and of the dump that need no machine: packets, registers, page tables.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gdb/regs.h"
#include "gdb/rsp.h"
#include "machine/pagetable.h"
#include "test/suites.h"
#include "util/listen.h"

static enum rsp_event feed(struct rsp_reader *r, const char *bytes)
{
	enum rsp_event event = RSP_NOTHING;

	while (*bytes && event == RSP_NOTHING)
		event = rsp_feed(r, *bytes++);
	return event;
}

static void packets(void)
{
	struct rsp_reader *r = calloc(1, sizeof(*r));
	char packet[32];

	REQUIRE(rsp_frame("OK", packet, sizeof(packet)) == 6 && !strcmp(packet, "$OK#9a"));
	REQUIRE(rsp_frame("too long for the room that there is", packet, sizeof(packet)) == 0);
	REQUIRE(feed(r, "++$g#67") == RSP_PACKET && !strcmp(r->data, "g"));
	REQUIRE(feed(r, "$g#68") == RSP_BAD_PACKET);
	REQUIRE(feed(r, "$g#6x") == RSP_BAD_PACKET);
	REQUIRE(feed(r, "$g#x7") == RSP_BAD_PACKET);
	REQUIRE(feed(r, "\3") == RSP_INTERRUPT);
	REQUIRE(feed(r, "-") == RSP_AGAIN);
	/* Inside of a packet these are data. */
	REQUIRE(feed(r, "$-\3#30") == RSP_PACKET && r->len == 2);
	rsp_feed(r, '$');
	for (int i = 0; i < RSP_PACKET_MAX + 10; i++)
		rsp_feed(r, '0');
	REQUIRE(feed(r, "#00") == RSP_BAD_PACKET);
	REQUIRE(feed(r, "$#00") == RSP_PACKET && r->len == 0);
	free(r);
}

static void hex(void)
{
	u8 bytes[2];
	char text[5];

	rsp_hex(text, "\x0f\xa0", 2);
	REQUIRE(!strcmp(text, "0fa0"));
	REQUIRE(rsp_unhex(bytes, "0FA0", 2) && bytes[0] == 0x0f && bytes[1] == 0xa0);
	REQUIRE(!rsp_unhex(bytes, "0fa", 2));
	REQUIRE(!rsp_unhex(bytes, "0fag", 2));
}

static void registers(void)
{
	struct debug_regs regs = { .gpr = { [0] = 0x0102030405060708, [7] = 0x1000 }, .rip = 0xffff,
				   .segment = { 0x10 }, .gs_base = 0xab };
	struct debug_regs other = { .gs_base = 0xcd };
	char all[REGS_HEX_MAX], xml[8192];

	regs_all(&regs, all);
	REQUIRE(strlen(all) == 2 * (16 * 8 + 8 + 4 + 6 * 4 + 8 * 10 + 8 * 4 + 2 * 8));
	REQUIRE(!strncmp(all, "0807060504030201", 16));
	REQUIRE(strstr(all, "xxxx") != NULL);
	REQUIRE(regs_set_all(&other, all));
	REQUIRE(other.gpr[0] == regs.gpr[0] && other.rip == regs.rip);
	/* What KVM would have to be asked for in other ways stays. */
	REQUIRE(other.segment[0] == 0 && other.gs_base == 0xcd);
	all[10] = 0;
	REQUIRE(!regs_set_all(&other, all));
	REQUIRE(regs_one(&regs, 7, all) && !strcmp(all, "0010000000000000"));
	REQUIRE(!regs_one(&regs, 99, all));
	REQUIRE(regs_set_one(&other, 16, "0100000000000000") && other.rip == 1);
	REQUIRE(!regs_set_one(&other, 18, "11000000"));
	REQUIRE(!regs_set_one(&other, 16, "01"));
	REQUIRE(regs_describe(xml, sizeof(xml)) == strlen(xml) && strstr(xml, "\"gs_base\"") != NULL);
	REQUIRE(regs_describe(xml, 100) == 0);
}

#define PAGE	4096

static void entry(u8 *ram, u64 table, unsigned int i, u64 value)
{
	memcpy(ram + table + i * 8, &value, sizeof(value));
}

static void page_tables(void)
{
	const u64 size = 64 * PAGE;
	u8 *ram = calloc(1, size);
	struct page_run runs[4];

	/* 0xffff888000000000: entry 273 of the top table, then first entries. */
	entry(ram, 0x1000, 273, 0x2003);
	entry(ram, 0x2000, 0, 0x3003);
	entry(ram, 0x3000, 0, 0x4003);
	entry(ram, 0x4000, 0, 0x10003);
	entry(ram, 0x4000, 1, 0x8000000000011003);	/* not to be executed */
	entry(ram, 0x4000, 2, 0x20003);
	entry(ram, 0x4000, 3, 0x20003);			/* shadow memory */
	entry(ram, 0x4000, 5, 0x7ffff003);		/* behind RAM */
	REQUIRE(pagetable_runs(ram, size, 0x1000, 4, runs, 4) == 2);
	REQUIRE(runs[0].address == 0xffff888000000000 && runs[0].gpa == 0x10000 && runs[0].len == 2 * PAGE);
	REQUIRE(runs[1].address == 0xffff888000002000 && runs[1].gpa == 0x20000 && runs[1].len == PAGE);
	REQUIRE(pagetable_runs(ram, size, 0x1000, 4, runs, 1) == 1);
	/* A large page ends with RAM. */
	entry(ram, 0x3000, 1, 0x83);
	REQUIRE(pagetable_runs(ram, size, 0x1000, 4, runs, 4) == 3);
	REQUIRE(runs[2].address == 0xffff888000200000 && runs[2].gpa == 0 && runs[2].len == size);
	/* Tables that are nowhere, or themselves. */
	REQUIRE(pagetable_runs(ram, size, size - 8, 4, runs, 4) == 0);
	REQUIRE(pagetable_runs(ram, size, 0xfffffffff000, 4, runs, 4) == 0);
	memset(ram, 0, size);
	for (unsigned int i = 0; i < 512; i++)
		entry(ram, 0x1000, i, 0x1003);
	REQUIRE(pagetable_runs(ram, size, 0x1000, 4, runs, 4) == 1);
	/* Tables in a circle that look different each time: 2^35 entries. */
	for (unsigned int i = 0; i < 512; i++) {
		entry(ram, 0x1000, i, i % 2 ? 0x2003 : 0x1003);
		entry(ram, 0x2000, i, i % 2 ? 0x1003 : 0x2003);
	}
	REQUIRE(pagetable_runs(ram, size, 0x1000, 4, runs, 4) == 4);
	free(ram);
}

/* The socket of an earlier run is replaced; a file that is no socket stays. */
static void paths(void)
{
	char folder[] = "/tmp/hvhost-test-XXXXXX", path[64], err[128];
	int fd;

	REQUIRE(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/gdb.sock", folder);
	for (int i = 0; i < 2; i++) {
		fd = listen_on(path, err, sizeof(err));
		REQUIRE(fd >= 0);
		close(fd);
	}
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	close(fd);
	REQUIRE(listen_on(path, err, sizeof(err)) < 0 && strstr(err, "cannot listen on /tmp/"));
	REQUIRE(!access(path, F_OK));
	unlink(path);
	rmdir(folder);
}

static const struct tap_case gdb_cases[] = {
	{ "packets of gdb, good and bad", packets },
	{ "hex digits", hex },
	{ "registers in gdb's order", registers },
	{ "page tables, whatever they hold", page_tables },
	{ "where it listens", paths },
};

const struct tap_suite gdb_tests = TAP_SUITE("gdb", gdb_cases);
