// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stock kernel's transport, with this program as hv_utils, over a socket
 * pair. The kernel's side is written from its documented layout: 7432 bytes,
 * UTF-8, the status in the place of the header.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "c/tap.h"
#include "hvkvpd/service.h"
#include "pool/store.h"
#include "support/scratch.h"
#include "wire/protocol.h"

#define SIZE 7432

static struct store store;
static struct facts facts = { .root = scratch_dir, .is_version = FACTS_IS_VERSION };
static struct dispatch dispatch = { .store = &store, .facts = &facts, .lock_wait_ms = 200 };
static struct service service = { .dispatch = &dispatch, .facts = &facts };
static int fds[2];

static uint8_t out[SIZE], got[SIZE + 16];
static ssize_t got_len;

static void put32(size_t at, uint32_t value)
{
	memcpy(out + at, &value, 4);
}

static uint32_t get32(size_t at)
{
	uint32_t value;

	memcpy(&value, got + at, 4);
	return value;
}

static int talk_len(size_t len)
{
	int ret;

	CHECK_INT(send(fds[1], out, len, 0), len);
	ret = service_event(&service, EPOLLIN);
	got_len = recv(fds[1], got, sizeof(got), 0);
	return ret;
}

static uint32_t talk(void)
{
	CHECK_INT(talk_len(SIZE), 0);
	CHECK_INT(got_len, SIZE);
	return get32(0);
}

static void blank(int op, int pool)
{
	memset(out, 0, sizeof(out));
	out[0] = op;
	out[1] = pool;
}

static void begin(void)
{
	scratch_begin();
	store_init(&store, scratch_dir);
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	CHECK_INT(service_start(&service, &transport_stock, fds[0]), 0);
	got_len = recv(fds[1], got, sizeof(got), 0);
	CHECK_INT(got_len, SIZE);
	CHECK_INT(got[0], 100);
	blank(100, 0);
	strcpy((char *)out + 4, "3.1");
	talk_len(SIZE);
	CHECK_INT(got_len, -1);
}

static void end(void)
{
	close(fds[0]);
	close(fds[1]);
	store_exit(&store);
	scratch_end();
}

static void make_set(const char *key, const char *value)
{
	blank(1, 0);
	put32(8, strlen(key) + 1);
	put32(12, strlen(value) + 1);
	strcpy((char *)out + 16, key);
	strcpy((char *)out + 528, value);
}

static void make_enumerate(int pool, uint32_t index)
{
	blank(3, pool);
	put32(4, index);
}

static void registration(void)
{
	begin();
	CHECK(scratch_logged("ready (stock hv_kvp)"));
	CHECK_TEXT(facts.is_version, "3.1");
	CHECK(facts.is_version == service.transport.driver_version);
	end();
}

static void verbs(void)
{
	begin();
	make_set("kéy", "välue \U0001F600");
	CHECK_INT(talk(), HVKVP_S_OK);
	make_enumerate(0, 0);
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_TEXT((char *)got + 20, "kéy");
	CHECK_TEXT((char *)got + 532, "välue \U0001F600");
	make_enumerate(0, 1);
	CHECK_INT(talk(), HVKVP_NO_MORE_ITEMS);

	/* The kernel looks for the value of a GET where an ENUMERATE has it. */
	blank(0, 0);
	put32(8, 5);
	strcpy((char *)out + 16, "kéy");
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_TEXT((char *)got + 532, "välue \U0001F600");

	blank(2, 0);
	put32(4, 5);
	strcpy((char *)out + 8, "kéy");
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_INT(talk(), PROTOCOL_E_KEY_NOT_FOUND);
	make_enumerate(2, 9);
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_TEXT((char *)got + 20, "ProcessorArchitecture");
	end();
}

static void answers_are_clean(void)
{
	begin();
	make_set("k", "v");
	CHECK_INT(talk(), HVKVP_S_OK);
	for (int i = 4; i < SIZE; i++)
		if (!CHECK_INT(got[i], 0))
			break;
	make_enumerate(0, 0);
	memset(out + 8, 0x55, SIZE - 8);
	CHECK_INT(talk(), HVKVP_S_OK);
	for (int i = 534; i < SIZE; i++)
		if (!CHECK_INT(got[i], 0))
			break;
	end();
}

static void empty_value(void)
{
	begin();
	make_set("k", "");
	CHECK_INT(talk(), HVKVP_S_OK);
	make_enumerate(0, 0);
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_TEXT((char *)got + 20, "k");
	CHECK_TEXT((char *)got + 532, "");
	end();
}

/* EXPAND_SZ and QWORD: the kernel passes no value on, not even an empty one. */
static void dropped_value(void)
{
	begin();
	make_set("k", "");
	put32(12, 0);
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	CHECK(scratch_logged("dropped a value"));
	make_enumerate(0, 0);
	CHECK_INT(talk(), HVKVP_NO_MORE_ITEMS);
	end();
}

static void fill(char *text, const char *character, int count)
{
	text[0] = 0;
	while (count--)
		strcat(text, character);
}

/* The kernel drops what does not fit; near the end of a field nobody can tell. */
static void cut_text(void)
{
	char key[512], value[2048];

	begin();
	fill(key, "€", 169);	/* 507 bytes; a smile would not have fitted behind */
	strcat(key, "k");
	make_set(key, "v");
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	CHECK(scratch_logged("may have cut a key at 508 bytes"));
	fill(value, "€", 682);
	make_set("k", value);
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	CHECK(scratch_logged("may have cut a value at 2046 bytes"));
	/* More than a host can send: cannot be. */
	memset(value, 'v', 1024);
	value[1024] = 0;
	make_set("k", value);
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	make_enumerate(0, 0);
	CHECK_INT(talk(), HVKVP_NO_MORE_ITEMS);
	end();
}

/* All that the host can send, so nothing was behind it. */
static void whole_text(void)
{
	char key[512], value[2048];

	begin();
	fill(key, "k", 255);
	fill(value, "v", 1023);
	make_set(key, value);
	CHECK_INT(talk(), HVKVP_S_OK);
	fill(value, "\U0001F600", 511);	/* 2044 bytes, 1022 of 1023 units */
	make_set("smiles", value);
	CHECK_INT(talk(), HVKVP_S_OK);
	make_enumerate(0, 1);
	CHECK_INT(talk(), HVKVP_S_OK);
	CHECK_TEXT((char *)got + 532, value);
	fill(value, "€", 681);
	make_set("euros", value);
	CHECK_INT(talk(), HVKVP_S_OK);
	end();
}

static void unterminated_text(void)
{
	begin();
	make_set("k", "v");
	memset(out + 16, 'k', 512);
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	make_set("k", "v");
	memset(out + 528, 'v', 2048);
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	make_set("\xff", "v");
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	make_set("k", "v");
	out[1] = 200;
	CHECK_INT(talk(), HVKVP_E_INVALIDARG);
	blank(77, 0);
	CHECK_INT(talk(), HVKVP_E_NOT_SUPPORTED);
	make_enumerate(0, 0);
	CHECK_INT(talk(), HVKVP_NO_MORE_ITEMS);
	end();
}

static void ip(void)
{
	begin();
	blank(4, 1);
	strcpy((char *)out + 4, "00:15:5D:01:02:03");
	CHECK_INT(talk(), HVKVP_E_NOT_SUPPORTED);
	/* The text form, as a KVP 4.0 host would have sent it. */
	CHECK_INT(service.request.msg_major, 4);
	CHECK_INT(service.request.body_len, HVKVP_IP_SIZE);
	CHECK(!memcmp(service.request.body + 2, u"00:15:5D:01:02:03", 36));
	blank(5, 1);
	strcpy((char *)out + 4 + 258, "192.0.2.1;192.0.2.2");
	strcpy((char *)out + 4 + 5378, "192.0.2.53");
	out[4 + 256] = 1;
	out[4 + 257] = 0;
	CHECK_INT(talk(), HVKVP_E_NOT_SUPPORTED);
	CHECK(!memcmp(service.request.body + 260, u"192.0.2.1;192.0.2.2", 40));
	CHECK(!memcmp(service.request.body + 5380, u"192.0.2.53", 22));
	CHECK_INT(service.request.body[258], 1);
	CHECK_INT(service.request.body[259], 0);
	end();
}

static void wrong_lengths(void)
{
	begin();
	make_enumerate(2, 0);
	CHECK_INT(talk_len(SIZE - 1), 0);
	CHECK_INT(got_len, -1);
	CHECK_INT(talk_len(1), 0);
	CHECK_INT(got_len, -1);
	CHECK_INT(talk(), HVKVP_S_OK);
	end();
}

static void early_request(void)
{
	scratch_begin();
	store_init(&store, scratch_dir);
	CHECK_INT(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, fds), 0);
	service_start(&service, &transport_stock, fds[0]);
	recv(fds[1], got, sizeof(got), 0);
	make_enumerate(2, 0);
	CHECK_INT(talk_len(SIZE), 0);
	CHECK_INT(got_len, -1);
	CHECK(scratch_logged("before its registration"));
	end();
}

static void gone(void)
{
	begin();
	CHECK_INT(service_event(&service, EPOLLERR | EPOLLHUP), -ENODEV);
	close(fds[1]);
	CHECK_INT(service_event(&service, EPOLLIN | EPOLLHUP), -ENODEV);
	fds[1] = -1;
	end();
}

static const struct tap_case cases[] = {
	{ "registration, and the kernel's version", registration },
	{ "the four verbs", verbs },
	{ "answers carry nothing of a request or an earlier answer", answers_are_clean },
	{ "an empty value is a value", empty_value },
	{ "a value that the kernel dropped is refused", dropped_value },
	{ "a string that the kernel may have cut is refused", cut_text },
	{ "a string that cannot have been cut is stored", whole_text },
	{ "strings without an end, bad pools and operations", unterminated_text },
	{ "an IP request becomes the text form", ip },
	{ "messages of another length are dropped", wrong_lengths },
	{ "nothing is answered before the registration", early_request },
	{ "the driver goes away", gone },
};

TAP_MAIN("stock", cases)
