-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 uses=hv_netvsc
-- job: profile=ours kernel=6.12 time=300 uses=hv_netvsc
--
-- GET_IP and SET_IP on a synthetic network adapter, which the guest's own hv_netvsc drives.

local MAC = "00:15:5d:0a:0b:0c"

bus.wait_open(90)
negotiate{timeout = 30}
guest_ok("modprobe hv_netvsc")

local nic = bus.nic{mac = MAC}
nic:wait_up(20)
local name = nic:interface(20)
local guid = "{" .. nic.instance:upper() .. "}"

-- Interfaces that look like it: a longer name, and one more with its MAC address.
guest_ok("modprobe dummy numdummies=0; ip link add " .. name .. "0 type dummy && ip addr add 203.0.113.1/24 dev " .. name ..
	"0 && ip link add vf0 type dummy && ip link set vf0 address " .. MAC .. " && ip addr add 203.0.113.2/24 dev vf0")

start_anew_after_failure()

local function flush()
	guest_ok("ip link set " .. name .. " down; ip addr flush dev " .. name .. "; rm -f /var/lib/hyperv/ip-*.conf /etc/resolv.conf")
end

-- Addresses without the kernel's own link-local one.
local function addresses(answer)
	local out = {}
	for _, a in ipairs(answer.addresses) do
		if a:sub(1, 5) ~= "fe80:" then out[#out + 1] = a end
	end
	return out
end

local function each_form(f)
	for _, form in ipairs{"4.0", "5.0"} do
		negotiate{kvp = {form}}
		f(form)
	end
end

case("it is found by MAC address and by GUID, in any form", function()
	flush()
	guest_ok("ip addr add 192.0.2.7/24 dev " .. name)
	each_form(function()
		for _, id in ipairs{MAC, MAC:upper(), MAC:gsub(":", "-"), MAC:gsub(":", ""), guid, guid:lower(), nic.instance} do
			if type(id) == "string" then expect(get_ip{adapter = id}.addresses, {"192.0.2.7"}, id) end
		end
	end)
end)

case("no address, one, and many", function()
	flush()
	each_form(function() expect(get_ip{adapter = guid}.addresses, {}) end)
	guest_ok("ip addr add 192.0.2.7/24 dev " .. name)
	each_form(function() expect(get_ip{adapter = guid}.subnets, {"255.255.255.0"}) end)
	guest_ok("for i in $(seq 1 70); do ip addr add 10.0.$i.7/24 dev " .. name .. "; done")
	negotiate{kvp = {"5.0"}}
	expect(#get_ip{adapter = guid}.addresses, 64)
end)

case("static IPv4, IPv6, both, then DHCP again", function()
	flush()
	each_form(function(form)
		expect(set_ip{adapter = guid, family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"},
			gateways = {"192.0.2.1"}, dns = {"192.0.2.53"}}.ok)
		local a = get_ip{adapter = MAC}
		expect(addresses(a), {"192.0.2.7"})
		expect(a.gateways, {"192.0.2.1"})
		expect(nic:state(), "running")
		-- The kernel asks for duplicates of IPv6 addresses; the answer comes when it knows.
		expect(set_ip{adapter = guid, family = "v6", addresses = {"2001:db8::7"}, subnets = {"64"},
			gateways = {"2001:db8::1"}, timeout = 25}.ok)
		a = get_ip{adapter = MAC}
		expect(addresses(a), {"192.0.2.7", "2001:db8::7"})
		expect(a.gateways, {"192.0.2.1", "2001:db8::1"})
		expect(guest_ok("ip -6 addr show " .. name):find("2001:db8::7/64", 1, true) ~= nil)
		expect(set_ip{adapter = guid, family = "both", addresses = {"198.51.100.7", "2001:db8:1::7"},
			subnets = {"255.255.255.0", "64"}, gateways = {"198.51.100.1", "2001:db8:1::1"}, timeout = 25}.ok)
		a = get_ip{adapter = guid}
		expect(addresses(a), {"198.51.100.7", "2001:db8:1::7"})
		expect(a.dhcp, false)
		guest_ok("pidof hvkvpd >/run/dhclient." .. name .. ".pid")
		expect(set_ip{adapter = guid, family = "both", dhcp = true}.ok)
		guest_ok("rm /run/dhclient." .. name .. ".pid")
		a = get_ip{adapter = guid}
		expect(addresses(a), {})
		expect(a.dhcp, true)
		say("KVP " .. form .. " done")
	end)
	expect(guest_ok("ip addr show " .. name .. "0"):find("203.0.113.1/24", 1, true) ~= nil)
	expect(guest_ok("ip addr show vf0"):find("203.0.113.2/24", 1, true) ~= nil)
end)

case("failover: the guest comes up on another host and is given an address there", function()
	flush()
	negotiate{}
	expect(set_ip{adapter = guid, family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"}, gateways = {"192.0.2.1"}}.ok)
	bus.rescind(nic)
	nic:wait_up(20)
	name = nic:interface(20)
	bus.rescind()
	bus.wait_reopen(20)
	negotiate{timeout = 30}
	expect(set_ip{adapter = guid, family = "v4", addresses = {"198.51.100.7"}, subnets = {"255.255.255.0"}, gateways = {"198.51.100.1"}}.ok)
	local a = get_ip{adapter = MAC}
	expect(addresses(a), {"198.51.100.7"})
	expect(a.gateways, {"198.51.100.1"})
	guest_ok("kvp-service stop; ip link set " .. name .. " down; ip addr flush dev " .. name .. "; kvp-service start")
	negotiate{timeout = 30}
	a = get_ip{adapter = MAC}
	expect(addresses(a), {"198.51.100.7"})
	expect(a.gateways, {"198.51.100.1"})
end)

case("an adapter that the host takes away is not found", function()
	bus.withdraw(nic)
	wait{true_when = function() return guest("ls /sys/class/net").out:find(name .. "\n", 1, true) == nil end, timeout = 10}
	guest_ok("ip link del vf0")
	negotiate{}
	expect_error(get_ip{adapter = guid}, GUID_NOTFOUND)
	expect_error(get_ip{adapter = MAC}, GUID_NOTFOUND)
end)
