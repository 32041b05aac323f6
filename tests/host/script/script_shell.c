// SPDX-License-Identifier: GPL-2.0-only
/*
 * The Lua binding of a terminal outside: a socket that a shell in the guest is connected to.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "script/script_priv.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static bool readable(int fd, int ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, ms) > 0;
}

/* native.shell_accept(seconds) -> is a terminal connected */
static int l_shell_accept(lua_State *L)
{
	struct script *s = script_of(L);
	u64 ms = script_ns(L, 1) / 1000000;

	script_check(L);
	if (s->cfg->shellfd < 0)
		return luaL_error(L, "no terminal: a shell needs --shell");
	if (s->shell < 0 && readable(s->cfg->shellfd, (int)(ms < 1000 ? ms : 1000)))
		s->shell = accept4(s->cfg->shellfd, NULL, NULL, SOCK_CLOEXEC);
	lua_pushboolean(L, s->shell >= 0);
	return 1;
}

/* native.shell_read() -> bytes, "" when there are none now, nil when the terminal is gone */
static int l_shell_read(lua_State *L)
{
	struct script *s = script_of(L);
	char bytes[4096];
	ssize_t n;

	if (s->shell < 0)
		return 0;
	n = recv(s->shell, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n > 0) {
		lua_pushlstring(L, bytes, (size_t)n);
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		lua_pushliteral(L, "");
		return 1;
	}
	close_fd(&s->shell);
	return 0;
}

/* native.shell_write(bytes) -> is the terminal still there */
static int l_shell_write(lua_State *L)
{
	struct script *s = script_of(L);
	size_t len;
	const char *bytes = luaL_checklstring(L, 1, &len);

	while (len && s->shell >= 0) {
		ssize_t n = send(s->shell, bytes, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close_fd(&s->shell);
			break;
		}
		bytes += n;
		len -= (size_t)n;
	}
	lua_pushboolean(L, s->shell >= 0);
	return 1;
}

static int l_shell_close(lua_State *L)
{
	close_fd(&script_of(L)->shell);
	return 0;
}

void script_shell_register(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{ "shell_accept", l_shell_accept },
		{ "shell_read", l_shell_read },
		{ "shell_write", l_shell_write },
		{ "shell_close", l_shell_close },
		{ NULL, NULL },
	};

	luaL_setfuncs(L, functions, 0);
	lua_pushboolean(L, script_of(L)->cfg->shellfd >= 0);
	lua_setfield(L, -2, "has_shell");
}
