// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages of the character device: each field invalid.
 */
#include "msg.c"
#include "suites.h"

static struct hvkvp_hello good_hello(void)
{
	return (struct hvkvp_hello) {
		.hdr.len = 32, .hdr.type = HVKVP_HELLO, .major = 1,
	};
}

static void hellos(struct kunit *test)
{
	struct hvkvp_hello h = good_hello();

	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), (int)HVKVP_HELLO);
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 31), -EINVAL);
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 0), -EINVAL);
	h.hdr.len = 31;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 31), -EINVAL);
	h = good_hello();
	h.hdr.len = 16;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 16), -EINVAL);
	h = good_hello();
	h.hdr.flags = 1;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
	h = good_hello();
	h.hdr.id = 1;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
	h = good_hello();
	h.timeout_ms = 1;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
	h = good_hello();
	h.hdr.type = HVKVP_REQUEST;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
	h.hdr.type = 0;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
	h.hdr.type = 4;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&h, 32), -EINVAL);
}

static void replies(struct kunit *test)
{
	struct {
		struct hvkvp_reply reply;
		u8 body[8];
	} m = { .reply = { .hdr.len = 32, .hdr.type = HVKVP_REPLY,
			   .hdr.id = 5, .body_len = 8 } };

	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 32), (int)HVKVP_REPLY);
	m.reply.body_len = 7;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 32), -EINVAL);
	m.reply.body_len = 9;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 32), -EINVAL);
	m.reply.body_len = 0xffffffff;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 32), -EINVAL);
	m.reply.body_len = 0;
	m.reply.hdr.len = 24;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 24), (int)HVKVP_REPLY);
	m.reply.hdr.len = 23;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 23), -EINVAL);
	m.reply.hdr.len = 24;
	m.reply.hdr.flags = 0x8000;
	KUNIT_EXPECT_EQ(test, kvp_msg_check(&m, 24), -EINVAL);
}

static void drivers_hello(struct kunit *test)
{
	struct hvkvp_hello theirs = good_hello(), ours;

	theirs.features = ~0ULL;
	theirs.minor = 7;
	KUNIT_EXPECT_TRUE(test, kvp_msg_is_compatible(&theirs));
	kvp_msg_make_hello(30000, &ours);
	KUNIT_EXPECT_EQ(test, ours.hdr.len, 32U);
	KUNIT_EXPECT_EQ(test, ours.major, 1);
	KUNIT_EXPECT_EQ(test, ours.minor, HVKVP_MINOR);
	KUNIT_EXPECT_EQ(test, ours.timeout_ms, 30000U);
	KUNIT_EXPECT_EQ(test, ours.features, 0ULL);

	theirs.major = 2;
	KUNIT_EXPECT_FALSE(test, kvp_msg_is_compatible(&theirs));
}

static void requests(struct kunit *test)
{
	static const struct kvp_ic_agreement agreed = {
		.valid = true, .fw = { 3, 0 }, .msg = { 4, 0 },
	};
	static const u8 body[] = { 3, 2, 0xaa, 0xbb };
	u64 room[8];
	struct hvkvp_request *req = (void *)room;

	memset(room, 0xff, sizeof(room));
	KUNIT_EXPECT_EQ(test, kvp_msg_make_request(9, HVKVP_AGAIN, 77, &agreed,
						   body, sizeof(body), req), 44U);
	KUNIT_EXPECT_EQ(test, req->hdr.len, 44U);
	KUNIT_EXPECT_EQ(test, req->hdr.type, HVKVP_REQUEST);
	KUNIT_EXPECT_EQ(test, req->hdr.flags, HVKVP_AGAIN);
	KUNIT_EXPECT_EQ(test, req->hdr.id, 9ULL);
	KUNIT_EXPECT_EQ(test, req->deadline_ns, 77ULL);
	KUNIT_EXPECT_EQ(test, req->fw_major, 3);
	KUNIT_EXPECT_EQ(test, req->msg_major, 4);
	KUNIT_EXPECT_EQ(test, req->operation, 3);
	KUNIT_EXPECT_EQ(test, req->pool, 2);
	KUNIT_EXPECT_EQ(test, req->reserved, 0);
	KUNIT_EXPECT_EQ(test, req->body_len, 4U);
	KUNIT_EXPECT_EQ(test, memcmp(req->body, body, 4), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(hellos),
	KUNIT_CASE(replies),
	KUNIT_CASE(drivers_hello),
	KUNIT_CASE(requests),
	{}
};

struct kunit_suite kvp_msg_suite = {
	.name = "kvp_msg",
	.test_cases = cases,
};
