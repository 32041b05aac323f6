-- SPDX-License-Identifier: GPL-2.0-only
-- A host that breaks rules, in a random conversation (README.md, "Endurance"): packets, ring indexes, bytes that change
-- while the guest reads them, interrupts, messages of the bus, and page lists.
--
-- The guest may lose what such a host sends. It may lose nothing else, and says nothing that the host has not sent; and a
-- well-formed conversation works again one reopening later at the latest.

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local guest = require "guest"
local hostile = require "hostile"
local world = require "endure_world"

local acts = {}
local TRIES = 5		-- channels that may be lost to what the guest still makes of the last one
local SETTLE = 0.01	-- seconds that an answer may take before what was sent is withdrawn
local OPERATION_AT = 44	-- of a packet in the ring: its header of 16 bytes, the pipe's of 8, the IC header of 20

local function works()
	ic.discard_answers(world.ANSWER)
	ic.negotiate{ timeout = world.ANSWER }
end

-- A new channel, on new rings.
local function reopen()
	pcall(bus.rescind)	-- the guest may have closed it itself
	bus.wait_reopen(world.BACK)
	local good, why
	for _ = 1, TRIES do
		bus.wait_open(world.BACK)
		good, why = pcall(ic.negotiate, { timeout = world.BACK })
		if good then return end
		-- What it closes by itself counts no more.
		if ic.talk.channel:is_open() then break end
	end
	world.violation("no conversation after a reopening: %s", tostring(why))
end

-- What was sent has been read, or the channel is given up.
local function works_or_reopen()
	local ch = ic.talk.channel
	if not ch:is_open() or not pcall(ic.discard_answers, 3) then return reopen() end
	if not pcall(ic.negotiate, { timeout = 3 }) then reopen() end
end

-- Does an answer with an error hold anything that the packet did not? @sent: packets by their ids.
local function judge_answer(packet, sent)
	local asked = sent[packet.id]
	if not asked or not packet.body or packet.status == 0 or packet.msg ~= ic.KVP then return end
	if asked.body:sub(1, #packet.body) == packet.body then return end
	for at = 1, #packet.body do
		local byte = packet.body:byte(at)
		if byte ~= 0 and byte ~= asked.body:byte(at) then
			world.violation("byte %d of an answer with status 0x%x is 0x%02x; the host has sent 0x%02x there", at - 1,
				packet.status, byte, asked.body:byte(at) or 0)
		end
	end
end

-- Packets with wrong fields.
function acts.hostile(a)
	local r, ch, sent = hostile.random_of(a[2]), ic.talk.channel, {}
	-- A negotiation withdraws what has no answer yet: what the service says comes first.
	local function collect()
		local packet = ch:recv(SETTLE)
		while packet do
			judge_answer(ic.look(packet), sent)
			packet = ch:recv(SETTLE)
		end
		for _, one in ipairs(ic.discard_answers(world.ANSWER)) do judge_answer(one, sent) end
	end
	for i = 1, a[3] do
		local packet = hostile.packet(r)
		packet.id = packet.id or 0x4000 + i
		-- An id that two packets have says nothing.
		sent[packet.id] = sent[packet.id] == nil and packet
		world.count("hostile")
		if not ch:try_send(packet) then
			collect()
			-- A slow guest reads its ring later.
			if not bus.wait_until(function() return ch:try_send(packet) end, world.ANSWER) then
				world.violation("the guest does not read its ring")
			end
		elseif i % 4 == 0 then
			collect()
		end
	end
	collect()
	ic.negotiate{ timeout = world.ANSWER }
end

-- What lies in the ring from before asks for nothing that changes anything: the guest may read it again.
local function harmless_ring()
	for _ = 1, 6 do world.ask{ op = "get", pool = 0, key = "hostile" } end
end

local INDEXES = { 0, 1, 3, 8, 16, 0x7ffffff8, 0x80000000, 0xfffffff8, 0xffffffff }
local FIELDS = { { "to_guest", "write" }, { "to_guest", "write" }, { "to_guest", "pending" }, { "from_guest", "read" },
	{ "from_guest", "read" }, { "from_guest", "mask" }, { "to_guest", "mask" }, { "to_guest", "features" } }

-- Indexes and flags of the rings that lie.
function acts.hostile_ring(a)
	local r = hostile.random_of(a[2])
	harmless_ring()
	local ch = ic.talk.channel
	local size = ch:rings().to_guest.size
	local values = table.move({ size - 8, size, size + 8, 2 * size, r(0, size), r(0, size) & ~7 }, 1, 6, #INDEXES + 1,
		table.move(INDEXES, 1, #INDEXES, 1, {}))
	for _ = 1, a[3] do
		world.count("hostile")
		local field = FIELDS[r(1, #FIELDS)]
		-- A channel that the guest has given up has no rings.
		if not ch:is_open() or not pcall(ch.poke, ch, field[1], { [field[2]] = values[r(1, #values)] }) then break end
		pcall(ch.signal, ch)
	end
	reopen()
end

-- Bytes of a packet that change while the guest reads it.
function acts.hostile_moving(a)
	local r = hostile.random_of(a[2])
	harmless_ring()
	local ch = ic.talk.channel
	local size = ch:rings().to_guest.size
	for _ = 1, a[3] do
		world.count("hostile")
		local at = ch:rings().to_guest.write
		local sent = pcall(ch.try_send, ch, { body = kvp.body{ op = r(0, 1) * 3, pool = r(0, 4), key = "hostile" } })
		for _ = 1, sent and r(1, 20) or 0 do
			local offset = r(0, 1) == 0 and r(0, 60) or r(0, 2600)
			if offset ~= OPERATION_AT then
				pcall(ch.poke, ch, "to_guest", (at + offset) % size, string.char(r(0, 255)))
			end
			if r(0, 3) == 0 then pcall(ch.signal, ch) end
		end
		if not ch:is_open() then break end
	end
	works_or_reopen()
end

-- Interrupts with nothing behind them, and packets without one.
function acts.hostile_signals(a)
	local r, ch = hostile.random_of(a[2]), ic.talk.channel
	for _ = 1, a[3] do
		world.count("hostile")
		for _ = 1, r(0, 30) do ch:signal() end
		ch:try_send{ body = kvp.body{ op = 0, pool = r(0, 4), key = "hostile" }, signal = r(0, 1) == 1 }
	end
	works()
end

-- Messages that answer nothing that the guest has asked. An offer and the rescind of a device that exists would be real;
-- one that a bus does not know (24 in Linux 5.10) is a warning of its own.
local MESSAGES = { 4, 6, 10, 12, 15, 17, 20, 23 }
local MESSAGE_BYTES = 232	-- behind the type: as long as one may be, since a short one is a warning of the bus itself

function acts.hostile_messages(a)
	local r = hostile.random_of(a[2])
	for _ = 1, a[3] do
		world.count("hostile")
		local bytes = {}
		for i = 1, MESSAGE_BYTES // 4 do bytes[i] = string.pack("<I4", r(0, 2) == 0 and r(0, 0xffffffff) or r(0, 64)) end
		bus.message{ type = MESSAGES[r(1, #MESSAGES)], bytes = table.concat(bytes) }
	end
	works()
end

-- Page lists that are refused: no device until the next offer.
function acts.hostile_pages(a)
	world.count("hostile")
	bus.arm{ at = "gpadl", what = "refuse", status = a[2] }
	local from = guest.log.mark()
	bus.rescind()
	guest.log.wait("cannot open the channel", world.BACK, from)
	reopen()
end

return acts
