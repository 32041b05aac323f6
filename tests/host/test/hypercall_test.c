// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hypercalls: inputs that are good, lie about sizes, or point elsewhere.
 */
#include <string.h>

#include "machine/machine.h"
#include "machine/synic.h"
#include "test/fakevm.h"
#include "test/suites.h"
#include "util/clock.h"

#define POST	0x5cull
#define SIGNAL	0x5dull
#define FAST	(1ull << 16)

/* What arrived at the bus. */
static struct {
	int posts, signals;
	u32 connection, type, len;
	u16 flag;
	u8 payload[SYNIC_PAYLOAD_MAX];
} seen;

u16 synic_post(struct vm *vm, u32 connection, u32 type, const void *payload, u32 len)
{
	(void)vm;
	seen.posts++;
	seen.connection = connection;
	seen.type = type;
	seen.len = len;
	memcpy(seen.payload, payload, len);
	return HV_STATUS_INSUFFICIENT_BUFFERS;
}

u16 synic_signal(struct vm *vm, u32 connection, u16 flag)
{
	(void)vm;
	seen.signals++;
	seen.connection = connection;
	seen.flag = flag;
	return HV_STATUS_SUCCESS;
}

static u64 call(struct vm *vm, u64 control, u64 a, u64 b)
{
	const u64 param[2] = { a, b };

	return hypercall(vm, control, param);
}

static struct vm *start(void)
{
	struct vm *vm = fakevm_new(1);

	REQUIRE(vm);
	memset(&seen, 0, sizeof(seen));
	return vm;
}

static void put_post(struct vm *vm, u64 gpa, u32 size)
{
	const u32 head[] = { 4, 0, 1, size };

	memcpy(fakevm_ram(vm) + gpa, head, sizeof(head));
}

static void test_post(void)
{
	struct vm *vm = start();

	put_post(vm, 0x1000, SYNIC_PAYLOAD_MAX);
	memset(fakevm_ram(vm) + 0x1010, 0xa5, SYNIC_PAYLOAD_MAX);
	REQUIRE_INT(call(vm, POST, 0x1000, 0), HV_STATUS_INSUFFICIENT_BUFFERS);
	REQUIRE_INT(seen.connection, 4);
	REQUIRE_INT(seen.type, 1);
	REQUIRE_INT(seen.len, SYNIC_PAYLOAD_MAX);
	REQUIRE_INT(seen.payload[SYNIC_PAYLOAD_MAX - 1], 0xa5);

	put_post(vm, 0x1ff0, 0);
	REQUIRE_INT(call(vm, POST, 0x1ff0, 0), HV_STATUS_INSUFFICIENT_BUFFERS);
	REQUIRE_INT(seen.len, 0);
	REQUIRE_INT(call(vm, POST | FAST, 7ull, 9ull), HV_STATUS_INSUFFICIENT_BUFFERS);
	REQUIRE_INT(seen.connection, 7);
	REQUIRE_INT(seen.type, 9);
	REQUIRE_INT(seen.posts, 3);
	fakevm_free(vm);
}

static void test_post_invalid(void)
{
	struct vm *vm = start();

	put_post(vm, 0x1000, SYNIC_PAYLOAD_MAX + 1);
	REQUIRE_INT(call(vm, POST, 0x1000, 0), HV_STATUS_INVALID_PARAMETER);
	put_post(vm, 0x1000, 0xffffffff);
	REQUIRE_INT(call(vm, POST, 0x1000, 0), HV_STATUS_INVALID_PARAMETER);
	put_post(vm, 0x1fe0, 24);
	REQUIRE_INT(call(vm, POST, 0x1fe0, 0), HV_STATUS_INVALID_ALIGNMENT);
	REQUIRE_INT(call(vm, POST, 0x1ff8, 0), HV_STATUS_INVALID_ALIGNMENT);
	REQUIRE_INT(call(vm, POST, 0x1001, 0), HV_STATUS_INVALID_ALIGNMENT);
	REQUIRE_INT(call(vm, POST, FAKEVM_RAM, 0), HV_STATUS_INVALID_PARAMETER);
	REQUIRE_INT(call(vm, POST, 0xfffffffffffff000, 0), HV_STATUS_INVALID_PARAMETER);
	REQUIRE_INT(call(vm, POST | FAST, 7, 8ull << 32), HV_STATUS_INVALID_HYPERCALL_INPUT);
	REQUIRE_INT(seen.posts, 0);
	fakevm_free(vm);
}

static void test_signal(void)
{
	const u32 input[] = { 0x10002, 0x5 };
	struct vm *vm = start();

	REQUIRE_INT(call(vm, SIGNAL | FAST, 0x000700000001234ull | 3ull << 32, 0), 0);
	REQUIRE_INT(seen.connection, 0x1234);
	memcpy(fakevm_ram(vm) + 0x2ff8, input, sizeof(input));
	REQUIRE_INT(call(vm, SIGNAL, 0x2ff8, 0), 0);
	REQUIRE_INT(seen.connection, 0x10002);
	REQUIRE_INT(seen.flag, 5);
	REQUIRE_INT(call(vm, SIGNAL, 0x2ffc, 0), HV_STATUS_INVALID_ALIGNMENT);
	REQUIRE_INT(call(vm, SIGNAL, FAKEVM_RAM, 0), HV_STATUS_INVALID_PARAMETER);
	REQUIRE_INT(seen.signals, 2);
	fakevm_free(vm);
}

static void test_control(void)
{
	struct vm *vm = start();

	REQUIRE_INT(call(vm, 0x5b | FAST, 0, 0), HV_STATUS_INVALID_HYPERCALL_CODE);
	REQUIRE_INT(call(vm, SIGNAL | FAST | 1ull << 32, 0, 0), HV_STATUS_INVALID_HYPERCALL_INPUT);
	REQUIRE_INT(call(vm, SIGNAL | FAST | 1ull << 17, 0, 0), HV_STATUS_INVALID_HYPERCALL_INPUT);
	REQUIRE_INT(seen.signals, 0);
	fakevm_free(vm);
}

static void test_disturbed(void)
{
	const struct disturb_plan fails = { .times = 2, .fail = true, .status = HV_STATUS_INVALID_PORT_ID };
	const struct disturb_plan slow = { .times = 1, .delay_us = 20000 };
	struct vm *vm = start();
	u64 before;

	vm_disturb(vm, DISTURB_SIGNAL, &fails);
	REQUIRE_INT(call(vm, SIGNAL | FAST, 1, 0), HV_STATUS_INVALID_PORT_ID);
	REQUIRE_INT(call(vm, POST | FAST, 1, 0), HV_STATUS_INSUFFICIENT_BUFFERS);
	REQUIRE_INT(call(vm, SIGNAL | FAST, 1, 0), HV_STATUS_INVALID_PORT_ID);
	REQUIRE_INT(seen.signals, 0);
	REQUIRE_INT(call(vm, SIGNAL | FAST, 1, 0), HV_STATUS_SUCCESS);
	REQUIRE_INT(seen.signals, 1);
	vm_disturb(vm, DISTURB_SIGNAL, &slow);
	before = clock_ns();
	REQUIRE_INT(call(vm, SIGNAL | FAST, 1, 0), HV_STATUS_SUCCESS);
	REQUIRE(clock_ns() - before >= 20000000);
	REQUIRE_INT(seen.signals, 2);
	fakevm_free(vm);
}

static const struct tap_case hypercall_cases[] = {
	{ "a message is posted, fast and from memory", test_post },
	{ "a message with a wrong size or address is refused", test_post_invalid },
	{ "an event is signalled, fast and from memory", test_signal },
	{ "unknown codes and repeats are refused", test_control },
	{ "a hypercall fails, or takes its time, as often as planned", test_disturbed },
};

const struct tap_suite hypercall_tests = TAP_SUITE("hypercall", hypercall_cases);
