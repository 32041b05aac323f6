-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
-- job: profile=ours kernel=6.1 time=3600 args="packets=100000" all=yes
-- job: profile=ours kernel=debug time=1200 args="packets=4000 leaks" all=yes append=kmemleak=on
--
-- Good packets and bad ones in random order, while the service dies now and then. A model of the pools says what each
-- answer must be. The same seed gives the same storm: --script-arg seed=N, --script-arg packets=N.

local seed = tonumber(args.seed) or 20261121
local packets = tonumber(args.packets) or 4000
local random = math.random

math.randomseed(seed)
bus.wait_open(90)
negotiate{timeout = 30}

-- What the pool "external" must hold: a list of {key, value}, in the order of writing.
local model = {}

local function find(key)
	for i, pair in ipairs(model) do
		if pair[1] == key then return i end
	end
end

local function some_key()
	return "key" .. random(1, 40)
end

local letters = {"a", "Z", "0", " ", "\"", "\\", "\n", "ä", "漢", "\u{1F600}", "\u{FFFF}"}

local function some_value()
	local out = {}
	for i = 1, random(0, random(1, 200)) do out[i] = letters[random(#letters)] end
	return table.concat(out)
end

local function remember(key, value)
	local i = find(key)
	if i then model[i][2] = value else model[#model + 1] = {key, value} end
end

-- A SET of "k" to "v"; its value ends behind 532 bytes.
local function good_body()
	return string.pack("<BBxxI4I4I4", 1, 0, 1, 4, 4) .. utf16("k\0") .. string.rep("\0", 508) .. utf16("v\0") ..
	       string.rep("\0", 2048)
end

-- Packets that must not be answered may pile up only as far as the ring has room.
local silent = 0

local function send_silent(packet)
	raw(packet)
	silent = silent + 1
	if silent == 8 then
		negotiate{}
		silent = 0
	end
end

local function answered(packet, status)
	raw(packet)
	local a = raw_wait(10)
	silent = 0
	expect(a.ic_flags, 5)
	if status then expect(a.status, status) end
end

-- What a frame of good_body() is accepted with, docs/protocol.md 9.
local function accepted(packet)
	packet.body = packet.body or good_body()
	answered(packet, S_OK)
	remember("k", "v")
end

local function noise(size)
	local out = {}
	for i = 1, size do out[i] = string.char(random(0, 255)) end
	return table.concat(out)
end

-- A packet whose pipe type is not 1, of any content but for message type and flags.
local function garbage(flags)
	return "\2" .. noise(7) .. noise(4) .. string.pack("<I2", random(8, 65535)) .. noise(11) .. string.char(flags) ..
	       noise(random(2, 600))
end

local kinds = {
	{"set", 20, function()
		local key, value = some_key(), some_value()
		expect(set("external", key, value).ok)
		remember(key, value)
	end},
	{"get", 15, function()
		local key = some_key()
		local r, i = get("external", key), find(key)
		expect(r.ok, i ~= nil)
		if i then expect(r.value, model[i][2]) end
	end},
	{"enumerate", 15, function()
		local index = random(0, #model + 1)
		local r, pair = enumerate_one("external", index), model[index + 1]
		expect(r.ok, pair ~= nil)
		if pair then
			expect(r.key, pair[1])
			expect(r.value, pair[2])
		end
	end},
	{"delete", 8, function()
		local key = some_key()
		local i = find(key)
		expect(delete("external", key).ok, i ~= nil)
		if i then table.remove(model, i) end
	end},
	{"fact", 5, function() expect(enumerate_one("auto", random(0, 9)).ok) end},
	{"negotiate", 3, function()
		local v = random(3, 5) .. ".0"
		expect(negotiate{kvp = {v}}.kvp, v)
	end},
	{"unknown operation", 5, function() expect_error(request{op = random(6, 255)}, NOT_SUPPORTED) end},
	{"unknown pool", 4, function()
		expect_error(request{op = random(0, 3), pool = random(4, 255), key = "k", value = "v"}, INVALIDARG)
	end},
	{"short body", 5, function() answered({body = good_body():sub(1, random(0, 531))}, INVALIDARG) end},
	{"body that ends behind its value", 3, function() accepted{body = good_body():sub(1, random(532, 2579))} end},
	{"body size", 4, function() accepted{ic_size = random(2581, 65535)} end},
	{"pipe length", 4, function() accepted{pipe_len = random(2) == 1 and random(0, 2599) or random(2610, 0xffffffff)} end},
	{"pipe type", 2, function() accepted{pipe_type = random(2, 0xffffffff)} end},
	{"key size", 4, function()
		expect_error(request{op = random(0, 2), key = "k", value = "v", key_size = random(256, 0x7fffffff) * 2 + 1}, INVALIDARG)
	end},
	{"message type", 3, function() answered({msg = random(8, 65535), body = good_body():sub(1, random(0, 2580))}, NOT_SUPPORTED) end},
	{"garbage that is a response", 3, function() send_silent{bytes = garbage(random(0, 255) | 4)} end},
	{"garbage that is none", 2, function() answered({bytes = garbage(random(0, 255) & ~4)}, NOT_SUPPORTED) end},
	{"short packet", 3, function() send_silent{bytes = string.rep("\1", random(0, 24))} end},
	{"flags of a response", 3, function()
		send_silent{body = good_body():sub(1, random(0, 512)), ic_flags = random(0, 255) | 4}
	end},
	{"flags of no request", 2, function() accepted{ic_flags = random(0, 255) & ~4} end},
	{"packet type", 2, function()
		local kind
		repeat kind = random(0, 65535) until kind ~= 6
		send_silent{body = good_body():sub(1, random(0, 512)), ptype = kind}
	end},
	{"noise in a request", 5, function()
		-- A whole frame with any content: refused or served, but answered. Pool 2 takes no harm.
		answered{body = string.char(random(0, 255), 2) .. noise(2578)}
	end},
}

local total = 0
for _, kind in ipairs(kinds) do total = total + kind[2] end

local function pick()
	local n = random(1, total)
	for _, kind in ipairs(kinds) do
		n = n - kind[2]
		if n <= 0 then return kind end
	end
end

local sent, deaths = {}, 0

local function storm(n)
	bench(n, {name = "storm"}, function(i)
		local kind = pick()
		sent[kind[1]] = (sent[kind[1]] or 0) + 1
		kind[3]()
		if i % 997 == 0 then
			guest_ok("kvp-service kill; kvp-service start")
			deaths = deaths + 1
		end
	end)
	negotiate{}
end

-- In pieces, so that a failure names its place and the run shows that it goes on.
local piece = 2000
for from = 1, packets, piece do
	case("packets " .. from .. " to " .. math.min(from + piece - 1, packets) .. " of seed " .. seed, {timeout = 120}, function()
		storm(math.min(piece, packets - from + 1))
	end)
end

case("after the storm the pool holds what it should", function()
	local list = enumerate("external")
	expect(#list, #model)
	for i, pair in ipairs(model) do
		expect(list[i].key, pair[1])
		expect(list[i].value, pair[2])
	end
	local names = {}
	for name, n in pairs(sent) do names[#names + 1] = name .. " " .. n end
	table.sort(names)
	say(deaths .. " deaths of the service; " .. table.concat(names, ", "))
end)
