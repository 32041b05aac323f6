// SPDX-License-Identifier: GPL-2.0-only
/*
 * The script: a Lua file of cases that plays the host's side of a conversation.
 */
#include "script/script.h"

#include <errno.h>
#include <lualib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "machine/debug.h"
#include "machine/vm.h"
#include "script/lua_files.h"
#include "script/script_priv.h"
#include "util/clock.h"
#include "vmbus/ring.h"
#include "vmbus/vmbus_host.h"

#define SLICE_NS	50000000u	/* longest sleep between two looks at the guest's state */
#define REPLAY		"replay.play(replay_file)"
#define SHELL_ONLY	"shell_only()"
#define FILE_CHARS	NAME_CHARS "."
#define NAME_CHARS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
#define HOOK_COUNT	200000		/* Lua instructions between two looks at the clock */

struct script *script_of(lua_State *L)
{
	return *(struct script **)lua_getextraspace(L);
}

u64 script_ns(lua_State *L, int arg)
{
	double seconds = luaL_checknumber(L, arg);

	if (!(seconds > 0))
		return 0;
	return seconds > 1e9 ? 1000000000000000000u : (u64)(seconds * 1e9);
}

void script_stop(struct script *s, int code, const char *why)
{
	pthread_mutex_lock(&s->lock);
	if (!s->code) {
		s->code = code;
		snprintf(s->why, sizeof(s->why), "%s", why);
	}
	pthread_mutex_unlock(&s->lock);
	vmbus_kick(s->bus);
}

static int stopped(struct script *s, char *why, size_t len)
{
	int code;

	pthread_mutex_lock(&s->lock);
	code = s->code;
	snprintf(why, len, "%s", s->why);
	pthread_mutex_unlock(&s->lock);
	return code;
}

void script_check(lua_State *L)
{
	struct script *s = script_of(L);
	char why[sizeof(s->why)];

	if (!s->poweroff_ok && vm_ended(s->vm)) {
		snprintf(why, sizeof(why), "the guest ended: %s", vm_state_text(s->vm));
		script_stop(s, SCRIPT_GUEST_DIED, why);
	}
	if (stopped(s, why, sizeof(why)))
		luaL_error(L, "the run was stopped: %s", why);
	if (s->deadline && clock_ns() > s->deadline) {
		s->deadline = 0;	/* what clears up afterwards has its own limits */
		luaL_error(L, "the time limit of the case passed");
	}
}

static void hook(lua_State *L, lua_Debug *ar)
{
	(void)ar;
	script_check(L);
}

/* ---- clock, output, state ---- */

static int l_now(lua_State *L)
{
	lua_pushnumber(L, (double)clock_ns() / 1e9);
	return 1;
}

static int l_sleep(lua_State *L)
{
	u64 end = clock_ns() + script_ns(L, 1);

	for (;;) {
		u64 now = clock_ns(), left;
		struct timespec ts = { 0 };

		script_check(L);
		if (now >= end)
			return 0;
		left = end - now < SLICE_NS ? end - now : SLICE_NS;
		ts.tv_nsec = (long)left;
		nanosleep(&ts, NULL);	/* sleep: the script asks for it */
	}
}

/* native.wait(seen, seconds) -> did anything happen on the bus */
static int l_wait(lua_State *L)
{
	struct script *s = script_of(L);
	u64 seen = (u64)luaL_checkinteger(L, 1);
	u64 end = clock_ns() + script_ns(L, 2);

	for (;;) {
		u64 now = clock_ns();
		u64 slice = now + SLICE_NS < end ? now + SLICE_NS : end;

		script_check(L);
		if (vmbus_wait(s->bus, seen, slice)) {
			lua_pushboolean(L, true);
			return 1;
		}
		if (now >= end) {
			lua_pushboolean(L, false);
			return 1;
		}
	}
}

/* native.deadline(seconds or nil): the present case must be over by then */
static int l_deadline(lua_State *L)
{
	struct script *s = script_of(L);

	s->deadline = lua_isnoneornil(L, 1) ? 0 : clock_ns() + script_ns(L, 1);
	return 0;
}

/* native.stopped() -> code, reason; or nil */
static int l_stopped(lua_State *L)
{
	char why[256];
	int code = stopped(script_of(L), why, sizeof(why));

	if (!code)
		return 0;
	lua_pushinteger(L, code);
	lua_pushstring(L, why);
	return 2;
}

static json_t *to_json(lua_State *L, int at)
{
	json_t *list;
	const char *text;
	double number;
	size_t len;
	lua_Integer i;

	switch (lua_type(L, at)) {
	case LUA_TBOOLEAN:
		return json_boolean(lua_toboolean(L, at));
	case LUA_TNUMBER:
		if (lua_isinteger(L, at))
			return json_integer(lua_tointeger(L, at));
		number = lua_tonumber(L, at);
		return isfinite(number) ? json_real(number) : json_null();
	case LUA_TTABLE:
		list = json_array();
		for (i = 1; lua_geti(L, at, i) != LUA_TNIL; i++) {
			json_array_append_new(list, to_json(L, lua_gettop(L)));
			lua_pop(L, 1);
		}
		lua_pop(L, 1);
		return list;
	case LUA_TNIL:
		return json_null();
	default:
		text = luaL_tolstring(L, at, &len);
		list = out_text(text, len);
		lua_pop(L, 1);
		return list;
	}
}

/* native.emit(event, name, value, name, value, ...); nil values are left out */
static int l_emit(lua_State *L)
{
	json_t *object = json_pack("{s:s}", "event", luaL_checkstring(L, 1));
	int i, n = lua_gettop(L);

	for (i = 2; i < n; i += 2) {
		const char *name = lua_tostring(L, i);

		if (name && !lua_isnil(L, i + 1))
			json_object_set_new(object, name, to_json(L, i + 1));
	}
	out_object(script_of(L)->out, object);
	return 0;
}

static int l_args(lua_State *L)
{
	const struct script_config *cfg = script_of(L)->cfg;
	int i;

	lua_createtable(L, cfg->nargs, 0);
	for (i = 0; i < cfg->nargs; i++) {
		lua_pushstring(L, cfg->args[i]);
		lua_rawseti(L, -2, i + 1);
	}
	return 1;
}

/* ---- the guest ---- */

static int l_poweroff_ok(lua_State *L)
{
	script_of(L)->poweroff_ok = true;
	return 0;
}

/* native.guest_state() -> name, text, has it ended */
static int l_guest_state(lua_State *L)
{
	struct vm *vm = script_of(L)->vm;

	lua_pushstring(L, vm_state_name(vm_state(vm)));
	lua_pushstring(L, vm_state_text(vm));
	lua_pushboolean(L, vm_ended(vm));
	return 3;
}

static int l_agent_write(lua_State *L)
{
	size_t len;
	const char *bytes = luaL_checklstring(L, 1, &len);
	int err = vm_agent_write(script_of(L)->vm, bytes, len);

	script_check(L);
	if (err)
		return luaL_error(L, "the guest's agent line (COM2) takes no bytes: %s",
				  strerror(-err));
	return 0;
}

/* native.agent_read(seconds) -> bytes, or nil when none came */
static int l_agent_read(lua_State *L)
{
	struct script *s = script_of(L);
	u64 end = clock_ns() + script_ns(L, 1);
	char bytes[4096];

	for (;;) {
		u64 now = clock_ns();
		u64 left = now < end ? end - now : 0;
		ssize_t n;

		script_check(L);
		if (left > SLICE_NS)
			left = SLICE_NS;
		n = vm_agent_read(s->vm, bytes, sizeof(bytes), (int)((left + 999999) / 1000000));
		if (n > 0) {
			lua_pushlstring(L, bytes, (size_t)n);
			return 1;
		}
		if (n != -ETIMEDOUT) {
			script_check(L);
			return luaL_error(L, "the guest's agent line (COM2) is closed: %s",
					  strerror((int)-n));
		}
		if (now >= end)
			return 0;
	}
}

static int l_console_size(lua_State *L)
{
	lua_pushinteger(L, (lua_Integer)vm_console_size(script_of(L)->vm));
	return 1;
}

/* native.console(from) -> everything written since */
static int l_console(lua_State *L)
{
	struct vm *vm = script_of(L)->vm;
	size_t from = (size_t)luaL_optinteger(L, 1, 0);
	char bytes[4096];
	luaL_Buffer b;
	size_t n;

	luaL_buffinit(L, &b);
	while ((n = vm_console_copy(vm, from, bytes, sizeof(bytes)))) {
		luaL_addlstring(&b, bytes, n);
		from += n;
	}
	luaL_pushresult(&b);
	return 1;
}

/* native.dump(name): an ELF core of the guest as it is now, into the working folder */
static int l_dump(lua_State *L)
{
	struct vm *vm = script_of(L)->vm;
	const char *name = luaL_checkstring(L, 1);
	char err[256];
	int ret;

	if (!*name || strspn(name, FILE_CHARS) != strlen(name))
		return luaL_error(L, "dump '%s': a name has letters, digits, '-', '_' and '.' only", name);
	debug_pause(vm);
	ret = debug_dump(vm, name, err, sizeof(err));
	debug_resume(vm);
	return ret < 0 ? luaL_error(L, "%s", err) : 0;
}

static int l_beside(lua_State *L);

static const luaL_Reg natives[] = {
	{ "now", l_now },
	{ "sleep", l_sleep },
	{ "wait", l_wait },
	{ "deadline", l_deadline },
	{ "stopped", l_stopped },
	{ "emit", l_emit },
	{ "args", l_args },
	{ "poweroff_ok", l_poweroff_ok },
	{ "guest_state", l_guest_state },
	{ "agent_write", l_agent_write },
	{ "agent_read", l_agent_read },
	{ "console", l_console },
	{ "dump", l_dump },
	{ "beside", l_beside },
	{ "console_size", l_console_size },
	{ NULL, NULL },
};

/* ---- loading ---- */

/* Pushes the function of a built-in file. Return: false if there is none of this name. */
static bool load_built_in(lua_State *L, const char *name)
{
	const struct lua_file *file;
	char chunk[64];

	for (file = lua_files; file->name; file++) {
		if (strcmp(file->name, name))
			continue;
		snprintf(chunk, sizeof(chunk), "@lua/%s.lua", name);
		if (luaL_loadbuffer(L, file->text, file->len, chunk))
			lua_error(L);
		return true;
	}
	return false;
}

/* Pushes the path of a file in the case file's folder. */
static const char *push_beside(lua_State *L, const char *name, const char *suffix)
{
	const char *cases = script_of(L)->cfg->path ?: "";
	const char *slash = strrchr(cases, '/');

	return lua_pushfstring(L, "%s%s%s", slash ? lua_pushlstring(L, cases, slash + 1 - cases) : "",
			       name, suffix);
}

/* native.beside(name) -> path. No folder, so that a case runs where only its own was copied to. */
static int l_beside(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	if (!*name || strspn(name, FILE_CHARS) != strlen(name))
		return luaL_error(L, "'%s' must be the name of a file beside the case file: letters, digits, "
				  "'-', '_' and '.' only", name);
	push_beside(L, name, "");
	return 1;
}

/* Pushes the function of NAME.lua in the case file's folder. */
static void load_beside(lua_State *L, const char *name)
{
	const char *path;

	/* No path, so that a case runs where only its folder was copied to. */
	if (!*name || strspn(name, NAME_CHARS) != strlen(name))
		luaL_error(L, "require '%s': a name has letters, digits, '-' and '_' only", name);
	path = push_beside(L, name, ".lua");
	if (access(path, F_OK))
		luaL_error(L, "require '%s': no file of this name is built in, and %s does not exist",
			   name, path);
	if (luaL_loadfilex(L, path, "t"))
		lua_error(L);
}

/* require(name): a file that is built in, or one beside the case file; loaded once. */
static int l_require(lua_State *L)
{
	const char *name = luaL_checkstring(L, 1);

	lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
	if (lua_getfield(L, -1, name) != LUA_TNIL)
		return 1;
	lua_pop(L, 1);
	if (!load_built_in(L, name))
		load_beside(L, name);
	lua_call(L, 0, 1);
	if (lua_isnil(L, -1)) {
		lua_pop(L, 1);
		lua_pushboolean(L, true);
	}
	lua_pushvalue(L, -1);
	lua_setfield(L, 2, name);
	return 1;
}

static int traceback(lua_State *L)
{
	luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
	return 1;
}

/* Everything but "package", which would need dlopen() in a static program. */
static void open_libs(lua_State *L)
{
	static const luaL_Reg libs[] = {
		{ LUA_GNAME, luaopen_base },	   { LUA_TABLIBNAME, luaopen_table },
		{ LUA_STRLIBNAME, luaopen_string }, { LUA_MATHLIBNAME, luaopen_math },
		{ LUA_UTF8LIBNAME, luaopen_utf8 },  { LUA_OSLIBNAME, luaopen_os },
		{ LUA_IOLIBNAME, luaopen_io },	   { LUA_DBLIBNAME, luaopen_debug },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(libs); i++) {
		luaL_requiref(L, libs[i].name, libs[i].func, 1);
		lua_pop(L, 1);
	}
}

/* Runs protected: leaves the runner and the case file's function on the stack. */
static int load(lua_State *L)
{
	struct script *s = script_of(L);

	open_libs(L);
	luaL_newlib(L, natives);
	script_bus_register(L);
	script_nic_register(L);
	script_shell_register(L);
	script_disk_register(L);
	lua_setglobal(L, "native");
	lua_register(L, "require", l_require);
	lua_pushcfunction(L, l_require);
	lua_pushliteral(L, "prelude");
	lua_call(L, 1, 1);
	if (s->cfg->replay) {
		if (luaL_loadbuffer(L, REPLAY, sizeof(REPLAY) - 1, "@replay"))
			return lua_error(L);
		lua_pushstring(L, s->cfg->path);
		lua_setglobal(L, "replay_file");
		return 2;
	}
	if (!s->cfg->path) {
		if (luaL_loadbuffer(L, SHELL_ONLY, sizeof(SHELL_ONLY) - 1, "@shell"))
			return lua_error(L);
		return 2;
	}
	if (luaL_loadfilex(L, s->cfg->path, "t"))
		return lua_error(L);
	return 2;
}

bool script_syntax(const char *path)
{
	lua_State *L = luaL_newstate();
	bool good = L && luaL_loadfilex(L, path, "t") == LUA_OK;

	if (!good)
		fprintf(stderr, "hvhost: %s\n", L ? lua_tostring(L, -1) : "out of memory");
	if (L)
		lua_close(L);
	return good;
}

struct script *script_new(struct vm *vm, struct vmbus *bus, struct out *out,
			  const struct script_config *cfg)
{
	struct script *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->vm = vm;
	s->bus = bus;
	s->out = out;
	s->cfg = cfg;
	s->shell = -1;
	pthread_mutex_init(&s->lock, NULL);
	s->L = luaL_newstate();
	if (!s->L) {
		fprintf(stderr, "hvhost: out of memory for the script\n");
		script_free(s);
		return NULL;
	}
	*(struct script **)lua_getextraspace(s->L) = s;
	lua_pushcfunction(s->L, traceback);
	lua_pushcfunction(s->L, load);
	if (lua_pcall(s->L, 0, 2, 1)) {
		const char *text = lua_tostring(s->L, -1);

		/* The first line is file, line and fault; the rest is our own stack. */
		fprintf(stderr, "hvhost: %.*s\n", (int)strcspn(text, "\n"), text);
		script_free(s);
		return NULL;
	}
	lua_sethook(s->L, hook, LUA_MASKCOUNT, HOOK_COUNT);
	return s;
}

int script_run(struct script *s)
{
	char why[256];
	int code;

	/* Stack: traceback, runner, case file's function. */
	if (lua_pcall(s->L, 1, 1, 1)) {
		fprintf(stderr, "hvhost: %s\n", lua_tostring(s->L, -1));
		out_event(s->out, "end", "s:i, s:i, s:i, s:o", "passed", 0, "failed", 1, "skipped",
			  0, "why", out_text(lua_tostring(s->L, -1), lua_rawlen(s->L, -1)));
		code = SCRIPT_FAILED;
	} else {
		code = (int)lua_tointeger(s->L, -1);
	}
	lua_settop(s->L, 0);
	/* A guest that could not be set up has not died of what was tested. */
	return code == SCRIPT_SETUP ? code : stopped(s, why, sizeof(why)) ?: code;
}

void script_free(struct script *s)
{
	if (!s)
		return;
	if (s->L)
		lua_close(s->L);
	if (s->shell >= 0)
		close(s->shell);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
