// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest in a thread: a VMBus client with a KVP driver, a store of pairs and
 * an agent.
 */
#include "test/fakeguest.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "test/fakevm.h"
#include "vmbus/ring.h"
#include "vmbus/vmbus.h"
#include "vmbus/vmbus_msg.h"

#define RING_PFN	64u
#define RING_PAGES	10u	/* control and 4 pages of data each way, as for 16 KiB */
#define DOWNSTREAM	5u
#define PAIRS		64u

struct pair {
	u8 pool;
	u32 type;
	u32 key_size, value_size;
	u8 key[512], value[2048];
};

struct fakeguest {
	struct vm *vm;
	pthread_t thread;
	bool quit;
	u32 relid;		/* 0 while the channel is not open */
	u32 offered;
	u8 *pages[RING_PAGES];
	struct ring from_host, to_host;
	struct pair pairs[PAIRS];
	u32 npairs;
	char misbehave[32];
	char input[8192];
	size_t ninput;
};

static u16 get16(const u8 *p)
{
	return (u16)(p[0] | p[1] << 8);
}

static void put32(u8 *p, u32 v)
{
	memcpy(p, &v, 4);
}

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)v;
	p[1] = (u8)(v >> 8);
}

static bool is(const struct fakeguest *g, const char *word)
{
	return !strcmp(g->misbehave, word);
}

/* ---- VMBus ---- */

static void post(struct fakeguest *g, const void *message, u32 len)
{
	fakevm_post(g->vm, 4, message, len);
}

static void open_channel(struct fakeguest *g, u32 relid)
{
	struct {
		struct msg_gpadl_header h;
		u32 range[2];
		u8 pfn[RING_PAGES * 8];
	} __attribute__((packed)) m = {
		.h = { .h.type = MSG_GPADL_HEADER, .relid = relid, .gpadl = 0x1e1e + relid,
		       .range_bytes = 8 + 8 * RING_PAGES, .range_count = 1 },
		.range = { RING_PAGES * PAGE_SIZE_4K, 0 },
	};
	u64 i, pfn;

	g->offered = relid;
	for (i = 0; i < RING_PAGES; i++) {
		pfn = RING_PFN + i;
		memcpy(m.pfn + i * 8, &pfn, 8);
		g->pages[i] = fakevm_ram(g->vm) + pfn * PAGE_SIZE_4K;
		memset(g->pages[i], 0, PAGE_SIZE_4K);
	}
	ring_init(&g->to_host, g->pages, DOWNSTREAM);
	ring_init(&g->from_host, g->pages + DOWNSTREAM, RING_PAGES - DOWNSTREAM);
	post(g, &m, sizeof(m));
}

static void relid_message(struct fakeguest *g, u32 type, u32 relid)
{
	struct msg_relid m = { .h.type = type, .relid = relid };

	post(g, &m, sizeof(m));
}

static void on_message(struct fakeguest *g, const u8 *message)
{
	static const u8 kvp[4] = { 0xe7, 0xf4, 0xa0, 0xa9 };
	struct msg_open open = { .h.type = MSG_OPEN, .downstream_page = DOWNSTREAM };
	struct msg_header h = { .type = MSG_REQUEST_OFFERS };
	u32 relid;

	switch (get32(message)) {
	case MSG_VERSION:
		post(g, &h, sizeof(h));
		break;
	case MSG_OFFER:
		if (!memcmp(message + 8, kvp, 4))
			open_channel(g, get32(message + 8 + 176));
		break;
	case MSG_GPADL_CREATED:
		open.relid = get32(message + 8);
		open.gpadl = get32(message + 12);
		post(g, &open, sizeof(open));
		break;
	case MSG_OPEN_RESULT:
		if (!get32(message + 16))
			g->relid = get32(message + 8);
		break;
	case MSG_RESCIND:
		relid = get32(message + 8);
		if (relid == g->relid) {
			relid_message(g, MSG_CLOSE, relid);
			g->relid = 0;
		}
		relid_message(g, MSG_RELID_RELEASED, relid);
		break;
	}
}

/* ---- KVP ---- */

static struct pair *find(struct fakeguest *g, u8 pool, const u8 *key, u32 size)
{
	u32 i;

	for (i = 0; i < g->npairs; i++) {
		struct pair *p = &g->pairs[i];

		if (p->pool == pool && p->key_size == size && !memcmp(p->key, key, size))
			return p;
	}
	return NULL;
}

static u32 kvp(struct fakeguest *g, u8 *b)
{
	struct pair *p;
	u32 i, n;

	switch (b[0]) {
	case 0:
		p = find(g, b[1], b + 16, get32(b + 8) % 513);
		if (!p)
			return 0x80070103;
		put32(b + 4, p->type);
		put32(b + 12, p->value_size);
		memcpy(b + 528, p->value, sizeof(p->value));
		return 0;
	case 1:
		if (get32(b + 8) > 512 || get32(b + 12) > 2048)
			return 0x80070057;
		if (is(g, "forget"))
			return 0;
		p = find(g, b[1], b + 16, get32(b + 8));
		if (!p && g->npairs == PAIRS)
			return 0x80004005;
		if (!p)
			p = &g->pairs[g->npairs++];
		p->pool = b[1];
		p->type = get32(b + 4);
		p->key_size = get32(b + 8);
		p->value_size = get32(b + 12);
		memcpy(p->key, b + 16, sizeof(p->key));
		memcpy(p->value, b + 528, sizeof(p->value));
		return 0;
	case 2:
		p = find(g, b[1], b + 8, get32(b + 4) % 513);
		if (!p)
			return 0x80070103;
		memmove(p, p + 1, (size_t)(&g->pairs[--g->npairs] - p) * sizeof(*p));
		return 0;
	case 3:
		for (i = 0, n = 0; i < g->npairs; i++) {
			p = &g->pairs[i];
			if (p->pool != b[1] || n++ != get32(b + 4))
				continue;
			put32(b + 8, p->type);
			put32(b + 12, p->key_size);
			put32(b + 16, p->value_size);
			memcpy(b + 20, p->key, sizeof(p->key));
			memcpy(b + 532, p->value, sizeof(p->value));
			return 0;
		}
		return 0x80070103;
	case 4:
		/* The adapter is echoed; binary form: one address, one gateway, two DNS. */
		if (b[4] == 0 && b[5] == 0) {
			put32(b + 4, 1);
			put32(b + 8, 1);
			put32(b + 12, 1);
			put32(b + 20, 2);
			b[284] = 3;
			b[285] = 1;
			memcpy(b + 288, "\x0a\x00\x00\x05", 4);
			memcpy(b + 544, "\xfe\x80\0\0\0\0\0\0\x02\x15\x5d\xff\xfe\0\0\x01", 16);
			memcpy(b + 1568, "\xff\xff\xff\x00", 4);
			put32(b + 1824, 64);
			memcpy(b + 2080, "\x0a\x00\x00\x01", 4);
			memcpy(b + 2180, "\x0a\x00\x00\x02\x0a\x00\x00\x03", 8);
			put16(b + 3460, 1);
			put16(b + 3462, 2);
			if (is(g, "gateways"))
				put32(b + 12, 6);
		}
		return 0;
	case 5:
		return 0;
	default:
		if (is(g, "leak"))
			b[2000] = 0x5a;
		return 0x80070032;
	}
}

/* The highest versions on offer that this guest knows. */
static void negotiate(struct fakeguest *g, u8 *p)
{
	static const u16 fw_known[] = { 1, 3 }, msg_known[] = { 1, 3, 4, 5 };
	u8 *b = p + 28;
	u32 nfw = get16(b), nmsg = get16(b + 2), i, k, fw = 0, msg = 0;

	for (i = 0; i < nfw; i++)
		for (k = 0; k < ARRAY_SIZE(fw_known); k++)
			if (get16(b + 8 + i * 4) == fw_known[k] && fw_known[k] > fw)
				fw = fw_known[k];
	for (i = nfw; i < nfw + nmsg; i++)
		for (k = 0; k < ARRAY_SIZE(msg_known); k++)
			if (get16(b + 8 + i * 4) == msg_known[k] && msg_known[k] > msg)
				msg = msg_known[k];
	put16(b, fw && msg ? 1 : 0);
	put16(b + 2, fw && msg ? 1 : 0);
	if (is(g, "counts"))
		put16(b, 2);
	put16(b + 8, is(g, "unoffered") ? 9 : fw);
	put16(b + 10, 0);
	put16(b + 12, msg);
	put16(b + 14, 0);
	put16(p + 8 + 10, 16);
}

static void send(struct fakeguest *g, struct ring_packet *head, const u8 *payload, u32 len)
{
	bool signal = false;
	const char *why;

	ring_write(&g->to_host, head, payload, len, &signal, NULL, &why);
	if (is(g, "badindex"))
		ring_put(&g->to_host, RING_WRITE, 0xfffffff0);
	if (signal && !is(g, "nosignal"))
		fakevm_signal(g->vm, g->relid | 2 << 12, 0);
}

/* Spoil an answer in the way that was asked for. */
static void spoil(struct fakeguest *g, u8 *p, u32 *len, struct ring_packet *head)
{
	u8 *b = p + 28;

	if (is(g, "type7"))
		head->type = 7;
	else if (is(g, "pipe2"))
		put32(p, 2);
	else if (is(g, "pipelong"))
		put32(p + 4, *len);
	else if (is(g, "pipehuge"))
		put32(p + 4, 13313);
	else if (is(g, "short"))
		put32(p + 4, 19);
	else if (is(g, "tiny"))
		*len = 0;
	else if (is(g, "sizelie"))
		put16(p + 8 + 10, *len - 27);
	else if (is(g, "id1"))
		p[8 + 16] = 1;
	else if (is(g, "noresponse"))
		p[8 + 17] = 1;
	else if (is(g, "notransaction"))
		p[8 + 17] = 4;
	else if (is(g, "msgtype"))
		put16(p + 8 + 4, 5);
	else if (is(g, "cut")) {
		put32(p + 4, 2000);
		put16(p + 8 + 10, 1980);
		*len = 2008;
	} else if (is(g, "oddkey"))
		put32(b + 12, 3);
	else if (is(g, "zerokey"))
		put32(b + 12, 0);
	else if (is(g, "longkey"))
		put32(b + 12, 514);
	else if (is(g, "nonul"))
		put32(b + 12, get32(b + 12) - 2);
	else if (is(g, "badutf"))
		put16(b + 532, 0xd800);
	else if (is(g, "type9"))
		put32(b + 8, 9);
	else if (is(g, "dword8")) {
		put32(b + 8, 4);
		put32(b + 16, 8);
	} else if (is(g, "qword4")) {
		put32(b + 8, 11);
		put32(b + 16, 4);
	}
}

static void on_packet(struct fakeguest *g, const struct ring_packet *in, const u8 *payload, u32 len)
{
	struct ring_packet head;
	u8 p[16384] = { 0 };
	bool good = len >= 28 && len <= sizeof(p) && in->type == 6;

	if (!good || is(g, "silent"))
		goto out;
	memcpy(p, payload, len);
	if (get16(p + 12) == 0)
		negotiate(g, p);
	else if (get16(p + 12) == 2)
		put32(p + 8 + 12, kvp(g, p + 28));
	else
		goto out;
	p[8 + 17] = 5;
	ring_packet_init(&head, len);
	spoil(g, p, &len, &head);
	if (is(g, "late"))
		usleep(300000);	/* sleep: so late the answer is */
	ring_packet_init(&head, len);
	head.id = in->id;
	if (is(g, "type7"))
		head.type = 7;
	send(g, &head, p, len);
	if (is(g, "extra"))
		send(g, &head, p, len);
	if (is(g, "close")) {
		u32 relid = g->relid;

		g->relid = 0;
		relid_message(g, MSG_CLOSE, relid);
	}
out:
	/* The agent's own command is not the next answer: set again by each command. */
	g->misbehave[0] = 0;
}

static void read_ring(struct fakeguest *g)
{
	struct ring_packet head;
	bool signal = false;
	const char *why;
	u8 *payload;
	u32 len;

	if (!g->relid || is(g, "hang"))
		return;
	while (g->relid &&
	       ring_read(&g->from_host, &head, &payload, &len, &signal, &why) == RING_OK) {
		on_packet(g, &head, payload, len);
		free(payload);
	}
	if (signal && g->relid)
		fakevm_signal(g->vm, g->relid | 2 << 12, 0);
}

/* ---- agent ---- */

static void command(struct fakeguest *g, const char *text)
{
	char answer[4096], head[32];
	const char *out = "";
	int rc = 0, n;

	if (!strncmp(text, "misbehave ", 10)) {
		snprintf(g->misbehave, sizeof(g->misbehave), "%s", text + 10);
	} else if (!strncmp(text, "print ", 6)) {
		snprintf(answer, sizeof(answer), "%s\n", text + 6);
		fakevm_print(g->vm, answer);
	} else if (!strncmp(text, "echo ", 5)) {
		snprintf(answer, sizeof(answer), "%s\n", text + 5);
		out = answer;
	} else if (!strcmp(text, "close")) {
		u32 relid = g->relid;

		g->relid = 0;
		relid_message(g, MSG_CLOSE, relid);
	} else if (!strcmp(text, "slow")) {
		usleep(400000);	/* sleep: so long the command takes */
	} else if (!strcmp(text, "die")) {
		fakevm_die(g->vm);
	} else {
		rc = 127;
		out = "no such command";
	}
	n = snprintf(head, sizeof(head), "%d %zu\n", rc, strlen(out));
	fakevm_agent_say(g->vm, head, (size_t)n);
	fakevm_agent_say(g->vm, out, strlen(out));
}

static void agent(struct fakeguest *g)
{
	size_t used, want;
	char *text;

	g->ninput += fakevm_agent_hear(g->vm, g->input + g->ninput,
				       sizeof(g->input) - 1 - g->ninput);
	g->input[g->ninput] = 0;
	text = strchr(g->input, '\n');
	if (!text)
		return;
	want = (size_t)atol(g->input);
	text++;
	used = (size_t)(text - g->input) + want;
	if (g->ninput < used)
		return;
	text = strndup(text, want);
	memmove(g->input, g->input + used, g->ninput - used + 1);
	g->ninput -= used;
	command(g, text);
	free(text);
}

static void *run(void *arg)
{
	struct msg_contact contact = { .h.type = MSG_CONTACT, .version = VMBUS_VERSION(5, 3),
				       .sint = 2 };
	struct fakeguest *g = arg;
	u8 message[256];

	fakevm_print(g->vm, "fake guest starts\n");
	fakevm_agent_say(g->vm, "noise\nready\n", 12);
	post(g, &contact, sizeof(contact));
	while (!__atomic_load_n(&g->quit, __ATOMIC_ACQUIRE)) {
		while (fakevm_next(g->vm, message, 0))
			on_message(g, message);
		if (g->relid)
			fakevm_flag(g->vm, g->relid);
		read_ring(g);
		agent(g);
		fakevm_wait(g->vm, 5);
	}
	return NULL;
}

struct fakeguest *fakeguest_start(struct vm *vm)
{
	struct fakeguest *g = calloc(1, sizeof(*g));

	g->vm = vm;
	pthread_create(&g->thread, NULL, run, g);
	return g;
}

void fakeguest_stop(struct fakeguest *g)
{
	__atomic_store_n(&g->quit, true, __ATOMIC_RELEASE);
	pthread_join(g->thread, NULL);
	free(g);
}
