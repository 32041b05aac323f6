// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp monitor, on a pipe that keeps messages apart as the device does.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>
#include <jansson.h>

#include "c/tap.h"
#include "hvkvp/packet.h"
#include "support/body.h"
#include "support/child.h"
#include "support/scratch.h"

static struct child child;

/* The two ends of the stream, and its name for the child. */
struct stream {
	int fds[2];
	char path[32];
};

static void stream_open(struct stream *s)
{
	const struct hvkvp_hello hello = {
		.hdr = { .len = sizeof(hello), .type = HVKVP_HELLO },
		.major = HVKVP_MAJOR, .minor = HVKVP_MINOR,
	};

	CHECK(!pipe2(s->fds, O_DIRECT));
	snprintf(s->path, sizeof(s->path), "/proc/self/fd/%d", s->fds[0]);
	CHECK(write(s->fds[1], &hello, sizeof(hello)) == sizeof(hello));
}

/* A packet as it is in the ring: headers and a body. Return: its bytes. */
static size_t packet(uint8_t *out, int type, int flags, uint32_t status, const void *body,
		     size_t len)
{
	const struct hvkvp_packet head = {
		.pipe_type = HVKVP_PIPE_DATA, .pipe_len = HVKVP_IC_HDR_SIZE + len,
		.fw_major = 3, .type = type, .msg_major = 5, .body_len = len,
		.status = status, .transaction = 9, .flags = flags,
	};

	memcpy(out, &head, sizeof(head));
	memcpy(out + sizeof(head), body, len);
	return sizeof(head) + len;
}

static void tell(struct stream *s, uint64_t id, uint64_t us, int what, int lost,
		 const uint8_t *bytes, size_t len)
{
	uint8_t message[HVKVP_MAX_MESSAGE];
	const struct hvkvp_event event = {
		.hdr = { .len = sizeof(event) + len, .type = HVKVP_EVENT, .id = id },
		.time_ns = us * 1000, .what = what, .lost = lost, .packet_len = len,
	};

	memcpy(message, &event, sizeof(event));
	if (len)
		memcpy(message + sizeof(event), bytes, len);
	CHECK(write(s->fds[1], message, event.hdr.len) == (ssize_t)event.hdr.len);
}

/* What it printed of all this; the stream's end is the end of the device. */
static int run(struct stream *s, const char *option)
{
	int code;

	close(s->fds[1]);
	code = option ? child_run(&child, "hvkvp", "--device", s->path, option, "monitor") :
			child_run(&child, "hvkvp", "--device", s->path, "monitor");
	close(s->fds[0]);
	return code;
}

static void tell_set(struct stream *s)
{
	struct body body;
	uint8_t bytes[4096];
	size_t len;

	body_set(&body, 1, U(u"na me"), U(u"\u00fc\x1b"));
	len = packet(bytes, HVKVP_IC_TYPE_KVP, 3, 0, body.bytes, body.len);
	tell(s, 7, 1500000, HVKVP_RECEIVED, 0, bytes, len);
	tell(s, 7, 1500010, HVKVP_TAKEN, 0, NULL, 0);
	len = packet(bytes, HVKVP_IC_TYPE_KVP, 5, 0x80070005, body.bytes, body.len);
	tell(s, 7, 1500321, HVKVP_SENT, 0, bytes, len);
}

static void lines(void)
{
	static const uint8_t offer[] = { 2, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };
	static const uint8_t taken[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };
	uint8_t bytes[4096];
	struct stream s;
	char said[100];

	scratch_begin();
	stream_open(&s);
	tell(&s, 0, 1000000, HVKVP_OPENED, 0, NULL, 0);
	tell(&s, 6, 1000001, HVKVP_RECEIVED, 0, bytes,
	     packet(bytes, HVKVP_IC_TYPE_NEGOTIATE, 3, 0, offer, sizeof(offer)));
	tell(&s, 6, 1000021, HVKVP_SENT, 0, bytes,
	     packet(bytes, HVKVP_IC_TYPE_NEGOTIATE, 5, 0, taken, sizeof(taken)));
	tell_set(&s);
	tell(&s, 0, 1600000, HVKVP_RECEIVED, 3, bytes, packet(bytes, 9, 0, 0, "x", 1));
	tell(&s, 8, 1600001, 77, 0, NULL, 0);
	CHECK_INT(run(&s, NULL), 3);
	CHECK_TEXT(child.out,
		   "    1.000000 channel is open\n"
		   "    1.000001 6 host    negotiate framework=1.0,3.0 kvp=5.0\n"
		   "    1.000021 6 guest   negotiate status=S_OK framework=3.0 kvp=5.0 after 20 us\n"
		   "    1.500000 7 host    set pool=guest key=\"na me\" value=\u00fc\\x1b\n"
		   "    1.500010 7 service has read the request\n"
		   "    1.500321 7 guest   set status=ACCESS_DENIED pool=guest key=\"na me\" after 321 us\n"
		   "3 events were lost here: hvkvp read them too slowly\n"
		   "    1.600000 host    \"type 9\" dropped\n");
	snprintf(said, sizeof(said), "hvkvp: watching %s\nhvkvp: the device was removed\n", s.path);
	CHECK_TEXT(child.err, said);
	scratch_end();
}

static void json(void)
{
	const char *message, *key, *value, *event;
	struct stream s;
	json_t *line;

	scratch_begin();
	stream_open(&s);
	tell_set(&s);
	CHECK_INT(run(&s, "--json"), 3);
	line = json_loads(child.out, JSON_DISABLE_EOF_CHECK, NULL);
	CHECK(line);
	CHECK(!json_unpack(line, "{s:s, s:{s:s, s:s, s:s}}", "event", &event, "packet",
			   "message", &message, "key", &key, "value", &value));
	CHECK_TEXT(event, "received");
	CHECK_TEXT(message, "set");
	CHECK_TEXT(key, "na me");
	CHECK_TEXT(value, "\u00fc\x1b");
	json_decref(line);
	CHECK(!strstr(child.out, "\"bytes\""));
	scratch_end();
}

static void hex(void)
{
	struct stream s;
	uint8_t bytes[64];

	scratch_begin();
	stream_open(&s);
	tell(&s, 6, 1000001, HVKVP_RECEIVED, 0, bytes, packet(bytes, 9, 3, 0, "KVP", 3));
	CHECK_INT(run(&s, "--hex"), 3);
	CHECK_TEXT(child.out,
		   "    1.000001 6 host    \"type 9\"\n"
		   "    0000  01 00 00 00 17 00 00 00 03 00 00 00 09 00 05 00  ................\n"
		   "    0010  00 00 03 00 00 00 00 00 09 03 00 00 4b 56 50     ............KVP\n");
	scratch_end();
}

static void capture(void)
{
	uint8_t bytes[64];
	struct stream s;
	struct stat st;

	scratch_begin();
	stream_open(&s);
	tell(&s, 0, 1000000, HVKVP_OPENED, 2, NULL, 0);
	tell(&s, 0, 1400000, HVKVP_RECEIVED, 1, bytes, packet(bytes, 9, 0, 0, "x", 1));
	tell(&s, 0, 1410000, HVKVP_RECEIVED, 0, (const uint8_t *)"short", 5);
	tell_set(&s);
	close(s.fds[1]);
	CHECK_INT(child_run(&child, "hvkvp", "--device", s.path, "--write", scratch_path("capture"),
			    "monitor"), 3);
	close(s.fds[0]);
	CHECK_TEXT(child.out, "");
	CHECK(strstr(child.err, "hvkvp: watching "));
	CHECK(!stat(scratch_path("capture"), &st));
	CHECK_INT(st.st_mode & 0777, 0600);
	CHECK_INT(child_run(&child, "hvkvp", "--read", scratch_path("capture"), "monitor"), 0);
	CHECK_TEXT(child.out,
		   "3 events were lost here: hvkvp read them too slowly\n"
		   "    0.000000 host    \"type 9\" dropped\n"
		   "    0.010000 host    error=\"it is shorter than it should be\" dropped\n"
		   "    0.100000 7 host    set pool=guest key=\"na me\" value=\u00fc\\x1b\n"
		   "    0.100321 7 guest   set status=ACCESS_DENIED pool=guest key=\"na me\" after 321 us\n");
	CHECK_TEXT(child.err, "");
	/* To standard output, and to where there is no room. */
	stream_open(&s);
	CHECK_INT(child_run(&child, "hvkvp", "--device", s.path, "--timeout", "0", "--write", "-",
			    "monitor"), 0);
	CHECK(!memcmp(child.out, "\n\r\r\n", 4));
	close(s.fds[0]);
	close(s.fds[1]);
	stream_open(&s);
	CHECK_INT(child_run(&child, "hvkvp", "--device", s.path, "--write", "/dev/full", "monitor"), 3);
	CHECK(strstr(child.err, "/dev/full: No space left on device"));
	close(s.fds[0]);
	close(s.fds[1]);
	scratch_end();
}

static void no_device(void)
{
	struct stream s;

	scratch_begin();
	CHECK_INT(child_run(&child, "hvkvp", "--device", "/nonexistent/hv_kvp", "monitor"), 3);
	CHECK(strstr(child.err, "/nonexistent/hv_kvp does not exist"));
	stream_open(&s);
	CHECK(write(s.fds[1], "garbage", 7) == 7);
	CHECK_INT(run(&s, NULL), 3);
	CHECK(strstr(child.err, "hvkvp: the driver sent an invalid message of 7 bytes\n"));
	stream_open(&s);
	CHECK_INT(child_run(&child, "hvkvp", "--device", s.path, "--timeout", "0.1", "monitor"), 0);
	close(s.fds[0]);
	close(s.fds[1]);
	scratch_end();
}

/* What packet_describe() says is wrong with it. */
static const char *error_of(const uint8_t *bytes, size_t len)
{
	static char error[128];
	json_t *words = packet_describe(bytes, len);
	const char *text = json_string_value(json_object_get(words, "error"));

	snprintf(error, sizeof(error), "%s", text ? text : "");
	json_decref(words);
	return error;
}

static void malformed(void)
{
	static const char cut[] = "it is shorter than it should be";
	uint8_t bytes[9000];
	struct body body;
	size_t len;

	/* Every way to cut each message off; ASan sees what is read behind it. */
	for (int operation = 0; operation < 6; operation++) {
		body_make(&body, operation, 0);
		len = packet(bytes, HVKVP_IC_TYPE_KVP, 3, 0, body.bytes, body.len);
		for (size_t short_len = 0; short_len < len; short_len += short_len < 60 ? 1 : 97) {
			uint8_t *exact = malloc(short_len ? short_len : 1);

			memcpy(exact, bytes, short_len);
			if (operation < 4 || short_len < 28 + HVKVP_IP_BINARY_USED)
				CHECK_TEXT(error_of(exact, short_len), cut);
			else
				error_of(exact, short_len);
			free(exact);
		}
	}
	CHECK_TEXT(error_of(bytes, packet(bytes, 0, 3, 0, "\xff\xff\xff\xff\0\0\0\0", 8)), cut);
	body_set(&body, 0, U(u"k"), U(u"v"));
	body_put32(body.bytes + 8, 600);
	len = packet(bytes, HVKVP_IC_TYPE_KVP, 3, 0, body.bytes, body.len);
	CHECK_TEXT(error_of(bytes, len), "the key cannot be read");
	body_set(&body, 0, U(u"k"), U(u"v"));
	body_put32(body.bytes + 4, 99);
	len = packet(bytes, HVKVP_IC_TYPE_KVP, 3, 0, body.bytes, body.len);
	CHECK_TEXT(error_of(bytes, len), "the value cannot be read");
}

static const struct tap_case cases[] = {
	{ "a line for each event", lines },
	{ "JSON", json },
	{ "bytes", hex },
	{ "a capture", capture },
	{ "no device, no message, no more time", no_device },
	{ "packets that lie, or are cut off", malformed },
};

TAP_MAIN("monitor", cases)
