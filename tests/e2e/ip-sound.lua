-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 uses=hv_netvsc
--
-- Every answer to GET_IP is sound: for an hv_netvsc interface with no, one and many addresses, in both forms, by every
-- spelling of its name, for every family that may be asked for.

bus.wait_open(90)
negotiate{timeout = 30}
guest_ok("modprobe hv_netvsc")

local nic = bus.nic{mac = "00:15:5d:01:02:03", instance = "{5F2C0C1E-9B1D-4D7A-8E21-AABBCCDDEEFF}"}
local eth = nic:interface(20)
local names = { nic.mac, "00:15:5D:01:02:03", "00-15-5d-01-02-03", "00155D010203", nic.instance,
	"{" .. nic.instance .. "}", "{" .. nic.instance:upper() .. "}" }

-- What is reported for both families, in one form; the rest must be sound and of one family only.
local function answers(version)
	local all
	negotiate{kvp = {version}}
	for _, name in ipairs(names) do
		for _, family in ipairs{"none", "v4", "v6", "both"} do
			local r = get_ip{adapter = name, family = family}
			expect_sound_ip(r, {family = (family == "v4" or family == "v6") and family or nil})
			if family == "both" then
				all = all or r
				expect(r.addresses, all.addresses)
			end
		end
	end
	return all
end

for _, version in ipairs{"4.0", "5.0"} do
	case("no address, KVP " .. version, function()
		expect(answers(version).addresses, {})
	end)
end

guest_ok("ip link set " .. eth .. " up && ip addr add 192.0.2.7/24 dev " .. eth ..
	" && ip route add default via 192.0.2.1 && echo nameserver 192.0.2.53 >/etc/resolv.conf")
nic:wait_state("running")
wait{true_when = function() return guest_ok("ip -6 addr show dev " .. eth):match("scope link *\n") end}

for _, version in ipairs{"4.0", "5.0"} do
	case("one address of each family, KVP " .. version, function()
		local r = answers(version)
		expect(r.addresses, {"192.0.2.7", "fe80::215:5dff:fe01:203"})
		expect(r.gateways, {"192.0.2.1"})
		expect(r.dns, {"192.0.2.53"})
	end)
end

guest_ok("for i in $(seq 1 90); do ip addr add 10.9.$i.1/32 dev " .. eth ..
	" && ip -6 addr add 2001:db8:$i::1/128 dev " .. eth .. "; done", 60)
-- What is being checked for duplicates is not told yet.
wait{timeout = 30, true_when = function() return not guest_ok("ip -6 addr show dev " .. eth):find("tentative", 1, true) end}

for _, version in ipairs{"4.0", "5.0"} do
	case("more addresses than fit, KVP " .. version, function()
		local r = answers(version)
		say(#r.addresses, "addresses,", #table.concat(r.addresses, ";"), "characters")
		if r.form == "binary" then
			expect(#r.addresses, 128)
		else
			-- One of the two fields is full, and both have as many elements.
			local used = math.max(#table.concat(r.addresses, ";"), #table.concat(r.subnets, ";"))
			expect(used > 1023 - #";2001:db8:90::1", true)
		end
	end)
end

case("an adapter that is taken away is not found any more", function()
	bus.withdraw(nic)
	wait{true_when = function() return not guest("test -e /sys/class/net/" .. eth).ok end}
	for _, name in ipairs(names) do
		expect_error(get_ip{adapter = name}, GUID_NOTFOUND)
	end
end)
