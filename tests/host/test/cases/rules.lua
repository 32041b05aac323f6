-- SPDX-License-Identifier: GPL-2.0-only
-- A guest that breaks one rule in its next answer: each must be noticed, by name.

bus.wait_open(5)
negotiate()
set(0, "key", "value")

local function broken(word, text, ask)
	case("misbehave " .. word, function()
		guest_ok("misbehave " .. word)
		fails(ask or function() get(0, "key") end, text)
	end)
end

local function enum() enumerate_one(0, 0) end

broken("type7", "ring packet type must be 6")
broken("pipe2", "pipe type must be 1")
broken("pipelong", "pipe length 2608 is over the 2600 bytes in the ring")
broken("pipehuge", "pipe length 13313 is over 13312")
broken("tiny", "has no pipe header")
broken("short", "has no IC header")
broken("sizelie", "IC size field")
broken("id1", "IC transaction id must be 0")
broken("noresponse", "the RESPONSE flag")
broken("notransaction", "the TRANSACTION flag")
broken("msgtype", "has IC message type 5 instead of 2")
broken("counts", "negotiate counts must be 1 and 1, not 2 and 1", negotiate)
broken("unoffered", "which was not offered", negotiate)
broken("cut", "a successful ENUMERATE answer of 1980 bytes", enum)
broken("oddkey", "key size 3 is odd", enum)
broken("zerokey", "key size is 0", enum)
broken("longkey", "key size 514 is over 512", enum)
broken("nonul", "does not end with a NUL", enum)
broken("badutf", "no valid UTF-16", enum)
broken("type9", "unknown value type 9", enum)
broken("dword8", "a DWORD value has 8 bytes", enum)
broken("qword4", "a QWORD value has 4 bytes", enum)
broken("gateways", "6 IPv4 gateways: more than 5", function() get_ip{adapter = "a"} end)
broken("nosignal", "no signal came for it", function() get(0, "key", {timeout = 0.2}) end)

case("an extra answer", function()
	guest_ok("misbehave extra")
	get(0, "key")
	wait{true_when = function() return bus.wait_open(1):pending() > 0 end}
	fails(function() get(0, "key") end, "exactly one answer per request")
end)

case("a late answer", function()
	guest_ok("misbehave late")
	fails(function() get(0, "key", {timeout = 0.05}) end, "no answer to GET 'key' within 0.05 s")
	expect(late_answer(5).value, "value")
end)

case("answers that come late are discarded, however late", function()
	guest_ok("misbehave late")
	raw{body = bytes("00 00 00 00") .. repeated("\0", 2576)}
	expect(#discard_answers(), 1)
	expect_no_answer(0)
	alive()
end)

case("an error status excuses the body", function()
	guest_ok("misbehave type9")
	expect_error(enumerate_one(0, 1000))
end)

case("an index out of the ring", {extra_ok = true}, function()
	guest_ok("misbehave badindex")
	fails(function() get(0, "key", {timeout = 0.3}) end, "the guest's ring is corrupt")
	bus.rescind()
	bus.wait_open(5)
	negotiate()
end)
