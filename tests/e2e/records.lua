-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 peer=yes
--
-- Records of other programs that a message cannot hold: the host gets them cut at a whole character, and with U+FFFD.

local POOL = "/var/lib/hyperv/.kvp_pool_1"

bus.wait_open(90)
negotiate{timeout = 30}

-- Shell for a field of @size bytes: @count times the byte @byte as of tr(1), and zeroes.
local function field(byte, count, size)
	return ("head -c %d /dev/zero | tr '\\0' '%s'; head -c %d /dev/zero; "):format(count, byte, size - count)
end

-- The pool has this record alone.
local function only(key, value)
	guest_ok("{ " .. key .. value .. "} >" .. POOL .. "; [ $(stat -c %s " .. POOL .. ") = 2560 ]")
end

local function first()
	local pair = enumerate_one("guest", 0)
	expect(pair.status_name, "S_OK")
	return pair
end

case("a value of 2,047 bytes", {peer_fails = "the stock driver's answers have no room for the last unit of a value"}, function()
	only(field("k", 3, 512), field("v", 2047, 2048))
	local pair = first()
	expect(pair.key, "kkk")
	expect(pair.value, repeated("v", 1023))
end)

case("a key of 300 bytes", {peer_fails = "the stock driver's answers have no room for the last unit of a key"}, function()
	only(field("k", 300, 512), field("v", 3, 2048))
	local pair = first()
	expect(pair.key, repeated("k", 255))
	expect(pair.value, "vvv")
end)

case("a value that is not UTF-8", {peer_fails = "the stock driver's conversion fails, and so does the request"}, function()
	only(field("k", 3, 512), field("\\377", 2, 2048))
	expect(first().value, "\u{FFFD}\u{FFFD}")
end)

-- The last case: it stops the stock driver's kernel.
case("a value of 2,048 bytes without a NUL", {peer_fails = "the stock driver copies up to a NUL: a fortified kernel stops"}, function()
	only(field("k", 3, 512), field("v", 2048, 2048))
	expect(first().value, repeated("v", 1023))
	expect(get("guest", "kkk").value, repeated("v", 1023))
end)
