-- SPDX-License-Identifier: GPL-2.0-only
-- IP answers: each broken rule of section 3, and each unsound answer, is noticed by name. The
-- fake guest sends most of what it is asked back as its answer.

bus.wait_open(5)

local ID = "00:15:5d:00:00:01"

-- Ask for an answer like @t; @text must be in the complaint, nil for none.
local function judged(t, text, asked)
	t.adapter = t.adapter or ID
	if text then
		fails(function() expect_sound_ip(get_ip(t), asked) end, text)
	else
		expect_sound_ip(get_ip(t), asked)
	end
end

local function good(changes)
	local t = { family = "both", dhcp = false, addresses = {"10.0.0.5", "fe80::5"},
		subnets = {"255.255.255.0", "64"}, gateways = {"10.0.0.1"}, dns = {"10.0.0.2", "fe80::2"} }
	for k, v in pairs(changes or {}) do t[k] = v end
	return t
end

negotiate()

case("counts that a host does not take", function()
	local function counts(...) return { adapter = ID, counts = {...} } end
	fails(function() get_ip(counts(65, 0, 0, 0, 0, 0)) end, "65 IPv4 addresses: more than 64")
	fails(function() get_ip(counts(1, 65, 0, 0, 0, 0)) end, "65 IPv6 addresses: more than 64")
	fails(function() get_ip(counts(64, 65, 0, 0, 0, 0)) end, "129 addresses: more than 128")
	fails(function() get_ip(counts(0xffffffff, 1, 0, 0, 0, 0)) end, "more than 128")
	fails(function() get_ip(counts(1, 0, 6, 0, 0, 0)) end, "6 IPv4 gateways: more than 5")
	fails(function() get_ip(counts(1, 0, 0, 6, 0, 0)) end, "6 IPv6 gateways: more than 5")
	fails(function() get_ip(counts(1, 0, 0, 0, 65, 0)) end, "65 IPv4 DNS servers: more than 64")
	fails(function() get_ip(counts(1, 0, 0, 0, 0, 65)) end, "65 IPv6 DNS servers: more than 64")
	local r = get_ip(counts(64, 64, 5, 5, 64, 64))
	expect(#r.addresses, 128)
	expect(#r.origins, 128)
	expect(#r.dns, 128)
end)

case("answers that are too short", function()
	fails(function() get_ip{adapter = ID, addresses = {"10.0.0.5"}, size = 3715} end,
		"a successful IP answer of 3715 bytes")
	expect(get_ip{adapter = ID, addresses = {"10.0.0.5"}, size = 3716}.ok)
end)

for _, version in ipairs{"5.0", "4.0"} do
	case("unsound lists, KVP " .. version, function()
		negotiate{kvp = {version}}
		judged(good())
		judged(good{addresses = {"10.0.0.5"}, subnets = {"255.255.255.255"}, family = "v4", gateways = {}, dns = {}},
			nil, {family = "v4"})
		judged(good{addresses = {"10.0.0.5", "10.0.0.5"}, subnets = {"255.0.0.0", "255.0.0.0"}}, "twice among the addresses")
		judged(good{gateways = {"10.0.0.1", "10.0.0.1"}}, "twice among the gateways")
		judged(good{subnets = {"255.0.255.0", "64"}}, "a subnet mask with holes")
		judged(good{subnets = {"255.255.255.0", "129"}}, "no prefix length for fe80::5")
		judged(good{family = "v4"}, "family 1, with 1 IPv4 and 1 IPv6 addresses")
		judged(good{family = 4}, "address family 4 is none")
		judged(good{dhcp = 2}, "the DHCP flag is 2")
		judged(good(), "it was asked for v6 only", {family = "v6"})
		judged(good{addresses = {"10.0.0.5"}, subnets = {"255.0.0.0"}, gateways = {}}, "it was asked for v4 only",
			{family = "v4"})
	end)
end

case("unsound texts", function()
	negotiate{kvp = {"4.0"}}
	judged(good{subnets = {"255.255.255.0"}}, "1 subnets for 2 addresses")
	judged(good{subnets = {"24", "64"}}, "no subnet mask for 10.0.0.5")
	judged(good{addresses = {"fe80::5", "10.0.0.5"}}, "IPv4 behind IPv6")
	judged(good{dns = {"error"}}, "'error' among the DNS servers is no address")
	judged(good{dns = {"10.0.0.2", ""}}, "with an empty element")
	judged(good{gateways = {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.6", "10.0.0.7"}},
		"6 gateways of one family")
	local body = require("kvp").ip_body(good{adapter = ID, form = "text"})
	judged({ip = body:sub(1, 400) .. "x" .. body:sub(402)}, "byte 402, behind the addresses, is 0x78")
	negotiate()
end)

case("bytes behind the lists", function()
	negotiate()
	local body = require("kvp").ip_body(good{adapter = ID, form = "binary", origins = {1, 2}})
	local function spoiled(offset)	-- of the body, which begins with operation and pool
		return { ip = body:sub(1, offset - 2) .. "\7" .. body:sub(offset) }
	end
	judged{ip = body}
	judged(spoiled(3), "byte 3, behind the operation and the pool, is 0x07")
	judged(spoiled(287), "behind the DHCP flag")
	judged(spoiled(292), "byte 292, behind the IPv4 addresses, is 0x07 and not 0")
	judged(spoiled(1567), "behind the IPv6 addresses")
	judged(spoiled(1572), "behind the IPv4 masks")
	judged(spoiled(2079), "behind the IPv6 prefix lengths")
	judged(spoiled(2084), "behind the IPv4 gateways")
	judged(spoiled(2100), "behind the IPv6 gateways")
	judged(spoiled(2184), "behind the IPv4 DNS servers")
	judged(spoiled(3459), "behind the IPv6 DNS servers")
	judged(spoiled(3464), "behind the origins")
	judged({ip = body .. ("\0"):rep(3716 - 2 - #body) .. "\7"}, "byte 3716, behind the message")
	judged(good{origins = {1, 3}}, "origin 3 of fe80::5 is none")
end)

case("an error is no sound answer", function()
	fails(function() expect_sound_ip(request{op = 9}) end, "the IP request failed: NOT_SUPPORTED")
end)
