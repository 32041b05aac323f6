-- SPDX-License-Identifier: GPL-2.0-only
-- A model of the pools: what each key may hold, as far as the host knows (README.md, "Endurance").
--
-- A key's contents are a list of possibilities: one while everything about it is known, more after a request whose answer
-- was lost. false stands for "no such key". What is seen of a key decides which one it is, from then on.

local Pools = {}
Pools.__index = Pools

local function new()
	return setmetatable({ pools = {} }, Pools)
end

function Pools:of(pool)
	self.pools[pool] = self.pools[pool] or {}
	return self.pools[pool]
end

local function possible(pools, pool, key)
	return pools:of(pool)[key] or { false }
end

-- A change that was acknowledged.
function Pools:put(pool, key, value)
	self:of(pool)[key] = { value }
end

-- A change that may have happened.
function Pools:maybe(pool, key, value)
	local all = { value }
	for _, old in ipairs(possible(self, pool, key)) do
		if old ~= value then all[#all + 1] = old end
	end
	self:of(pool)[key] = all
end

-- What a SET or DELETE may answer: is the key there, for certain or perhaps?
function Pools:may_be(pool, key, wanted)
	for _, value in ipairs(possible(self, pool, key)) do
		if (value ~= false) == wanted then return true end
	end
	return false
end

local function show(value)
	if not value then return "nothing" end
	return #value > 60 and string.format("%q... (%d bytes)", value:sub(1, 60), #value) or string.format("%q", value)
end

-- Somebody has seen a value, or false for none. Returns nil, or what is wrong.
function Pools:seen(pool, key, value, by)
	local wanted = {}
	for _, one in ipairs(possible(self, pool, key)) do
		if one == value then
			self:of(pool)[key] = { value }
			return nil
		end
		wanted[#wanted + 1] = show(one)
	end
	return string.format("%s sees %s in pool %s under %q, which can only hold %s", by, show(value), pool,
		key:sub(1, 60), table.concat(wanted, " or "))
end

-- Somebody has seen all pairs of a pool: a list of {key =, value =}. Returns nil, or what is wrong.
function Pools:seen_all(pool, pairs_seen, by)
	local found = {}
	for _, pair in ipairs(pairs_seen) do
		if found[pair.key] then
			return string.format("%s sees %q twice in pool %s", by, pair.key:sub(1, 60), pool)
		end
		found[pair.key] = true
		local wrong = self:seen(pool, pair.key, pair.value, by)
		if wrong then return wrong end
	end
	for key in pairs(self:of(pool)) do
		local wrong = not found[key] and self:seen(pool, key, false, by)
		if wrong then return wrong end
	end
end

local function mix(sum, word)
	sum = (sum ~ word) * 0x100000001b3
	return sum ~ sum >> 32
end

-- As mix_text() of tests/vm/guest/neighbour.c.
local function mix_text(sum, text)
	sum = mix(sum, #text)
	for at = 1, #text - 7, 8 do sum = mix(sum, (string.unpack("<i8", text, at))) end
	local rest = #text % 8
	return rest > 0 and mix(sum, (string.unpack("<i8", text:sub(-rest) .. ("\0"):rep(8 - rest)))) or sum
end

-- How many pairs a pool has, and a checksum of them in any order; nil where something about it is not known.
function Pools:sum(pool)
	local n, sum = 0, 0
	for key, all in pairs(self:of(pool)) do
		if #all > 1 then return nil end
		if all[1] then n, sum = n + 1, sum + mix_text(mix_text(0, key), all[1]) end
	end
	return n, sum
end

-- Keys that are there, for certain; in a fixed order.
function Pools:keys(pool)
	local list = {}
	for key, all in pairs(self:of(pool)) do
		if #all == 1 and all[1] then list[#list + 1] = key end
	end
	table.sort(list)
	return list
end

return { new = new }
