// SPDX-License-Identifier: GPL-2.0-only
/*
 * A directory of site facts, and the list that is made of it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "c/tap.h"
#include "facts/facts.h"
#include "facts/site.h"
#include "support/emulator.h"
#include "support/scratch.h"

/* No program of these tests comes near to it, on the slowest machine. */
#define LONG_MS 300000

/* What is used: the files, and what the programs say; and how many files and ends there were. */
static struct site_facts got;
static int file_count, ends;

static bool collect(const struct site_record *record, void *data)
{
	const enum site_part *part = data;

	if (!record->key[0]) {
		CHECK_TEXT(record->value, "");
		ends++;
		return true;
	}
	if (!strcmp(record->value, SITE_PROGRAM))
		return CHECK_INT(*part, SITE_FILES);
	file_count += *part == SITE_FILES;
	return CHECK(site_facts_add(&got, record));
}

static void gather(unsigned int limit_ms)
{
	site_facts_clear(&got);
	file_count = 0;
	ends = 0;
	for (enum site_part part = SITE_FILES; part <= SITE_PROGRAMS; part++)
		CHECK(site_facts_gather(&(struct site_gather){
			.dir = scratch_path("facts.d"), .part = part, .limit_ms = limit_ms, .reader = -1,
			.emit = collect, .data = &part,
		}));
	CHECK_INT(ends, 2);
}

static const char *value(const char *key)
{
	int i = site_facts_find(&got, key);

	return i < 0 ? NULL : got.record[i]->value;
}

static void begin(void)
{
	scratch_begin();
	mkdir(scratch_path("facts.d"), 0755);
}

static void end(void)
{
	site_facts_clear(&got);
	scratch_end();
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[300];

	snprintf(path, sizeof(path), "facts.d/%s", name);
	scratch_write(path, text, strlen(text));
	chmod(scratch_path(path), mode);
}

static void files(void)
{
	begin();
	gather(LONG_MS);
	CHECK_INT(got.count, 0);
	put("Appliance", "router 7\n", 0644);
	put("Empty", "", 0644);
	put("Lines", "one\ntwo\t2\r\n\n", 0600);
	put("Größe", "18 m²\n", 0644);
	put("Space", " a b ", 0444);
	gather(LONG_MS);
	CHECK_INT(got.count, 5);
	CHECK_TEXT(value("Appliance"), "router 7");
	CHECK_TEXT(value("Empty"), "");
	CHECK_TEXT(value("Lines"), "one\ntwo\t2");
	CHECK_TEXT(value("Größe"), "18 m²");
	CHECK_TEXT(value("Space"), " a b ");
	CHECK(!scratch_logged("left out"));
	end();
}

static void values(void)
{
	static char text[5000];

	begin();
	put("Bytes", "a\x01" "b\xff" "c\x1b[31m", 0644);
	scratch_write("facts.d/Nul", "a\0b", 3);
	memset(text, 'x', sizeof(text) - 1);
	put("Long", text, 0644);
	for (int i = 0; i < 1500; i++)
		memcpy(text + 3 * i, "\xe2\x82\xac", 3);
	text[4500] = 0;
	put("Wide", text, 0644);
	gather(LONG_MS);
	CHECK_TEXT(value("Bytes"), "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c\xef\xbf\xbd[31m");
	CHECK_TEXT(value("Nul"), "a\xef\xbf\xbd" "b");
	CHECK_INT(strlen(value("Long")), 1023);
	/* 682 characters of three bytes, in 2047. */
	CHECK_INT(strlen(value("Wide")), 2046);
	end();
}

static void names(void)
{
	char long_name[151];

	begin();
	put(".hidden", "x", 0644);
	put("Fact~", "x", 0644);
	put("Fact.bak", "x", 0644);
	put("Fact.dpkg-old", "x", 0644);
	put("Fact.rpmnew", "x", 0644);
	put("#Fact#", "x", 0644);
	gather(LONG_MS);
	CHECK_INT(got.count, 0);
	CHECK(!scratch_logged("left out"));
	put("OSName", "Windows", 0644);
	put("new\nline", "x", 0644);
	put("bad\xff", "x", 0644);
	memset(long_name, 'n', 150);
	long_name[150] = 0;
	put(long_name, "whole", 0644);
	gather(LONG_MS);
	CHECK_INT(got.count, 1);
	CHECK_TEXT(value(long_name), "whole");
	CHECK(scratch_logged("facts.d/OSName: the name is that of a fact of hvkvpd"));
	CHECK(scratch_logged("facts.d/new\\nline: the name has a control character"));
	CHECK(scratch_logged("the name is not valid UTF-8"));
	end();
}

static void owners(void)
{
	begin();
	put("Group", "x", 0664);
	put("World", "#!/bin/sh\necho x\n", 0757);
	put("Good", "x", 0644);
	CHECK_INT(symlink("Good", scratch_path("facts.d/Link")), 0);
	mkdir(scratch_path("facts.d/Folder"), 0755);
	CHECK_INT(mkfifo(scratch_path("facts.d/Pipe"), 0644), 0);
	if (!geteuid()) {
		put("Other", "x", 0644);
		CHECK_INT(chown(scratch_path("facts.d/Other"), 65534, 0), 0);
	}
	gather(LONG_MS);
	CHECK_INT(got.count, 1);
	CHECK_TEXT(value("Good"), "x");
	CHECK(scratch_logged("facts.d/Group: others than its owner may write it"));
	CHECK(scratch_logged("facts.d/World: others than its owner may write it"));
	CHECK(scratch_logged("facts.d/Link: it is a symbolic link"));
	CHECK(scratch_logged("facts.d/Folder: it is not a regular file"));
	CHECK(scratch_logged("facts.d/Pipe: it is not a regular file"));
	CHECK(geteuid() || scratch_logged("facts.d/Other: it is not owned by root"));
	/* Who may write the directory may put anything into it. */
	chmod(scratch_path("facts.d"), 0777);
	gather(LONG_MS);
	CHECK_INT(got.count, 0);
	CHECK(scratch_logged("facts.d: others than its owner may write it; chmod go-w; no site fact"));
	end();
}

static void programs(void)
{
	begin();
	put("Kernel", "#!/bin/sh\necho \"kernel $(uname -s)\"\n", 0755);
	put("Input", "#!/bin/sh\ncat; echo end\n", 0700);
	put("Variables", "#!/bin/sh\necho \"$HOME$HVKVP_TEST\"\n", 0755);
	put("AFile", "text", 0644);
	put("ZFile", "text", 0644);
	put("None", "#!/bin/sh\necho x\nexit 77\n", 0755);
	put("Fails", "#!/bin/sh\necho x\nexit 3\n", 0755);
	put("Dies", "#!/bin/sh\nkill -9 $$\n", 0755);
	put("Flood", "#!/bin/sh\nyes\n", 0755);
	setenv("HVKVP_TEST", "of the daemon", 1);
	gather(LONG_MS);
	CHECK_INT(got.count, 5);
	CHECK_INT(file_count, 2);
	CHECK_TEXT(value("Kernel"), "kernel Linux");
	CHECK_TEXT(value("Input"), "end");
	CHECK_TEXT(value("Variables"), "");
	CHECK(!scratch_logged("/None"));
	CHECK(scratch_logged("facts.d/Fails: it ended with exit code 3; this fact is left out"));
	CHECK(scratch_logged("facts.d/Dies: it was killed by signal 9"));
	CHECK(scratch_logged("facts.d/Flood: it wrote more than 8192 bytes, and was killed"));
	end();
}

static void no_program(void)
{
	if (!emulator_spawns())
		return;
	begin();
	put("Binary", "no program", 0755);
	gather(LONG_MS);
	CHECK_INT(got.count, 0);
	CHECK(scratch_logged("facts.d/Binary: it cannot be run: Exec format error"));
	end();
}

/* Does it run? A zombie, of a parent that does not look after it, does not. */
static bool runs(int pid)
{
	char path[64], state = 'X';
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "r");
	if (!in)
		return false;
	if (fscanf(in, "%*d (sleep) %c", &state) != 1)
		state = 'X';
	fclose(in);
	return state != 'X' && state != 'Z';
}

/* What a program leaves behind neither keeps us waiting nor stays. */
static void children(void)
{
	char pid[32] = "", text[200];

	begin();
	snprintf(text, sizeof(text), "#!/bin/sh\nsleep 1000 &\necho $! >%s\necho done\n",
		 scratch_path("pid"));
	put("Leaves", text, 0755);
	gather(LONG_MS);
	CHECK_TEXT(value("Leaves"), "done");
	scratch_read("pid", pid, sizeof(pid) - 1);
	if (CHECK(atoi(pid) > 1)) {
		/* sleep: polls, since a signal takes its time; 60 s at most */
		for (int i = 0; i < 6000 && runs(atoi(pid)); i++)
			usleep(10000);
		CHECK(!runs(atoi(pid)));
	}
	end();
}

static void time_limit(void)
{
	begin();
	put("Slow", "#!/bin/sh\necho x\nsleep 1000\n", 0755);
	put("File", "x", 0644);
	gather(100);
	CHECK_INT(got.count, 1);
	CHECK(scratch_logged("facts.d/Slow: it did not end within 100 ms, and was killed"));
	end();
}

static void too_many(void)
{
	begin();
	/* What cannot be used does not count, and is not logged for ever. */
	for (int i = 0; i < 2 * SITE_FACTS_MAX; i++) {
		char name[32];

		snprintf(name, sizeof(name), "facts.d/Alias%03d", i);
		CHECK_INT(symlink("/etc/passwd", scratch_path(name)), 0);
	}
	put("Fact", "x", 0644);
	gather(LONG_MS);
	CHECK_INT(got.count, 1);
	CHECK_INT(scratch_log_count("it is a symbolic link"), SITE_COMPLAINTS);
	CHECK(scratch_logged("108 more of its facts are left out"));
	end();

	begin();
	for (int i = 0; i < SITE_FACTS_MAX + 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Fact%03d", i);
		put(name, i % 2 ? "x" : "#!/bin/sh\necho x\n", i % 2 ? 0644 : 0755);
	}
	gather(LONG_MS);
	CHECK_INT(got.count, SITE_FACTS_MAX);
	CHECK(scratch_logged("facts.d/Fact064: there are more than 64 others"));
	CHECK(scratch_logged("facts.d/Fact065: there are more than 64 others"));
	CHECK_INT(scratch_log_count("others"), 2);
	end();
}

static void missing(void)
{
	scratch_begin();
	gather(LONG_MS);
	CHECK_INT(got.count, 0);
	CHECK(!scratch_logged("site fact"));
	scratch_write("facts.d", "x", 1);
	gather(LONG_MS);
	CHECK(scratch_logged("facts.d: Not a directory; no site fact is used"));
	end();
}

static void positions(void)
{
	struct facts facts = { .root = scratch_dir, .is_version = "3.1", .site = &got };
	const char *key = NULL;
	char text[64];

	begin();
	put("Zone", "north", 0644);
	put("Appliance", "router", 0644);
	gather(LONG_MS);
	CHECK_INT(facts_count(&facts), FACTS_COUNT + 2);
	CHECK_TEXT(facts_at(&facts, 1, &key, text, sizeof(text)), "3.1");
	CHECK_TEXT(key, "IntegrationServicesVersion");
	CHECK_TEXT(facts_at(&facts, FACTS_COUNT, &key, text, sizeof(text)), "router");
	CHECK_TEXT(key, "Appliance");
	CHECK_TEXT(facts_at(&facts, FACTS_COUNT + 1, &key, text, sizeof(text)), "north");
	CHECK_TEXT(key, "Zone");
	CHECK_TEXT(facts_at(&facts, FACTS_COUNT + 2, &key, text, sizeof(text)), NULL);
	CHECK_TEXT(facts_get(&facts, "Zone", text, sizeof(text)), "north");
	CHECK_TEXT(facts_get(&facts, "IntegrationServicesVersion", text, sizeof(text)), "3.1");
	CHECK_TEXT(facts_get(&facts, "zone", text, sizeof(text)), NULL);
	end();
}

static void saved(void)
{
	struct site_facts loaded = { 0 };
	const char *path;

	begin();
	path = scratch_path("run/facts");
	CHECK_INT(site_facts_load(&loaded, path), 0);
	CHECK_INT(loaded.count, 0);
	put("A", "1", 0644);
	put("B", "2", 0644);
	gather(LONG_MS);
	CHECK_INT(site_facts_save(&got, path), 0);
	CHECK_INT(site_facts_load(&loaded, path), 0);
	CHECK_INT(loaded.count, 2);
	CHECK_TEXT(loaded.record[1]->key, "B");
	CHECK_TEXT(loaded.record[1]->value, "2");
	site_facts_clear(&loaded);
	/* Whatever is in the file. */
	scratch_write("run/facts", "short", 5);
	CHECK_INT(site_facts_load(&loaded, path), 0);
	CHECK_INT(loaded.count, 0);
	site_facts_clear(&got);
	CHECK_INT(site_facts_save(&got, path), 0);
	CHECK_INT(access(path, F_OK), -1);
	CHECK(site_facts_save(&got, path) == 0);
	end();
}

static const struct tap_case cases[] = {
	{ "files: the text is the value", files },
	{ "values: what a message and XML cannot hold", values },
	{ "names: hidden files and backups are not read, invalid names refused", names },
	{ "owners: what others may write is refused", owners },
	{ "programs: output, exit codes, floods; files come first", programs },
	{ "programs: a file that is none", no_program },
	{ "programs: what they leave behind is killed", children },
	{ "programs: a time limit", time_limit },
	{ "more than 64 files", too_many },
	{ "no directory, or something else in its place", missing },
	{ "positions behind our own facts, in the order of names", positions },
	{ "saved for other programs, and loaded", saved },
};

TAP_MAIN("site", cases)
