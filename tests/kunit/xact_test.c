// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transaction against a channel made of two arrays: whatever the service
 * does, each packet of the host gets the answers that it should, and no more.
 */
#include "xact.c"
#include "suites.h"

#define DEPTH	16

/* A host's end: packets that wait for the guest, answers that came back. */
struct ring {
	struct kvp_packet in[DEPTH];
	unsigned int in_count;
	unsigned int in_next;
	struct kvp_packet out[DEPTH];
	unsigned int out_count;
	bool full;	/* there is room for a negotiation only */
	unsigned int repeat;	/* how often the next packet comes again */
	int recv_error;		/* of the next read */
	int send_error;		/* of the next write */
	unsigned int resets;
	bool closed;		/* nothing may be called */
	unsigned int intrusions;	/* calls while closed */
};

struct scene {
	struct ring ring;
	struct kvp_xact_params params;
	struct kvp_xact *x;
	struct device dev;
	struct hvkvp_request *req;
	struct hvkvp_reply *reply;
};

static int ring_recv(void *channel, struct kvp_packet *pkt)
{
	struct ring *r = channel;

	pkt->len = 0;
	r->intrusions += r->closed;
	if (r->recv_error)
		return r->recv_error;
	if (r->in_next == r->in_count)
		return 0;
	memcpy(pkt->ic, r->in[r->in_next].ic, r->in[r->in_next].len);
	pkt->len = r->in[r->in_next].len;
	pkt->cookie = r->in_next;
	if (r->repeat)
		r->repeat--;
	else
		r->in_next++;
	return 0;
}

static int ring_send(void *channel, const struct kvp_packet *pkt)
{
	struct ring *r = channel;

	r->intrusions += r->closed;
	if (r->send_error)
		return r->send_error;
	if (READ_ONCE(r->full) && pkt->len > 100)
		return -EAGAIN;
	if (r->out_count == DEPTH)
		return -ENODEV;
	memcpy(r->out[r->out_count].ic, pkt->ic, pkt->len);
	r->out[r->out_count].len = pkt->len;
	r->out[r->out_count++].cookie = pkt->cookie;
	return 0;
}

static void ring_reset(void *channel)
{
	struct ring *r = channel;

	r->resets++;
	r->closed = true;
}

static const struct kvp_xact_ops ring_ops = {
	.recv = ring_recv,
	.send = ring_send,
	.reset = ring_reset,
};

static void host_sends(struct scene *s, u16 type, const void *body,
		       u32 head, u32 body_len)
{
	struct kvp_packet *p = &s->ring.in[s->ring.in_count++];

	memset(p->ic, 0, KVP_XACT_PACKET_SIZE);
	p->ic->pipe_type = cpu_to_le32(1);
	p->ic->pipe_len = cpu_to_le32(20 + body_len);
	p->ic->type = cpu_to_le16(type);
	p->ic->body_len = cpu_to_le16(body_len);
	p->ic->flags = 3;
	memcpy(p->ic->body, body, head);
	p->len = 28 + body_len;
}

static void host_negotiates(struct scene *s)
{
	static const u8 body[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };

	host_sends(s, 0, body, sizeof(body), sizeof(body));
	kvp_xact_pump(s->x);
}

static void host_asks(struct scene *s, u8 operation)
{
	const u8 body[] = { operation, 1 };

	host_sends(s, 2, body, sizeof(body), 2580);
	kvp_xact_pump(s->x);
}

static u32 answers(struct scene *s)
{
	return s->ring.out_count;
}

/* What the timer waits for happens now. */
static void pass_time(struct scene *s)
{
	flush_delayed_work(&s->x->timer);
}

static u32 last_status(struct scene *s)
{
	return le32_to_cpu(s->ring.out[s->ring.out_count - 1].ic->status);
}

/* Read the request that waits, all the way. Return: its id, 0 if none. */
static u64 service_reads(struct scene *s)
{
	if (!kvp_xact_peek(s->x, s->req))
		return 0;
	kvp_xact_take(s->x, s->req->hdr.id);
	return s->req->hdr.id;
}

static int service_replies(struct scene *s, u64 id, u32 status)
{
	s->reply->hdr.len = sizeof(*s->reply) + 2580;
	s->reply->hdr.type = HVKVP_REPLY;
	s->reply->hdr.id = id;
	s->reply->status = status;
	s->reply->body_len = 2580;
	s->reply->body[0] = s->req->operation;
	s->reply->body[1] = s->req->pool;
	return kvp_xact_reply(s->x, s->reply);
}

static void service_comes(struct kunit *test, struct scene *s)
{
	KUNIT_ASSERT_EQ(test, kvp_xact_own(s->x), 0);
	kvp_xact_attach(s->x, HVKVP_MINOR);
}

static struct scene *scene(struct kunit *test)
{
	return test->priv;
}

/* A service runs and the versions are agreed; the slate is clean. */
static struct scene *agreed_scene(struct kunit *test)
{
	struct scene *s = scene(test);

	service_comes(test, s);
	host_negotiates(s);
	KUNIT_ASSERT_EQ(test, answers(s), 1U);
	s->ring.out_count = 0;
	return s;
}

static int scene_init(struct kunit *test)
{
	struct scene *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, s);
	for (i = 0; i < DEPTH; i++) {
		s->ring.in[i].ic = kunit_kzalloc(test, KVP_XACT_PACKET_SIZE,
						 GFP_KERNEL);
		s->ring.out[i].ic = kunit_kzalloc(test, KVP_XACT_PACKET_SIZE,
						  GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, s->ring.in[i].ic);
		KUNIT_ASSERT_NOT_NULL(test, s->ring.out[i].ic);
	}
	s->req = kunit_kzalloc(test, HVKVP_MAX_MESSAGE, GFP_KERNEL);
	s->reply = kunit_kzalloc(test, HVKVP_MAX_MESSAGE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->req);
	KUNIT_ASSERT_NOT_NULL(test, s->reply);
	s->dev.init_name = "kvp-test";
	s->params = (struct kvp_xact_params) {
		.request_timeout = 30, .hold_timeout = 55,
		.max_framework = 3, .max_message = 5,
	};
	s->x = kvp_xact_create(&ring_ops, &s->ring, &s->params);
	KUNIT_ASSERT_NOT_NULL(test, s->x);
	kvp_xact_open(s->x, &s->dev);
	test->priv = s;
	return 0;
}

static void scene_exit(struct kunit *test)
{
	struct scene *s = scene(test);

	if (!s)
		return;
	kvp_xact_close(s->x, true);
	kvp_xact_put(s->x);
}

static void one_round(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	KUNIT_ASSERT_NE(test, id, 0ULL);
	KUNIT_EXPECT_EQ(test, s->req->body_len, 2580U);
	KUNIT_EXPECT_EQ(test, s->req->msg_major, 5);
	KUNIT_EXPECT_EQ(test, service_reads(s), 0ULL);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_EQ(test, s->ring.out[0].cookie, 1ULL);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void negotiation_waits_for_a_service(struct kunit *test)
{
	struct scene *s = scene(test);

	host_negotiates(s);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	service_comes(test, s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void negotiation_waits_not_for_ever(struct kunit *test)
{
	struct scene *s = scene(test);

	s->params.hold_timeout = 0;
	kvp_xact_close(s->x, false);
	kvp_xact_open(s->x, &s->dev);
	host_negotiates(s);
	pass_time(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_TRUE(test, s->x->agreed.valid);
}

/* More packets than one run takes, and no timer that would run soon. */
static void a_flood_of_negotiations_is_read(struct kunit *test)
{
	struct scene *s = scene(test);

	s->ring.repeat = 3 * PUMP_BUDGET;
	host_negotiates(s);
	/* The work queues itself again, and a flush waits for one run of it. */
	for (int i = 0; i < 10 && READ_ONCE(s->ring.repeat); i++)
		flush_work(&s->x->again);
	flush_work(&s->x->again);
	KUNIT_EXPECT_EQ(test, s->ring.repeat, 0U);
	KUNIT_EXPECT_EQ(test, s->ring.in_next, 1U);
	KUNIT_EXPECT_EQ(test, s->x->state, KVP_ST_HELD);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	service_comes(test, s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void wrong_replies(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	KUNIT_EXPECT_EQ(test, service_replies(s, 0, 0), -ENOENT);
	KUNIT_EXPECT_EQ(test, service_replies(s, 12345, 0), -ENOENT);

	host_asks(s, HVKVP_OP_GET);
	/* Not read yet: the service cannot know the id. */
	KUNIT_EXPECT_EQ(test, service_replies(s, s->x->id, 0), -ENOENT);
	id = service_reads(s);
	KUNIT_EXPECT_EQ(test, service_replies(s, id + 1, 0), -ENOENT);

	s->reply->body_len = 2579;
	s->reply->hdr.id = id;
	KUNIT_EXPECT_EQ(test, kvp_xact_reply(s->x, s->reply), -EMSGSIZE);
	s->reply->body_len = 0;
	KUNIT_EXPECT_EQ(test, kvp_xact_reply(s->x, s->reply), -ENODATA);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);

	s->reply->status = HVKVP_E_FAIL;
	KUNIT_EXPECT_EQ(test, kvp_xact_reply(s->x, s->reply), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_EQ(test, last_status(s), HVKVP_E_FAIL);
}

static void deadline(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	s->params.request_timeout = 0;
	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	pass_time(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_EQ(test, last_status(s), HVKVP_E_FAIL);
	KUNIT_EXPECT_EQ(test, service_replies(s, s->x->id, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_LE(test, id, s->x->id);

	s->params.request_timeout = 30;
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service_replies(s, s->x->id - 1, 0), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, service_replies(s, service_reads(s), 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 2U);
}

static void the_next_service_inherits(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id, deadline_ns;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	deadline_ns = s->req->deadline_ns;
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, 0);
	KUNIT_EXPECT_EQ(test, kvp_xact_own(s->x), -EBUSY);
	kvp_xact_disown(s->x);
	KUNIT_EXPECT_FALSE(test, kvp_xact_readable(s->x));

	service_comes(test, s);
	KUNIT_EXPECT_TRUE(test, kvp_xact_readable(s->x));
	KUNIT_EXPECT_EQ(test, service_reads(s), id);
	KUNIT_EXPECT_EQ(test, s->req->deadline_ns, deadline_ns);
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, HVKVP_AGAIN);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);

	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_NE(test, service_reads(s), 0ULL);
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, 0);
}

static void what_nobody_read_is_not_repeated(struct kunit *test)
{
	struct scene *s = agreed_scene(test);

	host_asks(s, HVKVP_OP_SET);
	kvp_xact_disown(s->x);
	service_comes(test, s);
	KUNIT_EXPECT_NE(test, service_reads(s), 0ULL);
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, 0);
}

static void older_services_see_no_flag(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	kvp_xact_disown(s->x);
	KUNIT_ASSERT_EQ(test, kvp_xact_own(s->x), 0);
	kvp_xact_attach(s->x, 2);
	KUNIT_EXPECT_EQ(test, service_reads(s), id);
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, 0);

	/* The one after it does. */
	kvp_xact_disown(s->x);
	service_comes(test, s);
	KUNIT_EXPECT_EQ(test, service_reads(s), id);
	KUNIT_EXPECT_EQ(test, s->req->hdr.flags, HVKVP_AGAIN);
}

static void a_negotiation_withdraws(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	host_negotiates(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(s->ring.out[0].ic->type), 0);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ECANCELED);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void requests_wait_for_their_turn(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 first;

	host_asks(s, HVKVP_OP_SET);
	host_asks(s, 9);	/* refused, but not before its turn */
	host_asks(s, HVKVP_OP_GET);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	first = service_reads(s);
	KUNIT_EXPECT_EQ(test, service_replies(s, first, 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 2U);
	KUNIT_EXPECT_EQ(test, last_status(s), HVKVP_E_NOT_SUPPORTED);
	/* The refused packet has an id, too. */
	KUNIT_EXPECT_EQ(test, service_reads(s), first + 2);
	KUNIT_EXPECT_EQ(test, s->req->operation, HVKVP_OP_GET);
	KUNIT_EXPECT_EQ(test, service_replies(s, first + 2, 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 3U);
	KUNIT_EXPECT_EQ(test, s->ring.out[2].cookie, 3ULL);
}

static void bad_packets_between(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	int i;

	for (i = 0; i < 3; i++) {
		host_sends(s, 2, "\1\1", 2, 2580);
		s->ring.in[s->ring.in_count - 1].len = 27;
	}
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	KUNIT_EXPECT_EQ(test, service_replies(s, service_reads(s), 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void a_full_ring(struct kunit *test)
{
	struct scene *s = agreed_scene(test);

	/* Until it is set back: the driver tries again every 10 ms of the real clock. */
	s->ring.full = true;
	host_asks(s, HVKVP_OP_SET);
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service_replies(s, service_reads(s), 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	KUNIT_EXPECT_EQ(test, service_reads(s), 0ULL);
	pass_time(s);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	WRITE_ONCE(s->ring.full, false);
	pass_time(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	KUNIT_EXPECT_NE(test, service_reads(s), 0ULL);
}

static void reopen(struct scene *s)
{
	s->ring.closed = false;
	s->ring.recv_error = 0;
	s->ring.send_error = 0;
	kvp_xact_close(s->x, false);
	kvp_xact_open(s->x, &s->dev);
}

static void a_ring_that_cannot_be_written(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 *count = s->x->counters, id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	s->ring.send_error = -EIO;
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), 0);
	KUNIT_EXPECT_EQ(test, s->ring.resets, 1U);
	KUNIT_EXPECT_EQ(test, count[KVP_CNT_UNSENT], 1ULL);
	KUNIT_EXPECT_EQ(test, count[KVP_CNT_ANSWERED], 0ULL);
	KUNIT_EXPECT_EQ(test, count[KVP_CNT_RESETS], 1ULL);
	KUNIT_EXPECT_EQ(test, s->x->state, KVP_ST_CLOSED);
	KUNIT_EXPECT_FALSE(test, kvp_xact_is_gone(s->x));
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ENOENT);

	/* Nothing is called until the channel is open again. */
	host_asks(s, 77);
	kvp_xact_disown(s->x);
	service_comes(test, s);
	KUNIT_EXPECT_EQ(test, s->ring.intrusions, 0U);
	reopen(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
	host_negotiates(s);
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service_replies(s, service_reads(s), 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 3U);
	KUNIT_EXPECT_EQ(test, count[KVP_CNT_ANSWERED], 1ULL);

	/* A device that is being removed is not opened again. */
	s->ring.send_error = -ENODEV;
	host_asks(s, 77);
	KUNIT_EXPECT_EQ(test, s->ring.resets, 1U);
	KUNIT_EXPECT_EQ(test, count[KVP_CNT_UNSENT], 2ULL);
}

static void a_ring_that_cannot_be_read(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	s->ring.recv_error = -EMSGSIZE;
	kvp_xact_pump(s->x);
	KUNIT_EXPECT_EQ(test, s->ring.resets, 1U);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ECANCELED);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
	kvp_xact_pump(s->x);
	KUNIT_EXPECT_EQ(test, s->ring.intrusions, 0U);
	reopen(s);
	host_negotiates(s);
	KUNIT_EXPECT_EQ(test, answers(s), 1U);
}

static void suspend_and_resume(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	kvp_xact_close(s->x, false);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ECANCELED);
	KUNIT_EXPECT_FALSE(test, kvp_xact_is_gone(s->x));
	kvp_xact_pump(s->x);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);

	kvp_xact_open(s->x, &s->dev);
	host_asks(s, HVKVP_OP_GET_IP);
	KUNIT_EXPECT_EQ(test, last_status(s), HVKVP_E_FAIL);
	host_negotiates(s);
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service_replies(s, service_reads(s), 0), 0);
	KUNIT_EXPECT_EQ(test, answers(s), 3U);
}

static void odd_packets_are_counted(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	int i;

	for (i = 0; i < 2; i++) {
		host_sends(s, 2, "\2\1\0\0\4\0\0\0", 8, 12);
		s->ring.in[s->ring.in_count - 1].ic->flags = 0;
		kvp_xact_pump(s->x);
		KUNIT_ASSERT_NE(test, service_reads(s), 0ULL);
		KUNIT_EXPECT_EQ(test, s->req->body_len, 2580U);
		KUNIT_EXPECT_NULL(test, memchr_inv(s->req->body + 12, 0, 2568));
		KUNIT_EXPECT_EQ(test, service_replies(s, s->req->hdr.id, 0), 0);
		KUNIT_EXPECT_EQ(test, s->ring.out[i].len, 2608U);
	}
	KUNIT_EXPECT_EQ(test, s->x->counters[KVP_CNT_TOLERATED], 2ULL);
	KUNIT_EXPECT_EQ(test, s->x->oddities,
			(unsigned int)(BIT(KVP_IC_ODD_FLAGS) |
				       BIT(KVP_IC_ODD_SHORT_BODY)));
}

static void gone_for_good(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	kvp_xact_close(s->x, true);
	KUNIT_EXPECT_TRUE(test, kvp_xact_is_gone(s->x));
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ENODEV);
	KUNIT_EXPECT_EQ(test, service_reads(s), 0ULL);
	kvp_xact_disown(s->x);
	KUNIT_EXPECT_EQ(test, kvp_xact_own(s->x), -ENODEV);
	KUNIT_EXPECT_EQ(test, answers(s), 0U);
}

static void a_late_reply_after_refusals(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	u64 id;
	int i;

	/* Not before the service has read it. */
	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	pass_time(s);
	/* What no service saw does not count as history. */
	s->ring.out_count = 0;
	for (i = 0; i < HVKVP_HISTORY; i++) {
		s->ring.in_count = 0;
		s->ring.in_next = 0;
		s->ring.out_count = 0;
		host_asks(s, 77);
		KUNIT_EXPECT_EQ(test, last_status(s), HVKVP_E_NOT_SUPPORTED);
	}
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), -ETIMEDOUT);
}

/* Expect the next event; @packet_len as the whole packet's. */
static u64 expect_event(struct kunit *test, struct kvp_feed *feed,
			enum hvkvp_what what, u32 packet_len)
{
	struct hvkvp_event *event = kunit_kzalloc(test, HVKVP_MAX_MESSAGE,
						  GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, event);
	KUNIT_EXPECT_EQ(test, kvp_feed_peek(feed, event),
			(u32)sizeof(*event) + packet_len);
	KUNIT_EXPECT_EQ(test, event->what, what);
	KUNIT_EXPECT_EQ(test, event->packet_len, packet_len);
	kvp_feed_drop(feed, event);
	return event->hdr.id;
}

static void a_monitor_sees_all(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	struct kvp_feed *feed = kvp_feed_create();
	struct kvp_feed *second = kvp_feed_create();
	u64 id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, feed);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, second);
	KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, feed), 0);
	KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, second), 0);

	host_asks(s, HVKVP_OP_SET);
	id = service_reads(s);
	kvp_xact_take(s->x, id);	/* again: no event */
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), 0);
	KUNIT_EXPECT_EQ(test, expect_event(test, feed, HVKVP_RECEIVED, 2608), id);
	KUNIT_EXPECT_EQ(test, expect_event(test, feed, HVKVP_TAKEN, 0), id);
	KUNIT_EXPECT_EQ(test, expect_event(test, feed, HVKVP_SENT, 2608), id);
	KUNIT_EXPECT_TRUE(test, kvp_feed_is_empty(feed));

	/* Refused by the driver, and found the ring full at first. */
	s->ring.full = true;
	host_asks(s, 77);
	KUNIT_EXPECT_GT(test, expect_event(test, feed, HVKVP_RECEIVED, 2608), id);
	KUNIT_EXPECT_TRUE(test, kvp_feed_is_empty(feed));
	WRITE_ONCE(s->ring.full, false);
	pass_time(s);
	expect_event(test, feed, HVKVP_SENT, 2608);

	/* An answer that the host did not wait for until there was room. */
	s->ring.full = true;
	host_asks(s, 77);
	expect_event(test, feed, HVKVP_RECEIVED, 2608);
	host_negotiates(s);
	expect_event(test, feed, HVKVP_WITHDRAWN, 0);
	expect_event(test, feed, HVKVP_RECEIVED, 44);
	expect_event(test, feed, HVKVP_SENT, 44);
	s->ring.full = false;

	host_asks(s, HVKVP_OP_SET);
	kvp_xact_disown(s->x);
	expect_event(test, feed, HVKVP_RECEIVED, 2608);
	KUNIT_EXPECT_EQ(test, expect_event(test, feed, HVKVP_DETACHED, 0), 0ULL);
	host_negotiates(s);
	expect_event(test, feed, HVKVP_WITHDRAWN, 0);
	expect_event(test, feed, HVKVP_RECEIVED, 44);
	service_comes(test, s);
	expect_event(test, feed, HVKVP_ATTACHED, 0);
	expect_event(test, feed, HVKVP_SENT, 44);

	s->params.request_timeout = 0;
	host_asks(s, HVKVP_OP_SET);
	pass_time(s);
	expect_event(test, feed, HVKVP_RECEIVED, 2608);
	expect_event(test, feed, HVKVP_EXPIRED, 0);
	expect_event(test, feed, HVKVP_SENT, 2608);

	kvp_xact_close(s->x, false);
	expect_event(test, feed, HVKVP_CLOSED, 0);
	kvp_xact_open(s->x, &s->dev);
	expect_event(test, feed, HVKVP_OPENED, 0);
	kvp_xact_remove_feed(s->x, feed);
	kvp_xact_close(s->x, true);
	KUNIT_EXPECT_TRUE(test, kvp_feed_is_empty(feed));
	KUNIT_EXPECT_FALSE(test, kvp_feed_is_empty(second));
	kvp_xact_remove_feed(s->x, second);
	KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, feed), -ENODEV);
	kvp_feed_destroy(second);
	kvp_feed_destroy(feed);
}

/* A waiter that counts how often it is woken. */
struct sleeper {
	struct wait_queue_entry entry;
	unsigned int woken;
};

static int count_wakeup(struct wait_queue_entry *entry, unsigned int mode,
			int flags, void *key)
{
	container_of(entry, struct sleeper, entry)->woken++;
	return 0;
}

static void sleep_on(struct sleeper *sleeper, wait_queue_head_t *queue)
{
	init_waitqueue_func_entry(&sleeper->entry, count_wakeup);
	sleeper->woken = 0;
	add_wait_queue(queue, &sleeper->entry);
}

static void wakes_only_who_can_read(struct kunit *test)
{
	struct scene *s = agreed_scene(test);
	struct kvp_feed *feed = kvp_feed_create();
	struct sleeper service, monitor;
	u64 id;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, feed);
	KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, feed), 0);
	sleep_on(&service, &s->x->wait);
	sleep_on(&monitor, &feed->wait);

	host_asks(s, 77);
	KUNIT_EXPECT_EQ(test, service.woken, 0U);
	KUNIT_EXPECT_EQ(test, monitor.woken, 2U);

	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service.woken, 1U);
	KUNIT_EXPECT_EQ(test, monitor.woken, 3U);
	id = service_reads(s);
	KUNIT_EXPECT_EQ(test, service_replies(s, id, 0), 0);
	KUNIT_EXPECT_EQ(test, service.woken, 1U);

	/* A service that has not said hello can read nothing. */
	kvp_xact_disown(s->x);
	KUNIT_EXPECT_EQ(test, kvp_xact_own(s->x), 0);
	host_asks(s, HVKVP_OP_SET);
	KUNIT_EXPECT_EQ(test, service.woken, 1U);
	kvp_xact_attach(s->x, HVKVP_MINOR);
	KUNIT_EXPECT_EQ(test, service.woken, 2U);

	/* A suspended channel is no news for the service, a removed one is. */
	monitor.woken = 0;
	kvp_xact_close(s->x, false);
	KUNIT_EXPECT_EQ(test, service.woken, 2U);
	kvp_xact_close(s->x, true);
	KUNIT_EXPECT_EQ(test, service.woken, 3U);
	KUNIT_EXPECT_GE(test, monitor.woken, 2U);

	remove_wait_queue(&s->x->wait, &service.entry);
	remove_wait_queue(&feed->wait, &monitor.entry);
	kvp_xact_remove_feed(s->x, feed);
	kvp_feed_destroy(feed);
}

static void monitors_are_limited(struct kunit *test)
{
	struct scene *s = scene(test);
	struct kvp_feed *feeds[HVKVP_MONITORS + 1];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(feeds); i++) {
		feeds[i] = kvp_feed_create();
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, feeds[i]);
		KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, feeds[i]),
				i < HVKVP_MONITORS ? 0 : -EUSERS);
	}
	kvp_xact_remove_feed(s->x, feeds[7]);
	KUNIT_EXPECT_EQ(test, kvp_xact_add_feed(s->x, feeds[HVKVP_MONITORS]), 0);
	for (i = 0; i < ARRAY_SIZE(feeds); i++) {
		if (i != 7)
			kvp_xact_remove_feed(s->x, feeds[i]);
		kvp_feed_destroy(feeds[i]);
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(one_round),
	KUNIT_CASE(negotiation_waits_for_a_service),
	KUNIT_CASE(negotiation_waits_not_for_ever),
	KUNIT_CASE(a_flood_of_negotiations_is_read),
	KUNIT_CASE(wrong_replies),
	KUNIT_CASE(deadline),
	KUNIT_CASE(the_next_service_inherits),
	KUNIT_CASE(what_nobody_read_is_not_repeated),
	KUNIT_CASE(older_services_see_no_flag),
	KUNIT_CASE(a_negotiation_withdraws),
	KUNIT_CASE(requests_wait_for_their_turn),
	KUNIT_CASE(bad_packets_between),
	KUNIT_CASE(a_full_ring),
	KUNIT_CASE(a_ring_that_cannot_be_written),
	KUNIT_CASE(a_ring_that_cannot_be_read),
	KUNIT_CASE(suspend_and_resume),
	KUNIT_CASE(odd_packets_are_counted),
	KUNIT_CASE(gone_for_good),
	KUNIT_CASE(a_late_reply_after_refusals),
	KUNIT_CASE(a_monitor_sees_all),
	KUNIT_CASE(wakes_only_who_can_read),
	KUNIT_CASE(monitors_are_limited),
	{}
};

struct kunit_suite kvp_xact_suite = {
	.name = "kvp_xact",
	.init = scene_init,
	.exit = scene_exit,
	.test_cases = cases,
};
