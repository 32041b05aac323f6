-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 peer=yes
-- job: profile=ours kernel=debug time=900
--
-- Packets that are not what they should be. Each case ends with proof that the next good request works.

local UNCHECKED = "docs/protocol.md 7.19: packet type, pipe header and IC flags go unchecked, bodies are answered as if whole"

bus.wait_open(90)
negotiate{timeout = 30}
start_anew_after_failure()

local function well()
	expect(set("external", "well", "yes").ok)
	expect(delete("external", "well").ok)
end

-- A good SET, to be spoiled.
local function body(size)
	local whole = string.pack("<BBxxI4I4I4", 1, 0, 1, 4, 4) .. utf16("k\0") .. string.rep("\0", 508) .. utf16("v\0")
	whole = whole .. string.rep("\0", 2580 - #whole)
	return size and whole:sub(1, size) or whole
end

case("the good packet is good", function()
	raw{body = body()}
	expect(expect_answer(5).status, S_OK)
	expect(delete("external", "k").ok)
end)

case("an unknown operation is NOT_SUPPORTED", {peer_fails = "docs/protocol.md 7.14: unknown operations are answered as a success"}, function()
	for _, op in ipairs{6, 7, 42, 100, 255} do
		expect_error(request{op = op}, NOT_SUPPORTED)
	end
	well()
end)

case("an unknown pool is INVALIDARG", {peer_fails = "docs/protocol.md 7.3: a pool above 4 crashes the daemon"}, function()
	for _, pool in ipairs{4, 5, 200, 255} do
		for op = 0, 3 do
			expect_error(request{op = op, pool = pool, key = "k", value = "v"}, INVALIDARG)
		end
	end
	well()
end)

case("a body without its key or value is INVALIDARG", {peer_fails = UNCHECKED}, function()
	for _, size in ipairs{0, 1, 2, 3, 4, 15, 16, 528, 531} do
		raw{body = body(size)}
		local a = raw_wait(5)
		expect(a.status, INVALIDARG, "size " .. size)
		expect(a.ic_flags, 5)
	end
	well()
end)

case("a body that ends behind its value is served", {peer_fails = "docs/protocol.md 7.1: GET never returns the value"}, function()
	for _, size in ipairs{532, 533, 2576, 2579} do
		raw{body = body(size)}
		expect(expect_answer(5).status, S_OK, "size " .. size)
		expect(get("external", "k").value, "v", "size " .. size)
		expect(delete("external", "k").ok)
	end
	well()
end)

case("a body size that is not that of the body is ignored", {peer_fails = UNCHECKED}, function()
	for _, size in ipairs{0, 2, 2000, 2581, 2600, 0x7fff, 0xffff} do
		raw{body = body(), ic_size = size}
		expect(expect_answer(5).status, S_OK, "size " .. size)
		expect(delete("external", "k").ok)
	end
	well()
end)

case("a pipe length that is not that of header and body is ignored", {peer_fails = UNCHECKED}, function()
	for _, len in ipairs{0, 1, 19, 20 + 2580 + 64, 0x7fffffff, 0xffffffff} do
		raw{body = body(), pipe_len = len}
		expect(expect_answer(5).status, S_OK, "length " .. len)
		expect(delete("external", "k").ok)
	end
	well()
end)

case("an unknown message type is NOT_SUPPORTED", {peer_fails = "docs/protocol.md 7.19: unknown message types get no answer"}, function()
	for _, kind in ipairs{1, 3, 4, 5, 7, 0x7fff, 0xffff} do
		raw{msg = kind, body = body()}
		expect(raw_wait(5).status, NOT_SUPPORTED, "type " .. kind)
	end
	well()
end)

case("packets too short for a header get no answer", {peer_fails = UNCHECKED}, function()
	for _, size in ipairs{0, 1, 8, 16, 24} do
		raw{bytes = string.rep("\1", size)}
	end
	expect_no_answer(200)
	well()
end)

case("another pipe type is ignored", {peer_fails = UNCHECKED}, function()
	for _, kind in ipairs{0, 2, 0xffffffff} do
		raw{body = body(), pipe_type = kind}
		expect(expect_answer(5).status, S_OK, "pipe type " .. kind)
		expect(delete("external", "k").ok)
	end
	well()
end)

case("flags of no request are ignored, but a response gets no answer", {peer_fails = UNCHECKED}, function()
	for _, flags in ipairs{0, 1, 2, 0x83, 0xf8} do
		raw{body = body(), ic_flags = flags}
		expect(expect_answer(5).status, S_OK, "flags " .. flags)
		expect(delete("external", "k").ok)
	end
	for _, flags in ipairs{4, 5, 6, 7} do raw{body = body(64), ic_flags = flags} end
	expect_no_answer(200)
	well()
end)

case("what was tolerated is counted, and each kind logged once", {our_driver_only = "the stock driver does not look"}, function()
	local before = driver_counter("tolerated")
	for _ = 1, 2 do
		raw{body = body(), ic_flags = 0, pipe_type = 3, pipe_len = 1}
		expect(expect_answer(5).status, S_OK)
		raw{body = body(532)}
		local a = expect_answer(5)
		expect(a.status, S_OK)
		expect(#a.body, 2580)
		raw{body = body(), ic_size = 2}
		expect(expect_answer(5).status, S_OK)
	end
	expect(driver_counter("tolerated"), before + 6)
	log.flush()
	for _, what in ipairs{"pipe type", "pipe length", "flags", "body length", "short body"} do
		expect(log.count("accepted in spite of: " .. what), 1, what)
	end
	expect(delete("external", "k").ok)
end)

case("another packet type gets no answer", {peer_fails = UNCHECKED}, function()
	for _, kind in ipairs{0, 1, 5, 7, 9, 11, 0xffff} do raw{body = body(64), ptype = kind} end
	expect_no_answer(200)
	well()
end)

case("sizes of key and value that are larger than their fields are INVALIDARG", {peer_fails = "docs/protocol.md 7.3: a key size is used unchecked"}, function()
	local sizes = {513, 514, 0x7fffffff, 0x80000000, 0xffffffff}
	for _, size in ipairs(sizes) do
		expect_error(request{op = 1, key = "k", value = "v", key_size = size}, INVALIDARG)
		expect_error(request{op = 2, key = "k", key_size = size}, INVALIDARG)
		expect_error(request{op = 0, key = "k", key_size = size}, INVALIDARG)
	end
	for _, size in ipairs{2049, 2050, 0x7fffffff, 0xffffffff} do
		expect_error(request{op = 1, key = "k", value = "v", value_size = size}, INVALIDARG)
	end
	expect(#enumerate("external"), 0)
	well()
end)

case("a string ends with its first NUL, or with its size", {peer_fails = "the stock driver reads on to the next NUL, or drops the last unit"}, function()
	for _, size in ipairs{2, 3, 5, 6, 100, 512} do
		expect(request{op = 1, key = "k", value = "v", key_size = size, value_size = size}.status, S_OK, "size " .. size)
		expect(get("external", "k").value, "v", "size " .. size)
		expect(delete("external", "k").ok)
	end
	expect(request{op = 1, key = "k", value = "v", value_size = 0}.status, S_OK)
	expect(get("external", "k").value, "")
	expect(delete("external", "k").ok)
	well()
end)

case("a key or a value without its NUL is whole", {peer_fails = "the stock driver drops the last unit, whatever it is"}, function()
	expect(request{op = 1, key_bytes = utf16("key"), key_size = 6, value = "v"}.status, S_OK)
	expect(get("external", "key").value, "v")
	expect(request{op = 1, key = "key", value_bytes = utf16("value"), value_size = 10}.status, S_OK)
	expect(get("external", "key").value, "value")
	expect(request{op = 2, key_bytes = utf16("key"), key_size = 6}.status, S_OK)
	expect(#enumerate("external"), 0)
	well()
end)

case("a text that is not UTF-16 is INVALIDARG", {peer_fails = "the stock driver stores what its conversion leaves of it"}, function()
	for _, lone in ipairs{"00 d8 00 00", "00 dc 00 00", "00 d8 41 00 00 00", "3d d8 3d d8 00 00"} do
		expect_error(request{op = 1, key = "k", value_bytes = bytes(lone), value_size = #bytes(lone)}, INVALIDARG)
		expect_error(request{op = 1, key_bytes = bytes(lone), key_size = #bytes(lone), value = "v"}, INVALIDARG)
	end
	expect(#enumerate("external"), 0)
	well()
end)

case("the type of a DWORD or QWORD says its size", {peer_fails = "docs/protocol.md 7.1: GET never returns the value"}, function()
	for _, size in ipairs{0, 1, 2, 3, 5, 8} do
		expect(request{op = 1, key = "k", type = 4, value_bytes = "\1\0\0\0\1\0\0\0", value_size = size}.status, S_OK)
		expect(get("external", "k").value, "1")
	end
	expect(delete("external", "k").ok)
	well()
end)

case("a packet with more behind its body is taken as what it says", function()
	raw{body = body() .. string.rep("\xff", 512), ic_size = 2580}
	expect(raw_wait(5).status, S_OK)
	expect(delete("external", "k").ok)
	well()
end)

case("an empty key is INVALIDARG", {peer_fails = "the stock pair stores it"}, function()
	expect_error(request{op = 1, key = "", value = "v"}, INVALIDARG)
	well()
end)

case("an IP operation of an adapter that is not there is an error", function()
	expect_error(get_ip{adapter = "00:15:5d:00:00:01"})
	well()
end)

case("500 bad packets in a row, each answered or not as it should be, and no more", {peer_fails = UNCHECKED}, function()
	local answered = 0
	for i = 1, 500 do
		local kind = i % 5
		if kind == 0 then raw{body = body(64), pipe_type = i} end
		if kind == 1 then raw{msg = 6, body = body(16)} end
		if kind == 2 then raw{body = body(i)} end
		if kind == 3 then raw{bytes = string.rep("\xff", i % 25)} end
		if kind == 4 then raw{body = body(64), ic_flags = 5} end
		if kind <= 2 then
			raw_wait(5)
			answered = answered + 1
		end
	end
	expect(answered, 300)
	expect_no_answer(200)
	well()
end)
