-- SPDX-License-Identifier: GPL-2.0-only
-- The KVP verbs against a guest that behaves.

local ch = bus.wait_open(5)
expect(ch:is_open())
expect(bus.version(), "5.3")

case("before a negotiation", function()
	expect(get(0, "nothing").status, NO_MORE_ITEMS)
end)

case("versions", function()
	local r = negotiate{fw = {"1.0"}, kvp = {"3.0", "4.0"}}
	expect(r.fw, "1.0")
	expect(r.kvp, "4.0")
	r = negotiate{fw = {"3.0"}, kvp = {"9.0"}}
	expect(r.none)
	expect(r.kvp, nil)
	r = negotiate()
	expect(r.kvp, "5.0")
	expect(alive().kvp, "5.0")
end)

case("pairs", function()
	for pool = 0, 3 do
		expect(set(pool, "name", "value" .. pool).ok)
		local r = get(pool, "name")
		expect(r.value, "value" .. pool)
		expect(r.type, "sz")
		expect(r.key, "name")
		expect(r.echo)
		expect(r.op, "get")
		expect(r.us > 0)
	end
	expect_error(get(0, "other"), NO_MORE_ITEMS)
	expect(set("guest", "second", "").ok)
	local list, last = enumerate("guest")
	expect(list, {{key = "name", value = "value1", type = "sz"}, {key = "second", value = "", type = "sz"}})
	expect(last.status, NO_MORE_ITEMS)
	expect(last.status_name, "NO_MORE_ITEMS")
	expect(delete("guest", "name").ok)
	expect_error(delete("guest", "name"))
	expect(#enumerate("guest"), 1)
end)

case("types and long texts", function()
	expect(set(0, "d", 0xfffffffe, {type = "dword"}).ok)
	expect(get(0, "d").value, 0xfffffffe)
	expect(get(0, "d").type, "dword")
	expect(set(0, "q", -2, {type = "qword"}).ok)
	expect(get(0, "q").value, -2)
	expect(set(0, "x", "%PATH%", {type = "expand_sz"}).ok)
	expect(get(0, "x").type, "expand_sz")
	expect(set(0, repeated("k", 255), repeated("\u{1F600}", 511)).ok)
	expect(get(0, repeated("k", 255)).value, repeated("\u{1F600}", 511))
	fails(function() set(0, repeated("k", 256), "v") end, "does not fit its field of 512")
end)

case("request with invalid fields", function()
	expect(request{op = 9}.status, NOT_SUPPORTED)
	expect(request{op = "set", pool = 0, key = "k", value = "v", key_size = 0x7fffffff}.status, INVALIDARG)
	expect_error(request{op = 3, index = 0xffffffff})
	expect_error(request{op = 0, pool = 200, key = "k"})
	expect(request{op = 1, pool = 0, key_bytes = "abc\0", value_bytes = "\1\2", type = 1}.ok)
end)

case("IP, binary form", function()
	local r = get_ip{adapter = "00:15:5d:00:00:01"}
	expect(r.form, "binary")
	expect(r.adapter, "00:15:5d:00:00:01")
	expect(r.addresses, {"10.0.0.5", "fe80::215:5dff:fe00:1"})
	expect(r.subnets, {"255.255.255.0", "64"})
	expect(r.gateways, {"10.0.0.1"})
	expect(r.dns, {"10.0.0.2", "10.0.0.3"})
	expect(r.origins, {1, 2})
	expect(r.dhcp)
	expect(r.family, 3)
	expect(set_ip{adapter = "{x}", family = "v4", dhcp = false, addresses = {"10.1.1.1", "fe80::2"},
		subnets = {"255.0.0.0", 64}, gateways = {"10.1.1.254"}, dns = {"10.1.1.253"}}.ok)
end)

case("IP, text form", function()
	negotiate{kvp = {"4.0"}}
	local r = get_ip{adapter = "00:15:5D", addresses = {"10.0.0.5", "10.0.0.6"}, dns = {"1.1.1.1"}, dhcp = true,
		family = "both"}
	expect(r.form, "text")
	expect(r.addresses, {"10.0.0.5", "10.0.0.6"})
	expect(r.dns, {"1.1.1.1"})
	expect(r.gateways, {})
	expect(r.dhcp)
	negotiate()
end)

case("questions that wait", function()
	post{op = "set", pool = 0, key = "p1", value = "1"}
	post{op = "get", pool = 0, key = "p1"}
	fails(function() get(0, "p1") end, "is still unanswered")
	expect(late_answer().ok)
	expect(late_answer().value, "1")
	fails(late_answer, "nothing was asked")
end)

case("bench", function()
	local b = bench(50, {name = "SET"}, function(i) set(0, "b", tostring(i)) end)
	expect(b.n, 50)
	expect(b.min <= b.median and b.median <= b.p90 and b.p90 <= b.p99 and b.p99 <= b.max)
	expect(b.total >= b.max)
end)

case("the guest and its console", function()
	local g = guest("echo hello")
	expect(g.rc, 0)
	expect(g.out, "hello")
	expect(guest("nonsense").rc, 127)
	fails(function() guest_ok("nonsense") end, "ended with 127")
	local mark = log.mark()
	guest_ok("print line (1)")
	expect(wait{log = "line (1)"}, "line (1)")
	expect(wait{log = "line %(%d%)"}, "line (1)")
	expect(log.count("line", mark), 1)
	expect(wait{log = "fake guest starts", from = 0}, "fake guest starts")
	fails(function() wait{log = "fake guest starts", timeout = 0.05} end, "on the guest's console")
	fails(function() guest("slow", 0.05) end, "no end of 'slow'")
	expect(guest("echo again").out, "again")
	local n = 0
	wait{true_when = function() n = n + 1 return n == 3 end, every = 0.001}
end)
