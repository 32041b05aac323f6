// SPDX-License-Identifier: GPL-2.0-only
/*
 * The operations: bodies in, statuses and bodies out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "config/config.h"
#include "facts/facts.h"
#include "hvkvpd/dispatch.h"
#include "pool/store.h"
#include "support/body.h"
#include "support/scratch.h"

#define OK		0
#define FAIL		0x80004005
#define INVALID		0x80070057
#define NOT_SUPPORTED	0x80070032
#define NO_MORE		0x80070103
#define NOT_FOUND	0x80070002
#define ACCESS_DENIED	0x80070005

static struct store store;
static struct facts facts = { .root = scratch_dir, .is_version = "3.1" };
static struct dispatch dispatch = { .store = &store, .facts = &facts, .lock_wait_ms = 200 };
static struct dispatch_reply reply;

static void begin(void)
{
	scratch_begin();
	CHECK_INT(store_init(&store, scratch_dir), 0);
}

static void end(void)
{
	store_exit(&store);
	scratch_end();
}

static int unconfirmed;	/* what the driver says of S_OK */

static int count(void *data)
{
	++*(int *)data;
	return unconfirmed;
}

/* The body goes in as an exact copy on the heap: a sanitizer sees what is read. */
static uint32_t handle(const struct body *body)
{
	int confirmed = 0;
	struct dispatch_request request = {
		.id = 1, .msg_major = 5, .fw_major = 3, .body_len = body->len,
		.confirm = count, .confirm_data = &confirmed,
	};
	uint8_t *copy = malloc(body->len ? body->len : 1);
	bool changes = body->len && (body->bytes[0] == HVKVP_OP_SET || body->bytes[0] == HVKVP_OP_DELETE);

	memcpy(copy, body->bytes, body->len);
	request.body = copy;
	memset(&reply, 0xee, sizeof(reply));
	dispatch_handle(&dispatch, &request, &reply);
	CHECK(reply.body_len == 0 || reply.body_len == body->len);
	CHECK(!reply.status || !reply.body_len);
	/* The host may have S_OK by then: exactly once, and only if it is true. */
	CHECK_INT(confirmed, changes && (!reply.status || unconfirmed));
	free(copy);
	return reply.status;
}

static uint32_t set(int pool, const char16_t *key, size_t key_size,
		    const char16_t *value, size_t value_size)
{
	struct body body;

	body_set(&body, pool, key, key_size, value, value_size);
	return handle(&body);
}

static uint32_t get(int pool, const char16_t *key, size_t key_size)
{
	struct body body;

	body_get(&body, pool, key, key_size);
	return handle(&body);
}

static uint32_t delete(int pool, const char16_t *key, size_t key_size)
{
	struct body body;

	body_delete(&body, pool, key, key_size);
	return handle(&body);
}

static uint32_t enumerate(int pool, uint32_t index)
{
	struct body body;

	body_enumerate(&body, pool, index);
	return handle(&body);
}

/* The answer's pair starts at @at, and every byte around it is zero. */
static void check_pair(size_t at, const char16_t *key, size_t key_size,
		       const char16_t *value, size_t value_size)
{
	static uint8_t want[BODY_EXCHANGE];

	memset(want, 0, sizeof(want));
	memcpy(want, reply.body, at);
	body_put32(want + at, 1);
	body_put32(want + at + 4, key_size);
	body_put32(want + at + 8, value_size);
	memcpy(want + at + 12, key, key_size);
	memcpy(want + at + 524, value, value_size);
	CHECK_INT(reply.body_len, BODY_EXCHANGE);
	CHECK(!memcmp(reply.body, want, sizeof(want)));
}

static void round_trip(void)
{
	static const int pools[] = { 0, 1, 3 };

	begin();
	for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
		int p = pools[i];

		CHECK_INT(set(p, U(u"Key \"1\" \U0001F600"), U(u"a \"quoted\" value\u20ac")), OK);
		CHECK_INT(reply.body_len, 0);
		CHECK_INT(get(p, U(u"Key \"1\" \U0001F600")), OK);
		CHECK_INT(reply.body[0], 0);
		CHECK_INT(reply.body[1], p);
		check_pair(4, U(u"Key \"1\" \U0001F600"), U(u"a \"quoted\" value\u20ac"));
		CHECK_INT(set(p, U(u"Key \"1\" \U0001F600"), U(u"")), OK);
		CHECK_INT(get(p, U(u"Key \"1\" \U0001F600")), OK);
		check_pair(4, U(u"Key \"1\" \U0001F600"), U(u""));
		CHECK_INT(delete(p, U(u"Key \"1\" \U0001F600")), OK);
		CHECK_INT(get(p, U(u"Key \"1\" \U0001F600")), NOT_FOUND);
	}
	end();
}

static void longest(void)
{
	char16_t key[256], value[1024];

	begin();
	for (int i = 0; i < 1023; i++)
		value[i] = 'A' + i % 26;
	memcpy(key, value, sizeof(key));
	key[255] = 0;
	value[1023] = 0;
	CHECK_INT(set(0, key, sizeof(key), value, sizeof(value)), OK);
	CHECK_INT(get(0, key, sizeof(key)), OK);
	check_pair(4, key, sizeof(key), value, sizeof(value));
	CHECK_INT(enumerate(0, 0), OK);
	check_pair(8, key, sizeof(key), value, sizeof(value));

	/* As many units, but more bytes than a record holds: nothing changes. */
	for (int i = 0; i < 1023; i++)
		value[i] = 0x20ac;
	CHECK_INT(set(0, key, sizeof(key), value, sizeof(value)), INVALID);
	CHECK(scratch_logged("longer than 2047 bytes"));
	for (int i = 0; i < 255; i++)
		key[i] = 0x20ac;
	CHECK_INT(set(0, key, sizeof(key), U(u"v")), INVALID);
	CHECK(scratch_logged("longer than 511 bytes"));
	CHECK_INT(enumerate(0, 0), OK);
	CHECK_INT(body_get32(reply.body + 16), 2048);
	CHECK_INT(enumerate(0, 1), NO_MORE);
	end();
}

/* In several changes: the host must not have its answer before the last one. */
static void many_of_one_key(void)
{
	struct pool *pool;

	begin();
	pool = &store.pools[HVKVP_POOL_EXTERNAL];
	for (int i = 0; i < 2500; i++)
		pool_add(pool, "key", "value");
	CHECK_INT(delete(HVKVP_POOL_EXTERNAL, U(u"key")), OK);
	CHECK_INT(get(HVKVP_POOL_EXTERNAL, U(u"key")), NOT_FOUND);
	end();
}

static void missing_key(void)
{
	begin();
	CHECK_INT(get(0, U(u"none")), NOT_FOUND);
	CHECK_INT(delete(0, U(u"none")), NOT_FOUND);
	CHECK_INT(set(0, U(u"some"), U(u"v")), OK);
	CHECK_INT(get(0, U(u"none")), NOT_FOUND);
	CHECK_INT(delete(0, U(u"none")), NOT_FOUND);
	CHECK_INT(get(0, U(u"Some")), NOT_FOUND);
	end();
}

static void enumeration(void)
{
	begin();
	CHECK_INT(enumerate(1, 0), NO_MORE);
	set(1, U(u"b"), U(u"1"));
	set(1, U(u"a"), U(u"2"));
	CHECK_INT(enumerate(1, 0), OK);
	CHECK_INT(reply.body[0], 3);
	CHECK_INT(reply.body[1], 1);
	CHECK_INT(body_get32(reply.body + 4), 0);
	check_pair(8, U(u"b"), U(u"1"));
	CHECK_INT(enumerate(1, 1), OK);
	CHECK_INT(body_get32(reply.body + 4), 1);
	check_pair(8, U(u"a"), U(u"2"));
	CHECK_INT(enumerate(1, 2), NO_MORE);
	CHECK_INT(enumerate(1, 0x7fffffff), NO_MORE);
	CHECK_INT(enumerate(1, 0x80000000), NO_MORE);
	CHECK_INT(enumerate(1, 0xffffffff), NO_MORE);
	CHECK_INT(enumerate(0, 0), NO_MORE);
	end();
}

static void put_raw(uint8_t *record, const char *key, size_t key_len, const char *value,
		    size_t value_len)
{
	memset(record, 0, POOL_RECORD_SIZE);
	memcpy(record, key, key_len);
	memcpy(record + POOL_KEY_SIZE, value, value_len);
}

/* What only other programs can have stored: the host sees as much as a message holds. */
static void odd_records(void)
{
	static uint8_t file[8][POOL_RECORD_SIZE];
	char16_t key[256], value[1024], pairs[1024];
	char text[POOL_VALUE_SIZE];

	begin();
	memset(text, 'x', sizeof(text));
	put_raw(file[0], "event", 5, text, 1024);
	put_raw(file[1], text, 511, "long key", 8);
	put_raw(file[2], "endless", 7, text, 2048);
	put_raw(file[3], "", 0, "no key", 6);
	put_raw(file[4], "latin1 \xfc", 8, "surrogate \xed\xa0\x80", 13);
	put_raw(file[5], "control", 7, "\x01\n\x7f", 3);
	put_raw(file[6], "last", 4, "x", 1);
	/* The last unit that fits is the first one of two surrogates. */
	for (int i = 0; i < 511; i++)
		memcpy(text + 2 + 4 * i, "\U0001F600", 4);
	put_raw(file[7], "pairs", 5, text, 2046);
	scratch_write(".kvp_pool_1", file, sizeof(file));
	for (int i = 0; i < 1023; i++) {
		key[i < 255 ? i : 255] = u'x';
		value[i] = u'x';
		pairs[i] = i < 2 ? u'x' : i % 2 ? 0xde00 : 0xd83d;
	}
	key[255] = value[1023] = pairs[1022] = 0;

	CHECK_INT(enumerate(1, 0), OK);
	check_pair(8, U(u"event"), value, 2048);
	CHECK_INT(get(1, U(u"event")), OK);
	check_pair(4, U(u"event"), value, 2048);
	CHECK_INT(enumerate(1, 1), OK);
	check_pair(8, key, 512, U(u"long key"));
	CHECK_INT(get(1, key, 512), OK);
	check_pair(4, key, 512, U(u"long key"));
	CHECK_INT(enumerate(1, 2), OK);
	check_pair(8, U(u"endless"), value, 2048);
	CHECK_INT(enumerate(1, 3), OK);
	check_pair(8, U(u"latin1 \ufffd"), U(u"surrogate \ufffd\ufffd\ufffd"));
	CHECK_INT(get(1, U(u"latin1 \ufffd")), OK);
	check_pair(4, U(u"latin1 \ufffd"), U(u"surrogate \ufffd\ufffd\ufffd"));
	CHECK_INT(enumerate(1, 4), OK);
	check_pair(8, U(u"control"), U(u"\x01\n\x7f"));
	CHECK_INT(enumerate(1, 5), OK);
	check_pair(8, U(u"last"), U(u"x"));
	CHECK_INT(enumerate(1, 6), OK);
	check_pair(8, U(u"pairs"), pairs, 2046);
	CHECK_INT(enumerate(1, 7), NO_MORE);
	end();
}

static void auto_pool(void)
{
	begin();
	for (int i = 0; i < FACTS_COUNT; i++) {
		uint32_t value_size;

		CHECK_INT(enumerate(2, i), OK);
		CHECK_INT(body_get32(reply.body + 4), i);
		value_size = body_get32(reply.body + 16);
		CHECK(value_size >= 2 && value_size % 2 == 0);
	}
	CHECK_INT(enumerate(2, 1), OK);
	check_pair(8, U(u"IntegrationServicesVersion"), U(u"3.1"));
	CHECK_INT(enumerate(2, FACTS_COUNT), NO_MORE);
	CHECK_INT(enumerate(2, 0xffffffff), NO_MORE);
	CHECK_INT(get(2, U(u"IntegrationServicesVersion")), OK);
	check_pair(4, U(u"IntegrationServicesVersion"), U(u"3.1"));
	CHECK_INT(get(2, U(u"NoSuchFact")), NOT_FOUND);
	CHECK_INT(set(2, U(u"OSName"), U(u"x")), ACCESS_DENIED);
	CHECK_INT(delete(2, U(u"OSName")), ACCESS_DENIED);
	CHECK_INT(access(scratch_path(".kvp_pool_2"), F_OK), -1);
	end();
}

static void numbers(void)
{
	static const struct {
		uint32_t type;
		uint32_t size;
		uint8_t bytes[9];
		const char16_t *want;
		size_t want_size;
		uint32_t status;
	} values[] = {
		{ 1, 4, "\x41\0\0\0", U(u"A"), OK },
		{ 2, 6, "%\0A\0\0\0", U(u"%A"), OK },
		{ 4, 4, "\x01\x02\x03\x84", U(u"2214789633"), OK },
		{ 11, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", U(u"18446744073709551615"), OK },
		{ 8, 8, "\x01\0\0\0\x01\0\0\0", U(u"4294967297"), OK },
		/* The type says how many bytes count. */
		{ 4, 8, "\x01\0\0\0\x02\0\0\0", U(u"1"), OK },
		{ 4, 0, "\x07", U(u"7"), OK },
		{ 11, 4, "\x01\0\0\0\x01\0\0\0", U(u"4294967297"), OK },
		{ 4, 2049, "\x01\0\0\0", NULL, 0, INVALID },
		{ 0, 4, "\x01\0\0\0", NULL, 0, INVALID },
		{ 3, 4, "\x01\0\0\0", NULL, 0, INVALID },
		{ 7, 4, "\0\0\0\0", NULL, 0, INVALID },
		{ 0xffffffff, 4, "\0\0\0\0", NULL, 0, INVALID },
	};
	struct body body;

	begin();
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		body_set(&body, 0, U(u"k"), U(u""));
		body_put32(body.bytes + 4, values[i].type);
		body_put32(body.bytes + 12, values[i].size);
		memcpy(body.bytes + 528, values[i].bytes, 8);
		if (!CHECK_INT(handle(&body), values[i].status))
			printf("# value %zu\n", i);
		if (!values[i].want)
			continue;
		CHECK_INT(get(0, U(u"k")), OK);
		check_pair(4, U(u"k"), values[i].want, values[i].want_size);
		CHECK_INT(delete(0, U(u"k")), OK);
	}
	CHECK_INT(enumerate(0, 0), NO_MORE);
	end();
}

/* Each wrong field alone, beside the good message that it is made from. */
static void lying_sizes(void)
{
	static const uint32_t sizes[] = {
		513, 514, 0x7ffffffe, 0x80000000, 0xfffffffe, 0xffffffff,
	};
	struct body body;

	begin();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		body_set(&body, 0, U(u"k"), U(u"v"));
		body_put32(body.bytes + 8, sizes[i]);
		CHECK_INT(handle(&body), INVALID);
		body_set(&body, 0, U(u"k"), U(u"v"));
		body_put32(body.bytes + 12, sizes[i] == 513 ? 2049 : sizes[i] == 514 ? 2050 :
			   sizes[i]);
		CHECK_INT(handle(&body), INVALID);
		body_get(&body, 0, U(u"k"));
		body_put32(body.bytes + 8, sizes[i]);
		CHECK_INT(handle(&body), INVALID);
		body_delete(&body, 0, U(u"k"));
		body_put32(body.bytes + 4, sizes[i]);
		CHECK_INT(handle(&body), INVALID);
	}
	CHECK_INT(set(0, U(u""), U(u"v")), INVALID);
	CHECK_INT(enumerate(0, 0), NO_MORE);
	CHECK_INT(set(0, U(u"k"), U(u"v")), OK);
	end();
}

/* What the stock pair accepts, too: the text ends with its first NUL, or with its size. */
static void unusual_strings(void)
{
	static const uint32_t sizes[] = { 2, 3, 5, 6, 8, 511, 512 };
	struct tolerated tolerated = { 0 };
	char16_t whole[1024];
	struct body body;

	begin();
	dispatch.tolerated = &tolerated;
	CHECK_INT(set(0, U(u"k"), U(u"v")), OK);
	CHECK_INT(tolerated.count, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		body_set(&body, 0, U(u"k"), U(u"w"));
		body_put32(body.bytes + 8, sizes[i]);
		body_put32(body.bytes + 12, sizes[i] == 511 ? 2047 : sizes[i] == 512 ? 2048 :
			   sizes[i]);
		CHECK_INT(handle(&body), OK);
		CHECK_INT(tolerated.count, i + 1);
		CHECK_INT(get(0, U(u"k")), OK);
		check_pair(4, U(u"k"), U(u"w"));
	}
	/* A value of size 0 is empty, a key of size 0 is none. */
	body_set(&body, 0, U(u"k"), U(u"v"));
	body_put32(body.bytes + 12, 0);
	CHECK_INT(handle(&body), OK);
	CHECK_INT(get(0, U(u"k")), OK);
	check_pair(4, U(u"k"), U(u""));
	body_set(&body, 0, U(u"k"), U(u"v"));
	body_put32(body.bytes + 8, 0);
	CHECK_INT(handle(&body), INVALID);
	CHECK_INT(tolerated.count, sizeof(sizes) / sizeof(sizes[0]) + 1);
	CHECK(scratch_logged("accepted in spite of this: a string has no final NUL (logged once)"));
	CHECK(scratch_logged("accepted in spite of this: a string has a NUL before its end (logged once)"));
	CHECK(scratch_logged("accepted in spite of this: the size of a string is zero or odd (logged once)"));
	/* Each of them once. */
	CHECK_TEXT(tolerated.logged[3], NULL);
	dispatch.tolerated = NULL;
	/* Without its NUL a text may fill its field, but for one unit: an answer has room for no more. */
	for (int i = 0; i < 1024; i++)
		whole[i] = u'x';
	CHECK_INT(set(0, whole, 510, whole, 2046), OK);
	CHECK_INT(delete(0, whole, 510), OK);
	CHECK_INT(set(0, whole, 512, U(u"v")), INVALID);
	CHECK_INT(set(0, U(u"k"), whole, 2048), INVALID);
	CHECK_INT(get(0, U(u"k")), OK);
	check_pair(4, U(u"k"), U(u""));
	end();
}

static void wrong_requests(void)
{
	struct body body;

	begin();
	for (int op = 6; op < 256; op++) {
		body_make(&body, op, 0);
		CHECK_INT(handle(&body), NOT_SUPPORTED);
	}
	for (int pool = 4; pool < 256; pool++) {
		body_set(&body, pool, U(u"k"), U(u"v"));
		CHECK_INT(handle(&body), INVALID);
	}
	for (int op = 0; op < 6; op++) {
		/* Requests are of KVP 5.0 here, whose IP bodies are the binary ones. */
		uint32_t whole = op < 4 ? BODY_EXCHANGE : 3716;

		body_make(&body, op, 0);
		for (uint32_t len = 0; len < whole; len += 1 + len / 7) {
			body.len = len;
			CHECK_INT(handle(&body), INVALID);
		}
	}
	body_make(&body, 0, 0);
	body.len = 1;
	CHECK_INT(handle(&body), INVALID);
	end();
}

static void ip_operations(void)
{
	struct body body;

	begin();
	body_make(&body, 4, 1);
	CHECK_INT(handle(&body), NOT_SUPPORTED);
	body_make(&body, 5, 1);
	CHECK_INT(handle(&body), NOT_SUPPORTED);
	end();
}

/* A host's buffer may be longer than the message: the answer has its length. */
static void longer_body(void)
{
	struct body body;

	begin();
	set(0, U(u"k"), U(u"v"));
	body_get(&body, 0, U(u"k"));
	memset(body.bytes + BODY_EXCHANGE, 0x55, 1000);
	body.len = BODY_EXCHANGE + 1000;
	CHECK_INT(handle(&body), OK);
	CHECK_INT(reply.body_len, BODY_EXCHANGE + 1000);
	for (int i = 576; i < BODY_EXCHANGE + 1000; i++)
		if (!CHECK_INT(reply.body[i], 0))
			break;
	end();
}

/* Whatever is in a body: an answer, and nothing read or written outside of it. */
static void random_bodies(void)
{
	uint32_t random = 1;
	struct body body;

	begin();
	for (int i = 0; i < 20000; i++) {
		if (i % 2)
			body_set(&body, i / 2 % 4, U(u"key"), U(u"value"));
		else
			body_enumerate(&body, i / 2 % 4, 0);
		for (int k = 0; k < 1 + i % 5; k++) {
			uint32_t at;

			random = random * 1664525 + 1013904223;
			at = (random >> 16) % (k % 2 ? 2580 : 24);
			body.bytes[at] = random >> 8;
		}
		handle(&body);
	}
	CHECK_INT(set(1, U(u"k"), U(u"v")), OK);
	end();
}

static void past_deadline(void)
{
	struct dispatch_request request = { .id = 1, .deadline_ns = 1 };
	struct body body;

	begin();
	body_set(&body, 0, U(u"k"), U(u"v"));
	request.body = body.bytes;
	request.body_len = body.len;
	dispatch_handle(&dispatch, &request, &reply);
	CHECK_INT(reply.status, FAIL);
	CHECK_INT(get(0, U(u"k")), NOT_FOUND);
	end();
}

static int change_unconfirmed(void)
{
	int failed = set(0, U(u"known"), U(u"old")) || set(0, U(u"last"), U(u"value"));

	unconfirmed = -ETIMEDOUT;
	failed |= set(0, U(u"known"), U(u"new")) != FAIL;
	failed |= set(0, U(u"other"), U(u"new")) != FAIL;
	failed |= delete(0, U(u"known")) != FAIL;
	failed |= delete(0, U(u"last")) != FAIL;
	unconfirmed = 0;
	return failed || !scratch_logged("could not be told") ||
	       get(0, U(u"known")) || get(0, U(u"last")) || get(0, U(u"other")) != NOT_FOUND;
}

/* The host has an error, or nothing: what it takes for failed does not happen, now or after a crash. */
static void unconfirmed_changes(void)
{
	int status = -1;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		_exit(change_unconfirmed());
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_INT(status, 0);
	/* What the killed process left in the journal is replayed. */
	CHECK_INT(set(0, U(u"new"), U(u"value")), OK);
	CHECK_INT(enumerate(0, 0), OK);
	check_pair(8, U(u"known"), U(u"old"));
	CHECK_INT(enumerate(0, 1), OK);
	check_pair(8, U(u"last"), U(u"value"));
	CHECK_INT(enumerate(0, 2), OK);
	check_pair(8, U(u"new"), U(u"value"));
	CHECK_INT(enumerate(0, 3), NO_MORE);
	end();
}

static void broken_storage(void)
{
	begin();
	CHECK_INT(mkdir(scratch_path(".kvp_pool_0"), 0700), 0);
	CHECK_INT(set(0, U(u"k"), U(u"v")), FAIL);
	CHECK_INT(get(0, U(u"k")), FAIL);
	CHECK_INT(enumerate(0, 0), FAIL);
	CHECK(scratch_logged("is a directory"));
	CHECK_INT(set(1, U(u"k"), U(u"v")), OK);
	end();
}

static uint32_t ask_ip(unsigned int operation)
{
	struct body body = { .len = BODY_IP, .bytes = { operation } };

	body.bytes[offsetof(struct hvkvp_msg_ip_binary, adapter_id)] = 'x';
	return handle(&body);
}

/* Whatever the configuration forbids has this status, one line in the log, and no effect. */
static void forbidden(void)
{
	struct config config;

	begin();
	CHECK_INT(config_init(&config), 0);
	dispatch.config = &config;
	dispatch.rate = &(struct change_rate){ 0 };
	CHECK_INT(set(1, U(u"k"), U(u"v")), OK);
	config.pools[1] = CONFIG_READ;
	CHECK_INT(set(1, U(u"k"), U(u"other")), ACCESS_DENIED);
	CHECK(scratch_logged("4 SET pool=guest key=\"k\" status=0x80070005: the configuration does not allow this to the host"));
	CHECK_INT(delete(1, U(u"k")), ACCESS_DENIED);
	CHECK(scratch_logged("4 DELETE pool=guest key=\"k\" status=0x80070005: the configuration"));
	CHECK_INT(get(1, U(u"k")), OK);
	check_pair(4, U(u"k"), U(u"v"));
	CHECK_INT(enumerate(1, 0), OK);
	CHECK_INT(set(0, U(u"k"), U(u"v")), OK);
	config.pools[1] = CONFIG_WRITE;
	CHECK_INT(get(1, U(u"k")), ACCESS_DENIED);
	CHECK_INT(enumerate(1, 0), ACCESS_DENIED);
	CHECK_INT(delete(1, U(u"k")), OK);
	config.pools[2] = 0;
	CHECK_INT(enumerate(2, 0), ACCESS_DENIED);
	CHECK_INT(set(2, U(u"OSName"), U(u"x")), ACCESS_DENIED);
	CHECK(scratch_logged("the guest makes this pool up itself"));
	config.ip.get = false;
	config.ip.set = IP_POLICY_SET_OFF;
	CHECK_INT(ask_ip(HVKVP_OP_GET_IP), ACCESS_DENIED);
	CHECK(scratch_logged("GET_IP is off"));
	CHECK_INT(ask_ip(HVKVP_OP_SET_IP), ACCESS_DENIED);
	CHECK(scratch_logged("4 SET_IP adapter=\"x\" status=0x80070005: SET_IP is off"));
	config.ip.get = true;
	CHECK_INT(ask_ip(HVKVP_OP_GET_IP), NOT_SUPPORTED);
	dispatch.config = NULL;
	config_exit(&config);
	end();
}

/* Level 5 is notice, 4 warning, 7 debug. */
static void audit(void)
{
	struct config config;

	begin();
	CHECK_INT(config_init(&config), 0);
	dispatch.config = &config;
	dispatch.rate = &(struct change_rate){ 0 };
	CHECK_INT(set(0, U(u"k"), U(u"secret")), OK);
	CHECK(scratch_logged("5 SET pool=external key=\"k\" size=6 status=0x00000000\n"));
	CHECK_INT(set(1, U(u"a\" b\n"), U(u"€")), OK);
	CHECK(scratch_logged("5 SET pool=guest key=\"a\\\" b\\n\" size=3 status=0x00000000\n"));
	CHECK_INT(get(0, U(u"k")), OK);
	CHECK_INT(enumerate(0, 0), OK);
	CHECK(!scratch_logged("5 GET") && !scratch_logged("5 ENUMERATE"));
	CHECK(!scratch_logged("secret"));
	CHECK_INT(delete(0, U(u"k")), OK);
	CHECK(scratch_logged("5 DELETE pool=external key=\"k\" status=0x00000000\n"));
	CHECK_INT(delete(0, U(u"k")), NOT_FOUND);
	CHECK(scratch_logged("5 DELETE pool=external key=\"k\" status=0x80070002\n"));
	CHECK_INT(ask_ip(HVKVP_OP_SET_IP), NOT_SUPPORTED);
	CHECK(scratch_logged("5 SET_IP adapter=\"\" status=0x80070032: addresses are not served\n"));
	CHECK_INT(mkdir(scratch_path(".kvp_pool_3"), 0700), 0);
	CHECK_INT(set(3, U(u"k"), U(u"v")), FAIL);
	CHECK(scratch_logged("4 SET pool=parameter key=\"k\" size=1 status=0x80004005: "));
	config.log_values = true;
	CHECK_INT(set(0, U(u"k"), U(u"a\"b")), OK);
	CHECK(scratch_logged("5 SET pool=external key=\"k\" size=3 value=\"a\\\"b\" status=0x00000000\n"));
	dispatch.config = NULL;
	config_exit(&config);
	end();
}

/* The pools here have what the host has set, and the system's have the rest. */
static void while_starting(void)
{
	begin();
	dispatch.early = true;
	CHECK_INT(get(2, U(u"OSName")), OK);
	CHECK_INT(enumerate(2, 0), OK);
	CHECK_INT(enumerate(2, 1000), NO_MORE);
	CHECK_INT(get(0, U(u"k")), FAIL);
	CHECK(scratch_logged("status 0x80004005: the system is starting"));
	CHECK_INT(set(0, U(u"k"), U(u"v")), OK);
	CHECK_INT(get(0, U(u"k")), OK);
	check_pair(4, U(u"k"), U(u"v"));
	CHECK_INT(enumerate(0, 0), FAIL);
	CHECK_INT(enumerate(1, 0), FAIL);
	CHECK_INT(delete(0, U(u"k")), FAIL);
	CHECK(scratch_logged("4 DELETE pool=external key=\"k\" status=0x80004005: the system is starting"));
	CHECK_INT(get(0, U(u"k")), OK);
	CHECK_INT(delete(2, U(u"OSName")), ACCESS_DENIED);
	dispatch.early = false;
	CHECK_INT(enumerate(0, 0), OK);
	CHECK_INT(delete(0, U(u"k")), OK);
	CHECK_INT(enumerate(0, 0), NO_MORE);
	end();
}

static bool is_left(unsigned int operation, unsigned int pool)
{
	const uint8_t body[HVKVP_MSG_HDR_SIZE] = { operation, pool };
	struct dispatch_request request = { .body = body, .body_len = sizeof(body) };

	return dispatch_is_left(&dispatch, &request);
}

static void left(void)
{
	begin();
	for (unsigned int i = 0; i <= HVKVP_OP_COUNT; i++)
		for (unsigned int pool = 0; pool < 6; pool++)
			CHECK(!is_left(i, pool));
	dispatch.early = true;
	dispatch.leaves = true;
	for (unsigned int pool = 0; pool < 6; pool++) {
		CHECK_INT(is_left(HVKVP_OP_GET, pool), pool != HVKVP_POOL_AUTO);
		CHECK_INT(is_left(HVKVP_OP_ENUMERATE, pool), pool != HVKVP_POOL_AUTO);
		CHECK_INT(is_left(HVKVP_OP_DELETE, pool), pool != HVKVP_POOL_AUTO);
		CHECK_INT(is_left(HVKVP_OP_SET, pool),
			  pool != HVKVP_POOL_AUTO && pool != HVKVP_POOL_PARAMETER);
		CHECK(is_left(HVKVP_OP_SET_IP, pool));
		CHECK(!is_left(HVKVP_OP_GET_IP, pool));
		CHECK(!is_left(HVKVP_OP_COUNT, pool));
	}
	dispatch.early = false;
	dispatch.leaves = false;
	end();
}

static void too_many_changes(void)
{
	struct change_rate rate = { 0 };
	struct config config;

	begin();
	CHECK_INT(config_init(&config), 0);
	config.host_changes = 3;
	dispatch.config = &config;
	dispatch.rate = &rate;
	CHECK_INT(set(0, U(u"a"), U(u"v")), OK);
	CHECK_INT(set(0, U(u"b"), U(u"v")), OK);
	CHECK_INT(delete(0, U(u"a")), OK);
	CHECK_INT(set(0, U(u"c"), U(u"v")), ACCESS_DENIED);
	CHECK(scratch_logged("the host exceeds HostChangesPerMinute"));
	CHECK_INT(get(0, U(u"b")), OK);
	CHECK_INT(get(0, U(u"c")), NOT_FOUND);
	dispatch.config = NULL;
	config_exit(&config);
	end();

	/* Over time, three a minute. */
	rate = (struct change_rate){ 0 };
	for (int i = 0; i < 3; i++)
		CHECK(change_rate_take(&rate, 3, 1000000));
	CHECK(!change_rate_take(&rate, 3, 1000000));
	CHECK(!change_rate_take(&rate, 3, 1019999));
	CHECK(change_rate_take(&rate, 3, 1020000));
	CHECK(!change_rate_take(&rate, 3, 1020001));
	for (int i = 0; i < 3; i++)
		CHECK(change_rate_take(&rate, 3, 9000000));
	CHECK(!change_rate_take(&rate, 3, 9000000));
	for (int i = 0; i < 1000; i++)
		CHECK(change_rate_take(&rate, 0, 9000000));
}

static const struct tap_case cases[] = {
	{ "set, get, delete in every pool that can be written", round_trip },
	{ "255 and 1023 units; what a record cannot hold is refused", longest },
	{ "thousands of values of one key are deleted before the answer", many_of_one_key },
	{ "a missing key is an error of its own", missing_key },
	{ "enumeration in order, and its end", enumeration },
	{ "records that a message cannot hold, or that are not UTF-8", odd_records },
	{ "pool auto: facts by position and name, read-only", auto_pool },
	{ "values of every type, and wrong ones", numbers },
	{ "sizes that lie, an empty key", lying_sizes },
	{ "strings that end early, late or nowhere", unusual_strings },
	{ "unknown operations and pools, bodies that are too short", wrong_requests },
	{ "IP operations are not supported where there is no machine", ip_operations },
	{ "an answer is as long as its request, and clean", longer_body },
	{ "20,000 bodies with random bytes in them", random_bodies },
	{ "each change by the host is one structured line at notice, without the value", audit },
	{ "a request whose deadline has passed has no effect", past_deadline },
	{ "a change of which the host could not be told is rolled back", unconfirmed_changes },
	{ "a pool that cannot be used fails alone", broken_storage },
	{ "what the configuration forbids is refused, and logged", forbidden },
	{ "the host's changes in a minute are limited", too_many_changes },
	{ "before the system's pools are there, what depends on them fails", while_starting },
	{ "or is left to the next service", left },
};

TAP_MAIN("dispatch", cases)
