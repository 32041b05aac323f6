// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp: exit codes, text and JSON.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "c/tap.h"
#include "support/child.h"
#include "support/scratch.h"

static struct child child;

#define RUN(...) child_run(&child, "hvkvp", "--state-dir", scratch_dir, __VA_ARGS__)

static void set_get_del(void)
{
	scratch_begin();
	CHECK_INT(RUN("get", "guest", "Status"), 1);
	CHECK_TEXT(child.out, "");
	CHECK_TEXT(child.err, "hvkvp: no key \"Status\" in pool guest\n");
	CHECK_INT(RUN("set", "guest", "Status", "Ready"), 0);
	CHECK_TEXT(child.out, "");
	CHECK_INT(RUN("get", "guest", "Status"), 0);
	CHECK_TEXT(child.out, "Ready\n");
	CHECK_INT(RUN("get", "1", "Status"), 0);
	CHECK_TEXT(child.out, "Ready\n");
	CHECK_INT(RUN("set", "1", "Status", "two\nlines\t\\"), 0);
	CHECK_INT(RUN("get", "guest", "Status"), 0);
	CHECK_TEXT(child.out, "two\nlines\t\\\n");
	CHECK_INT(RUN("set", "guest", "Empty", ""), 0);
	CHECK_INT(RUN("get", "guest", "Empty"), 0);
	CHECK_TEXT(child.out, "\n");
	CHECK_INT(RUN("del", "guest", "Status"), 0);
	CHECK_INT(RUN("del", "guest", "Status"), 1);
	CHECK_INT(RUN("set", "internal", "k", "v"), 0);
	CHECK_INT(RUN("get", "4", "k"), 0);
	scratch_end();
}

static void list_text(void)
{
	scratch_begin();
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "");
	RUN("set", "guest", "a", "1");
	RUN("set", "guest", "tab\there", "line\nbreak \\ \x1b[31m");
	RUN("set", "--force", "external", "h", "2");
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\ta\t1\nguest\ttab\\there\tline\\nbreak \\\\ \\x1b[31m\n");
	CHECK_INT(RUN("list"), 0);
	CHECK(!strncmp(child.out, "external\th\t2\nguest\ta\t1\n", 23));
	CHECK(strstr(child.out, "\nauto\tProcessorArchitecture\t"));
	scratch_end();
}

static void list_auto(void)
{
	scratch_begin();
	CHECK_INT(RUN("list", "auto"), 0);
	CHECK(strstr(child.out, "auto\tOSName\t"));
	CHECK(strstr(child.out, "auto\tIntegrationServicesVersion\t3.1\n"));
	CHECK_INT(RUN("get", "auto", "IntegrationServicesVersion"), 0);
	CHECK_TEXT(child.out, "3.1\n");
	CHECK_INT(RUN("get", "auto", "none"), 1);
	scratch_end();
}

static const char *text_of(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

#define PAIR_OF_C "[{\"pool\":\"1\",\"key\":\"c\",\"value\":\"5\"}]"

static void json(void)
{
	json_t *root, *one;

	scratch_begin();
	CHECK_INT(RUN("--json", "list", "guest"), 0);
	CHECK_TEXT(child.out, "[]\n");
	CHECK_INT(RUN("--json", "set", "guest", "kéy \"q\"", "v\n\U0001F600"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "result"), "created");
	json_decref(root);
	RUN("set", "guest", "b", "2");

	CHECK_INT(RUN("list", "--json", "guest"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_INT(json_array_size(root), 2);
	one = json_array_get(root, 0);
	CHECK_TEXT(text_of(one, "pool"), "guest");
	CHECK_TEXT(text_of(one, "key"), "kéy \"q\"");
	CHECK_TEXT(text_of(one, "value"), "v\n\U0001F600");
	json_decref(root);

	CHECK_INT(RUN("--json", "get", "guest", "b"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "pool"), "guest");
	CHECK_TEXT(text_of(root, "key"), "b");
	CHECK_TEXT(text_of(root, "value"), "2");
	json_decref(root);

	CHECK_INT(RUN("--json", "set", "guest", "b", "3"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "result"), "changed");
	json_decref(root);
	CHECK_INT(RUN("--json", "del", "guest", "b"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "result"), "deleted");
	json_decref(root);
	CHECK_INT(RUN("--json", "get", "guest", "b"), 1);
	CHECK_TEXT(child.out, "");

	CHECK_INT(RUN("set", "guest", "c", "4"), 0);
	CHECK_INT(RUN("--json", "wait", "guest", "c", "-t", "0"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "value"), "4");
	json_decref(root);
	scratch_write("one.json", PAIR_OF_C, strlen(PAIR_OF_C));
	CHECK_INT(RUN("--json", "import", scratch_path("one.json")), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_INT(json_integer_value(json_object_get(root, "imported")), 1);
	json_decref(root);
	CHECK_INT(RUN("get", "guest", "c"), 0);
	CHECK_TEXT(child.out, "5\n");
	scratch_end();
}

/* What a program gets that wants the value and nothing else. */
static void exact_output(void)
{
	char out[16];

	scratch_begin();
	CHECK_INT(RUN("set", "guest", "k", "a\n\\b"), 0);
	CHECK_INT(RUN("--raw", "get", "guest", "k"), 0);
	CHECK_INT(scratch_read("stdout", out, sizeof(out)), 4);
	CHECK(!memcmp(out, "a\n\\b", 4));
	CHECK_INT(RUN("-0", "get", "guest", "k"), 0);
	CHECK_INT(scratch_read("stdout", out, sizeof(out)), 5);
	CHECK(!memcmp(out, "a\n\\b", 5));
	CHECK_INT(RUN("-0", "wait", "guest", "k"), 0);
	CHECK_INT(scratch_read("stdout", out, sizeof(out)), 5);
	CHECK_INT(RUN("get", "guest", "k"), 0);
	CHECK_INT(scratch_read("stdout", out, sizeof(out)), 5);
	CHECK(!memcmp(out, "a\n\\b\n", 5));
	scratch_end();
}

static void usage(void)
{
	scratch_begin();
	CHECK_INT(child_run(&child, "hvkvp"), 2);
	CHECK_INT(child_run(&child, "hvkvp", "--help"), 0);
	CHECK(strstr(child.out, "Exit codes"));
	CHECK_INT(child_run(&child, "hvkvp", "--version"), 0);
	CHECK_INT(RUN("frobnicate"), 2);
	CHECK(strstr(child.err, "no such command: frobnicate"));
	CHECK_INT(RUN("get", "guest"), 2);
	CHECK(strstr(child.err, "too few arguments"));
	CHECK_INT(RUN("list", "guest", "more"), 2);
	CHECK_INT(RUN("get", "5", "k"), 2);
	CHECK(strstr(child.err, "no such pool: 5"));
	CHECK_INT(RUN("get", "Guest", "k"), 2);
	CHECK_INT(RUN("list", ""), 2);
	CHECK_INT(RUN("--no-such-option", "list"), 2);
	scratch_end();
}

static void refusals(void)
{
	char value[1100] = "";

	scratch_begin();
	CHECK_INT(RUN("set", "external", "k", "v"), 4);
	CHECK(strstr(child.err, "--force"));
	CHECK_INT(RUN("del", "parameter", "k"), 4);
	CHECK_INT(RUN("set", "auto", "k", "v"), 4);
	CHECK_INT(RUN("--force", "set", "auto", "k", "v"), 4);
	CHECK_INT(RUN("--force", "set", "external", "k", "v"), 0);
	CHECK_INT(RUN("get", "external", "k"), 0);
	CHECK_INT(RUN("--force", "del", "external", "k"), 0);

	CHECK_INT(RUN("set", "guest", "", "v"), 2);
	CHECK(strstr(child.err, "the key is empty"));
	CHECK_INT(RUN("set", "guest", "k", "\xff"), 2);
	CHECK(strstr(child.err, "not valid UTF-8"));
	memset(value, 'v', 1024);
	CHECK_INT(RUN("set", "guest", "k", value), 2);
	CHECK(strstr(child.err, "the value is too long: 1024 bytes"));
	value[1023] = 0;
	CHECK_INT(RUN("set", "guest", "k", value), 0);
	scratch_end();
}

static void storage(void)
{
	scratch_begin();
	CHECK_INT(mkdir(scratch_path(".kvp_pool_1"), 0700), 0);
	CHECK_INT(RUN("get", "guest", "k"), 3);
	CHECK(strstr(child.err, ".kvp_pool_1: is a directory"));
	CHECK_INT(RUN("set", "guest", "k", "v"), 3);
	CHECK_INT(RUN("del", "guest", "k"), 3);
	/* The other pools are printed all the same. */
	RUN("set", "internal", "k", "v");
	CHECK_INT(RUN("list"), 3);
	CHECK(strstr(child.out, "internal\tk\tv\n"));
	CHECK_INT(child_run(&child, "hvkvp", "-s", scratch_path("no/where"), "list", "guest"), 0);
	CHECK_INT(child_run(&child, "hvkvp", "-s", scratch_path("no/where"), "set", "guest", "k", "v"),
		  3);
	CHECK(strstr(child.err, "create the directory"));
	scratch_end();
}

/* Reading needs no right to write, and creates nothing. */
static void read_only(void)
{
	struct stat st;

	scratch_begin();
	CHECK_INT(RUN("list"), 0);
	CHECK_INT(RUN("get", "guest", "k"), 1);
	CHECK_INT(RUN("del", "guest", "k"), 1);
	CHECK_INT(stat(scratch_path(".kvp_pool_1"), &st), -1);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "set, get and del", set_get_del },
	{ "list prints a line for each pair, escaped", list_text },
	{ "pool auto is made up", list_auto },
	{ "JSON", json },
	{ "raw output, and a NUL behind it", exact_output },
	{ "wrong usage: exit code 2", usage },
	{ "what is not allowed: exit code 4; what cannot be stored: 2", refusals },
	{ "what cannot be read or written: exit code 3", storage },
	{ "reading creates nothing", read_only },
};

TAP_MAIN("command", cases)
