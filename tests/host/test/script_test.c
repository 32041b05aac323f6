// SPDX-License-Identifier: GPL-2.0-only
/*
 * Scripts against a guest in a thread: the files in test/cases, and what the host says
 * about cases that fail, guests that die and scripts that cannot be read.
 *
 * The case files must be found: run from tests/host.
 */
#include "script/script.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/fakeguest.h"
#include "test/fakevm.h"
#include "test/suites.h"
#include "util/capture.h"
#include "util/trace.h"

struct run {
	int code;
	char *text;		/* the JSON lines */
};

/* What record_all() wants kept; NULL in all other tests. */
static struct trace *to_trace;
static struct capture *to_capture;
static bool to_replay;

static struct run run_script(const char *path, const char *arg)
{
	const char *args[] = { arg };
	struct script_config cfg = { .path = path, .shellfd = -1, .args = args, .nargs = arg ? 1 : 0,
				     .replay = to_replay };
	struct run run = { 0 };
	size_t len = 0;
	FILE *file = open_memstream(&run.text, &len);
	struct out *out = out_new(file);
	struct vmbus_config bus_cfg = { .out = out, .trace = to_trace, .capture = to_capture };
	struct vm *vm = fakevm_new(2);
	struct vmbus *bus = vmbus_new(vm, &bus_cfg);
	struct script *script = script_new(vm, bus, out, &cfg);
	struct fakeguest *guest;

	run.code = SCRIPT_SETUP;
	if (script) {
		guest = fakeguest_start(vm);
		run.code = script_run(script);
		fakeguest_stop(guest);
	}
	script_free(script);
	vmbus_free(bus);
	fakevm_free(vm);
	out_free(out);
	fclose(file);
	return run;
}

static struct run run_text(const char *text, const char *arg)
{
	char path[] = "/tmp/hvhost-test-XXXXXX";
	int fd = mkstemp(path);
	struct run run;

	REQUIRE(fd >= 0);
	REQUIRE(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	run = run_script(path, arg);
	unlink(path);
	return run;
}

static void must_pass(const char *path)
{
	struct run run = run_script(path, NULL);

	if (run.code != SCRIPT_PASSED) {
		const char *at = strstr(run.text, "\"result\":\"fail\"");

		TAP_END("%s: code %d: %.400s", path, run.code, at ? at : run.text);
	}
	free(run.text);
}

static void wire_cases(void)
{
	must_pass("test/cases/wire.lua");
}

static void pools_cases(void)
{
	must_pass("test/cases/pools.lua");
}

static void endure_cases(void)
{
	must_pass("test/cases/endure.lua");
}

static void kvp_cases(void)
{
	must_pass("test/cases/kvp.lua");
}

static void rule_cases(void)
{
	must_pass("test/cases/rules.lua");
}

static void ip_cases(void)
{
	must_pass("test/cases/ip.lua");
}

static void bus_cases(void)
{
	must_pass("test/cases/bus.lua");
}

static void has(const struct run *run, const char *text)
{
	if (!strstr(run->text, text))
		TAP_END("no %s in: %.1500s", text, run->text);
}

static void results(void)
{
	static const char text[] =
		"bus.wait_open(5) negotiate{}\n"
		"case('good', function() expect(1, 1) end)\n"
		"case('bad', function()\n"
		"  expect(set(0, 'a', 'b').status, 5)\n"
		"end)\n"
		"case('extra', function() guest_ok('misbehave extra') set(0, 'a', 'b') end)\n"
		"case('weak', {peer_fails = 'known'}, function() expect(false) end)\n"
		"case('strong', {peer_fails = 'known'}, function() end)\n"
		"skip{'left out'}\n"
		"case('left out', function() bail('ran') end)\n"
		"case('slow', {timeout = 0.2}, function() while true do end end)\n"
		"case('last', function() expect(get(0, 'a').value, 'b') end)\n";
	struct run run = run_text(text, NULL);

	REQUIRE_INT(run.code, SCRIPT_FAILED);
	has(&run, "\"name\":\"good\",\"result\":\"pass\"");
	has(&run, ":4: got 0, wanted 5");
	has(&run, "exactly one answer per request: an extra packet");
	has(&run, "\"name\":\"weak\",\"result\":\"fail\"");
	has(&run, "\"name\":\"strong\",\"result\":\"pass\"");
	has(&run, "\"name\":\"left out\",\"result\":\"skip\"");
	has(&run, "\"name\":\"slow\",\"result\":\"fail\"");
	has(&run, "the time limit of the case passed");
	has(&run, "\"name\":\"last\",\"result\":\"pass\"");
	has(&run, "{\"event\":\"check\",\"name\":\"guest log is clean\",\"result\":\"pass\"}");
	has(&run, "\"event\":\"end\",\"passed\":3,\"failed\":4,\"skipped\":1");
	has(&run, "{\"event\":\"vmbus\",\"version\":\"5.3\"}");
	has(&run, "\"event\":\"negotiated\",\"fw\":\"3.0\",\"kvp\":\"5.0\"");
	free(run.text);

	run = run_text(text, "peer");
	has(&run, "\"name\":\"weak\",\"result\":\"peer-fails\",\"why\":\"known (");
	has(&run, "\"name\":\"strong\",\"result\":\"peer-passes\"");
	has(&run, "\"peer_fails\":1,\"peer_passes\":1");
	free(run.text);

	run = run_text(text, "only=good");
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	has(&run, "\"passed\":1,\"failed\":0,\"skipped\":0");
	has(&run, "\"selected\":1,\"unselected\":7");
	has(&run, "{\"event\":\"unselected\",\"name\":\"bad\"}");
	free(run.text);
}

/* A selection that matches no case is a mistake of the caller's and no success. */
static void nothing_selected(void)
{
	struct run run = run_text("case('good', function() end)", "only=no such case");

	REQUIRE_INT(run.code, SCRIPT_SETUP);
	has(&run, "\"passed\":0,\"failed\":0,\"skipped\":0");
	has(&run, "\"why\":\"no case has 'no such case' in its name\"");
	free(run.text);
}

static void strict(void)
{
	static const char text[] =
		"args.peer = true\n"
		"case('weak one', {peer_fails = 'known'}, function() expect(false) end)\n"
		"case('weak two', {driver_fails = 'known'}, function() expect(false) end)\n";
	struct run run = run_text(text, "strict");

	REQUIRE_INT(run.code, SCRIPT_FAILED);
	has(&run, "\"name\":\"weak one\",\"result\":\"fail\"");
	has(&run, "\"name\":\"weak two\",\"result\":\"fail\"");
	free(run.text);

	run = run_text(text, "strict=two");
	REQUIRE_INT(run.code, SCRIPT_FAILED);
	has(&run, "\"name\":\"weak one\",\"result\":\"peer-fails\"");
	has(&run, "\"name\":\"weak two\",\"result\":\"fail\"");
	free(run.text);
}

/* A guest that cannot be set up, as its init says: neither a failed case nor a dead guest. */
static void setup_fails(void)
{
	struct run run = run_text("guest_ok('print modprobe: ERROR: it does not fit')\n"
				  "guest_ok('print init: module hv_utils did not load')\n"
				  "guest('die', 5) bus.wait_open(30)", NULL);

	REQUIRE_INT(run.code, SCRIPT_SETUP);
	has(&run, "\"failed\":0");
	has(&run, "\"why\":\"init: module hv_utils did not load; modprobe: ERROR: it does not fit\"");
	free(run.text);
}

static void dirty_log(void)
{
	struct run run = run_text("guest_ok('print [ 1.0] WARNING: CPU: 0 PID: 1 at x.c:1')", NULL);

	REQUIRE_INT(run.code, SCRIPT_FAILED);
	has(&run, "\"name\":\"guest log is clean\",\"result\":\"fail\",\"why\":\"1 lines: [ 1.0] WARNING");
	free(run.text);
}

static void dead_guest(void)
{
	/* sleep: the guest's end cuts it short. */
	struct run run = run_text("case('dies', function() guest('die', 5) sleep(9) end)\n"
				  "case('never', function() end)", NULL);

	REQUIRE_INT(run.code, SCRIPT_GUEST_DIED);
	has(&run, "\"name\":\"dies\",\"result\":\"fail\"");
	has(&run, "the guest ended: the fake guest died");
	REQUIRE(!strstr(run.text, "never"));
	free(run.text);
}

static void unreadable(void)
{
	struct run no_end, no_file, fails_at_once;
	bool bad_syntax;
	int saved = dup(2), null = open("/dev/null", O_WRONLY);

	/* The host says what is wrong on standard error, which is of no use here. */
	dup2(null, 2);
	no_end = run_text("case('open", NULL);
	no_file = run_script("/nonexistent.lua", NULL);
	fails_at_once = run_text("error('top')", NULL);
	bad_syntax = script_syntax("Makefile") || script_syntax("/nonexistent.lua");
	dup2(saved, 2);
	close(saved);
	close(null);
	REQUIRE(!bad_syntax);
	REQUIRE(script_syntax("test/cases/kvp.lua"));
	REQUIRE_INT(no_end.code, SCRIPT_SETUP);
	REQUIRE_INT(no_file.code, SCRIPT_SETUP);
	REQUIRE_INT(fails_at_once.code, SCRIPT_FAILED);
	has(&fails_at_once, "\"name\":\"the script\",\"result\":\"fail\"");
	free(no_end.text);
	free(no_file.text);
	free(fails_at_once.text);
}

static u8 *read_all(const char *path, size_t *len)
{
	FILE *file = fopen(path, "re");
	u8 *bytes = calloc(1, 1 << 20);

	REQUIRE(file && bytes);
	*len = fread(bytes, 1, (1 << 20) - 1, file);
	fclose(file);
	unlink(path);
	return bytes;
}

/* Bytes that a trace's dump holds below the first line with this text; "*" repeats the line before. */
static size_t dumped(const char *trace, const char *text, u8 *bytes, size_t room)
{
	const char *line = strstr(trace, text);
	size_t len = 0, offset, gap = 0;

	REQUIRE(line);
	while ((line = strchr(line, '\n')) && *++line == '\t') {
		if (line[1] == '*') {
			gap = 1;
			continue;
		}
		offset = strtoul(line + 1, NULL, 16);
		REQUIRE(gap ? offset > len : offset == len);
		for (; len < offset; len++)
			bytes[len] = bytes[len - 16];
		gap = 0;
		for (line += 6; line[1] != ' ' && len < room; line += 3)
			bytes[len++] = (u8)strtoul(line, NULL, 16);
	}
	return len;
}

/* Every byte of a packet and of a message is in the trace, and in the capture. */
static void record_all(void)
{
	static const char text[] =
		"bus.wait_open(5) negotiate{}\n"
		"case('one', function() expect(set(0, 'key', 'value').ok) end)\n";
	static const u8 key[] = { 'k', 0, 'e', 0, 'y', 0, 0, 0 };
	char trace_path[] = "/tmp/hvhost-trace-XXXXXX", capture_path[] = "/tmp/hvhost-pcap-XXXXXX";
	u32 type, block, packets = 0, messages = 0, found = 0;
	u8 *trace_text, *capture, bytes[4096], want[2608];
	size_t len, at;
	struct run run;

	close(mkstemp(trace_path));
	close(mkstemp(capture_path));
	to_trace = trace_open(trace_path);
	to_capture = capture_open(capture_path);
	run = run_text(text, NULL);
	trace_close(to_trace);
	REQUIRE(capture_close(to_capture));
	to_trace = NULL;
	to_capture = NULL;
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	free(run.text);

	trace_text = read_all(trace_path, &len);
	REQUIRE_INT(dumped((char *)trace_text, "<- OpenChannel, 148 bytes", bytes, sizeof(bytes)), 148);
	REQUIRE_INT(get32(bytes), 5);
	REQUIRE_INT(dumped((char *)trace_text, "-> OfferChannel, 196 bytes", bytes, sizeof(bytes)), 196);
	REQUIRE_INT(dumped((char *)trace_text, "-> kvp channel 1: type 6 flags 0x0 transaction 0x0, 2608",
			want, sizeof(want)), 2608);
	REQUIRE(!memcmp(want + 28 + 16, key, sizeof(key)));
	REQUIRE(strstr((char *)trace_text, "<- kvp channel 1: type 6"));
	free(trace_text);

	capture = read_all(capture_path, &len);
	REQUIRE_INT(get32(capture), 0x0a0d0d0au);
	for (at = 0; at < len; at += block) {
		type = get32(capture + at);
		block = get32(capture + at + 4);
		REQUIRE(block >= 12 && block % 4 == 0 && at + block <= len);
		REQUIRE_INT(get32(capture + at + block - 4), block);
		if (type != 6)
			continue;
		packets += get32(capture + at + 8) == 1;	/* interface: the channel's */
		messages += get32(capture + at + 8) == 0;	/* the bus's */
		if (get32(capture + at + 20) == 2600 && !memcmp(capture + at + 28, want + 8, 2600))
			found++;
	}
	REQUIRE_INT(packets, 4);	/* a negotiation and a SET, both ways */
	REQUIRE(messages >= 8);
	REQUIRE_INT(found, 1);
	free(capture);
}

static void write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	REQUIRE(file);
	fputs(text, file);
	fclose(file);
}

static void requires_beside(void)
{
	char folder[] = "/tmp/hvhost-require-XXXXXX", cases[64], helper[64];
	struct run run;

	REQUIRE(mkdtemp(folder));
	snprintf(cases, sizeof(cases), "%s/cases.lua", folder);
	snprintf(helper, sizeof(helper), "%s/my_helper-1.lua", folder);
	write_text(helper, "loads = (loads or 0) + 1\nreturn { name = 'beside' }\n");
	write_text(cases, "local a, b = require 'my_helper-1', require 'my_helper-1'\n"
			  "case('beside', function() expect(a == b) expect(a.name, 'beside')\n"
			  "	expect(loads, 1)\n"
			  "	fails(function() require 'none' end, 'none.lua does not exist')\n"
			  "	fails(function() require '../x' end, 'a name has letters')\n"
			  "	fails(function() require '' end, 'a name has letters') end)\n");
	run = run_script(cases, NULL);
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	free(run.text);
	/* What is built in comes first; a fault in a helper is said with its file and line. */
	snprintf(helper + strlen(folder), sizeof(helper) - strlen(folder), "/wire.lua");
	write_text(helper, "error('not this one')\n");
	snprintf(helper + strlen(folder), sizeof(helper) - strlen(folder), "/my_helper-1.lua");
	write_text(helper, "\nerror('wrong')\n");
	write_text(cases, "case('built in', function() expect(type(require('wire')), 'table')\n"
			  "	fails(function() require 'my_helper-1' end, 'my_helper-1.lua:2: wrong') end)\n");
	run = run_script(cases, NULL);
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	free(run.text);
	unlink(helper);
	snprintf(helper + strlen(folder), sizeof(helper) - strlen(folder), "/wire.lua");
	unlink(helper);
	unlink(cases);
	rmdir(folder);
}

/* A capture of one guest, played to others: a faithful one, and one that answers otherwise. */
static void replays(void)
{
	static const char record[] =
		"bus.wait_open(5) negotiate{}\n"
		"set(0, 'key', 'value') get(0, 'key') enumerate(0) delete(0, 'key')\n"
		"post{op = 'set', pool = 1, key = 'a', value = '1'}\n"
		"post{op = 'set', pool = 1, key = 'b', value = '2'}\n"
		"late_answer() late_answer()\n";
	char path[] = "/tmp/hvhost-pcap-XXXXXX";
	struct run run;
	u8 *bytes;
	size_t len;
	FILE *file;
	u32 i;

	close(mkstemp(path));
	to_capture = capture_open(path);
	run = run_text(record, NULL);
	REQUIRE(capture_close(to_capture));
	to_capture = NULL;
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	free(run.text);

	to_replay = true;
	run = run_script(path, NULL);
	to_replay = false;
	REQUIRE_INT(run.code, SCRIPT_PASSED);
	has(&run, "\"name\":\"packet 12, SET, pool 0\",\"result\":\"pass\"");
	has(&run, "\"passed\":8,\"failed\":0");
	free(run.text);

	/* Another value in the recorded answer of GET: as if this guest answered otherwise. */
	bytes = read_all(path, &len);
	for (i = 0; i + 600 < len; i++)
		if (get32(bytes + i) == 2600 && bytes[i + 4 + 20] == 0 && bytes[i + 4 + 17] == 5)
			bytes[i + 4 + 20 + 528] = 'V';
	file = fopen(path, "we");
	fwrite(bytes, 1, len, file);
	fclose(file);
	free(bytes);
	to_replay = true;
	run = run_script(path, NULL);
	REQUIRE_INT(run.code, SCRIPT_FAILED);
	has(&run, "body at offset");
	has(&run, "recorded 56 00 61 00");
	has(&run, "\"passed\":7,\"failed\":1");
	free(run.text);
	run = run_script("/dev/null", NULL);
	to_replay = false;
	has(&run, "this is no pcapng file");
	REQUIRE_INT(run.code, SCRIPT_FAILED);
	free(run.text);
	unlink(path);
}

static void *stopper(void *arg)
{
	usleep(200000);	/* sleep: the script has begun its loop by then, or meets the end before it */
	script_stop(arg, SCRIPT_TIMEOUT, "time limit of 1 s passed");
	return NULL;
}

static void stopped_from_outside(void)
{
	char path[] = "/tmp/hvhost-test-XXXXXX";
	int fd = mkstemp(path);
	struct script_config cfg = { .path = path, .shellfd = -1 };
	struct vmbus_config bus_cfg = { 0 };
	struct vm *vm = fakevm_new(1);
	struct vmbus *bus = vmbus_new(vm, &bus_cfg);
	struct script *script;
	pthread_t thread;

	REQUIRE(write(fd, "while true do end", 17) == 17);
	close(fd);
	script = script_new(vm, bus, NULL, &cfg);
	REQUIRE(script);
	pthread_create(&thread, NULL, stopper, script);
	REQUIRE_INT(script_run(script), SCRIPT_TIMEOUT);
	pthread_join(thread, NULL);
	script_free(script);
	vmbus_free(bus);
	fakevm_free(vm);
	unlink(path);
}

static const struct tap_case script_cases[] = {
	{ "packing helpers", wire_cases },
	{ "the model of the pools", pools_cases },
	{ "the player of a random conversation", endure_cases },
	{ "the KVP verbs", kvp_cases },
	{ "each broken rule is noticed and named", rule_cases },
	{ "broken and unsound IP answers are noticed", ip_cases },
	{ "the bus verbs and malformed packets", bus_cases },
	{ "results, also of a peer run", results },
	{ "a selection that matches no case is an error", nothing_selected },
	{ "strict mode counts known defects as failures", strict },
	{ "a guest that cannot be set up is no failed case", setup_fails },
	{ "trace and capture have every byte", record_all },
	{ "require finds files beside the case file", requires_beside },
	{ "a capture is replayed, and differences are found", replays },
	{ "a dirty console log fails the run", dirty_log },
	{ "a guest that dies ends the run", dead_guest },
	{ "what cannot be read is said before the boot", unreadable },
	{ "stopped from outside in an endless loop", stopped_from_outside },
};

const struct tap_suite script_tests = TAP_SUITE("script", script_cases);
