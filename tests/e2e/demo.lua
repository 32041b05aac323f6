-- SPDX-License-Identifier: GPL-2.0-only
-- demo: profile=ours kernel=6.1 time=120
--
-- The main job, for a person to read: what Hyper-V's management interface does with a guest's pairs, from the first
-- message on the bus to the host's last look.

local function pairs_of(pool)
	local list = enumerate(pool)
	local by_key = {}
	for _, pair in ipairs(list) do
		by_key[pair.key] = pair.value
	end
	return by_key, list
end

case("The guest's own hv_vmbus connects, and hv_kvp binds the KVP device", function()
	local version = bus.wait_version(60)
	say("VMBus protocol " .. version .. ", kernel " .. args.kernel)
	bus.wait_open(90)
	say("the KVP channel is open")
end)

case("Host and guest agree on versions", function()
	local v = negotiate{fw = {"1.0", "3.0"}, kvp = {"3.0", "4.0", "5.0"}, timeout = 30}
	expect(v.fw, "3.0")
	expect(v.kvp, "5.0")
	say("framework " .. v.fw .. ", KVP " .. v.kvp)
end)

case("AddKvpItems: the host adds a pair, the guest reads it", function()
	expect(set("external", "Greeting", "hello, guest").ok)
	expect(guest_ok("hvkvp get external Greeting"), "hello, guest")
end)

case("ModifyKvpItems: the host changes it", function()
	expect(set("external", "Greeting", "hello again \u{1F44B}").ok)
	expect(guest_ok("hvkvp get external Greeting"), "hello again \u{1F44B}")
	expect(get("external", "Greeting").value, "hello again \u{1F44B}")
end)

case("hvkvp monitor: the same, as the guest's administrator can watch it", function()
	guest_ok("hvkvp monitor >/tmp/monitor 2>&1 &")
	guest_until("grep -q watching /tmp/monitor")
	expect(set("external", "Greeting", "watch me").ok)
	expect(get("external", "Greeting").value, "watch me")
	guest_until("[ $(grep -c guest /tmp/monitor) = 2 ]")
	local lines = guest_ok("killall hvkvp; " ..
			       "sed 1d /tmp/monitor")
	expect(select(2, lines:gsub("[^\n]+", "")), 6)
end)

case("RemoveKvpItems: the host takes it away", function()
	expect(delete("external", "Greeting").ok)
	expect(guest("hvkvp get external Greeting").rc, 1)
	expect(not get("external", "Greeting").ok)
end)

case("GuestExchangeItems: the guest publishes, the host reads", function()
	guest_ok("hvkvp set guest Status Ready")
	local items = pairs_of("guest")
	expect(items.Status, "Ready")
end)

case("GuestIntrinsicExchangeItems: the guest's own facts", function()
	local names = {
		"FullyQualifiedDomainName", "IntegrationServicesVersion", "NetworkAddressIPv4", "NetworkAddressIPv6",
		"OSBuildNumber", "OSName", "OSMajorVersion", "OSMinorVersion", "OSVersion", "ProcessorArchitecture",
	}
	local _, list = pairs_of("auto")
	for i, name in ipairs(names) do
		expect(list[i].key, name)
	end
	for _, pair in ipairs(list) do
		say(string.format("%-28s %s", pair.key, pair.value))
	end
end)

case("SET_IP, GET_IP: the host gives the guest's network adapter an address", function()
	local nic = bus.nic{mac = "00:15:5d:01:02:03"}
	guest_ok("modprobe hv_netvsc")
	local eth = nic:interface()
	expect(set_ip{adapter = "{" .. nic.instance .. "}", family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"},
		gateways = {"192.0.2.1"}}.ok)
	expect(guest_ok("ip -4 -o addr show " .. eth):find("192.0.2.7/24", 1, true) ~= nil)
	expect(get_ip{adapter = nic.mac}.addresses[1], "192.0.2.7")
end)

case("The host tells the guest where it runs", function()
	local facts = {
		{"HostName", "hv01.example.com"},
		{"HostingSystemEditionId", "8"},
		{"HostingSystemNestedLevel", "0"},
		{"HostingSystemOsMajor", "10"},
		{"HostingSystemOsMinor", "0"},
		{"HostingSystemProcessorArchitecture", "9"},
		{"HostingSystemProcessorIdleStateMax", "0"},
		{"HostingSystemProcessorThrottleMax", "100"},
		{"HostingSystemProcessorThrottleMin", "5"},
		{"HostingSystemSpMajor", "0"},
		{"HostingSystemSpMinor", "0"},
		{"PhysicalHostName", "HV01"},
		{"PhysicalHostNameFullyQualified", "hv01.example.com"},
		{"VirtualMachineDynamicMemoryBalancingEnabled", "0"},
		{"VirtualMachineId", "6F3B8A52-0C1D-4A57-9E0B-2B8F4C1D7E90"},
		{"VirtualMachineName", "demo"},
	}
	for _, fact in ipairs(facts) do
		expect(set("parameter", fact[1], fact[2]).ok)
	end
	local seen = {}
	for key, value in guest_ok("hvkvp list parameter"):gmatch("parameter\t([^\t\n]*)\t([^\n]*)") do
		seen[key] = value
	end
	for _, fact in ipairs(facts) do
		expect(seen[fact[1]], fact[2], fact[1])
	end
	say(#facts .. " facts, each read back in the guest")
end)

case("How long it takes", function()
	bench(200, {name = "negotiate"}, function() negotiate{} end)
	bench(200, {name = "set a new key"}, function(i) set("external", "bench" .. i, "value " .. i) end)
	bench(200, {name = "set a known key"}, function(i) set("external", "bench" .. i, "new value " .. i) end)
	bench(200, {name = "get"}, function(i) get("external", "bench" .. i) end)
	bench(200, {name = "enumerate the guest's facts"}, function(i) enumerate_one("auto", i % 10) end)
	bench(200, {name = "delete"}, function(i) delete("external", "bench" .. i) end)
end)
