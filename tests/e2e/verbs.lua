-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 peer=yes
-- job: profile=on-stock kernel=6.1 time=300
-- job: profile=ours kernel=debug time=900
--
-- The four verbs on every pool, with values that come back exactly as they were sent.

local CUT = "the stock driver's answers have no room for the last unit of a key or value of full length"
local NO_GET = "docs/protocol.md 7.1: GET never returns the value"
local writable = {"external", "guest", "parameter"}

bus.wait_open(90)
negotiate{timeout = 30}
start_anew_after_failure()

local function value_of(pool, key)
	local found
	for _, pair in ipairs(enumerate(pool)) do
		if pair.key == key then found = pair.value end
	end
	return found
end

local texts = {
	{"a short value", "value"},
	{"an empty value", ""},
	{"spaces and quotes", [[ he said "it's \ fine" ]]},
	{"255 UTF-16 units", repeated("v", 255)},
	{"1022 UTF-16 units", repeated("w", 1022)},
	{"1023 UTF-16 units", repeated("w", 1023), CUT},
	{"surrogate pairs", "\u{1F600}x\u{10FFFF}\u{10000}"},
	{"1022 units of surrogate pairs", repeated("\u{1F600}", 511)},
	{"two-byte and three-byte characters", "äöü ßøç 漢字 \u{20AC}"},
	{"line ends and controls", "one\ntwo\r\n\tthree\x7f\x01"},
	{"the edges of the encoding", "\u{7F}\u{80}\u{7FF}\u{800}\u{D7FF}\u{E000}\u{FFFD}\u{FFFF}"},
}

for _, pool in ipairs(writable) do
	case("pool " .. pool .. ": set, enumerate, change, delete", function()
		expect(set(pool, "key", "first").ok)
		expect(value_of(pool, "key"), "first")
		expect(set(pool, "key", "second, and longer").ok)
		expect(value_of(pool, "key"), "second, and longer")
		expect(set(pool, "key", "3").ok)
		expect(value_of(pool, "key"), "3")
		expect(delete(pool, "key").ok)
		expect(value_of(pool, "key"), nil)
	end)

	case("pool " .. pool .. ": get", {peer_fails = NO_GET}, function()
		expect(set(pool, "key", "value").ok)
		local r = get(pool, "key")
		expect(r.status, S_OK)
		expect(r.value, "value")
		expect(r.type, "sz")
		expect(delete(pool, "key").ok)
	end)
end

for _, text in ipairs(texts) do
	case("value: " .. text[1], {driver_fails = text[3]}, function()
		for _, pool in ipairs(writable) do
			expect(set(pool, "text", text[2]).ok, true, pool)
			expect(value_of(pool, "text"), text[2], pool)
			expect(delete(pool, "text").ok, true, pool)
		end
	end)

	case("get of a value: " .. text[1], {peer_fails = text[2] ~= "" and NO_GET or nil, driver_fails = text[3]}, function()
		expect(set("external", "text", text[2]).ok)
		expect(get("external", "text").value, text[2])
		expect(delete("external", "text").ok)
	end)
end

for _, key in ipairs{{"one unit", "k"}, {"254 units", repeated("K", 254)},
		     {"255 units", repeated("K", 255), CUT}, {"surrogates", "\u{1F511}"},
		     {"quotes and spaces", [[ "my key" ]]}, {"a path", "a/b\\c;d=e"}} do
	case("key of " .. key[1], {driver_fails = key[3]}, function()
		expect(set("external", key[2], "value").ok)
		expect(value_of("external", key[2]), "value")
		expect(delete("external", key[2]).ok)
		expect(value_of("external", key[2]), nil)
	end)
end

case("keys differ by case", function()
	expect(set("external", "Key", "1").ok)
	expect(set("external", "key", "2").ok)
	expect(value_of("external", "Key"), "1")
	expect(value_of("external", "key"), "2")
	expect(delete("external", "Key").ok)
	expect(value_of("external", "key"), "2")
	expect(delete("external", "key").ok)
end)

case("a key is not its own prefix", function()
	expect(set("external", "eth10", "ten").ok)
	expect(set("external", "eth1", "one").ok)
	expect(delete("external", "eth1").ok)
	expect(value_of("external", "eth10"), "ten")
	expect(delete("external", "eth10").ok)
end)

case("value type REG_EXPAND_SZ", {driver_fails = "docs/protocol.md 7.3: value types 2 and 11 leak the previous buffer"}, function()
	expect(set("external", "expand", "%PATH% and more", {type = "expand_sz"}).ok)
	expect(value_of("external", "expand"), "%PATH% and more")
	expect(delete("external", "expand").ok)
end)

case("value type REG_DWORD", function()
	for _, n in ipairs{0, 1, 2147483648, 4294967295} do
		expect(set("external", "dword", n, {type = "dword"}).ok)
		expect(value_of("external", "dword"), tostring(n))
	end
	expect(delete("external", "dword").ok)
end)

case("value type REG_QWORD, as 11", {driver_fails = "docs/protocol.md 7.3: value types 2 and 11 leak the previous buffer"}, function()
	for _, n in ipairs{0, 4294967296, 9223372036854775807} do
		expect(set("external", "qword", n, {type = "qword"}).ok)
		expect(value_of("external", "qword"), tostring(n))
	end
	expect(set("external", "qword", -1, {type = "qword"}).ok)
	expect(value_of("external", "qword"), "18446744073709551615")
	expect(delete("external", "qword").ok)
end)

case("value type REG_QWORD, as 8", function()
	expect(set("external", "qword8", 1234567890123, {type = "qword8"}).ok)
	expect(value_of("external", "qword8"), "1234567890123")
	expect(delete("external", "qword8").ok)
end)

case("an unknown value type is refused, and nothing is stored", {
     peer_fails = "docs/protocol.md 7.3: unknown types leave the previous buffer"}, function()
	for _, kind in ipairs{0, 3, 5, 7, 255, 0xffffffff} do
		expect(not set("external", "odd", "abcd", {type = kind}).ok, true, "type " .. kind)
	end
	expect(value_of("external", "odd"), nil)
end)

case("enumeration ends with NO_MORE_ITEMS, and goes in the order of writing", function()
	for i = 1, 12 do
		expect(set("external", "order" .. i, "value" .. i).ok)
	end
	local list, last = enumerate("external")
	expect(#list, 12)
	for i = 1, 12 do
		expect(list[i].key, "order" .. i)
		expect(list[i].value, "value" .. i)
	end
	expect(last.status, NO_MORE_ITEMS)
	expect(enumerate_one("external", 12).status, NO_MORE_ITEMS)
	for i = 1, 12 do
		expect(delete("external", "order" .. i).ok)
	end
	local empty, at_once = enumerate("external")
	expect(#empty, 0)
	expect(at_once.status, NO_MORE_ITEMS)
end)

case("index 0xffffffff ends an enumeration", {peer_fails = "docs/protocol.md 7.3: an index of 2^31 or more crashes the daemon"}, function()
	for _, index in ipairs{0x7fffffff, 0x80000000, 0xffffffff} do
		for _, pool in ipairs{"external", "guest", "auto", "parameter"} do
			expect_error(enumerate_one(pool, index), NO_MORE_ITEMS)
		end
	end
	expect(set("external", "k", "v").ok)
	expect(delete("external", "k").ok)
end)

case("delete of a missing key is an error", function()
	for _, pool in ipairs(writable) do
		expect_error(delete(pool, "no such key"))
	end
end)

case("get of a missing key is an error, and not the end of an enumeration", {
     peer_fails = "docs/protocol.md 7.18: a missing key is answered with NO_MORE_ITEMS"}, function()
	for _, pool in ipairs{"external", "guest", "auto", "parameter"} do
		local r = get(pool, "no such key")
		expect_error(r)
		expect(r.status ~= NO_MORE_ITEMS)
	end
end)

case("modify of a missing key creates it: the host has one verb for both", function()
	expect(value_of("external", "new"), nil)
	expect(set("external", "new", "modified").ok)
	expect(value_of("external", "new"), "modified")
	expect(delete("external", "new").ok)
end)

case("the guest reads what the host wrote, and the other way round", {ours_only = "there is no stock command"}, function()
	expect(set("external", "from host", "x\u{1F600}").ok)
	expect(guest_ok("hvkvp get external 'from host'"), "x\u{1F600}")
	guest_ok("hvkvp set guest 'from guest' 'y \"quoted\"'")
	expect(value_of("guest", "from guest"), 'y "quoted"')
	expect(get("guest", "from guest").value, 'y "quoted"')
	guest_ok("hvkvp del guest 'from guest'")
	expect(value_of("guest", "from guest"), nil)
	expect(delete("external", "from host").ok)
	expect(guest("hvkvp get external 'from host'").rc, 1)
end)

case("a record that a third program appends is seen at once", {
     ours_only = "appends with the guest's own tools; the stock pair is known to read again each time"}, function()
	guest_ok([[f=/var/lib/hyperv/.kvp_pool_1; { printf 'third'; head -c 507 /dev/zero; printf 'party'; head -c 2043 /dev/zero; } >>$f]])
	expect(get("guest", "third").value, "party")
	expect(set("guest", "ours", "too").ok)
	expect(value_of("guest", "third"), "party")
	expect(delete("guest", "third").ok)
	expect(delete("guest", "ours").ok)
end)

case("the pools' files are what other programs expect", function()
	expect(set("external", "k", "v").ok)
	local modes = guest_ok("stat -c '%a %s' /var/lib/hyperv/.kvp_pool_0")
	expect(modes, "644 2560")
	expect(delete("external", "k").ok)
	expect(guest_ok("stat -c %s /var/lib/hyperv/.kvp_pool_0"), "0")
	expect(guest_ok("ls -A /var/lib/hyperv | grep -c '^.kvp_pool_[0-4]$'"), "5")
end)

case("no byte in a record but the pair: a shorter value leaves nothing of the longer one behind", {
     peer_fails = "docs/protocol.md 7.2: records carry heap bytes and old tails"}, function()
	expect(set("external", "k", repeated("secret", 100)).ok)
	expect(set("external", "k", "v").ok)
	local rest = guest_ok("tr -d '\\000' </var/lib/hyperv/.kvp_pool_0 | od -An -c | tr -d ' \\n'")
	expect(rest, "kv")
	expect(delete("external", "k").ok)
end)
