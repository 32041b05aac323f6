// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets: valid, padded, and with each field invalid.
 */
#include "ic.c"
#include "suites.h"

#define ROOM	8192

/* A packet in the making; what a test does not touch is right. */
struct sample {
	struct hvkvp_packet *pkt;
	u32 len;
	struct kvp_ic_agreement agreed;
	struct kvp_ic_view view;
};

static struct sample *sample(struct kunit *test, u16 type, u32 body_len)
{
	struct sample *s = kunit_kzalloc(test, sizeof(*s), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, s);
	s->pkt = kunit_kzalloc(test, ROOM, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, s->pkt);
	s->pkt->pipe_type = cpu_to_le32(1);
	s->pkt->pipe_len = cpu_to_le32(20 + body_len);
	s->pkt->type = cpu_to_le16(type);
	s->pkt->body_len = cpu_to_le16(body_len);
	s->pkt->flags = 3;
	s->len = round_up(28 + body_len, 8);
	s->agreed.valid = true;
	s->agreed.fw.major = 3;
	s->agreed.msg.major = 5;
	return s;
}

static enum kvp_ic_verdict parse(struct sample *s)
{
	kvp_ic_parse(s->pkt, s->len, &s->agreed, &s->view);
	return s->view.verdict;
}

static void expect_refused(struct kunit *test, struct sample *s, u32 status)
{
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REFUSE);
	KUNIT_EXPECT_EQ(test, s->view.status, status);
	KUNIT_EXPECT_NOT_NULL(test, s->view.field);
}

static void expect_dropped(struct kunit *test, struct sample *s)
{
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_DROP);
	KUNIT_EXPECT_NOT_NULL(test, s->view.field);
}

static struct sample *request(struct kunit *test, u8 operation, u8 pool,
			      u32 body_len)
{
	struct sample *s = sample(test, 2, body_len);

	s->pkt->body[0] = operation;
	s->pkt->body[1] = pool;
	return s;
}

static void good_requests(struct kunit *test)
{
	struct sample *s;
	u8 op, pool;

	for (op = 0; op < 6; op++) {
		for (pool = 0; pool < 4; pool++) {
			s = request(test, op, pool, op < 4 ? 2580 : 7428);
			KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
			KUNIT_EXPECT_EQ(test, s->view.operation, op);
			KUNIT_EXPECT_EQ(test, s->view.pool, pool);
			KUNIT_EXPECT_EQ(test, s->view.body_len,
					op < 4 ? 2580U : 7428U);
			KUNIT_EXPECT_NULL(test, s->view.field);
		}
	}
}

static void padded_request(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 2580);

	s->len += 512;
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
	KUNIT_EXPECT_EQ(test, s->view.body_len, 2580U);

	s->pkt->pipe_len = cpu_to_le32(20 + 2580 + 100);
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
	KUNIT_EXPECT_EQ(test, s->view.body_len, 2580U);
}

static void short_packets(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 2580);
	u32 len;

	for (len = 0; len < 28; len++) {
		s->len = len;
		expect_dropped(test, s);
	}
}

static void expect_odd(struct kunit *test, struct sample *s, unsigned int odd)
{
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
	KUNIT_EXPECT_EQ(test, s->view.oddities, odd);
	KUNIT_EXPECT_NULL(test, s->view.field);
	KUNIT_EXPECT_LE(test, s->view.sent_len, s->len - 28);
	KUNIT_EXPECT_EQ(test, s->view.body_len, 2580U);
}

static void pipe_types(struct kunit *test)
{
	static const u32 odd[] = { 0, 2, 3, 0x100, 0xffffffff };
	struct sample *s = request(test, 1, 0, 2580);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		s->pkt->pipe_type = cpu_to_le32(odd[i]);
		expect_odd(test, s, BIT(KVP_IC_ODD_PIPE_TYPE));
	}
	kvp_ic_answer(s->pkt, 2580, 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(s->pkt->pipe_type), 1U);
}

static void ic_flags(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 2580);
	unsigned int flags;

	for (flags = 0; flags < 256; flags++) {
		s->pkt->flags = flags;
		if (flags & 4)
			expect_dropped(test, s);
		else
			expect_odd(test, s, (flags & 3) != 3 ?
				   BIT(KVP_IC_ODD_FLAGS) : 0);
	}
}

static void pipe_lengths(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 2580);
	u32 good = 20 + 2580, i;
	const u32 odd[] = { 0, 1, 19, good - 1, s->len - 8 + 1, 0x7fffffff,
			    0x80000000, 0xffffffff };

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		s->pkt->pipe_len = cpu_to_le32(odd[i]);
		expect_odd(test, s, BIT(KVP_IC_ODD_PIPE_LEN));
	}
}

static void body_sizes(struct kunit *test)
{
	static const u16 odd[] = { 0, 1, 2, 528, 2572, 2585, 7428, 0xffff };
	struct sample *s = request(test, 1, 0, 2580);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(odd); i++) {
		s->pkt->body_len = cpu_to_le16(odd[i]);
		expect_odd(test, s, BIT(KVP_IC_ODD_BODY_LEN));
		KUNIT_EXPECT_EQ(test, s->view.sent_len, 2580U);
	}
	/* Up to seven bytes behind the body are padding. */
	s->pkt->body_len = cpu_to_le16(2573);
	expect_odd(test, s, BIT(KVP_IC_ODD_SHORT_BODY));
	KUNIT_EXPECT_EQ(test, s->view.sent_len, 2573U);
}

/* What an operation uses of its body must be there; the rest need not. */
static void short_bodies(struct kunit *test)
{
	static const struct {
		u8 operation;
		u16 key_size, value_size;
		u32 used;
	} cases[] = {
		{ 0, 4, 0, 20 }, { 0, 512, 2048, 528 }, { 0, 0, 0, 16 },
		{ 1, 4, 2, 530 }, { 1, 4, 2048, 2576 }, { 1, 4, 0, 20 },
		{ 1, 512, 1, 529 }, { 1, 0, 0, 16 },
		{ 2, 4, 0, 12 }, { 2, 512, 0, 520 }, { 2, 0, 0, 8 },
		{ 3, 0, 0, 8 },
	};
	struct sample *s;
	size_t i, at;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = request(test, cases[i].operation, 0, cases[i].used);
		s->len = 28 + cases[i].used;
		at = 8;
		if (cases[i].operation == HVKVP_OP_DELETE)
			at = 4;
		*(__le32 *)(s->pkt->body + at) = cpu_to_le32(cases[i].key_size);
		if (cases[i].operation < 2)
			*(__le32 *)(s->pkt->body + at + 4) =
				cpu_to_le32(cases[i].value_size);
		expect_odd(test, s, BIT(KVP_IC_ODD_SHORT_BODY));
		KUNIT_EXPECT_EQ(test, s->view.sent_len, cases[i].used);

		memset(s->pkt->body + cases[i].used, 0x5a, 3000 - cases[i].used);
		kvp_ic_fill(s->pkt, &s->view);
		KUNIT_EXPECT_NULL(test, memchr_inv(s->pkt->body + cases[i].used,
						   0, 2580 - cases[i].used));
		KUNIT_EXPECT_EQ(test, s->pkt->body[2580], 0x5a);

		s->len--;
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
	for (i = 0; i < 8; i++) {
		s = request(test, 1, 0, i);
		s->len = 28 + i;
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
}

/* A short body whose sizes end behind it, or nowhere. */
static void sizes_that_end_elsewhere(struct kunit *test)
{
	static const u32 bad[] = { 513, 2049, 0x7fffffff, 0xfffffff0, 0xffffffff };
	struct sample *s = request(test, 1, 0, 2000);
	__le32 *sizes = (__le32 *)(s->pkt->body + 8);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		sizes[0] = cpu_to_le32(bad[i]);
		sizes[1] = cpu_to_le32(2);
		expect_refused(test, s, HVKVP_E_INVALIDARG);
		sizes[0] = cpu_to_le32(2);
		sizes[1] = cpu_to_le32(max(bad[i], 2048U));
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
}

static void largest_body(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 7428);

	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
	KUNIT_EXPECT_EQ(test, s->view.body_len, 7428U);
	s = request(test, 1, 0, 8000);
	KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
	KUNIT_EXPECT_EQ(test, s->view.body_len, 7428U);
}

static void operations_and_pools(struct kunit *test)
{
	struct sample *s = request(test, 0, 0, 7428);
	unsigned int v;

	for (v = 6; v < 256; v++) {
		s->pkt->body[0] = v;
		expect_refused(test, s, HVKVP_E_NOT_SUPPORTED);
	}
	s->pkt->body[0] = 0;
	for (v = 4; v < 256; v++) {
		s->pkt->body[1] = v;
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
}

static void ip_sizes_follow_the_version(struct kunit *test)
{
	static const struct {
		u8 operation;
		u16 major;
		u32 used, size;
	} cases[] = {
		{ 4, 5, 284, 3716 }, { 4, 4, 258, 7428 },
		{ 5, 5, 3716, 3716 }, { 5, 4, 7428, 7428 },
	};
	struct sample *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		s = request(test, cases[i].operation, 1, cases[i].used);
		s->agreed.msg.major = cases[i].major;
		s->len = 28 + cases[i].used;
		KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
		KUNIT_EXPECT_EQ(test, s->view.sent_len, cases[i].used);
		KUNIT_EXPECT_EQ(test, s->view.body_len, cases[i].size);
		s->len--;
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
}

static void request_without_agreement(struct kunit *test)
{
	struct sample *s;
	u8 op;

	for (op = 0; op < 6; op++) {
		s = request(test, op, 1, 7428);
		s->agreed.valid = false;
		if (op < 4) {
			KUNIT_EXPECT_EQ(test, parse(s), KVP_IC_REQUEST);
			KUNIT_EXPECT_EQ(test, s->view.oddities,
					(unsigned int)BIT(KVP_IC_ODD_UNAGREED));
		} else {
			/* The form of its body is not known. */
			expect_refused(test, s, HVKVP_E_FAIL);
		}
	}
}

static void oddities_have_names(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < KVP_IC_ODD_COUNT; i++)
		KUNIT_EXPECT_NOT_NULL(test, kvp_ic_oddity_name(i));
}

static void message_types(struct kunit *test)
{
	static const u16 bad[] = { 1, 3, 4, 5, 6, 7, 0x200, 0xffff };
	struct sample *s = request(test, 1, 0, 2580);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		s->pkt->type = cpu_to_le16(bad[i]);
		expect_refused(test, s, HVKVP_E_NOT_SUPPORTED);
	}
}

/* versions: pairs of majors, minors are 0; @n_fw of the framework first. */
static struct sample *negotiation(struct kunit *test, const u16 *major,
				  u16 n_fw, u16 n_msg)
{
	u32 body_len = 8 + 4 * (n_fw + n_msg);
	struct sample *s = sample(test, 0, body_len);
	__le16 *p = (__le16 *)s->pkt->body;
	int i;

	p[0] = cpu_to_le16(n_fw);
	p[1] = cpu_to_le16(n_msg);
	for (i = 0; i < n_fw + n_msg; i++)
		p[4 + 2 * i] = cpu_to_le16(major[i]);
	return s;
}

static u32 negotiate(struct kunit *test, struct sample *s, unsigned int fw,
		     unsigned int msg)
{
	KUNIT_ASSERT_EQ(test, parse(s), KVP_IC_NEGOTIATE);
	return kvp_ic_negotiate(s->pkt, fw, msg, &s->agreed);
}

static void best_common_version(struct kunit *test)
{
	static const u16 offer[] = { 1, 3, 3, 4, 5 };
	struct sample *s = negotiation(test, offer, 2, 3);
	static const u8 want[] = { 1, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 5, 0, 0, 0 };

	KUNIT_EXPECT_EQ(test, negotiate(test, s, 3, 5), 44U);
	KUNIT_EXPECT_EQ(test, memcmp(s->pkt->body, want, sizeof(want)), 0);
	KUNIT_EXPECT_EQ(test, s->pkt->flags, 5);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(s->pkt->pipe_len), 36U);
	KUNIT_EXPECT_EQ(test, le16_to_cpu(s->pkt->body_len), 16);
	KUNIT_EXPECT_TRUE(test, s->agreed.valid);
	KUNIT_EXPECT_EQ(test, s->agreed.fw.major, 3);
	KUNIT_EXPECT_EQ(test, s->agreed.msg.major, 5);
}

static void caps(struct kunit *test)
{
	static const u16 offer[] = { 1, 3, 1, 3, 4, 5, 6 };
	static const struct {
		unsigned int max_fw, max_msg;
		bool valid;
		u16 fw, msg;
	} cases[] = {
		{ 3, 5, true, 3, 5 }, { 2, 4, true, 1, 4 }, { 1, 3, true, 1, 3 },
		{ 1, 2, true, 1, 1 }, { 0, 5, false, 0, 0 }, { 3, 0, false, 0, 0 },
		{ 99, 99, true, 3, 5 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample *s = negotiation(test, offer, 2, 5);

		negotiate(test, s, cases[i].max_fw, cases[i].max_msg);
		KUNIT_EXPECT_EQ(test, s->agreed.valid, cases[i].valid);
		KUNIT_EXPECT_EQ(test, s->agreed.fw.major, cases[i].fw);
		KUNIT_EXPECT_EQ(test, s->agreed.msg.major, cases[i].msg);
	}
}

static void no_common_version(struct kunit *test)
{
	static const u16 offer[] = { 2, 6, 3, 9 };
	static const u8 none[8];
	struct sample *s;

	s = negotiation(test, offer, 1, 1);
	KUNIT_EXPECT_EQ(test, negotiate(test, s, 3, 5), 36U);
	KUNIT_EXPECT_EQ(test, memcmp(s->pkt->body, none, sizeof(none)), 0);
	KUNIT_EXPECT_FALSE(test, s->agreed.valid);

	/* A framework alone is no agreement. */
	s = negotiation(test, offer + 2, 1, 1);
	KUNIT_EXPECT_EQ(test, negotiate(test, s, 3, 5), 36U);
	KUNIT_EXPECT_EQ(test, s->agreed.fw.major, 0);

	s = negotiation(test, NULL, 0, 0);
	KUNIT_EXPECT_EQ(test, negotiate(test, s, 3, 5), 36U);
}

static void minors_matter(struct kunit *test)
{
	static const u16 offer[] = { 3, 5, 4 };
	struct sample *s = negotiation(test, offer, 1, 2);

	s->pkt->body[8 + 4 + 2] = 1;	/* 5.1 */
	negotiate(test, s, 3, 5);
	KUNIT_EXPECT_EQ(test, s->agreed.msg.major, 4);
}

static void version_counts(struct kunit *test)
{
	static const u16 offer[] = { 3, 5 };
	static const struct { u16 fw, msg; } bad[] = {
		{ 2, 1 }, { 1, 2 }, { 0xffff, 0xffff }, { 0, 0xffff },
		{ 0xffff, 3 }, { 0x8000, 0x8000 },
	};
	struct sample *s = negotiation(test, offer, 1, 1);
	__le16 *p = (__le16 *)s->pkt->body;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		p[0] = cpu_to_le16(bad[i].fw);
		p[1] = cpu_to_le16(bad[i].msg);
		expect_refused(test, s, HVKVP_E_INVALIDARG);
	}
	s = negotiation(test, offer, 1, 1);
	s->len = 28 + 7;
	expect_refused(test, s, HVKVP_E_INVALIDARG);
	/* The size field may lie if the versions are there. */
	s = negotiation(test, offer, 1, 1);
	s->pkt->body_len = cpu_to_le16(7);
	s->len = 44;
	KUNIT_EXPECT_EQ(test, negotiate(test, s, 3, 5), 44U);
	KUNIT_EXPECT_EQ(test, s->agreed.msg.major, 5);
}

static void answers(struct kunit *test)
{
	struct sample *s = request(test, 1, 0, 2580);

	s->pkt->transaction = 7;
	s->pkt->reserved[1] = 9;
	KUNIT_EXPECT_EQ(test, kvp_ic_answer(s->pkt, 2580, HVKVP_E_FAIL), 2608U);
	KUNIT_EXPECT_EQ(test, s->pkt->transaction, 7);
	KUNIT_EXPECT_EQ(test, s->pkt->flags, 5);
	KUNIT_EXPECT_EQ(test, s->pkt->reserved[1], 0);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(s->pkt->status), HVKVP_E_FAIL);
	KUNIT_EXPECT_EQ(test, le32_to_cpu(s->pkt->pipe_len), 2600U);
}

static void operations_that_return_data(struct kunit *test)
{
	static const bool want[] = { true, false, false, true, true, false };
	u8 op;

	for (op = 0; op < ARRAY_SIZE(want); op++)
		KUNIT_EXPECT_EQ(test, kvp_ic_returns_data(op), want[op]);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(good_requests),
	KUNIT_CASE(padded_request),
	KUNIT_CASE(short_packets),
	KUNIT_CASE(pipe_types),
	KUNIT_CASE(ic_flags),
	KUNIT_CASE(pipe_lengths),
	KUNIT_CASE(body_sizes),
	KUNIT_CASE(short_bodies),
	KUNIT_CASE(sizes_that_end_elsewhere),
	KUNIT_CASE(oddities_have_names),
	KUNIT_CASE(largest_body),
	KUNIT_CASE(operations_and_pools),
	KUNIT_CASE(ip_sizes_follow_the_version),
	KUNIT_CASE(request_without_agreement),
	KUNIT_CASE(message_types),
	KUNIT_CASE(best_common_version),
	KUNIT_CASE(caps),
	KUNIT_CASE(no_common_version),
	KUNIT_CASE(minors_matter),
	KUNIT_CASE(version_counts),
	KUNIT_CASE(answers),
	KUNIT_CASE(operations_that_return_data),
	{}
};

struct kunit_suite kvp_ic_suite = {
	.name = "kvp_ic",
	.test_cases = cases,
};
