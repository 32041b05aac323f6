-- SPDX-License-Identifier: GPL-2.0-only
-- The verbs that case files see as globals (README.md). Returns the runner.

local wire = require "wire"
local ic = require "ic"
local kvp = require "kvp"
local test = require "test"
local guest_side = require "guest"

bus = require "bus"
require "nic"
require "disk"
require "service"
component = require "component"
heartbeat, shutdown = require "heartbeat", require "shutdown"
timesync, vss = require "timesync", require "vss"
fcopy = require "fcopy"
conformance = require "conformance"
replay = require "replay"
log = guest_side.log
leaks = guest_side.leaks
args = test.args

case, skip, expect, expect_error = test.case, test.skip, test.expect, test.expect_error
fails, bail, bench = test.fails, test.bail, test.bench
after_failure = test.after_failure
sleep, now = native.sleep, native.now
poweroff_ok, guest_state = native.poweroff_ok, native.guest_state
utf16, text, hex, bytes = wire.utf16, wire.text, wire.hex, wire.bytes
guid, guid_text = wire.guid, wire.guid_text

for name, number in pairs(kvp.STATUS) do _G[name] = number end

function say(...)
	local out = {}
	for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
	native.emit("say", "text", table.concat(out, " "))
end

function repeated(unit, n)
	return unit:rep(n)
end

-- KVP

local function with(options, fields)
	for k, v in pairs(options or {}) do fields[k] = v end
	return fields
end

function negotiate(f) return ic.negotiate(f or {}) end
function request(t) return kvp.request(t) end
function post(t) return kvp.post(t) end
function late_answer(timeout) return kvp.late(timeout) end

function set(pool, key, value, options)
	return kvp.request(with(options, { op = "set", pool = pool, key = key, value = value }))
end

function get(pool, key, options)
	return kvp.request(with(options, { op = "get", pool = pool, key = key }))
end

function delete(pool, key, options)
	return kvp.request(with(options, { op = "delete", pool = pool, key = key }))
end

function enumerate_one(pool, index, options)
	return kvp.request(with(options, { op = "enumerate", pool = pool, index = index }))
end

function enumerate(pool, options)
	local list, limit = {}, options and options.limit or 100000
	for index = 0, limit do
		local r = enumerate_one(pool, index, options)
		if not r.ok then return list, r end
		list[#list + 1] = { key = r.key, value = r.value, type = r.type }
	end
	ic.fail("the enumeration of pool %s did not end after %d items", tostring(pool), limit)
end

function get_ip(t) return kvp.request(with(t, { op = "get_ip", pool = 1 })) end
expect_sound_ip = require "ip"
function set_ip(t) return kvp.request(with(t, { op = "set_ip", pool = 1 })) end

-- Malformed packets

function raw(f) return ic.send(f) end

function raw_wait(timeout)
	local began = ic.talk.channel or ic.fail("no channel: call bus.wait_open() first")
	local packet = began:recv(timeout or 10)
	if not packet then
		ic.fail("no packet within %g s", timeout or 10)
	end
	return ic.look(packet)
end

function expect_answer(timeout)
	local packet = ic.check(raw_wait(timeout))
	packet.ok = packet.status == 0
	packet.status_name = kvp.status_name(packet.status)
	return packet
end

function expect_no_answer(ms)
	if not ic.talk.channel then
		ic.fail("no channel: call bus.wait_open() first")
	end
	local packet = ic.talk.channel:recv((ms or 200) / 1000)
	if packet then
		ic.look(packet)
		ic.fail("no answer was due, but a packet of %d bytes came (IC type %s, status %s)",
			#packet.payload, tostring(packet.msg),
			packet.status and kvp.status_name(packet.status) or "?")
	end
end

function discard_answers(timeout) return ic.discard_answers(timeout) end

function alive(f)
	local fw, msg = ic.talk.fw, ic.talk.msg
	if not f and msg ~= "0.0" then
		f = { fw = { fw }, kvp = { msg } }
	end
	local r = ic.negotiate(f or {})
	if not r.kvp then
		ic.fail("the guest takes none of the versions that it took before")
	end
	return r
end

-- The guest

function guest(command, timeout) return guest_side.run(command, timeout) end

function guest_ok(command, timeout)
	local g = guest_side.run(command, timeout)
	if not g.ok then
		ic.fail("'%s' ended with %d in the guest: %s", command, g.rc, g.out)
	end
	return g.out
end

-- Files. Names without a folder outside are beside the case file for what goes in, and with the run's logs for what comes out.

function guest_read(path, timeout) return guest_side.fetch(path, timeout) end
function guest_write(path, bytes, mode) return guest_side.put(path, bytes, mode) end

local function open_file(name, how)
	local file, why = io.open(name, how)
	return file or ic.fail("%s", why)
end

function guest_put(name, path, mode)
	local file = open_file(native.beside(name), "rb")
	local bytes = file:read("a")
	file:close()
	guest_side.put(path, bytes, mode)
end

function guest_fetch(path, name, timeout)
	name = name or path:match("[^/]+$")
	if name:find("/", 1, true) then
		ic.fail("guest_fetch: %s has a folder: files are kept with the logs of the run", name)
	end
	local bytes = guest_side.fetch(path, timeout)
	local file = open_file(name, "wb")
	file:write(bytes)
	file:close()
	return bytes
end

function dump(name) native.dump(name or "guest.core") end

function shell() guest_side.shell() end

-- What --shell runs without a case file: the host's usual first words, and the shell.
function shell_only()
	bus.wait_version(60)
	if bus.kvp and bus.wait_until(function() return native.open_channel(bus.kvp.number) end, 5) then
		bus.wait_open(1)
		pcall(negotiate)
	end
end

-- Wait in the guest until a shell command succeeds there.
function guest_until(condition, timeout)
	timeout = (timeout or 20) * native.patience
	-- sleep: it polls, with a time limit
	guest_ok(("i=0; until %s; do i=$((i + 1)); [ $i -lt %d ] || { echo 'still not so'; exit 1; }; usleep 20000; done")
		:format(condition, timeout * 50), timeout + 10)
end

function wait(w)
	local timeout = (w.timeout or 10) * native.patience
	if w.log then
		return log.wait(w.log, w.timeout or 10, w.from)
	elseif w.true_when then
		local deadline = now() + timeout
		while true do
			local result = w.true_when()
			if result then return result end
			if now() >= deadline then
				ic.fail("it did not become true within %g s", timeout)
			end
			sleep(w.every or 0.05)	-- sleep: it polls, with a time limit
		end
	elseif w.guest_end then
		local deadline = now() + timeout
		native.poweroff_ok()
		while true do
			local name, _, ended = native.guest_state()
			if ended then return name end
			if now() >= deadline then
				ic.fail("the guest did not end within %g s", timeout)
			end
			sleep(0.05)	-- sleep: it polls, with a time limit
		end
	end
	ic.fail("wait{} needs log, true_when or guest_end")
end

return test.run
