-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 uses=hv_netvsc
-- job: profile=ours kernel=6.12 time=300 uses=hv_netvsc
--
-- The host's network adapters, driven by the guest's own hv_netvsc: the ground on which addresses are told and set.

bus.wait_open(90)
negotiate{timeout = 30}
guest_ok("modprobe hv_netvsc")

local MAC, MAC2 = "00:15:5d:01:02:03", "00:15:5d:0a:0b:0c"
local first, second	-- devices
local eth

local function sysfs(interface, file)
	return guest_ok("cat /sys/class/net/" .. interface .. "/" .. file)
end

local function holds(text, part)
	expect(text:find(part, 1, true) ~= nil, true, "'" .. part .. "' in: " .. text)
end

local function gone(interface)
	wait{true_when = function() return not guest("test -e /sys/class/net/" .. interface).ok end, timeout = 15}
end

case("an adapter becomes an interface with its MAC address and GUID", function()
	first = bus.nic{mac = MAC, instance = "{5F2C0C1E-9B1D-4D7A-8E21-AABBCCDDEEFF}"}
	eth = first:interface(20)
	holds(eth, "eth")
	expect(sysfs(eth, "address"), MAC)
	expect(sysfs(eth, "mtu"), "1500")
	expect(guest_ok("basename $(readlink /sys/class/net/" .. eth .. "/device)"), "5f2c0c1e-9b1d-4d7a-8e21-aabbccddeeff")
	expect(guest_ok("basename $(readlink /sys/class/net/" .. eth .. "/device/driver)"), "hv_netvsc")
	expect(first:is_up())
	local info = first:info()
	expect(info.nvsp, "6.1")
	expect(info.state, "ready")
	expect(info.mtu, 1514)
	expect(info.recv_bytes >= 10 * 1728)
	expect(info.send_bytes >= 10 * 6144)
end)

case("it goes up, has a carrier, takes addresses", function()
	guest_ok("ip link set " .. eth .. " up")
	first:wait_state("running")
	wait{true_when = function() return sysfs(eth, "carrier") == "1" end}
	-- The kernel works it out later than the carrier.
	wait{true_when = function() return sysfs(eth, "operstate") == "up" end}
	guest_ok("ip addr add 192.0.2.7/24 dev " .. eth)
	guest_ok("ip -6 addr add 2001:db8::7/64 dev " .. eth)
	local shown = guest_ok("ip addr show dev " .. eth)
	holds(shown, "192.0.2.7/24")
	holds(shown, "2001:db8::7/64")
	holds(guest_ok("ip route"), "192.0.2.0/24 dev " .. eth)
end)

case("what it transmits is thrown away", function()
	local before = first:info().sent
	guest("ping -c 2 -W 1 192.0.2.8")
	expect(first:info().sent > before)
	local packets = tonumber(sysfs(eth, "statistics/tx_packets"))
	expect(packets > 0)
end)

case("the cable is pulled and plugged in again", function()
	first:link(false)
	wait{true_when = function() return sysfs(eth, "carrier") == "0" end}
	first:link(true)
	wait{true_when = function() return sysfs(eth, "carrier") == "1" end}
end)

case("two at once", function()
	second = bus.nic{mac = MAC2, name = "second"}
	local other = second:interface(20)
	expect(other ~= eth)
	expect(sysfs(other, "address"), MAC2)
	expect(sysfs(eth, "address"), MAC)
	guest_ok("ip link set " .. other .. " up")
	second:wait_state("running")
	expect(first:state(), "running")
	guest_ok("ip addr add 198.51.100.7/24 dev " .. other)
	holds(guest_ok("ip route"), "198.51.100.0/24 dev " .. other)
	holds(guest_ok("ip route"), "192.0.2.0/24 dev " .. eth)
end)

case("another MTU: the driver closes the channel and opens it again", function()
	guest_ok("ip link set " .. eth .. " mtu 1400")
	expect(sysfs(eth, "mtu"), "1400")
	first:wait_state("running")
	expect(first:info().mtu, 1414)
	expect(bus.count("rescind", first), 0)
	holds(guest_ok("ip addr show dev " .. eth), "192.0.2.7/24")
end)

case("taken away and given back, with the other one left alone", function()
	local other = second:interface()
	bus.withdraw(first)
	gone(eth)
	-- Linux warns of an offer that comes before it has let go of the old channel.
	bus.wait_event("release", 20)
	expect(first:state(), "closed")
	expect(sysfs(other, "address"), MAC2)
	expect(second:state(), "running")
	bus.offer(first)
	eth = first:interface(20)
	expect(sysfs(eth, "address"), MAC)
	guest_ok("ip link set " .. eth .. " up")
	first:wait_state("running")
end)

-- With nothing under way: what Linux sends just then it may free twice (bus_offer.c says how).
case("rescind and re-offer, three times, after some traffic", function()
	for _ = 1, 3 do
		guest_ok("ip addr add 192.0.2.7/24 dev " .. eth)
		guest_ok("arp -s 192.0.2.8 00:15:5d:00:00:01")
		guest("ping -q -i 0.01 -c 5 -s 1400 -W 1 192.0.2.8")
		bus.rescind(first)
		bus.wait_event("rescind")
		bus.wait_event("release", 20)
		eth = first:interface(20)
		expect(sysfs(eth, "address"), MAC)
		guest_ok("ip link set " .. eth .. " up")
		first:wait_state("running")
	end
	expect(second:state(), "running")
end)

case("a flood of packets is completed", function()
	guest_ok("ip addr add 192.0.2.7/24 dev " .. eth)
	guest_ok("arp -s 192.0.2.8 00:15:5d:00:00:01")
	local before = first:info().sent
	guest("for i in 1 2 3 4 5 6; do ping -q -i 0.001 -c 400 -s 1400 -W 1 192.0.2.8 & done >/dev/null; wait", 60)
	local sent = first:info().sent - before
	say(sent, "packets,", first:info().sent_bytes, "bytes")
	expect(sent > 1000, true)
end)

case("KVP is served beside it", function()
	bus.wait_open(10)
	expect(set("external", "beside", "a NIC").ok)
	expect(get("external", "beside").value, "a NIC")
	expect(delete("external", "beside").ok)
end)

case("an older host: NVSP 4 and 1", function()
	for _, version in ipairs{"4.0", "1.0"} do
		local old = bus.nic{mac = "00:15:5d:00:00:04", name = "old", nvsp = version, link = false}
		local name = old:interface(20)
		expect(old:info().nvsp, version)
		expect(sysfs(name, "address"), "00:15:5d:00:00:04")
		guest_ok("ip link set " .. name .. " up")
		old:wait_state("running")
		expect(sysfs(name, "carrier"), "0")
		bus.withdraw(old)
		gone(name)
	end
end)

case("the module unloads and loads again", function()
	local other = second:interface()
	guest_ok("rmmod hv_netvsc", 30)
	gone(eth)
	gone(other)
	expect(first:state(), "closed")
	guest_ok("modprobe hv_netvsc")
	expect(sysfs(first:interface(20), "address"), MAC)
	expect(sysfs(second:interface(20), "address"), MAC2)
	guest_ok("rmmod hv_netvsc", 30)
	bus.withdraw(first)
	bus.withdraw(second)
end)

case("nothing odd was seen on the bus", function()
	expect(bus.notes(), {})
end)
