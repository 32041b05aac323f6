// SPDX-License-Identifier: GPL-2.0-only
/*
 * Feeds: events come out whole, in order, and the lost ones are counted.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/smp.h>

#include "feed.c"
#include "suites.h"

struct room {
	struct kvp_feed *feed;
	struct hvkvp_event *event;
	u8 *packet;
};

/* Larger than any message. */
#define PACKET_SIZE	16384U

static u32 next(struct room *room)
{
	u32 len = kvp_feed_peek(room->feed, room->event);

	if (len)
		kvp_feed_drop(room->feed, room->event);
	return len;
}

static void in_order(struct kunit *test)
{
	struct room *room = test->priv;
	u64 before = ktime_get_ns();

	KUNIT_EXPECT_TRUE(test, kvp_feed_is_empty(room->feed));
	KUNIT_EXPECT_EQ(test, next(room), 0U);

	memcpy(room->packet, "packet", 6);
	kvp_feed_add(room->feed, 0, HVKVP_OPENED, NULL, 0);
	kvp_feed_add(room->feed, 7, HVKVP_RECEIVED, room->packet, 6);
	KUNIT_EXPECT_FALSE(test, kvp_feed_is_empty(room->feed));

	KUNIT_EXPECT_EQ(test, kvp_feed_peek(room->feed, room->event), 40U);
	KUNIT_EXPECT_EQ(test, next(room), 40U);
	KUNIT_EXPECT_EQ(test, room->event->hdr.len, 40U);
	KUNIT_EXPECT_EQ(test, room->event->hdr.type, HVKVP_EVENT);
	KUNIT_EXPECT_EQ(test, room->event->hdr.flags, 0);
	KUNIT_EXPECT_EQ(test, room->event->hdr.id, 0ULL);
	KUNIT_EXPECT_GE(test, room->event->time_ns, before);
	KUNIT_EXPECT_EQ(test, room->event->what, HVKVP_OPENED);
	KUNIT_EXPECT_EQ(test, room->event->packet_len, 0U);
	KUNIT_EXPECT_EQ(test, room->event->reserved, 0U);

	KUNIT_EXPECT_EQ(test, next(room), 46U);
	KUNIT_EXPECT_EQ(test, room->event->hdr.id, 7ULL);
	KUNIT_EXPECT_EQ(test, room->event->what, HVKVP_RECEIVED);
	KUNIT_EXPECT_EQ(test, room->event->packet_len, 6U);
	KUNIT_EXPECT_EQ(test, memcmp(room->event->packet, "packet", 6), 0);
	KUNIT_EXPECT_EQ(test, room->event->lost, 0U);
	KUNIT_EXPECT_EQ(test, next(room), 0U);
}

static void too_large(struct kunit *test)
{
	struct room *room = test->priv;

	memset(room->packet, 0x5a, PACKET_SIZE);
	kvp_feed_add(room->feed, 1, HVKVP_RECEIVED, room->packet, PACKET_SIZE);
	kvp_feed_add(room->feed, 1, HVKVP_SENT, NULL, 0);
	KUNIT_EXPECT_EQ(test, next(room), (u32)HVKVP_MAX_MESSAGE);
	KUNIT_EXPECT_EQ(test, room->event->packet_len, PACKET_SIZE);
	KUNIT_EXPECT_EQ(test, next(room), 40U);
	KUNIT_EXPECT_EQ(test, room->event->what, HVKVP_SENT);
}

static void full(struct kunit *test)
{
	const u32 fit = HVKVP_FEED_SIZE / HVKVP_MAX_MESSAGE;
	struct room *room = test->priv;
	u32 i;

	for (i = 0; i < fit + 3; i++)
		kvp_feed_add(room->feed, i, HVKVP_RECEIVED, room->packet,
			     PACKET_SIZE);
	KUNIT_EXPECT_EQ(test, next(room), (u32)HVKVP_MAX_MESSAGE);
	KUNIT_EXPECT_EQ(test, room->event->lost, 0U);
	kvp_feed_add(room->feed, 99, HVKVP_SENT, NULL, 0);
	kvp_feed_add(room->feed, 100, HVKVP_SENT, NULL, 0);

	for (i = 1; i < fit; i++) {
		KUNIT_EXPECT_EQ(test, next(room), (u32)HVKVP_MAX_MESSAGE);
		KUNIT_EXPECT_EQ(test, room->event->hdr.id, (u64)i);
	}
	KUNIT_EXPECT_EQ(test, next(room), 40U);
	KUNIT_EXPECT_EQ(test, room->event->hdr.id, 99ULL);
	KUNIT_EXPECT_EQ(test, room->event->lost, 3U);
	KUNIT_EXPECT_EQ(test, next(room), 40U);
	KUNIT_EXPECT_EQ(test, room->event->lost, 0U);
	KUNIT_EXPECT_TRUE(test, kvp_feed_is_empty(room->feed));
}

struct writer {
	struct room *room;
	u32 events;
	bool stop;	/* the reader has given up */
	struct completion done;
};

static int write_events(void *arg)
{
	struct writer *writer = arg;
	u32 i;

	for (i = 1; i <= writer->events && !READ_ONCE(writer->stop); i++) {
		kvp_feed_add(writer->room->feed, i, HVKVP_RECEIVED,
			     writer->room->packet, i * 37 % PACKET_SIZE);
		/* The reader meets each message while it is being added. */
		while (!kvp_feed_is_empty(writer->room->feed) &&
		       !READ_ONCE(writer->stop))
			cond_resched();
	}
	complete(&writer->done);
	return 0;
}

/* What is "readable" and has no message for so many looks is broken. */
#define EMPTY_LOOKS	100000U

/* A reader beside a writer: what is not empty has a whole message, in order. */
static void readable_means_a_whole_message(struct kunit *test)
{
	struct room *room = test->priv;
	struct writer writer = { .room = room };
	u32 shown, empty = 0, bad = 0, read = 0;
	struct task_struct *task;
	unsigned int cpu;
	u64 last = 0;

	init_completion(&writer.done);
	task = kthread_create(write_events, &writer, "kvp-feed-writer");
	KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	/* On another processor, if there is one: on the same they take slow turns. */
	cpu = cpumask_any_but(cpu_online_mask, raw_smp_processor_id());
	writer.events = cpu < nr_cpu_ids ? 5000 : 50;
	if (cpu < nr_cpu_ids)
		kthread_bind(task, cpu);
	wake_up_process(task);
	while (empty < EMPTY_LOOKS && (!completion_done(&writer.done) ||
				       !kvp_feed_is_empty(room->feed))) {
		if (kvp_feed_is_empty(room->feed)) {
			cond_resched();
			continue;
		}
		if (!kvp_feed_peek(room->feed, room->event)) {
			empty++;
			continue;
		}
		shown = room->event->hdr.len - sizeof(*room->event);
		bad += room->event->hdr.id != last + 1;
		bad += room->event->lost;
		bad += shown > room->event->packet_len;
		/* Behind an invalid message nothing is where it belongs. */
		if (bad)
			break;
		last = room->event->hdr.id;
		read++;
		kvp_feed_drop(room->feed, room->event);
	}
	WRITE_ONCE(writer.stop, true);
	wait_for_completion(&writer.done);
	KUNIT_EXPECT_EQ(test, empty, 0U);
	KUNIT_EXPECT_EQ(test, bad, 0U);
	KUNIT_EXPECT_EQ(test, read, writer.events);
}

static int room_init(struct kunit *test)
{
	struct room *room = kunit_kzalloc(test, sizeof(*room), GFP_KERNEL);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, room);
	room->event = kunit_kzalloc(test, HVKVP_MAX_MESSAGE, GFP_KERNEL);
	room->packet = kunit_kzalloc(test, PACKET_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, room->event);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, room->packet);
	room->feed = kvp_feed_create();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, room->feed);
	test->priv = room;
	return 0;
}

static void room_exit(struct kunit *test)
{
	struct room *room = test->priv;

	if (room)
		kvp_feed_destroy(room->feed);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(in_order),
	KUNIT_CASE(too_large),
	KUNIT_CASE(full),
	KUNIT_CASE(readable_means_a_whole_message),
	{}
};

struct kunit_suite kvp_feed_suite = {
	.name = "kvp_feed",
	.init = room_init,
	.exit = room_exit,
	.test_cases = cases,
};
