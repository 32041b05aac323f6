-- SPDX-License-Identifier: GPL-2.0-only
-- The guest seen from outside: its agent on COM2, and its console.

local guest = {
	READY = 60,	-- seconds in which the agent must come up
	-- What a command carries into a file at once, in time also where each byte leaves two virtual machines; a multiple
	-- of 3 for base64.
	CHUNK = 30000,
}

local ic = require "ic"
local wire = require "wire"
local buffer, ready, late = "", false, 0

local function read_more(deadline, what)
	local bytes = native.agent_read(math.max(deadline - native.now(), 0))
	if not bytes then
		ic.fail("%s", what)
	end
	buffer = buffer .. bytes
end

local function wait_ready()
	local deadline = native.now() + guest.READY * native.patience
	while not ready do
		local _, last = buffer:find("ready\n", 1, true)
		if last then
			buffer, ready = buffer:sub(last + 1), true
		else
			read_more(deadline, string.format("the guest's agent was not ready within %d s",
				guest.READY))
		end
	end
end

-- One answer "<rc> <len>\n<bytes>".
local function answer(deadline, what)
	while true do
		local rc, len, at = buffer:match("^%s*(%-?%d+) (%d+)\n()")
		if rc and #buffer >= at - 1 + tonumber(len) then
			local out = buffer:sub(at, at - 1 + tonumber(len))
			buffer = buffer:sub(at + tonumber(len))
			return tonumber(rc), out
		elseif not rc and buffer:find("\n", 1, true) and not buffer:match("^%s*%-?%d* ?%d*\n?$") then
			ic.fail("the guest's agent answered nonsense: %q", buffer:sub(1, 80))
		end
		read_more(deadline, what)
	end
end

function guest.run(command, timeout)
	local began = native.now()
	timeout = timeout or 60
	wait_ready()
	local deadline = native.now() + timeout * native.patience
	while late > 0 do
		answer(deadline, "the guest still runs the command whose time limit passed before")
		late = late - 1
	end
	native.agent_write(string.format("%d\n%s", #command, command))
	late = 1
	local rc, out = answer(deadline, string.format("no end of '%s' in the guest within %g s",
		#command > 200 and command:sub(1, 200) .. "..." or command, timeout))
	late = 0
	out = out:gsub("\n+$", "")
	native.emit("guest", "cmd", command, "rc", rc,
		"out", #out > 4000 and out:sub(1, 4000) .. "..." or out,
		"ms", math.floor((native.now() - began) * 1000))
	return { rc = rc, out = out, ok = rc == 0 }
end

-- Run a command for its output alone, without an event.
local function output(command, timeout, what)
	local emit = native.emit
	native.emit = function() end
	local good, r = pcall(guest.run, command, timeout)
	native.emit = emit
	if not good then error(r, 0) end
	if not r.ok then
		ic.fail("%s: %s", what, r.out ~= "" and r.out or "exit code " .. r.rc)
	end
	return r.out
end

local function quoted(path)
	return "'" .. path:gsub("'", "'\\''") .. "'"
end

-- The bytes of a file in the guest.
function guest.fetch(path, timeout)
	return wire.unbase64(output("base64 <" .. quoted(path), timeout or 60, "fetch " .. path))
end

-- Makes a file in the guest of these bytes; whoever reads it sees all of it or nothing.
function guest.put(path, bytes, mode)
	local new = quoted(path .. ".new")
	output(": >" .. new, 60, "put " .. path)
	for at = 1, #bytes, guest.CHUNK do
		output("base64 -d >>" .. new .. " <<'END'\n" .. wire.base64(bytes:sub(at, at + guest.CHUNK - 1)) ..
			"\nEND", 60, "put " .. path)
	end
	output(string.format("chmod %o %s && mv %s %s", mode or 420, new, new, quoted(path)), 60, "put " .. path)
end

-- An interactive shell, between the guest's agent and the terminal outside, until one of them ends it.
local SHELL_WAIT = 3600

function guest.shell()
	local deadline = native.now() + SHELL_WAIT
	wait_ready()
	native.emit("shell", "state", "waiting")
	while not native.shell_accept(1) do
		if native.now() > deadline then ic.fail("no terminal has connected within %d s", SHELL_WAIT) end
	end
	native.emit("shell", "state", "connected")
	native.agent_write("shell\n")
	local hung_up, ended = false, false
	while not ended do
		-- Short, since bytes of the terminal wait meanwhile.
		local bytes = native.agent_read(0.01)
		buffer = buffer .. (bytes or "")
		while true do
			local len, at = buffer:match("^(%d+)\n()")
			len = tonumber(len)
			if not len or #buffer < at - 1 + len then break end
			if len == 0 then ended = true end
			native.shell_write(buffer:sub(at, at - 1 + len))
			buffer = buffer:sub(at + len)
			if ended then break end
		end
		while not hung_up and not ended do
			local typed = native.shell_read()
			if typed == "" then break end
			hung_up = typed == nil
			native.agent_write(hung_up and "0\n" or #typed .. "\n" .. typed)
		end
	end
	if not hung_up then native.agent_write("0\n") end
	native.shell_close()
	native.emit("shell", "state", "ended")
end

-- The guest boots again: nothing of what its agent said or was asked counts any more.
function guest.forget()
	buffer, ready, late = "", false, 0
end

-- Linux itself loses this string with a device that goes while it has one: vmbus_device_release() does not free it.
local KERNELS_OWN = "driver_set_override"

local function without_kernels_own(report)
	local kept, block = {}, {}
	local function finish()
		local text = table.concat(block, "\n")
		if not text:find(KERNELS_OWN, 1, true) then kept[#kept + 1] = text end
		block = {}
	end
	for line in report:gmatch("[^\n]+") do
		if line:find("^unreferenced object") then finish() end
		block[#block + 1] = line
	end
	finish()
	return (table.concat(kept, "\n"):gsub("^\n+", ""))
end

-- Unreferenced memory, as kmemleak reports it: its report, "" if there is none. It lets objects be until they are
-- five seconds old, and needs a second look at what was on a stack.
function guest.leaks()
	-- sleep: for the five seconds
	local r = guest.run([[
		cd /sys/kernel/debug
		sleep 6; echo scan >kmemleak && echo scan >kmemleak && cat kmemleak]], 120)
	if not r.ok then return "kmemleak does not scan: is kmemleak=on? " .. r.out end
	local rest = without_kernels_own(r.out)
	-- Its line in the log is about those, too.
	if rest == "" then guest.log.ignore("new suspected memory leaks") end
	return rest
end

-- What the kernel's gcov has counted, as a tar archive in base64. Its files have no size before they are read.
function guest.coverage()
	return guest.run([[
		mkdir -p /tmp/gcov && cd /sys/kernel/debug/gcov && find . -name '*.gcda' | while read -r file; do
			mkdir -p "/tmp/gcov/${file%/*}" && cat "$file" >"/tmp/gcov/$file"
		done && tar -C /tmp/gcov -czf - . | base64 -w 0]], 60).out
end

-- The console

local log = { case_start = 0 }
guest.log = log

function log.mark()
	return native.console_size()
end

function log.text(from)
	return native.console(from or 0)
end

-- Does a line match, as plain text or as a Lua pattern?
local function matches(line, what)
	if line:find(what, 1, true) then return true end
	local good, at = pcall(string.find, line, what)
	return good and at ~= nil
end

function log.lines(what, from)
	local found = {}
	for line in log.text(from):gmatch("[^\r\n]+") do
		if matches(line, what) then found[#found + 1] = line end
	end
	return found
end

function log.count(what, from)
	return #log.lines(what, from)
end

function log.wait(what, timeout, from)
	local deadline = native.now() + timeout * native.patience
	from = from or log.case_start
	while true do
		local line = log.lines(what, from)[1]
		if line then return line end
		if native.now() >= deadline then
			ic.fail("no '%s' on the guest's console within %g s", what, timeout)
		end
		native.sleep(0.02)	-- sleep: it polls, with a time limit
	end
end

-- Wait until all that the kernel has logged so far is here: one processor may print what another one has logged.
local flushes = 0
function log.flush()
	local from, text = log.mark(), "log.flush " .. flushes
	flushes = flushes + 1
	if not guest.run("echo " .. text .. " >/dev/kmsg").ok then
		ic.fail("the guest cannot write to its kernel's log")
	end
	log.wait(text, 10, from)
end

-- What no kernel log may have.
local bad = {
	"WARNING: ", "BUG: ", "Oops", "KASAN", "UBSAN", "KCSAN", "general protection fault",
	"unable to handle", "Kernel panic", "Call Trace:", "possible circular locking",
	"possible recursive locking", "inconsistent lock state", "suspicious RCU usage",
	"DEBUG_LOCKS_WARN_ON", "rcu: INFO", "INFO: rcu", "self-detected stall", "soft lockup",
	"refcount_t: ", "list_add corruption", "list_del corruption", "kmemleak: ",
	"scheduling while atomic", "sleeping function called", "blocked for more than",
	"INFO: task ", "stack-protector:", "double free", "bad page",
}
local ignored = {}

-- Lines that match are no fault in this run.
function log.ignore(what)
	ignored[#ignored + 1] = what
end

function log.faults()
	local found = {}
	for line in log.text(0):gmatch("[^\r\n]+") do
		for _, what in ipairs(bad) do
			if line:find(what, 1, true) then
				local fine = false
				for _, i in ipairs(ignored) do fine = fine or matches(line, i) end
				if not fine then found[#found + 1] = line end
				break
			end
		end
	end
	return found
end

return guest
