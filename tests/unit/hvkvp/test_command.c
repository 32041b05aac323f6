// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp: exit codes, text and JSON.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* Standard input of the next program. */
static void from_stdin(const char *text)
{
	int fd;

	scratch_write("input", text, strlen(text));
	fd = open(scratch_path("input"), O_RDONLY);
	CHECK(fd >= 0 && dup2(fd, 0) == 0);
	close(fd);
}

static const char *value_of(const char *key)
{
	return RUN("--raw", "get", "guest", key) ? NULL : child.out;
}

static void values_from_elsewhere(void)
{
	static char large[5000];

	scratch_begin();
	from_stdin("line 1\nline 2\n");
	CHECK_INT(RUN("set", "guest", "k", "-"), 0);
	CHECK_TEXT(value_of("k"), "line 1\nline 2");
	from_stdin("with its newline\n");
	CHECK_INT(RUN("--raw", "set", "guest", "k", "--file", "-"), 0);
	CHECK_TEXT(value_of("k"), "with its newline\n");
	scratch_write("value", "of a file", 9);
	CHECK_INT(RUN("set", "guest", "a=b", "--file", scratch_path("value")), 0);
	CHECK_TEXT(value_of("a=b"), "of a file");
	CHECK_INT(RUN("set", "guest", "k", "v", "--file", scratch_path("value")), 2);
	CHECK_INT(RUN("set", "guest", "k", "--file", scratch_path("none")), 3);
	scratch_write("value", "a\0b", 3);
	CHECK_INT(RUN("set", "guest", "k", "--file", scratch_path("value")), 2);
	CHECK(strstr(child.err, "NUL byte"));
	memset(large, 'x', sizeof(large));
	scratch_write("value", large, sizeof(large));
	CHECK_INT(RUN("set", "guest", "k", "--file", scratch_path("value")), 2);
	CHECK_INT(RUN("--split=azure", "set", "guest", "k", "--file", scratch_path("value")), 0);
	CHECK_INT(RUN("--join", "--raw", "get", "guest", "k"), 0);
	CHECK_INT(strlen(child.out), sizeof(large));
	/* Values that look like options. */
	CHECK_INT(RUN("set", "--", "guest", "k", "--raw"), 0);
	CHECK_TEXT(value_of("k"), "--raw");
	CHECK_INT(RUN("set", "guest", "k=-x"), 0);
	CHECK_TEXT(value_of("k"), "-x");
	CHECK_INT(RUN("set", "guest", "k=-"), 0);
	CHECK_TEXT(value_of("k"), "-");
	scratch_end();
}

static void several_pairs(void)
{
	json_t *root;

	scratch_begin();
	CHECK_INT(RUN("set", "guest", "a=1", "b=x=y", "c="), 0);
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\ta\t1\nguest\tb\tx=y\nguest\tc\t\n");
	/* One that cannot be stored: none is. */
	CHECK_INT(RUN("set", "guest", "a=2", "=v", "b=2"), 2);
	CHECK_INT(RUN("set", "guest", "a=2", "nothing"), 2);
	CHECK(strstr(child.err, "nothing: not KEY=VALUE"));
	CHECK_INT(RUN("set", "guest", "a"), 2);
	CHECK_TEXT(value_of("a"), "1");
	CHECK_INT(RUN("--json", "set", "guest", "a=2", "new=1"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_INT(json_array_size(root), 2);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(root, 0), "result")), "changed");
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(root, 1), "result")), "created");
	json_decref(root);
	/* Those that exist are removed, and those that do not are named. */
	CHECK_INT(RUN("del", "guest", "a", "none", "c"), 1);
	CHECK_TEXT(child.err, "hvkvp: no key \"none\" in pool guest\n");
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\tb\tx=y\nguest\tnew\t1\n");
	CHECK_INT(RUN("del", "guest", "b", "new"), 0);
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "");
	scratch_end();
}

static void conditions(void)
{
	scratch_begin();
	CHECK_INT(RUN("--if-absent", "set", "guest", "k", "1"), 0);
	CHECK_INT(RUN("--if-absent", "set", "guest", "k", "2"), 7);
	CHECK(strstr(child.err, "nothing was changed: the key exists"));
	CHECK_INT(RUN("--if-value", "0", "set", "guest", "k", "2"), 7);
	CHECK_TEXT(value_of("k"), "1");
	CHECK_INT(RUN("--if-value", "1", "set", "guest", "k", "2"), 0);
	CHECK_TEXT(value_of("k"), "2");
	CHECK_INT(RUN("--if-value", "1", "set", "guest", "none", "2"), 7);
	/* All or nothing. */
	CHECK_INT(RUN("--if-absent", "set", "guest", "new=1", "k=3"), 7);
	CHECK(!value_of("new"));
	CHECK_INT(RUN("--if-value", "1", "del", "guest", "k"), 7);
	CHECK_INT(RUN("--if-value", "2", "del", "guest", "k"), 0);
	CHECK_INT(RUN("--if-value", "2", "del", "guest", "k"), 7);
	CHECK_INT(RUN("--if-value", "", "--if-absent", "set", "guest", "k", "1"), 2);
	CHECK_INT(RUN("--if-absent", "--split=azure", "set", "guest", "k", "1"), 2);
	scratch_end();
}

/* Of many who add one to a number with --if-value, none is lost. */
static void compare_and_set(void)
{
	pid_t pids[3];
	int status, failed = 0;

	scratch_begin();
	CHECK_INT(RUN("set", "guest", "n", "0"), 0);
	for (int i = 0; i < 3; i++) {
		const char *bin = getenv("HVKVP_BIN");
		char script[1024];

		snprintf(script, sizeof(script),
			 "h='%s/hvkvp -s %s'; i=0; while [ $i -lt 10 ]; do "
			 "v=$($h get guest n); "
			 "$h set guest n $((v + 1)) --if-value $v 2>/dev/null && i=$((i + 1)); "
			 "[ $? -le 7 ] || exit 1; done", bin ? bin : ".", scratch_dir);
		pids[i] = fork();
		if (!pids[i]) {
			execl("/bin/sh", "sh", "-c", script, NULL);
			_exit(127);
		}
	}
	for (int i = 0; i < 3; i++) {
		waitpid(pids[i], &status, 0);
		failed += status != 0;
	}
	CHECK_INT(failed, 0);
	CHECK_TEXT(value_of("n"), "30");
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
	CHECK_INT(RUN("--json", "--split=azure", "set", "guest", "key=v=1"), 0);
	root = json_loads(child.out, 0, NULL);
	CHECK_TEXT(text_of(root, "key"), "key");
	json_decref(root);
	CHECK_INT(RUN("del", "guest", "key"), 0);

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
	CHECK_INT(RUN("import", scratch_path("none.json")), 3);
	CHECK(strstr(child.err, "/none.json: No such file"));
	CHECK_INT(RUN("import", scratch_dir), 3);
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
	CHECK_INT(child_run(&child, "hvkvp", "--state-dir", "", "list"), 2);
	CHECK(strstr(child.err, "--state-dir needs a directory"));
	/* An option that does not belong to a command is not ignored. */
	CHECK_INT(RUN("--json", "ip", "show"), 2);
	CHECK(strstr(child.err, "ip: --json does not belong to this command"));
	CHECK_INT(RUN("--repair", "get", "guest", "k"), 2);
	CHECK(strstr(child.err, "get: --repair does not belong to this command, but to: fsck\n"));
	CHECK_INT(RUN("--join", "list"), 2);
	CHECK_INT(RUN("--timeout", "1", "get", "guest", "k"), 2);
	CHECK_INT(RUN("--if-absent", "del", "guest", "k"), 2);
	CHECK_INT(RUN("-f", "wait", "guest", "k"), 2);
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
	{ "values from standard input, from a file, and with dashes", values_from_elsewhere },
	{ "several pairs in one change", several_pairs },
	{ "--if-value and --if-absent", conditions },
	{ "compare and set: three counters lose nothing", compare_and_set },
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
