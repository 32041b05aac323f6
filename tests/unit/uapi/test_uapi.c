// SPDX-License-Identifier: GPL-2.0-only
/*
 * uapi/: sizes, offsets and numbers that others have compiled in.
 */
#include <stddef.h>
#include <stdlib.h>

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

#include "c/tap.h"

static void layout(void)
{
#define SIZE(name, bytes) CHECK_INT(sizeof(struct name), bytes);
#define AT(name, member, offset, bytes) \
	CHECK_INT(offsetof(struct name, member), offset); \
	CHECK_INT(sizeof(((struct name *)0)->member), bytes);
#include "uapi/layout.h"
}

/* The same list, by compilers and for targets that are given by the Makefile. */
static void layout_by(const char *compiler)
{
	if (!compiler || !*compiler)
		tap_skip("no such compiler here");
	else
		CHECK(!system(compiler));
}

static void layout_32(void)
{
	layout_by(getenv("LAYOUT_32"));
}

static void layout_clang(void)
{
	layout_by(getenv("LAYOUT_CLANG"));
}

static void limits(void)
{
	CHECK_INT(HVKVP_MAX_MESSAGE, 8192);
	CHECK(sizeof(struct hvkvp_request) + HVKVP_IP_SIZE <= HVKVP_MAX_MESSAGE);
	CHECK_INT(HVKVP_MSG_HDR_SIZE, 2);
	CHECK_INT(HVKVP_EXCHANGE_SIZE, sizeof(struct hvkvp_msg_exchange));
	CHECK_INT(HVKVP_EXCHANGE_SIZE, sizeof(struct hvkvp_msg_delete));
	CHECK_INT(HVKVP_EXCHANGE_SIZE, sizeof(struct hvkvp_msg_enumerate));
	CHECK_INT(HVKVP_IP_SIZE, sizeof(struct hvkvp_msg_ip_text));
	CHECK_INT(HVKVP_IP_SIZE, sizeof(struct hvkvp_msg_ip_binary));
	CHECK_INT(HVKVP_IP_BINARY_USED, offsetof(struct hvkvp_msg_ip_binary, tail));
}

static void numbers(void)
{
	CHECK_INT(HVKVP_MAJOR, 1);
	CHECK_INT(HVKVP_MINOR, 3);
	CHECK_INT(HVKVP_MONITORS, 64);
	CHECK_INT(HVKVP_HELLO, 1);
	CHECK_INT(HVKVP_REQUEST, 2);
	CHECK_INT(HVKVP_REPLY, 3);
	CHECK_INT(HVKVP_EVENT, 4);
	CHECK_INT(HVKVP_RECEIVED, 1);
	CHECK_INT(HVKVP_SENT, 2);
	CHECK_INT(HVKVP_TAKEN, 3);
	CHECK_INT(HVKVP_EXPIRED, 4);
	CHECK_INT(HVKVP_WITHDRAWN, 5);
	CHECK_INT(HVKVP_ATTACHED, 6);
	CHECK_INT(HVKVP_DETACHED, 7);
	CHECK_INT(HVKVP_OPENED, 8);
	CHECK_INT(HVKVP_CLOSED, 9);
	CHECK_INT(HVKVP_PACKET_OVERHEAD, 28);
	CHECK_INT(HVKVP_IC_TYPE_NEGOTIATE, 0);
	CHECK_INT(HVKVP_IC_TYPE_KVP, 2);
	CHECK_INT(HVKVP_OP_GET, 0);
	CHECK_INT(HVKVP_OP_SET, 1);
	CHECK_INT(HVKVP_OP_DELETE, 2);
	CHECK_INT(HVKVP_OP_ENUMERATE, 3);
	CHECK_INT(HVKVP_OP_GET_IP, 4);
	CHECK_INT(HVKVP_OP_SET_IP, 5);
	CHECK_INT(HVKVP_OP_COUNT, 6);
	CHECK_INT(HVKVP_POOL_EXTERNAL, 0);
	CHECK_INT(HVKVP_POOL_GUEST, 1);
	CHECK_INT(HVKVP_POOL_AUTO, 2);
	CHECK_INT(HVKVP_POOL_PARAMETER, 3);
	CHECK_INT(HVKVP_POOL_INTERNAL, 4);
	CHECK_INT(HVKVP_REG_SZ, 1);
	CHECK_INT(HVKVP_REG_EXPAND_SZ, 2);
	CHECK_INT(HVKVP_REG_DWORD, 4);
	CHECK_INT(HVKVP_REG_QWORD_LINUX, 8);
	CHECK_INT(HVKVP_REG_QWORD, 11);
	CHECK_INT(HVKVP_S_OK, 0);
	CHECK_INT(HVKVP_E_FAIL, 0x80004005);
	CHECK_INT(HVKVP_E_INVALIDARG, 0x80070057);
	CHECK_INT(HVKVP_E_NOT_SUPPORTED, 0x80070032);
	CHECK_INT(HVKVP_E_GUID_NOTFOUND, 0x80041002);
	CHECK_INT(HVKVP_NO_MORE_ITEMS, 0x80070103);
}

static const struct tap_case cases[] = {
	{ "every size and offset is as written down", layout },
	{ "and for a 32-bit target", layout_32 },
	{ "and by clang", layout_clang },
	{ "sizes of bodies and messages agree", limits },
	{ "numbers are as written down", numbers },
};

TAP_MAIN("uapi", cases)
