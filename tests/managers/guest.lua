-- SPDX-License-Identifier: GPL-2.0-only
--
-- SET_IP and GET_IP on a booted Debian: the service in its sandbox, a synthetic adapter, and each network manager in charge
-- in turn. Run by `make -C tests/managers check`, which makes that guest.

local USER = "203.0.113.9"

-- Enabled, as Debian's packages leave them: NetworkManager and networking (ifupdown). It has no interface at first.
local managers = {
	{name = "NetworkManager", unit = "NetworkManager",
	 file = "/var/lib/hyperv/ip-%s.before",
	 user = "/etc/NetworkManager/system-connections/user.nmconnection",
	 text = "[connection]\nid=user\ntype=ethernet\ninterface-name=%s\n[ipv4]\nmethod=manual\naddress1=%s/24\n"},
	{name = "systemd-networkd", unit = "systemd-networkd",
	 file = "/etc/systemd/network/00-hvkvpd-%s.network",
	 user = "/etc/systemd/network/10-user.network", text = "[Match]\nName=%s\n[Network]\nAddress=%s/24\n"},
	-- Without systemd-resolved, whose hook for ifupdown is broken in Debian 12: it asks for a name server called DNS, fails,
	-- and starts systemd-resolved anew, which forgets what it knew.
	{name = "ifupdown", unit = "networking",
	 before = "systemctl mask --now systemd-resolved && rm -f /etc/resolv.conf && : >/etc/resolv.conf",
	 file = "/etc/network/interfaces.d/hvkvpd-%s",
	 user = "/etc/network/interfaces.d/user", text = "auto %1$s\niface %1$s inet static\n\taddress %2$s/24\n"},
}

local nic, eth, guid, key

-- Each manager gets an adapter that no other has touched.
local function plug(n)
	if nic then bus.withdraw(nic) end
	nic = bus.nic{mac = "00:15:5d:0a:0b:0" .. n}
	guid, key, eth = "{" .. nic.instance:upper() .. "}", nic.instance:lower(), nil
end

-- What GET_IP tells, in the form of this version.
local function told_in(form)
	negotiate{kvp = {form}, timeout = 30}
	local r = expect_sound_ip(get_ip{adapter = nic.mac})
	local addresses = {}
	for _, a in ipairs(r.addresses) do
		-- Not the kernel's own link-local one.
		if a:sub(1, 5) ~= "fe80:" then addresses[#addresses + 1] = a end
	end
	return table.concat(addresses, " ") .. " via " .. table.concat(r.gateways, " ") ..
		" dns " .. table.concat(r.dns, " ") .. (r.dhcp and " dhcp" or "")
end

-- The same by KVP 4.0 (text) and 5.0 (binary), unless it changes right between the two.
local function told()
	local text, binary
	for _ = 1, 5 do
		text, binary = told_in("4.0"), told_in("5.0")
		if text == binary then break end
	end
	expect(binary, text)
	return text
end

local function until_told(wanted)
	local last
	local ok = pcall(wait, {timeout = 150, every = 1, true_when = function()
		last = told()
		return last == wanted
	end})
	if not ok then
		say(guest("ip addr show dev " .. eth .. "; ip -6 route; hvkvp ip show " .. eth .. "; networkctl status -n 30 " .. eth ..
			"; journalctl -q -b -u hvkvpd -o short-monotonic | tail -n 30", 60).out)
	end
	expect(last, wanted)
end

local function inject()
	local r = set_ip{adapter = guid, family = "both", addresses = {"192.0.2.5", "2001:db8::5"}, subnets = {"255.255.255.0", "64"},
		gateways = {"192.0.2.1", "2001:db8::1"}, dns = {"192.0.2.53"}, timeout = 30}
	if not r.ok then say(guest("journalctl -q -b -u hvkvpd -o short-monotonic | tail -n 12", 60).out) end
	expect(r.status_name, "S_OK")
	say(string.format("SET_IP took %.2f s", r.us / 1e6))
end

local STATIC = "192.0.2.5 2001:db8::5 via 192.0.2.1 2001:db8::1 dns 192.0.2.53"

-- The daemon has complained of nothing since, but that an emulated machine's nmcli or ifup is late for the host, and resolvectl
-- of a systemd-resolved that is masked.
local function no_complaint(since)
	expect(guest_ok("journalctl -q -u hvkvpd -p warning -o cat --since=@" .. since ..
		" | grep -v ' timed out$\\|^Failed to set DNS configuration:\\|does not take .* are set without it$' || true"), "")
end

local function clean()
	guest("systemctl stop NetworkManager systemd-networkd.socket systemd-networkd networking; rm -f /var/lib/hyperv/ip-* " ..
		"/etc/*/*hvkvpd* /etc/*/*/*hvkvpd*; rm -rf /run/systemd/netif/links/* /run/NetworkManager /run/network/ifstate* " ..
		"/run/systemd/network /etc/netplan/* /etc/systemd/network/* /etc/NetworkManager/system-connections/* " ..
		"/etc/network/interfaces.d/*")
end

plug(1)
bus.wait_version(200)
bus.wait_open(400)

if not args.manager then case("early in the boot, right after the negotiation, before NetworkManager runs", {timeout = 250}, function()
	negotiate{timeout = 60}
	-- hv_netvsc may still be on its way.
	wait{timeout = 30, every = 0.2, true_when = function() return get_ip{adapter = nic.mac}.ok end}
	say("adapter is there")
	inject()
	wait{timeout = 100, every = 1, true_when = function() return guest("true", 60).ok end}
	say(guest("systemctl is-active NetworkManager systemd-networkd networking systemd-resolved; journalctl -q -b -u hvkvpd -o short-monotonic; ls -la /etc/resolv.conf").out)
	eth = nic:interface()
	wait{timeout = 60, every = 1, true_when = function() return guest("systemctl is-active NetworkManager").out == "active" end}
	wait{timeout = 60, every = 1, true_when = function()
		return guest("nmcli -t -f CONNECTION,DEVICE device").out:find("hvkvpd-" .. key .. ":" .. eth, 1, true)
	end}
	until_told(STATIC)
end) else wait{timeout = 100, every = 1, true_when = function() return guest("true", 60).ok end} end

eth = eth or nic:interface()
wait{timeout = 60, every = 1, true_when = function() return guest("systemctl is-system-running").out ~= "starting" end}

for i, m in ipairs(managers) do
	if args.manager and args.manager ~= m.name then goto continue end
	local since

	case(m.name .. ": the host sets IPv4 and IPv6", {timeout = 250}, function()
		clean()
		plug(i)
		eth = nic:interface(60)
		-- Not systemctl: that runs a Perl program for each.
		guest_ok("cd /etc/systemd/system/multi-user.target.wants && rm -f NetworkManager.service systemd-networkd.service " ..
			"networking.service && ln -s /lib/systemd/system/" .. m.unit .. ".service . && systemctl daemon-reload", 60)
		guest_ok("cat >" .. m.user .. " <<'EOF'\n" .. m.text:gsub("%%1%$s", eth):gsub("%%2%$s", USER)
			:gsub("%%s", eth, 1):gsub("%%s", USER, 1) .. "EOF\nchmod 600 " .. m.user .. "; chmod 644 /etc/systemd/network/* 2>/dev/null; true")
		guest_ok((m.before or "true") .. " && systemctl start " .. m.unit, 60)
		wait{timeout = 40, every = 0.5, true_when = function() return told():find(USER, 1, true) end}
		since = guest_ok("date +%s")
		inject()
		guest_ok("test -s " .. m.file:format(key))
		until_told(STATIC)
	end)

	case(m.name .. ": restarted from nothing, it sets them again", {timeout = 250}, function()
		guest_ok("systemctl stop " .. m.unit .. ".socket " .. m.unit .. " 2>/dev/null; ip addr flush dev " .. eth .. "; ip route flush dev " .. eth .. "; ip -6 route flush dev " .. eth ..
			"; ip link set " .. eth .. " down; systemctl start " .. m.unit, 60)
		until_told(STATIC)
	end)

	case(m.name .. ": the daemon is restarted", {timeout = 200}, function()
		guest_ok("systemctl restart hvkvpd", 60)
		until_told(STATIC)
		-- NetworkManager's profile is edited; what it was is kept.
		expect(guest_ok("cat " .. (m.name == "NetworkManager" and m.file:format(key) or m.user)):find(USER, 1, true) ~= nil)
		no_complaint(since)
	end)

	-- There is no DHCP server, which the others' tools wait for: tests/managers/run has one.
	if m.name == "systemd-networkd" then
		case(m.name .. ": back to DHCP", {timeout = 250}, function()
			expect(set_ip{adapter = guid, family = "both", dhcp = true, timeout = 30}.status_name, "S_OK")
			until_told(" via  dns  dhcp")
		end)
	end
	::continue::
end
