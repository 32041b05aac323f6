-- SPDX-License-Identifier: GPL-2.0-only
-- Is an IP answer sound? What no host demands (docs/protocol.md section 3 is kvp.lua's), but what
-- must hold of a good answer: lists that fit together, and nothing behind their ends.

local wire = require "wire"
local ic = require "ic"

local function unsound(text, ...)
	ic.fail("unsound IP answer: " .. text, ...)
end

-- Count the addresses of a list by family.
local function families(list, what)
	local n, seen = { [4] = 0, [16] = 0 }, {}
	for _, text in ipairs(list) do
		local bytes = wire.address(text) or unsound("'%s' among the %s is no address", text, what)
		if seen[bytes] then unsound("'%s' is twice among the %s", text, what) end
		if #bytes == 4 and n[16] > 0 then unsound("the %s have IPv4 behind IPv6", what) end
		seen[bytes] = true
		n[#bytes] = n[#bytes] + 1
	end
	return n[4], n[16]
end

local function check_subnet(text, address)
	if #wire.address(address) == 16 then
		local prefix = tonumber(text:match("^/?(%d+)$"))
		if not prefix or prefix > 128 then
			unsound("'%s' is no prefix length for %s", text, address)
		end
		return
	end
	local bytes = wire.address(text)
	if not bytes or #bytes ~= 4 then unsound("'%s' is no subnet mask for %s", text, address) end
	local mask = string.unpack(">I4", bytes)
	local rest = ~mask & 0xffffffff
	if rest & (rest + 1) ~= 0 then unsound("'%s' is a subnet mask with holes", text) end
end

local function all_zero(body, from, to, what)
	local at = body:find("[^\0]", from + 1)
	if at and at <= to then
		unsound("byte %d, behind %s, is 0x%02x and not 0", at - 1, what, body:byte(at))
	end
end

-- Binary form: {count's number, offset, most, size, what}.
local arrays = {
	{ 1, 288, 64, 4, "the IPv4 addresses" }, { 2, 544, 64, 16, "the IPv6 addresses" },
	{ 1, 1568, 64, 4, "the IPv4 masks" }, { 2, 1824, 64, 4, "the IPv6 prefix lengths" },
	{ 3, 2080, 5, 4, "the IPv4 gateways" }, { 4, 2100, 5, 16, "the IPv6 gateways" },
	{ 5, 2180, 64, 4, "the IPv4 DNS servers" }, { 6, 2436, 64, 16, "the IPv6 DNS servers" },
}

local function check_binary(r)
	local body = r.body
	local n = { string.unpack("<I4I4I4I4I4I4", body, 5) }
	for _, a in ipairs(arrays) do
		all_zero(body, a[2] + n[a[1]] * a[4], a[2] + a[3] * a[4], a[5])
	end
	all_zero(body, 2, 4, "the operation and the pool")
	all_zero(body, 286, 288, "the DHCP flag")
	all_zero(body, 3460 + (n[1] + n[2]) * 2, 3716, "the origins")
	all_zero(body, 3716, #body, "the message")
	for i, origin in ipairs(r.origins) do
		if origin > 2 then unsound("origin %d of %s is none", origin, r.addresses[i]) end
	end
end

-- Text form: {offset, units, what}.
local texts = {
	{ 2, 128, "the adapter id" }, { 260, 1024, "the addresses" }, { 2308, 1024, "the subnets" },
	{ 4356, 512, "the gateways" }, { 5380, 1024, "the DNS servers" },
}

local function check_text(r)
	for _, t in ipairs(texts) do
		local field = r.body:sub(t[1] + 1, t[1] + t[2] * 2)
		local used = #wire.utf16(wire.field_text(field))
		all_zero(r.body, t[1] + used, t[1] + t[2] * 2, t[3])
		local text = wire.field_text(field)
		if text:find(";;", 1, true) or text:find("^;") or text:find(";$") then
			unsound("%s are '%s', with an empty element", t[3], text)
		end
	end
end

-- @asked: what the request said, where it matters: family = "v4" or "v6".
return function(r, asked)
	if not r.ok then ic.fail("the IP request failed: %s", r.status_name) end
	local body = r.body
	local v4, v6 = families(r.addresses, "addresses")
	local g4, g6 = families(r.gateways, "gateways")
	local d4, d6 = families(r.dns, "DNS servers")

	if #r.subnets ~= #r.addresses then
		unsound("%d subnets for %d addresses", #r.subnets, #r.addresses)
	end
	for i, text in ipairs(r.subnets) do check_subnet(text, r.addresses[i]) end
	if r.family > 3 then unsound("address family %d is none", r.family) end
	if v4 > 0 and r.family & 1 == 0 or v6 > 0 and r.family & 2 == 0 then
		unsound("family %d, with %d IPv4 and %d IPv6 addresses", r.family, v4, v6)
	end
	if body:byte(r.form == "text" and 260 or 286) > 1 then
		unsound("the DHCP flag is %d", body:byte(r.form == "text" and 260 or 286))
	end
	local family = asked and asked.family
	if (family == "v4" or family == 1) and v6 + g6 + d6 > 0 or
	   (family == "v6" or family == 2) and v4 + g4 + d4 > 0 then
		unsound("it was asked for %s only", family)
	end
	if g4 > 5 or g6 > 5 then unsound("%d gateways of one family: more than 5", math.max(g4, g6)) end
	if r.form == "binary" then check_binary(r) else check_text(r) end
	return r
end
