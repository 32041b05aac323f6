-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 peer=yes
-- job: profile=on-stock kernel=6.1 time=300
--
-- The ten facts that every Linux guest reports in pool 2, and those of ours behind them.

local names = {
	"FullyQualifiedDomainName", "IntegrationServicesVersion", "NetworkAddressIPv4", "NetworkAddressIPv6",
	"OSBuildNumber", "OSName", "OSMajorVersion", "OSMinorVersion", "OSVersion", "ProcessorArchitecture",
}

bus.wait_open(90)
negotiate{timeout = 30}
start_anew_after_failure()

local function facts()
	local by_key = {}
	for _, pair in ipairs(enumerate("auto")) do by_key[pair.key] = pair.value end
	return by_key
end

case("the ten items, in the documented order, at index 0 to 9", function()
	for i, name in ipairs(names) do
		local r = enumerate_one("auto", i - 1)
		expect(r.status, S_OK, name)
		expect(r.key, name)
		expect(r.type, "sz")
	end
end)

case("each item can be asked for by its name", {peer_fails = "docs/protocol.md 7.1: GET never returns the value"}, function()
	local all = facts()
	for _, name in ipairs(names) do
		expect(get("auto", name).value, all[name], name)
	end
end)

case("kernel and processor are what uname says", function()
	local all = facts()
	expect(all.ProcessorArchitecture, guest_ok("uname -m"))
	expect(all.OSBuildNumber, guest_ok("uname -r"))
	expect(guest_ok("uname -r"):sub(1, #all.OSVersion), all.OSVersion)
end)

case("the distribution is what os-release says", {
     peer_fails = "the stock daemon puts VERSION_ID, unsplit, into the major version"}, function()
	local all = facts()
	expect(all.OSName, guest_ok(". /etc/os-release; echo \"$NAME\""))
	expect(all.OSMajorVersion, "22")
	expect(all.OSMinorVersion, "04")
end)

case("the name is the host name with the domain that the guest has configured", function()
	expect(facts().FullyQualifiedDomainName, "kvpguest.example.com")
end)

case("a new host name is reported at once, an internationalized domain whole", {
     peer_fails = "the stock daemon looks for the name once, when it starts"}, function()
	guest_ok("echo other >/proc/sys/kernel/hostname; printf 'search b\\303\\274cher.example\\n' >/etc/resolv.conf")
	local name = facts().FullyQualifiedDomainName
	guest_ok("echo kvpguest >/proc/sys/kernel/hostname; rm /etc/resolv.conf")
	expect(name, "other.b\u{fc}cher.example")
	expect(facts().FullyQualifiedDomainName, "kvpguest.example.com")
end)

case("further items stand behind the ten, as a Windows guest without service pack and RDP has them", {
     peer_fails = "the stock daemon does not have them"}, function()
	local further = {{"CSDVersion", ""}, {"ServicePackMajor", "0"}, {"RDPAddressIPv4", ""}, {"RDPAddressIPv6", ""}}
	for i, item in ipairs(further) do
		local r = enumerate_one("auto", 9 + i)
		expect(r.status, S_OK, item[1])
		expect(r.key, item[1])
		expect(r.value, item[2])
	end
end)

case("a site adds facts of its own: a file and a program", {
     peer_fails = "the stock daemon does not have them"}, function()
	expect(enumerate_one("auto", 13).status, S_OK)
	expect(enumerate_one("auto", 14).status, NO_MORE_ITEMS)
	guest_ok("mkdir -p /etc/hyperv/facts.d && cd /etc/hyperv/facts.d && echo 'router 7' >Appliance && " ..
		 "printf '#!/bin/sh\\necho up since $(uname -s)\\n' >State && chmod 755 State")
	wait{true_when = function()
		local all = facts()
		return all.Appliance == "router 7" and all.State == "up since Linux"
	end}
	expect(enumerate_one("auto", 14).key, "Appliance")
	expect(enumerate_one("auto", 15).key, "State")
	expect(enumerate_one("auto", 16).status, NO_MORE_ITEMS)
	expect(get("auto", "Appliance").value, "router 7")
	expect_error(set("auto", "Appliance", "toaster"))
	expect(guest_ok("hvkvp get auto State"), "up since Linux")
	guest_ok("rm -r /etc/hyperv/facts.d")
	wait{true_when = function() return enumerate_one("auto", 14).status == NO_MORE_ITEMS end}
end)

case("addresses come and go with the interface", function()
	guest_ok("modprobe dummy numdummies=0; ip link add kvp0 type dummy && ip link set kvp0 up && " ..
		 "ip addr add 192.0.2.7/24 dev kvp0 && ip addr add 198.51.100.9/24 dev kvp0 && ip addr add 2001:db8::7/64 dev kvp0")
	local all = facts()
	expect(all.NetworkAddressIPv4, "192.0.2.7;198.51.100.9")
	expect((";" .. all.NetworkAddressIPv6 .. ";"):find(";2001:db8::7;", 1, true) ~= nil)
	guest_ok("ip link del kvp0")
	all = facts()
	expect(not all.NetworkAddressIPv4:find("192.0.2.7", 1, true))
	expect(not all.NetworkAddressIPv6:find("2001:db8::7", 1, true))
end)

case("the guest cannot be given facts about itself", {peer_fails = "the stock daemon stores them in a file"}, function()
	expect_error(set("auto", "OSName", "Other"))
	expect(facts().OSName, guest_ok(". /etc/os-release; echo \"$NAME\""))
	expect_error(delete("auto", "OSName"))
	expect(facts().OSName, guest_ok(". /etc/os-release; echo \"$NAME\""))
end)
