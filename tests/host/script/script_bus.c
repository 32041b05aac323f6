// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua binding of the bus: devices, channels, packets, rings.
 *
 * Lua names devices and channels by their numbers; there is nothing to collect.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/disturb.h"
#include "machine/synic.h"
#include "script/script_priv.h"
#include "vmbus/ring.h"
#include "vmbus/vmbus_host.h"

static struct vmbus *bus_of(lua_State *L)
{
	return script_of(L)->bus;
}

/* ---- events ---- */

static int l_activity(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)vmbus_activity(bus_of(L)));
	return 1;
}

static int l_events(lua_State *L)
{
	lua_pushinteger(L, vmbus_events(bus_of(L)));
	return 1;
}

/* native.event(index from 0) -> table, or nil */
static int l_event(lua_State *L)
{
	struct bus_event e;

	if (!vmbus_event(bus_of(L), arg_u32(L, 1), &e))
		return 0;
	lua_createtable(L, 0, 8);
	set_text(L, "event", vmbus_event_name(e.kind));
	set_int(L, "us", e.at / 1000);
	set_int(L, "device", e.device);
	set_int(L, "number", e.channel);
	set_int(L, "channel", e.relid);
	set_int(L, "value", e.value);
	set_text(L, "text", e.text);
	return 1;
}

static int l_version(lua_State *L)
{
	u32 version = vmbus_version(bus_of(L));

	if (!version)
		return 0;
	lua_pushfstring(L, "%d.%d", (int)(version >> 16), (int)(version & 0xffff));
	return 1;
}

/* ---- devices ---- */

static void field_bytes(lua_State *L, const char *name, void *to, size_t len, bool exact)
{
	const char *bytes;
	size_t n;

	if (lua_getfield(L, 1, name) != LUA_TNIL) {
		bytes = luaL_checklstring(L, -1, &n);
		if (n > len || (exact && n != len))
			luaL_error(L, "device: %s must be %s%d bytes, not %d", name,
				   exact ? "" : "at most ", (int)len, (int)n);
		memcpy(to, bytes, n);
	} else if (exact) {
		luaL_error(L, "device: %s is missing", name);
	}
	lua_pop(L, 1);
}

static u32 field_int(lua_State *L, const char *name, u32 otherwise)
{
	u32 value = otherwise;

	if (lua_getfield(L, 1, name) != LUA_TNIL)
		value = (u32)luaL_checkinteger(L, -1);
	lua_pop(L, 1);
	return value;
}

static enum reoffer check_reoffer(lua_State *L, int arg)
{
	static const char *const names[] = { "released", "at-once", "never", NULL };

	return (enum reoffer)luaL_checkoption(L, arg, "released", names);
}

/* native.device{name=, class=, instance=, user=, flags=, ...} -> number */
static int l_device(lua_State *L)
{
	struct device_desc desc = { .when = REOFFER_RELEASED };
	const char *name;
	u32 number;

	luaL_checktype(L, 1, LUA_TTABLE);
	lua_getfield(L, 1, "name");
	name = luaL_optstring(L, -1, "device");
	snprintf(desc.name, sizeof(desc.name), "%s", name);
	lua_pop(L, 1);
	field_bytes(L, "class", desc.class_id, sizeof(desc.class_id), true);
	field_bytes(L, "instance", desc.instance_id, sizeof(desc.instance_id), true);
	field_bytes(L, "user", desc.user, sizeof(desc.user), false);
	desc.flags = (u16)field_int(L, "flags", 0x0011);
	desc.mmio_mb = (u16)field_int(L, "mmio", 0);
	desc.subchannel = (u16)field_int(L, "subchannel", 0);
	desc.monitor = (u8)field_int(L, "monitor", 0xff);
	lua_getfield(L, 1, "rescind_on_close");
	desc.rescind_on_close = lua_toboolean(L, -1);
	lua_pop(L, 1);
	number = vmbus_add(bus_of(L), &desc);
	if (!number)
		return luaL_error(L, "out of memory for a device");
	lua_pushinteger(L, number);
	return 1;
}

static int l_kvp(lua_State *L)
{
	lua_pushinteger(L, vmbus_kvp(bus_of(L)));
	return 1;
}

static int l_offer(lua_State *L)
{
	vmbus_offer(bus_of(L), arg_u32(L, 1));
	return 0;
}

/* native.rescind(device, does it come back) -> was it offered */
static int l_rescind(lua_State *L)
{
	lua_pushboolean(L, vmbus_rescind(bus_of(L), arg_u32(L, 1), lua_toboolean(L, 2)));
	return 1;
}

/* native.policy(device, when, delay in us, rescind on close) */
static int l_policy(lua_State *L)
{
	vmbus_policy(bus_of(L), arg_u32(L, 1), check_reoffer(L, 2), arg_u32(L, 3),
		     lua_toboolean(L, 4));
	return 0;
}

/* native.arm(device, event, action, after us, before, status) */
static int l_arm(lua_State *L)
{
	static const char *const actions[] = {
		[BUS_DO_RESCIND] = "rescind",
		[BUS_DO_RESCIND_REOFFER] = "rescind-reoffer",
		[BUS_DO_REFUSE] = "refuse",
		[BUS_DO_SILENCE] = "silence",
		[BUS_DO_DELAY] = "delay",
		[BUS_DO_OFFER] = "offer",
		NULL,
	};
	const char *at = luaL_checkstring(L, 2);
	struct bus_plan plan = {
		.device = arg_u32(L, 1),
		.action = (enum bus_action)luaL_checkoption(L, 3, NULL, actions),
		.after_us = (u32)luaL_optinteger(L, 4, 0),
		.before = lua_toboolean(L, 5),
		.status = (u32)luaL_optinteger(L, 6, 0xc0000001),
	};
	int kind;

	for (kind = 0; kind < BUS_EVENT_KINDS; kind++)
		if (!strcmp(at, vmbus_event_name(kind)))
			break;
	if (!vmbus_can_arm(kind, plan.action))
		return luaL_error(L, "'%s' cannot be armed at '%s', see README.md",
				  actions[plan.action], at);
	if (plan.action == BUS_DO_DELAY && !plan.after_us)
		return luaL_error(L, "'delay' needs after_us = microseconds");
	if (plan.action == BUS_DO_SILENCE && plan.after_us)
		return luaL_error(L, "'silence' has no after_us: nothing is sent, at no time");
	plan.at = (enum bus_event_kind)kind;
	if (!vmbus_arm(bus_of(L), &plan))
		return luaL_error(L, "too many armed actions");
	return 0;
}

/* native.message(bytes): to the guest, as they are */
static int l_message(lua_State *L)
{
	size_t len;
	const char *bytes = luaL_checklstring(L, 1, &len);

	luaL_argcheck(L, len && len <= SYNIC_PAYLOAD_MAX, 1, "a message has 1 to 240 bytes");
	if (!vmbus_post(bus_of(L), bytes, (u32)len))
		return luaL_error(L, "the guest has not made contact: it takes no messages");
	return 0;
}

static enum disturb_kind check_kind(lua_State *L, int arg)
{
	static const char *const names[] = {
		[DISTURB_POST] = "post", [DISTURB_SIGNAL] = "signal",
		[DISTURB_MESSAGE] = "message", [DISTURB_EVENT] = "event", NULL,
	};

	return (enum disturb_kind)luaL_checkoption(L, arg, NULL, names);
}

/* native.disturb(kind, times, delay in us, does it fail, status) */
static int l_disturb(lua_State *L)
{
	const struct disturb_plan plan = {
		.times = arg_u32(L, 2),
		.delay_us = arg_u32(L, 3),
		.fail = lua_toboolean(L, 4),
		.status = (u16)luaL_optinteger(L, 5, HV_STATUS_INSUFFICIENT_BUFFERS),
	};

	vm_disturb(script_of(L)->vm, check_kind(L, 1), &plan);
	return 0;
}

/* native.disturbed(kind) -> how many are left */
static int l_disturbed(lua_State *L)
{
	lua_pushinteger(L, vm_disturbed(script_of(L)->vm, check_kind(L, 1)));
	return 1;
}

/* ---- channels ---- */

/* native.open_channel(device) -> number of its open channel, or nil */
static int l_open_channel(lua_State *L)
{
	u32 number = vmbus_open_channel(bus_of(L), arg_u32(L, 1));

	if (!number)
		return 0;
	lua_pushinteger(L, number);
	return 1;
}

/* native.channel(number) -> table of its fields, or nil */
static int l_channel(lua_State *L)
{
	struct channel chan;

	if (!vmbus_channel(bus_of(L), arg_u32(L, 1), &chan))
		return 0;
	lua_createtable(L, 0, 16);
	set_int(L, "id", chan.relid);
	set_text(L, "state", channel_state_name(chan.state));
	set_int(L, "target_vp", chan.target_vp);
	set_int(L, "open_id", chan.open_id);
	set_int(L, "queued", chan.queued);
	set_int(L, "received", chan.received);
	set_int(L, "sent", chan.sent);
	set_int(L, "dropped", chan.dropped);
	set_int(L, "signals", chan.signals);
	set_int(L, "interrupts", chan.interrupts);
	set_text(L, "broken", chan.broken);
	return 1;
}

/*
 * native.send(channel, payload, type, flags, id, offset8, len8, trailer, signal)
 *	-> "sent", time in ns | "full" / "closed" / "corrupt", reason
 * nil stands for the true value; signal: nil by the rules, true, false.
 */
static int l_send(lua_State *L)
{
	static const char *const results[] = {
		[BUS_SENT] = "sent",
		[BUS_SEND_FULL] = "full",
		[BUS_SEND_CLOSED] = "closed",
		[BUS_SEND_CORRUPT] = "corrupt",
	};
	enum bus_signal how = BUS_SIGNAL_AUTO;
	enum bus_send_result result;
	struct ring_packet packet;
	const char *bytes, *why;
	u64 stamp = 0;
	size_t len;

	bytes = luaL_checklstring(L, 2, &len);
	luaL_argcheck(L, len < 1u << 24, 2, "payload over 16 MiB");
	ring_packet_init(&packet, (u32)len);
	packet.type = (u16)luaL_optinteger(L, 3, packet.type);
	packet.flags = (u16)luaL_optinteger(L, 4, 0);
	packet.id = (u64)luaL_optinteger(L, 5, 0);
	packet.offset8 = (u16)luaL_optinteger(L, 6, packet.offset8);
	packet.len8 = (u16)luaL_optinteger(L, 7, packet.len8);
	packet.trailer = (u64)luaL_optinteger(L, 8, -1);
	if (!lua_isnoneornil(L, 9))
		how = lua_toboolean(L, 9) ? BUS_SIGNAL_ALWAYS : BUS_SIGNAL_NEVER;

	script_check(L);
	result = vmbus_send(bus_of(L), arg_u32(L, 1), &packet, bytes, (u32)len, how, &stamp, &why);
	lua_pushstring(L, results[result]);
	if (result == BUS_SENT)
		lua_pushinteger(L, (lua_Integer)stamp);
	else
		lua_pushstring(L, why);
	return 2;
}

/* native.recv(channel) -> table, or nil when nothing waits */
static int l_recv(lua_State *L)
{
	struct packet *packet = vmbus_recv(bus_of(L), arg_u32(L, 1));

	if (!packet)
		return 0;
	lua_createtable(L, 0, 10);
	set_int(L, "type", packet->head.type);
	set_int(L, "flags", packet->head.flags);
	set_int(L, "id", packet->head.id);
	set_int(L, "offset8", packet->head.offset8);
	set_int(L, "len8", packet->head.len8);
	set_int(L, "trailer", packet->head.trailer);
	set_int(L, "start", packet->head.start);
	set_int(L, "arrived", packet->arrived);
	lua_pushlstring(L, (const char *)packet->payload, packet->len);
	lua_setfield(L, -2, "payload");
	packet_free(packet);
	return 1;
}

/* native.unsignalled(channel) -> packets found in the ring for which no signal came */
static int l_unsignalled(lua_State *L)
{
	lua_pushinteger(L, vmbus_unsignalled(bus_of(L), arg_u32(L, 1)));
	return 1;
}

static int l_hold(lua_State *L)
{
	vmbus_hold(bus_of(L), arg_u32(L, 1), lua_toboolean(L, 2));
	return 0;
}

static int l_signal(lua_State *L)
{
	lua_pushboolean(L, vmbus_signal(bus_of(L), arg_u32(L, 1)));
	return 1;
}

/* ---- rings ---- */

static const struct {
	const char *name;
	enum ring_field field;
} ring_fields[] = {
	{ "write", RING_WRITE },
	{ "read", RING_READ },
	{ "mask", RING_MASK },
	{ "pending", RING_PENDING },
	{ "features", RING_FEATURES },
};

struct ring_job {
	u32 values[ARRAY_SIZE(ring_fields)];
	u32 size;
	u32 field;
	u32 value;
	u32 offset;
	u32 len;
	u8 *bytes;
	bool ok;
};

static void job_fields(struct ring *ring, void *arg)
{
	struct ring_job *job = arg;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ring_fields); i++)
		job->values[i] = ring_get(ring, ring_fields[i].field);
	job->size = ring->size;
}

static void job_put(struct ring *ring, void *arg)
{
	struct ring_job *job = arg;

	ring_put(ring, (enum ring_field)job->field, job->value);
}

static void job_poke(struct ring *ring, void *arg)
{
	struct ring_job *job = arg;

	job->ok = ring_poke(ring, job->offset, job->bytes, job->len);
}

static void job_peek(struct ring *ring, void *arg)
{
	struct ring_job *job = arg;

	job->ok = ring_peek(ring, job->offset, job->bytes, job->len);
}

static bool arg_to_guest(lua_State *L, int arg)
{
	static const char *const names[] = { "to_guest", "from_guest", NULL };

	return luaL_checkoption(L, arg, NULL, names) == 0;
}

static void on_ring(lua_State *L, void (*fn)(struct ring *ring, void *arg),
		    struct ring_job *job)
{
	if (!vmbus_ring(bus_of(L), arg_u32(L, 1), arg_to_guest(L, 2), fn, job))
		luaL_error(L, "the channel has no rings: it is not open");
}

/* native.ring(channel, "to_guest") -> table of control fields and size */
static int l_ring(lua_State *L)
{
	struct ring_job job = { 0 };
	size_t i;

	on_ring(L, job_fields, &job);
	lua_createtable(L, 0, 8);
	for (i = 0; i < ARRAY_SIZE(ring_fields); i++)
		set_int(L, ring_fields[i].name, job.values[i]);
	set_int(L, "size", job.size);
	return 1;
}

/* native.ring_put(channel, ring, field, value) */
static int l_ring_put(lua_State *L)
{
	struct ring_job job = { .value = arg_u32(L, 4) };
	const char *name = luaL_checkstring(L, 3);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ring_fields); i++) {
		if (strcmp(name, ring_fields[i].name))
			continue;
		job.field = ring_fields[i].field;
		on_ring(L, job_put, &job);
		return 0;
	}
	return luaL_error(L, "a ring has no field '%s'", name);
}

/* native.ring_poke(channel, ring, offset, bytes) */
static int l_ring_poke(lua_State *L)
{
	struct ring_job job = { .offset = arg_u32(L, 3) };
	const char *bytes;
	size_t len;

	bytes = luaL_checklstring(L, 4, &len);
	luaL_argcheck(L, len < 1u << 24, 4, "more than a ring holds");
	job.bytes = (u8 *)(uintptr_t)bytes;
	job.len = (u32)len;
	on_ring(L, job_poke, &job);
	if (!job.ok)
		return luaL_error(L, "offset %d, %d bytes: not in the ring", (int)job.offset,
				  (int)len);
	return 0;
}

/* native.ring_peek(channel, ring, offset, len) -> bytes */
static int l_ring_peek(lua_State *L)
{
	struct ring_job job = { .offset = arg_u32(L, 3), .len = arg_u32(L, 4) };

	luaL_argcheck(L, job.len < 1u << 24, 4, "more than a ring holds");
	job.bytes = lua_newuserdatauv(L, job.len + 1ul, 0);
	on_ring(L, job_peek, &job);
	if (!job.ok)
		return luaL_error(L, "offset %d, %d bytes: not in the ring", (int)job.offset,
				  (int)job.len);
	lua_pushlstring(L, (const char *)job.bytes, job.len);
	return 1;
}

void script_bus_register(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "activity", l_activity },
		{ "events", l_events },
		{ "event", l_event },
		{ "version", l_version },
		{ "device", l_device },
		{ "kvp", l_kvp },
		{ "offer", l_offer },
		{ "rescind", l_rescind },
		{ "policy", l_policy },
		{ "arm", l_arm },
		{ "message", l_message },
		{ "disturb", l_disturb },
		{ "disturbed", l_disturbed },
		{ "open_channel", l_open_channel },
		{ "channel", l_channel },
		{ "send", l_send },
		{ "recv", l_recv },
		{ "unsignalled", l_unsignalled },
		{ "hold", l_hold },
		{ "signal", l_signal },
		{ "ring", l_ring },
		{ "ring_put", l_ring_put },
		{ "ring_poke", l_ring_poke },
		{ "ring_peek", l_ring_peek },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
}
