-- SPDX-License-Identifier: GPL-2.0-only
-- Packing helpers, good and malformed.
local wire = require "wire"

case("UTF-16 both ways", function()
	for _, t in ipairs{"", "a", "name", "äöü", "日本", "\u{1F600}", "a\u{10FFFF}b", "q\"uo'te"} do
		expect(text(utf16(t)), t)
	end
	expect(hex(utf16("a\u{1F600}")), "61 00 3d d8 00 de")
	expect((select(2, text("a"))), "odd number of bytes")
	expect(text(bytes("00 d8")), nil)
	expect(text(bytes("00 d8 61 00")), nil)
	expect(text(bytes("00 dc")), nil)
	fails(function() utf16("\xff") end)
end)

case("hex, GUIDs, versions", function()
	expect(bytes("00 01 fF"), "\0\1\xff")
	fails(function() bytes("0") end, "not hex")
	local g = guid("{a9a0f4e7-5a45-4d96-b827-8a841e8c03e6}")
	expect(hex(g), "e7 f4 a0 a9 45 5a 96 4d b8 27 8a 84 1e 8c 03 e6")
	expect(guid_text(g), "a9a0f4e7-5a45-4d96-b827-8a841e8c03e6")
	fails(function() guid("a9a0f4e7") end, "not a GUID")
	expect({wire.version("3.0")}, {3, 0})
	fails(function() wire.version(3) end, "not a version")
end)

case("addresses", function()
	for _, t in ipairs{"10.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fe80::215:5dff:fe00:1",
		"2001:db8:0:1::", "1:2:3:4:5:6:7:8"} do
		expect(wire.address_text(wire.address(t)), t)
	end
	for _, t in ipairs{"", "10.0.0", "10.0.0.256", "1:2", "1:2:3:4:5:6:7:8:9", "fe80:::1", "g::1", "1::2::3",
		"12345::"} do
		expect(wire.address(t), nil, t)
	end
end)
