// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp: long values, waiting, JSON files, fsck, info.
 */
#include <signal.h>
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

static void long_values(void)
{
	static const char *const styles[] = { "ignition", "cloud-init", "azure" };
	char value[8001] = "", option[32], key[32];

	for (int i = 0; i < 1000; i++)
		strcat(value, i % 3 ? "ab" : "€é");
	scratch_begin();
	for (int i = 0; i < 3; i++) {
		snprintf(option, sizeof(option), "--split=%s", styles[i]);
		snprintf(key, sizeof(key), "key.%s.", styles[i]);
		CHECK_INT(RUN(option, "set", "guest", key, value), 0);
		CHECK_INT(RUN("--join", "--raw", "get", "guest", key), 0);
		CHECK_TEXT(child.out, value);
		/* A shorter value leaves no pieces of the longer one. */
		CHECK_INT(RUN(option, "set", "guest", key, "short"), 0);
		CHECK_INT(RUN("--join", "--raw", "get", "guest", key), 0);
		CHECK_TEXT(child.out, "short");
		snprintf(option, sizeof(option), "--join=%s", styles[i]);
		CHECK_INT(RUN(option, "--null", "get", "guest", key), 0);
		CHECK_TEXT(child.out, "short");
	}
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\tkey.ignition.0\tshort\nguest\tkey.cloud-init.|0\tshort\nguest\tkey.azure.\tshort\n");
	CHECK_INT(RUN("--join", "get", "guest", "none"), 1);
	CHECK_INT(RUN("--join=none", "get", "guest", "none"), 2);
	CHECK_INT(RUN("--split=none", "set", "guest", "k", "v"), 2);
	CHECK_INT(RUN("--split=azure", "set", "external", "k", "v"), 4);
	CHECK_INT(RUN("--split", "set", "guest", "k", "v"), 2);
	/* The key that exists counts most, whatever else looks like a piece of it. */
	CHECK_INT(RUN("set", "guest", "foo=whole", "foo0=other", "foo|0=another"), 0);
	CHECK_INT(RUN("--join", "get", "guest", "foo"), 0);
	CHECK_TEXT(child.out, "whole\n");
	CHECK_INT(RUN("--join=ignition", "get", "guest", "foo"), 0);
	CHECK_TEXT(child.out, "other\n");
	CHECK_INT(RUN("wait", "--join=cloud-init", "guest", "foo"), 0);
	CHECK_TEXT(child.out, "another\n");
	/* del removes all pieces, and no more. */
	for (int i = 0; i < 3; i++) {
		snprintf(option, sizeof(option), "--split=%s", styles[i]);
		CHECK_INT(RUN(option, "set", "guest", "long", value), 0);
		CHECK_INT(RUN(i ? option : "--split", "del", "guest", "long"), 0);
		CHECK_INT(RUN(i ? option : "--split", "del", "guest", "long"), 1);
	}
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK(!strstr(child.out, "long"));
	CHECK(strstr(child.out, "guest\tfoo\twhole\nguest\tfoo0\tother\n"));
	scratch_end();
}

/* Another program appends exactly what it appends. */
static void append_to(const char *name, const char *key, const char *value)
{
	static char record[2560];
	FILE *f = fopen(scratch_path(name), "a");

	memset(record, 0, sizeof(record));
	strcpy(record, key);
	strcpy(record + 512, value);
	CHECK(f && fwrite(record, sizeof(record), 1, f) == 1);
	fclose(f);
}

static void append(const char *key, const char *value)
{
	append_to(".kvp_pool_1", key, value);
}

/* Start to wait for something that is not so yet. */
static void start_wait(const char *option)
{
	child_start(&child, (const char *const[]){ "hvkvp", "-s", scratch_dir, "wait", option,
						   "guest", "key", "-t", "9", NULL });
	CHECK(child_says(&child, "waiting for \"key\" in pool guest", 1));
}

/* Each piece repeats the fields and has its part of the text, cut wherever it is full. */
static void events(void)
{
	static const char *const texts[] = {
		"first \\", "nsecond \\u00", "e9 \\ud83d", "\\ude00 \\\\", "3 ", "\\\"", "6", "7", "8", "9",
		", \\\"msg\\\":\\\"end",
	};
	const char *want = "{\"name\":\"init\",\"type\":\"start\",\"msg\":\"first \\nsecond \u00e9 \U0001F600 "
			   "\\\\3 \\\"6789, \\\"msg\\\":\\\"end\"}\n";
	char key[32], value[256];
	json_t *pair;

	scratch_begin();
	/* The order in the file means nothing, nor do the keys' numbers: msg_i does. */
	for (int i = 10; i >= 0; i--) {
		snprintf(key, sizeof(key), "E|start|%d", i);
		snprintf(value, sizeof(value),
			 "{\"name\":\"init\",\"type\":\"start\",\"msg_i\":%d,\"msg\":\"%s\"}",
			 10 - i, texts[10 - i]);
		append(key, value);
	}
	append("E|short", "{\"name\":\"x\",\"msg\":\"y\"}");
	append("E|one|0", "{\"name\": \"x\", \"msg\": \"y\", \"msg_i\": 0, \"more\": \"z\"}");
	append("E|gap|0", "{\"msg_i\":0,\"msg\":\"a\"}");
	append("E|gap|1", "{\"msg_i\":2,\"msg\":\"b\"}");
	append("plain|0", "{\"msg\":");
	append("plain|1", "\"x\"}");
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "E|start"), 0);
	CHECK_TEXT(child.out, want);
	CHECK_INT(RUN("get", "guest", "--join", "E|start"), 0);
	CHECK_TEXT(child.out, want);
	CHECK_INT(RUN("wait", "guest", "--join=cloud-init", "E|start", "-t", "9"), 0);
	CHECK_TEXT(child.out, want);
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "--json", "E|start"), 0);
	pair = json_loads(child.out, 0, NULL);
	CHECK(pair && json_string_length(json_object_get(pair, "value")) == strlen(want) - 1);
	json_decref(pair);
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "E|short"), 0);
	CHECK_TEXT(child.out, "{\"name\":\"x\",\"msg\":\"y\"}\n");
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "E|one"), 0);
	CHECK_TEXT(child.out, "{\"name\":\"x\",\"msg\":\"y\",\"more\":\"z\"}\n");
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "E|gap"), 3);
	CHECK(strstr(child.err, "the pieces of \"E|gap\" are not one event"));
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "plain"), 0);
	CHECK_TEXT(child.out, "{\"msg\":\"x\"}\n");
	CHECK_INT(RUN("get", "guest", "--join=cloud-init", "E|none"), 1);
	scratch_end();
}

static void waits(void)
{
	scratch_begin();
	CHECK_INT(RUN("wait", "guest", "key", "--timeout", "0.2"), 5);
	CHECK(strstr(child.err, "no key \"key\" in pool guest within 0.200 s"));
	child_start(&child, (const char *const[]){ "hvkvp", "-s", scratch_dir, "wait", "guest",
						   "key", "-t", "9", NULL });
	CHECK(child_says(&child, "waiting for \"key\" in pool guest", 1));
	append("other", "x");
	append("key", "it is here");
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "it is here\n");
	CHECK_INT(RUN("wait", "guest", "key", "-t", "0"), 0);
	CHECK_INT(RUN("wait", "guest", "key", "-t", "never"), 2);
	CHECK_INT(RUN("wait", "auto", "OSName", "-t", "0"), 0);
	/* For a value, a change, and absence. */
	start_wait("--value=there");
	append("key", "not yet");
	append("key", "there");
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "there\n");
	start_wait("--change");
	append("key", "other");
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "other\n");
	start_wait("--absent");
	unlink(scratch_path(".kvp_pool_1"));
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "");
	start_wait("--change");
	append("key", "again");
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "again\n");
	start_wait("--change");
	unlink(scratch_path(".kvp_pool_1"));
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "");
	CHECK_INT(RUN("wait", "--absent", "guest", "key"), 0);
	CHECK_INT(RUN("wait", "--value=x", "guest", "key", "-t", "0"), 5);
	CHECK_INT(RUN("wait", "--absent", "--change", "guest", "key"), 2);
	scratch_end();
}

static void watches(void)
{
	scratch_begin();
	append("old", "x");
	child_start(&child, (const char *const[]){ "hvkvp", "-s", scratch_dir, "watch", NULL });
	CHECK(child_says(&child, "hvkvp: watching all pools in ", 1));
	append("new", "line\n2");
	CHECK(child_prints(&child, "set\tguest\tnew\tline\\n2\n", 1));
	append("new", "again");
	CHECK(child_prints(&child, "set\tguest\tnew\tagain\n", 1));
	unlink(scratch_path(".kvp_pool_1"));
	CHECK(child_prints(&child, "del\tguest\told\n", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 128 + SIGTERM);
	CHECK(!strncmp(child.out, "set\tguest\tnew\tline\\n2\nset\tguest\tnew\tagain\n", 41));
	CHECK_INT(RUN("watch", "auto"), 2);
	CHECK_INT(RUN("--json", "watch", "guest", "-t", "0"), 0);
	CHECK(strstr(child.out, "{\"event\":\"watching\",\"state_dir\":\""));
	CHECK(strstr(child.out, "\"pools\":[\"guest\"]}\n"));
	scratch_end();
}

/* Make a directory with one pair. */
static void make_dir(const char *name, const char *key, const char *value)
{
	char file[64];

	CHECK_INT(mkdir(scratch_path(name), 0755), 0);
	snprintf(file, sizeof(file), "%s/.kvp_pool_1", name);
	append_to(file, key, value);
}

static void replaced_dir(void)
{
	const char *dir, *const watch[] = { "hvkvp", "-s", NULL, "watch", "guest", NULL };
	const char *argv[sizeof(watch) / sizeof(watch[0])];

	scratch_begin();
	dir = strdup(scratch_path("state"));
	make_dir("state", "key", "1");
	make_dir("next", "key", "2");
	memcpy(argv, watch, sizeof(watch));
	argv[2] = dir;
	child_start(&child, argv);
	CHECK(child_says(&child, "hvkvp: watching guest in ", 1));
	/* Another directory takes its place, and has events of its own. */
	CHECK_INT(rename(dir, scratch_path("old")), 0);
	CHECK_INT(rename(scratch_path("next"), dir), 0);
	CHECK(child_prints(&child, "set\tguest\tkey\t2\n", 1));
	append_to("state/.kvp_pool_1", "key", "3");
	CHECK(child_prints(&child, "set\tguest\tkey\t3\n", 1));
	/* It is removed, and made again. */
	CHECK_INT(unlink(scratch_path("state/.kvp_pool_1")), 0);
	CHECK_INT(rmdir(dir), 0);
	CHECK(child_prints(&child, "del\tguest\tkey\n", 1));
	make_dir("state", "key", "4");
	CHECK(child_prints(&child, "set\tguest\tkey\t4\n", 1));
	kill(child.pid, SIGTERM);
	CHECK_INT(child_end(&child), 128 + SIGTERM);
	/* The path leads elsewhere, and nothing happens to the directory. */
	make_dir("other", "key", "5");
	CHECK_INT(symlink("state", scratch_path("link")), 0);
	child_start(&child, (const char *const[]){ "hvkvp", "-s", scratch_path("link"), "wait", "--value=5",
						   "guest", "key", "-t", "9", NULL });
	CHECK(child_says(&child, "waiting for \"key\" in pool guest", 1));
	CHECK_INT(symlink("other", scratch_path("new")), 0);
	CHECK_INT(rename(scratch_path("new"), scratch_path("link")), 0);
	CHECK_INT(child_end(&child), 0);
	CHECK_TEXT(child.out, "5\n");
	free((void *)dir);
	scratch_end();
}

static void write_text(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static void json_files(void)
{
	char *saved;

	scratch_begin();
	append("a", "1");
	append("twin", "first");
	append("twin", "second");
	CHECK_INT(RUN("export"), 0);
	saved = strdup(child.out);
	scratch_write("saved.json", child.out, strlen(child.out));
	unlink(scratch_path(".kvp_pool_1"));
	append("twin", "other");
	CHECK_INT(RUN("import", scratch_path("saved.json")), 0);
	CHECK_INT(RUN("get", "guest", "--join", "twin"), 0);
	CHECK_TEXT(child.out, "firstsecond\n");
	CHECK_INT(RUN("get", "guest", "a"), 0);
	/* All or nothing: the second pair is bad, the first one is not written. */
	write_text("bad.json", "[{\"pool\":\"guest\",\"key\":\"n\",\"value\":\"1\"},{}]");
	CHECK_INT(RUN("import", scratch_path("bad.json")), 2);
	CHECK(strstr(child.err, "element 1"));
	CHECK_INT(RUN("get", "guest", "n"), 1);
	write_text("host.json", "[{\"pool\":\"external\",\"key\":\"n\",\"value\":\"1\"}]");
	CHECK_INT(RUN("import", scratch_path("host.json")), 4);
	CHECK_INT(RUN("-f", "import", scratch_path("host.json")), 0);
	write_text("text.json", "no json");
	CHECK_INT(RUN("import", scratch_path("text.json")), 2);
	CHECK(strstr(child.err, "text.json: line 1"));
	free(saved);
	scratch_end();
}

static void fsck(void)
{
	static char records[5 * 2560 + 100];
	struct stat st;

	scratch_begin();
	strcpy(records, "a");
	strcpy(records + 512, "1");
	strcpy(records + 512 + 100, "garbage");
	strcpy(records + 2 * 2560, "b");
	strcpy(records + 2 * 2560 + 512, "2");
	strcpy(records + 3 * 2560, "bad");
	strcpy(records + 3 * 2560 + 512, "\xff");
	strcpy(records + 4 * 2560, "latin1 \xe9");
	strcpy(records + 4 * 2560 + 512, "3");
	scratch_write(".kvp_pool_1", records, sizeof(records));
	CHECK_INT(RUN("fsck", "external"), 0);
	CHECK_INT(RUN("fsck"), 6);
	CHECK(strstr(child.out, "1 records have no key"));
	CHECK(strstr(child.out, "1 keys are not UTF-8"));
	CHECK(strstr(child.out, "1 values are not UTF-8"));
	CHECK(strstr(child.out, "1 records have garbage after"));
	CHECK(strstr(child.out, "100 bytes at the end"));
	CHECK_INT(RUN("fsck", "--repair", "guest"), 6);	/* the value is still bad */
	CHECK(strstr(child.out, "repaired"));
	CHECK_INT(RUN("del", "guest", "bad"), 0);
	/* The host sees this one: it stays. */
	CHECK_INT(RUN("fsck", "--repair", "guest"), 6);
	CHECK(strstr(child.out, "3 records, damaged"));
	CHECK(strstr(child.out, "1 keys are not UTF-8; the host sees them with U+FFFD"));
	CHECK_INT(RUN("fsck", "--json", "guest"), 6);
	CHECK(strstr(child.out, "\"empty_keys\": 0"));
	CHECK(strstr(child.out, "\"unusable_keys\": 1"));
	CHECK_INT(RUN("fsck", "--force", "guest"), 2);
	CHECK(strstr(child.err, "it needs --repair"));
	CHECK_INT(RUN("fsck", "--repair", "--force", "guest"), 0);
	CHECK(strstr(child.out, "repaired: 1 records"));
	CHECK_INT(RUN("fsck", "guest"), 0);
	CHECK(strstr(child.out, "2 records, good"));
	CHECK_INT(stat(scratch_path(".kvp_pool_1"), &st), 0);
	CHECK_INT(st.st_size, 2 * 2560);
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\ta\t1\nguest\tb\t2\n");
	CHECK_INT(RUN("fsck", "guest", "--json"), 0);
	CHECK(strstr(child.out, "\"damaged\": false"));
	scratch_end();
}

static void info(void)
{
	json_t *root, *pools, *changes;

	scratch_begin();
	append("a", "1");
	for (int i = 0; i < 12; i++)
		CHECK_INT(RUN("set", "guest", "\"b\"", i % 2 ? "12" : "345"), 0);
	CHECK_INT(RUN("del", "guest", "\"b\""), 0);
	CHECK_INT(RUN("info"), 0);
	CHECK(strstr(child.out, "Z guest set guest \"\\\"b\\\"\" 3 bytes\n"));
	CHECK(strstr(child.out, "Z guest del guest \"\\\"b\\\"\"\n"));
	CHECK(strstr(child.out, "hvkvp      "));
	CHECK_INT(RUN("info", "--json"), 0);
	root = json_loads(child.out, 0, NULL);
	pools = json_object_get(root, "pools");
	CHECK_INT(json_array_size(pools), 5);
	CHECK_INT(json_integer_value(json_object_get(json_array_get(pools, 1), "pairs")), 1);
	CHECK(json_object_get(json_object_get(root, "driver"), "name") != NULL);
	CHECK(json_is_array(json_object_get(root, "daemons")));
	changes = json_object_get(root, "changes");
	CHECK_INT(json_array_size(changes), 10);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(changes, 9), "event")), "del");
	CHECK_INT(json_integer_value(json_object_get(json_array_get(changes, 8), "size")), 2);
	CHECK_TEXT(json_string_value(json_object_get(json_array_get(changes, 8), "key")), "\"b\"");
	json_decref(root);
	scratch_end();
}

/* A full pool refuses a new pair, with the remedy, and keeps and changes what it has. */
static void limits(void)
{
	scratch_begin();
	CHECK_INT(RUN("set", "guest", "a", "1"), 0);
	CHECK_INT(RUN("set", "guest", "b", "2"), 0);
	CHECK_INT(RUN("--max-keys", "2", "set", "guest", "c", "3"), 3);
	CHECK(strstr(child.err, "would hold 3 pairs, and the limit is 2"));
	CHECK(strstr(child.err, "--max-keys"));
	CHECK_INT(RUN("--max-bytes=5120", "set", "guest", "c", "3"), 3);
	CHECK(strstr(child.err, "--max-bytes"));
	write_text("more.json", "[{\"pool\":\"guest\",\"key\":\"c\",\"value\":\"3\"}]");
	CHECK_INT(RUN("--max-keys=2", "import", scratch_path("more.json")), 3);
	CHECK_INT(RUN("--max-keys", "2", "--max-bytes", "5120", "set", "guest", "b", "new"), 0);
	CHECK_INT(RUN("list", "guest"), 0);
	CHECK_TEXT(child.out, "guest\ta\t1\nguest\tb\tnew\n");
	CHECK_INT(RUN("--max-keys=3", "--max-bytes=7680", "set", "guest", "c", "3"), 0);
	for (int i = 0; i < 3; i++) {
		static const char *const wrong[] = { "0", "-1", "many" };

		CHECK_INT(RUN("--max-keys", wrong[i], "list"), 2);
		CHECK(strstr(child.err, "is not a number from 1 to 4294967295"));
		CHECK_INT(RUN("--max-bytes", wrong[i], "list"), 2);
	}
	CHECK_INT(RUN("--max-keys", "4294967296", "list"), 2);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "long values in pieces, by three conventions", long_values },
	{ "events of cloud-init are joined by their text", events },
	{ "wait ends as soon as the key is there, or with exit code 5", waits },
	{ "watch prints changes", watches },
	{ "watch and wait notice that the state directory was replaced", replaced_dir },
	{ "export and import, with all values of a key, all or nothing", json_files },
	{ "fsck finds damage, and mends it", fsck },
	{ "info", info },
	{ "limits on keys and bytes", limits },
};

TAP_MAIN("pairs", cases)
