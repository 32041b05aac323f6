-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 peer=yes
-- job: profile=on-stock kernel=6.1 time=300
-- job: profile=ours kernel=debug time=900
--
-- Which versions are agreed on, for every mix that a host may offer.

local known_fw = {"3.0", "1.0"}
local known_kvp = args.profile == "ours" and {"5.0", "4.0", "3.0", "1.0"} or {"4.0", "3.0", "1.0"}

-- The best version of `known` that is offered.
local function best(known, offered)
	for _, k in ipairs(known) do
		for _, o in ipairs(offered) do
			if k == o then return k end
		end
	end
end

local frameworks = {
	{"1.0"}, {"3.0"}, {"1.0", "3.0"}, {"3.0", "1.0"}, {"2.0"}, {"1.0", "2.0", "3.0", "4.0"}, {"3.1"},
}
local messages = {
	{"1.0"}, {"3.0"}, {"4.0"}, {"5.0"}, {"3.0", "4.0", "5.0"}, {"5.0", "4.0", "3.0", "1.0"},
	{"2.0"}, {"6.0"}, {"4.0", "6.0"}, {"4.1", "3.0"}, {"1.0", "3.0", "4.0", "5.0", "6.0", "7.0", "8.0"},
}

bus.wait_open(90)
negotiate{timeout = 30}
start_anew_after_failure()

for _, fw in ipairs(frameworks) do
	case("framework " .. table.concat(fw, ", ") .. " with every list of KVP versions", function()
		for _, kvp in ipairs(messages) do
			local offer = "KVP " .. table.concat(kvp, ", ")
			local want_fw, want_kvp = best(known_fw, fw), best(known_kvp, kvp)
			if not (want_fw and want_kvp) then want_fw, want_kvp = nil, nil end
			local v = negotiate{fw = fw, kvp = kvp}
			expect(v.fw, want_fw, offer)
			expect(v.kvp, want_kvp, offer)
		end
	end)
end

case("versions in the packet's header do not disturb a negotiation", function()
	raw{msg = 0, fw = "9.9", kvp = "7.7", body = bytes("01 00 01 00 00 00 00 00 03 00 00 00 04 00 00 00")}
	local a = expect_answer(5)
	expect(a.ic_size, 16)
	negotiate{}
end)

case("no common version: requests are served, but not for IP; then a good negotiation: all is well", function()
	local v = negotiate{fw = {"3.0"}, kvp = {"2.0"}}
	expect(v.kvp, nil)
	expect(set("external", "unagreed", "x").ok)
	negotiate{}
	expect(set("external", "agreed", "x").ok)
	expect(delete("external", "agreed").ok)
	expect(delete("external", "unagreed").ok)
end)

case("no common version: the form of an IP request is not known",
     {our_driver_only = "the stock driver takes the form of an earlier version"}, function()
	negotiate{fw = {"3.0"}, kvp = {"2.0"}}
	-- E_FAIL is the driver's; with a version the daemon would say that it knows no such adapter.
	raw{body = string.char(4, 1) .. string.rep("\0", 7426)}
	expect(expect_answer(5).status, E_FAIL)
	negotiate{}
end)

case("two negotiations in a row: the second one counts", function()
	negotiate{kvp = {"3.0"}}
	expect(negotiate{kvp = {"3.0", "4.0"}}.kvp, "4.0")
	expect(set("external", "k", "v").ok)
	expect(delete("external", "k").ok)
end)

case("two negotiations in the ring at once get an answer each", function()
	local body = bytes("01 00 01 00 00 00 00 00 03 00 00 00 04 00 00 00")
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = body, signal = false}
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = body, signal = true}
	expect_answer(5)
	expect_answer(5)
	expect_no_answer(200)
	negotiate{}
end)

case("a count of versions that the packet does not hold is refused", {
     driver_fails = "docs/protocol.md 7.3: counts are used as they come"}, function()
	for _, counts in ipairs{"ff ff ff ff", "02 00 01 00", "00 00 ff 7f"} do
		raw{msg = 0, fw = "0.0", kvp = "0.0", body = bytes(counts .. " 00 00 00 00 03 00 00 00 04 00 00 00")}
		local a = raw_wait(5)
		expect(a.status, INVALIDARG, counts)
	end
	alive{}
end)

case("a negotiation that offers nothing finds nothing", function()
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = bytes("00 00 00 00 00 00 00 00")}
	local a = raw_wait(5)
	expect(a.body:sub(1, 4), bytes("00 00 00 00"))
	alive{}
end)

for _, cap in ipairs{{fw = 1, kvp = 5}, {fw = 3, kvp = 4}, {fw = 3, kvp = 3}, {fw = 1, kvp = 1}} do
	case("capped at framework " .. cap.fw .. ", KVP " .. cap.kvp, {our_driver_only = "the stock driver has no caps"}, function()
		local folder = "/sys/module/hv_kvp/parameters/"
		guest_ok("echo " .. cap.fw .. " >" .. folder .. "max_framework; echo " .. cap.kvp .. " >" .. folder .. "max_message")
		local v = negotiate{fw = {"1.0", "3.0"}, kvp = {"1.0", "3.0", "4.0", "5.0"}}
		guest_ok("echo 3 >" .. folder .. "max_framework; echo 5 >" .. folder .. "max_message")
		expect(v.kvp, cap.kvp .. ".0")
		expect(v.fw, cap.fw .. ".0")
		expect(negotiate{}.kvp, "5.0")
	end)
end
