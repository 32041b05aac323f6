// SPDX-License-Identifier: GPL-2.0-only
/*
 * The message parser and the channel's states.
 */
#include <string.h>

#include "test/suites.h"
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
		REQUIRE(!try(guest[i].type, guest[i].size, v));
		REQUIRE(!try(guest[i].type, 240, v));
		REQUIRE(try(guest[i].type, guest[i].size - 1, v));
		REQUIRE(try(guest[i].type, 0, v));
		REQUIRE(try(guest[i].type, 7, v));
	}
	REQUIRE(try(3, 241, v));
}

static void host_only(void)
{
	static const u32 host[] = { 1, 2, 4, 6, 10, 12, 15, 17, 24 };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(host); i++)
		REQUIRE(!strcmp(try(host[i], 240, VMBUS_VERSION(5, 3)),
			      "only a host may send this message"));
	for (i = 0; i < 1000; i++)
		if (!vmbus_msg_info(i))
			REQUIRE(try(i, 240, VMBUS_VERSION(5, 3)));
	REQUIRE(try(0xffffffff, 240, VMBUS_VERSION(5, 3)));
}

static void before_contact(void)
{
	REQUIRE(!try(14, 40, 0));
	REQUIRE(!try(16, 8, 0));
	REQUIRE(try(3, 8, 0));
	REQUIRE(try(5, 148, 0));
	REQUIRE(try(22, 16, VMBUS_VERSION(4, 0)));
	REQUIRE(!try(22, 16, VMBUS_VERSION(4, 1)));
}

static void version_texts(void)
{
	REQUIRE_INT(vmbus_parse_version("5.3"), VMBUS_VERSION(5, 3));
	REQUIRE_INT(vmbus_parse_version("4.0"), VMBUS_VERSION(4, 0));
	REQUIRE_INT(vmbus_parse_version("5.4"), 0);
	REQUIRE_INT(vmbus_parse_version("3.0"), 0);
	REQUIRE_INT(vmbus_parse_version(""), 0);
}

static const struct tap_case msg_cases[] = {
	{ "sizes of what a guest posts", sizes },
	{ "what only a host may post is ignored", host_only },
	{ "nothing but contact and unload before contact", before_contact },
	{ "versions by name", version_texts },
};

const struct tap_suite msg_tests = TAP_SUITE("messages", msg_cases);

static void good_life(void)
{
	enum chan_state s = CHAN_OFFERED;

	s = channel_next(s, CHAN_EV_OPEN);
	REQUIRE_INT(s, CHAN_OPEN);
	s = channel_next(s, CHAN_EV_CLOSE);
	REQUIRE_INT(s, CHAN_OFFERED);
	s = channel_next(s, CHAN_EV_OPEN);
	s = channel_next(s, CHAN_EV_RESCIND);
	REQUIRE_INT(s, CHAN_RESCINDED);
	s = channel_next(s, CHAN_EV_CLOSE);
	REQUIRE_INT(s, CHAN_RESCINDED);
	s = channel_next(s, CHAN_EV_RELEASE);
	REQUIRE_INT(s, CHAN_RELEASED);
}

static void wrong_events(void)
{
	u32 s, e;

	REQUIRE_INT(channel_next(CHAN_OFFERED, CHAN_EV_CLOSE), CHAN_REFUSED);
	REQUIRE_INT(channel_next(CHAN_OFFERED, CHAN_EV_RELEASE), CHAN_REFUSED);
	REQUIRE_INT(channel_next(CHAN_OPEN, CHAN_EV_OPEN), CHAN_REFUSED);
	REQUIRE_INT(channel_next(CHAN_OPEN, CHAN_EV_RELEASE), CHAN_REFUSED);
	REQUIRE_INT(channel_next(CHAN_RESCINDED, CHAN_EV_OPEN), CHAN_REFUSED);
	for (e = 0; e < CHAN_EV_RESET; e++)
		REQUIRE_INT(channel_next(CHAN_RELEASED, (enum chan_event)e), CHAN_REFUSED);
	for (s = 0; s < CHAN_REFUSED; s++)
		REQUIRE_INT(channel_next((enum chan_state)s, CHAN_EV_RESET), CHAN_RELEASED);
	REQUIRE_INT(channel_next(CHAN_REFUSED, CHAN_EV_OPEN), CHAN_REFUSED);
}

static void attach_checks_the_offset(void)
{
	struct channel chan = { 0 };
	u8 *pages[4] = { 0 };

	REQUIRE(channel_attach(&chan, pages, 4, 0));
	REQUIRE(channel_attach(&chan, pages, 4, 1));
	REQUIRE(channel_attach(&chan, pages, 4, 3));
	REQUIRE(channel_attach(&chan, pages, 4, 4));
	REQUIRE(channel_attach(&chan, pages, 4, 0xffffffff));
	REQUIRE(!channel_attach(&chan, pages, 4, 2));
	REQUIRE_INT(chan.in.size, 4096);
	REQUIRE_INT(chan.out.size, 4096);
	REQUIRE(chan.out.pages == pages + 2);
}

static const struct tap_case channel_cases[] = {
	{ "open, close, open, rescind, release", good_life },
	{ "wrong events are refused in every state", wrong_events },
	{ "each ring needs a control page and data", attach_checks_the_offset },
};

const struct tap_suite channel_tests = TAP_SUITE("channel", channel_cases);
