-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=400
-- job: profile=on-stock kernel=6.1 time=400
--
-- GET_IP and SET_IP, on an interface that is found by its MAC address.

local MAC, GW = "00:15:5d:0a:0b:01", "192.0.2.1"

-- KVP versions, by the form of their IP messages: text below 5.0, which the stock driver does not speak.
local forms = args.profile == "ours" and {"4.0", "5.0"} or {"4.0"}

bus.wait_open(90)
negotiate{timeout = 30}

local function fresh()
	guest_ok("ip link del kvp0 2>/dev/null; rm -f /var/lib/hyperv/ip-*.conf /etc/resolv.conf; " ..
		"modprobe dummy numdummies=0; ip link add kvp0 type dummy && " ..
		"ip link set kvp0 address " .. MAC .. " && ip link set kvp0 up && ip -6 addr flush dev kvp0")
end

start_anew_after_failure()

fresh()

-- Both forms of an answer, of the same adapter; where there is one, twice that.
local function got(id)
	negotiate{kvp = {"4.0"}}
	local text = get_ip{adapter = id or MAC}
	expect(text.ok)
	expect(text.form, "text")
	if #forms == 1 then return text, text end
	negotiate{kvp = {"5.0"}}
	local binary = get_ip{adapter = id or MAC}
	expect(binary.ok)
	expect(binary.form, "binary")
	return text, binary
end

case("an adapter without an address", function()
	local text, binary = got()
	expect(text.addresses, {})
	expect(text.family, 0)
	expect(text.dhcp, false)
	expect(text.adapter, MAC)
	expect(binary.addresses, {})
	expect(binary.family, 0)
	expect(binary.origins or {}, {})
end)

case("an adapter with one address", function()
	guest_ok("ip addr add 192.0.2.7/24 dev kvp0 && ip route add default via " .. GW .. " dev kvp0 && " ..
		"echo nameserver 192.0.2.53 >/etc/resolv.conf")
	local text, binary = got("00155D0A0B01")
	for _, answer in ipairs{text, binary} do
		expect(answer.addresses, {"192.0.2.7"})
		expect(answer.subnets, {"255.255.255.0"})
		expect(answer.gateways, {GW})
		expect(answer.dns, {"192.0.2.53"})
		expect(answer.family, 1)
		expect(answer.dhcp, false)
	end
	expect(binary.origins or {2}, {2})
end)

case("an address that a DHCP server lent", function()
	fresh()
	guest_ok("ip addr add 192.0.2.7/24 dev kvp0 valid_lft 3600 preferred_lft 1800")
	local text, binary = got()
	expect(text.dhcp, true)
	expect(binary.dhcp, true)
	expect(binary.origins or {1}, {1})
end)

case("only the family that is asked for", function()
	fresh()
	guest_ok("ip addr add 192.0.2.7/24 dev kvp0; ip addr add 2001:db8::7/64 dev kvp0; ip addr add fe80::7/64 dev kvp0")
	for _, form in ipairs(forms) do
		negotiate{kvp = {form}}
		expect(get_ip{adapter = MAC}.addresses, {"192.0.2.7", "2001:db8::7", "fe80::7"})
		expect(get_ip{adapter = MAC, family = "v4"}.addresses, {"192.0.2.7"})
		expect(get_ip{adapter = MAC, family = "v6"}.addresses, {"2001:db8::7", "fe80::7"})
		expect(get_ip{adapter = MAC, family = "v6"}.family, 2)
	end
end)

case("more addresses than an answer holds", function()
	fresh()
	guest_ok("for i in $(seq 0 69); do ip addr add 10.0.$i.1/24 dev kvp0; ip addr add 2001:db8:1234:5678:9abc:def0:1234:1$i/64 dev kvp0; done")
	local text, binary = got()
	if binary.origins then
		expect(#binary.addresses, 128)
		expect(#binary.subnets, 128)
		expect(#binary.origins, 128)
	end
	expect(#text.addresses, #text.subnets)
	expect(#text.addresses > 64)
	for i = 1, #text.addresses do expect(text.addresses[i], binary.addresses[i]) end
end)

case("a GET_IP that ends behind the adapter's id", {our_driver_only = "the stock driver reads on behind it"}, function()
	fresh()
	guest_ok("ip addr add 192.0.2.7/24 dev kvp0")
	local id = utf16(MAC)
	id = id .. string.rep("\0", 256 - #id)
	negotiate{kvp = {"4.0"}}
	raw{body = string.char(4, 1) .. id}
	local a = expect_answer(5)
	expect(a.status, S_OK)
	expect(#a.body, 7428)
	expect(a.body:find(utf16("192.0.2.7\0"), 1, true), 261)
	negotiate{kvp = {"5.0"}}
	raw{body = string.char(4, 1) .. string.rep("\0", 26) .. id}
	a = expect_answer(5)
	expect(a.status, S_OK)
	expect(#a.body, 3716)
	expect(a.body:find("\192\0\2\7", 1, true), 289)
end)

case("an adapter id without its end", {our_driver_only = "the stock driver makes a text of it"}, function()
	for _, form in ipairs(forms) do
		local head = string.char(4, 1) .. string.rep("\0", form == "5.0" and 26 or 0)
		negotiate{kvp = {form}}
		for _, id in ipairs{utf16(repeated("x", 128)), "\0\xd8"} do
			raw{body = head .. id .. string.rep("\0", (form == "5.0" and 3716 or 7428) - #head - #id)}
			expect(expect_answer(5).status, INVALIDARG, form)
		end
	end
end)

case("an adapter that is not there", function()
	for _, form in ipairs(forms) do
		negotiate{kvp = {form}}
		for _, id in ipairs{"", "00:15:5d:0a:0b:02", "kvp0", "{4487b255-b88c-403f-bb51-d1f69cf17f87}", repeated("x", 127)} do
			expect_error(get_ip{adapter = id}, GUID_NOTFOUND)
			expect_error(set_ip{adapter = id, family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"}}, GUID_NOTFOUND)
		end
	end
end)

local function set_v4(address, gateway, extra)
	local t = {adapter = MAC, family = "v4", addresses = {address}, subnets = {"255.255.255.0"},
		gateways = gateway and {gateway} or {}, dns = {"192.0.2.53"}}
	for k, v in pairs(extra or {}) do t[k] = v end
	return set_ip(t)
end

for _, form in ipairs(forms) do
	case("the host sets IPv4, IPv6, both, and DHCP again, by KVP " .. form, function()
		fresh()
		negotiate{kvp = {form}}
		expect(set_v4("192.0.2.7", "192.0.2.1").ok)
		local a = get_ip{adapter = MAC}
		expect(a.addresses, {"192.0.2.7"})
		expect(a.gateways, {"192.0.2.1"})
		expect(a.dns, {"192.0.2.53"})
		expect(a.dhcp, false)
		expect(guest_ok("ip -4 addr show kvp0"):find("192.0.2.7/24", 1, true) ~= nil)
		expect(guest_ok("ip route"):find("default via 192.0.2.1 dev kvp0", 1, true) ~= nil)

		expect(set_ip{adapter = MAC, family = "v6", addresses = {"2001:db8::7"}, subnets = {"64"}, gateways = {"2001:db8::1"}}.ok)
		a = get_ip{adapter = MAC}
		expect(a.addresses, {"192.0.2.7", "2001:db8::7"})
		expect(a.gateways, {"192.0.2.1", "2001:db8::1"})

		expect(set_ip{adapter = MAC, family = "both", addresses = {"198.51.100.7", "2001:db8:1::7"},
			subnets = {"255.255.0.0", form == "4.0" and "/56" or "56"}, gateways = {"198.51.100.1", "fe80::1"}}.ok)
		a = get_ip{adapter = MAC}
		expect(a.addresses, {"198.51.100.7", "2001:db8:1::7"})
		expect(a.subnets, {"255.255.0.0", form == "4.0" and "/56" or "56"})
		expect(a.gateways, {"198.51.100.1", "fe80::1"})
		if form == "5.0" then expect(a.origins, {2, 2}) end

		-- Nothing could do DHCP: refused, and nothing changes. With a client of its own it is done.
		expect_error(set_ip{adapter = MAC, family = "both", dhcp = true}, E_FAIL)
		expect(get_ip{adapter = MAC}.addresses, {"198.51.100.7", "2001:db8:1::7"})
		guest_ok("pidof hvkvpd >/run/dhclient.kvp0.pid")
		expect(set_ip{adapter = MAC, family = "both", dhcp = true}.ok)
		guest_ok("rm /run/dhclient.kvp0.pid")
		a = get_ip{adapter = MAC}
		expect(a.addresses, {})
		expect(a.gateways, {})
		expect(a.dhcp, true)
	end)
end

case("what cannot be set changes nothing", function()
	fresh()
	guest_ok("ip addr add 203.0.113.5/24 dev kvp0")
	local function refused(t)
		t.adapter, t.family = MAC, t.family or "v4"
		expect_error(set_ip(t), INVALIDARG)
	end
	for _, form in ipairs(forms) do
		negotiate{kvp = {form}}
		refused{}
		refused{addresses = {"192.0.2.0"}, subnets = {"255.255.255.0"}}
		refused{addresses = {"192.0.2.7"}, subnets = {"255.0.255.0"}}
		refused{addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"}, gateways = {"192.0.2.7"}}
		refused{dhcp = true, family = 7}
		refused{addresses = {"2001:db8::7"}, subnets = {"129"}, family = "v6"}
		refused{addresses = {"224.0.0.7"}, subnets = {"255.255.255.0"}}
		-- To read does no harm, whatever the family is called.
		expect(get_ip{adapter = MAC, family = 8}.addresses, {"203.0.113.5"})
		expect(get_ip{adapter = MAC, family = 10}.addresses, {})
	end
	if #forms == 2 then
		expect_error(set_ip{adapter = MAC, family = "v4", counts = {65, 0, 0, 0, 0, 0}}, INVALIDARG)
		expect_error(set_ip{adapter = MAC, family = "v4", counts = {1, 0xffffffff, 0, 0, 0, 0}}, INVALIDARG)
	end
	expect(get_ip{adapter = MAC}.addresses, {"203.0.113.5"})
	expect(guest_ok("ls /var/lib/hyperv"):find("ip-", 1, true), nil)
end)

case("64 addresses, 5 gateways and 64 name servers of each family", {our_driver_only = "a text holds fewer"}, function()
	fresh()
	negotiate{}
	local addresses, subnets, gateways = {}, {}, {}
	for i = 1, 64 do addresses[i], subnets[i] = "10.0." .. i .. ".7", "255.255.255.0" end
	for i = 1, 64 do addresses[64 + i], subnets[64 + i] = "2001:db8:" .. i .. "::7", "64" end
	for i = 1, 5 do gateways[i], gateways[5 + i] = "10.0." .. i .. ".1", "2001:db8:" .. i .. "::1" end
	expect(set_ip{adapter = MAC, family = "both", addresses = addresses, subnets = subnets, gateways = gateways,
		dns = addresses, timeout = 20}.ok)
	local a = get_ip{adapter = MAC}
	expect(a.gateways, gateways)
	expect(a.dns, addresses)
	table.sort(a.addresses)
	table.sort(addresses)
	expect(a.addresses, addresses)
end)

case("addresses outlive the daemon", function()
	fresh()
	negotiate{}
	expect(set_v4("192.0.2.7", "192.0.2.1").ok)
	-- As after a boot: the kernel has nothing.
	guest_ok("kvp-service stop; ip addr flush dev kvp0; rm /etc/resolv.conf; kvp-service start")
	negotiate{timeout = 30}
	local a = get_ip{adapter = MAC}
	expect(a.addresses, {"192.0.2.7"})
	expect(a.gateways, {"192.0.2.1"})
	expect(a.dns, {"192.0.2.53"})
end)

case("failover: another host, another subnet", function()
	fresh()
	negotiate{}
	expect(set_v4("192.0.2.7", "192.0.2.1").ok)
	bus.rescind()
	bus.wait_reopen(20)
	negotiate{timeout = 30}
	-- Nothing in between: the host injects right after it has negotiated.
	expect(set_v4("198.51.100.7", "198.51.100.1", {dns = {"198.51.100.53"}}).ok)
	local a = get_ip{adapter = MAC}
	expect(a.addresses, {"198.51.100.7"})
	expect(a.gateways, {"198.51.100.1"})
	expect(a.dns, {"198.51.100.53"})
	guest_ok("kvp-service restart")
	negotiate{timeout = 30}
	expect(get_ip{adapter = MAC}.addresses, {"198.51.100.7"})
	-- The facts tell it, too.
	expect(enumerate_one("auto", 2).value, "198.51.100.7")
end)

case("a script of the site comes first", function()
	fresh()
	negotiate{}
	guest_ok("mkdir -p /etc/hyperv; printf '#!/bin/sh\\nenv >/tmp/seen\\n' >/etc/hyperv/set-ip; chmod 755 /etc/hyperv/set-ip")
	expect(set_v4("192.0.2.7", "192.0.2.1").ok)
	local seen = guest_ok("cat /tmp/seen; rm /etc/hyperv/set-ip")
	expect(seen:find("HVKVP_INTERFACE=kvp0", 1, true) ~= nil)
	expect(seen:find("HVKVP_IPV4_ADDRESSES=192.0.2.7/24", 1, true) ~= nil)
	expect(get_ip{adapter = MAC}.addresses, {})
end)

case("the configuration forbids SET_IP, or all but some of it", function()
	local function configure(text)
		guest_ok("printf '" .. text .. "' >/etc/hvkvpd.conf; kvp-service restart")
		negotiate{timeout = 30}
	end
	local address = {adapter = MAC, family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"}}
	fresh()
	configure("[Addresses]\\nSetIP=no\\n")
	expect_error(set_ip(address), 0x80070005)
	expect(get_ip{adapter = MAC}.addresses, {})
	wait{true_when = function() return guest("grep 'SET_IP.*SET_IP is off in the configuration' /run/kvp-service.log").ok end}
	configure("[Addresses]\\nSetIP=static\\nSetIPAdapters=eth7 lo\\n")
	expect_error(set_ip(address), 0x80070005)
	configure("[Addresses]\\nSetIP=static\\nSetIPAdapters=eth7 kvp0\\n")
	expect_error(set_ip{adapter = MAC, family = "v4", dhcp = true}, 0x80070005)
	expect(set_ip(address).ok)
	expect(get_ip{adapter = MAC}.addresses, {"192.0.2.7"})
	-- What is on may go off while the daemon runs.
	guest_ok("printf '[Addresses]\\nGetIP=no\\n[Pools]\\nExternal=read\\n[Facts]\\nOSName=no\\n' >/etc/hvkvpd.conf; " ..
		 "kill -HUP $(pidof hvkvpd)")
	wait{true_when = function() return guest("grep 'configuration reloaded' /run/kvp-service.log").ok end}
	expect_error(get_ip{adapter = MAC}, 0x80070005)
	expect_error(set("external", "k", "v"), 0x80070005)
	expect(enumerate_one("auto", 5).value, "")
	guest_ok("rm /etc/hvkvpd.conf; kvp-service restart")
	negotiate{timeout = 30}
	expect(set("external", "k", "v").ok)
	expect(delete("external", "k").ok)
end)

-- The host asks one thing at a time, and so does the driver: nothing waits for the daemon meanwhile but the host itself.
case("while addresses are being set the guest's own work goes on, and no deadline passes", function()
	fresh()
	negotiate{}
	-- sleep: the script does not end in time
	guest_ok("printf '#!/bin/sh\\n: >/tmp/runs\\nexec sleep 40\\n' >/etc/hyperv/set-ip; chmod 755 /etc/hyperv/set-ip; rm -f /tmp/runs")
	local started = now()
	post{op = "set_ip", pool = 1, adapter = MAC, family = "v4", addresses = {"192.0.2.7"}, subnets = {"255.255.255.0"}}
	post{op = "set", pool = "external", key = "after", value = "yes"}
	wait{true_when = function() return guest("test -e /tmp/runs").ok end}
	expect(guest_ok("hvkvp set guest during yes && hvkvp get guest during && hvkvp list auto | grep -c OSName", 15), "yes\n1")
	expect(late_answer(29).status, E_FAIL)
	local took = now() - started
	expect(took > 15 and took < 29, true, "the script's time was " .. took .. " s")
	expect(late_answer().ok)
	guest_ok("rm /etc/hyperv/set-ip; hvkvp del guest during; hvkvp --force del external after")
	expect(get_ip{adapter = MAC}.addresses, {})
	log.flush()
	expect(log.count("expired"), 0)
end)

case("an administrator is told what is set, and what would be", function()
	fresh()
	guest_ok("ip addr add 203.0.113.5/24 dev kvp0")
	local shown = guest_ok("hvkvp ip show kvp0")
	expect(shown:find("IPV4_ADDRESSES=203.0.113.5/24\n", 1, true) ~= nil, true, shown)
	-- Made in the guest: 7428 bytes are long on their way there.
	local function field(text, units)
		return "printf '" .. text:gsub(".", "%0\\000") .. "'; head -c " .. 2 * (units - #text) .. " /dev/zero; "
	end
	local function capture(address)
		guest_ok("{ printf '\\5\\1'; " .. field(MAC, 128) .. "printf '\\1\\000'; " .. field(address, 1024) ..
			field("255.255.255.0", 1024) .. field("192.0.2.1", 512) .. field("192.0.2.53", 1024) .. "} >/tmp/body")
	end
	capture("192.0.2.7")
	for _, program in ipairs{"hvkvpd --check-ip /tmp/body", "hvkvp ip plan /tmp/body"} do
		local said = guest_ok(program)
		expect(said:find("INTERFACE=kvp0\n", 1, true) ~= nil, true, said)
		expect(said:find("IPV4_ADDRESSES=192.0.2.7/24\n", 1, true) ~= nil, true, said)
		expect(said:find("IPV4_GATEWAYS=192.0.2.1\n", 1, true) ~= nil, true, said)
	end
	capture("192.0.2.255")
	for program, rc in pairs{["hvkvpd --check-ip /tmp/body"] = 1, ["hvkvp ip plan /tmp/body"] = 4} do
		local said = guest(program)
		expect(said.rc, rc)
		expect(said.out:find("REFUSED=", 1, true) ~= nil, true, said.out)
	end
	expect(get_ip{adapter = MAC}.addresses, {"203.0.113.5"})
end)

case("changes of addresses wake the daemon once for each look at them, and are told at once", function()
	fresh()
	enumerate("auto")
	local switches = "sed -n 's/^voluntary_ctxt_switches:[[:blank:]]*//p' /proc/$(pidof hvkvpd)/status"
	-- sleep: the kernel reports the state of a new link a second later, which wakes the daemon as a new adapter does
	guest_ok("sleep 2")
	-- The host has the answer before the daemon sleeps again.
	guest_until("grep -q '^State:.S' /proc/$(pidof hvkvpd)/status")
	local before = tonumber(guest_ok(switches))
	-- sleep: in this time it may wake up once, however many changes there are
	guest_ok("for i in 1 2 3 4 5; do ip addr add 192.0.2.$i/24 dev kvp0; ip addr del 192.0.2.$i/24 dev kvp0; done; " ..
		"ip addr add 198.51.100.9/24 dev kvp0; ip addr add 2001:db8::9/64 dev kvp0; sleep 3")
	local after = tonumber(guest_ok(switches))
	expect(after - before <= 1, true, "it woke up " .. after - before .. " times")
	expect((";" .. enumerate_one("auto", 2).value .. ";"):find(";198.51.100.9;", 1, true) ~= nil)
	expect((";" .. enumerate_one("auto", 3).value .. ";"):find(";2001:db8::9;", 1, true) ~= nil)
	guest_ok("ip addr del 198.51.100.9/24 dev kvp0")
	expect(not enumerate_one("auto", 2).value:find("198.51.100.9", 1, true))
end)

case("GET_IP takes its time, but not long", function()
	fresh()
	guest_ok("ip addr add 192.0.2.7/24 dev kvp0; ip addr add 2001:db8::7/64 dev kvp0")
	negotiate{}
	local b = bench(200, {name = "GET_IP"}, function() get_ip{adapter = MAC} end)
	say(string.format("GET_IP: median %d us, min %d us, p99 %d us", b.median, b.min, b.p99))
end)
