// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message parser and the channel's states.
 */
#include <string.h>

#include "test/tap.h"
#include "vmbus/channel.h"
#include "vmbus/vmbus.h"
#include "vmbus/vmbus_msg.h"

static const char *try(u32 type, u32 len, u32 version)
{
	u64 buf[32] = { 0 };

	memcpy(buf, &type, 4);
	return vmbus_msg_check(buf, len, version);
}

static void sizes(void)
{
	static const struct { u32 type; u32 size; } guest[] = {
		{ 3, 8 }, { 5, 148 }, { 7, 12 }, { 8, 20 }, { 9, 16 }, { 11, 16 }, { 13, 12 },
		{ 14, 40 }, { 16, 8 }, { 22, 16 },
	};
	u32 v = VMBUS_VERSION(5, 3), i;

	for (i = 0; i < ARRAY_SIZE(guest); i++) {
		check(!try(guest[i].type, guest[i].size, v));
		check(!try(guest[i].type, 240, v));
		check(try(guest[i].type, guest[i].size - 1, v));
		check(try(guest[i].type, 0, v));
		check(try(guest[i].type, 7, v));
	}
	check(try(3, 241, v));
}

static void host_only(void)
{
	static const u32 host[] = { 1, 2, 4, 6, 10, 12, 15, 17, 24 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(host); i++)
		check(!strcmp(try(host[i], 240, VMBUS_VERSION(5, 3)),
			      "only a host may send this message"));
	for (i = 0; i < 1000; i++)
		if (!vmbus_msg_info(i))
			check(try(i, 240, VMBUS_VERSION(5, 3)));
	check(try(0xffffffff, 240, VMBUS_VERSION(5, 3)));
}

static void before_contact(void)
{
	check(!try(14, 40, 0));
	check(!try(16, 8, 0));
	check(try(3, 8, 0));
	check(try(5, 148, 0));
	check(try(22, 16, VMBUS_VERSION(4, 0)));
	check(!try(22, 16, VMBUS_VERSION(4, 1)));
}

static void version_texts(void)
{
	check_eq(vmbus_parse_version("5.3"), VMBUS_VERSION(5, 3));
	check_eq(vmbus_parse_version("4.0"), VMBUS_VERSION(4, 0));
	check_eq(vmbus_parse_version("5.4"), 0);
	check_eq(vmbus_parse_version("3.0"), 0);
	check_eq(vmbus_parse_version(""), 0);
}

const struct tap_test msg_tests[] = {
	{ "messages: sizes of what a guest posts", sizes },
	{ "messages: what only a host may post is ignored", host_only },
	{ "messages: nothing but contact and unload before contact", before_contact },
	{ "messages: versions by name", version_texts },
	{ 0 },
};

static void good_life(void)
{
	enum chan_state s = CHAN_OFFERED;

	s = channel_next(s, CHAN_EV_OPEN);
	check_eq(s, CHAN_OPEN);
	s = channel_next(s, CHAN_EV_CLOSE);
	check_eq(s, CHAN_OFFERED);
	s = channel_next(s, CHAN_EV_OPEN);
	s = channel_next(s, CHAN_EV_RESCIND);
	check_eq(s, CHAN_RESCINDED);
	s = channel_next(s, CHAN_EV_CLOSE);
	check_eq(s, CHAN_RESCINDED);
	s = channel_next(s, CHAN_EV_RELEASE);
	check_eq(s, CHAN_RELEASED);
}

static void wrong_events(void)
{
	u32 s, e;

	check_eq(channel_next(CHAN_OFFERED, CHAN_EV_CLOSE), CHAN_REFUSED);
	check_eq(channel_next(CHAN_OFFERED, CHAN_EV_RELEASE), CHAN_REFUSED);
	check_eq(channel_next(CHAN_OPEN, CHAN_EV_OPEN), CHAN_REFUSED);
	check_eq(channel_next(CHAN_OPEN, CHAN_EV_RELEASE), CHAN_REFUSED);
	check_eq(channel_next(CHAN_RESCINDED, CHAN_EV_OPEN), CHAN_REFUSED);
	for (e = 0; e < CHAN_EV_RESET; e++)
		check_eq(channel_next(CHAN_RELEASED, (enum chan_event)e), CHAN_REFUSED);
	for (s = 0; s < CHAN_REFUSED; s++)
		check_eq(channel_next((enum chan_state)s, CHAN_EV_RESET), CHAN_RELEASED);
	check_eq(channel_next(CHAN_REFUSED, CHAN_EV_OPEN), CHAN_REFUSED);
}

static void attach_checks_the_offset(void)
{
	struct channel chan = { 0 };
	u8 *pages[4] = { 0 };

	check(channel_attach(&chan, pages, 4, 0));
	check(channel_attach(&chan, pages, 4, 1));
	check(channel_attach(&chan, pages, 4, 3));
	check(channel_attach(&chan, pages, 4, 4));
	check(channel_attach(&chan, pages, 4, 0xffffffff));
	check(!channel_attach(&chan, pages, 4, 2));
	check_eq(chan.in.size, 4096);
	check_eq(chan.out.size, 4096);
	check(chan.out.pages == pages + 2);
}

const struct tap_test channel_tests[] = {
	{ "channel: open, close, open, rescind, release", good_life },
	{ "channel: wrong events are refused in every state", wrong_events },
	{ "channel: each ring needs a control page and data", attach_checks_the_offset },
	{ 0 },
};
