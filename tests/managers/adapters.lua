-- SPDX-License-Identifier: GPL-2.0-only
--
-- What not every kernel has, on a booted Debian with each network manager: a VLAN on the adapter, and a bond of two; and dhcpcd and
-- ConnMan with hvkvpd in the sandbox of its unit. Run by `make -C tests/managers check` with HVKVP_ALL=1, which makes the guests;
-- tests/managers/run has the rest. The user has 203.0.113.9; the host sets 203.0.113.10.

local INSTANCE = "{10000000-0000-4000-8000-0000000000a1}"
local NETWORKD, NM = "/etc/systemd/network/", "/etc/NetworkManager/system-connections/"

local function nm(id, kind, name, rest)
	return "[connection]\nid=" .. id .. "\ntype=" .. kind .. "\ninterface-name=" .. name .. "\n" .. rest
end

local NM_STATIC = "[ipv4]\nmethod=manual\naddress1=%s/24\n[ipv6]\nmethod=disabled\n"

local NETPLAN = "network:\n  version: 2\n  ethernets:\n"

local MAC = "00155d0a0c01"
local CONNMAN = "/var/lib/connman/ethernet_" .. MAC .. "_cable/settings"

-- dhcpcd and ConnMan make neither, and are to leave alone what something else has made.
local MAKE_VLAN = "ip link set eth0 up; ip link add link eth0 name eth0.5 type vlan id 5 && ip link set eth0.5 up && " ..
	"ip addr add 198.51.100.9/24 dev eth0.5 && ip route add 10.60.0.0/16 via 198.51.100.3 && "
local MAKE_BOND = "ip link add bond0 type bond mode active-backup fail_over_mac active && for e in eth0 eth1; do " ..
	"ip link set $e down && ip link set $e master bond0 || exit; done; ip link set bond0 up && "

-- What the user has written, by path: with a VLAN on eth0, and with eth0 and eth1 in a bond. No adapter's MAC address can be set
-- here (hv_netvsc asks the host for that), so the bond takes that of the active one. Each is in one of the Debian roots.
local managers = {
	{name = "dhcpcd", unit = "dhcpcd", root = "dhcpcd-connman", before_vlan = MAKE_VLAN, before_bond = MAKE_BOND,
	 vlan = {["/etc/dhcpcd.conf"] = "allowinterfaces eth0\nnoipv6rs\ninterface eth0\nstatic ip_address=203.0.113.9/24\nmetric 77\n"},
	 bond = {["/etc/dhcpcd.conf"] = "allowinterfaces bond0\nnoipv6rs\ninterface bond0\nstatic ip_address=203.0.113.9/24\nmetric 77\n"}},
	{name = "ConnMan", unit = "connman", root = "dhcpcd-connman", gateway = "203.0.113.1", before_vlan = MAKE_VLAN,
	 vlan = {
		["/etc/connman/main.conf"] = "[General]\nNetworkInterfaceBlacklist=eth0.\nAllowHostnameUpdates=false\n",
		[CONNMAN] = "[ethernet_" .. MAC .. "_cable]\nAutoConnect=true\nIPv4.method=manual\nIPv4.netmask_prefixlen=24\n" ..
			"IPv4.local_address=203.0.113.9\nIPv4.gateway=203.0.113.1\nIPv6.method=off\n"}},
	{name = "systemd-networkd", unit = "systemd-networkd",
	 vlan = {
		[NETWORKD .. "10-user.network"] = "[Match]\nName=eth0\n[Network]\nAddress=203.0.113.9/24\nVLAN=eth0.5\nLinkLocalAddressing=no\n",
		[NETWORKD .. "10-vlan.netdev"] = "[NetDev]\nName=eth0.5\nKind=vlan\n[VLAN]\nId=5\n",
		[NETWORKD .. "20-vlan.network"] = "[Match]\nName=eth0.5\n[Network]\nAddress=198.51.100.9/24\nLinkLocalAddressing=no\n"},
	 bond = {
		[NETWORKD .. "10-bond.netdev"] = "[NetDev]\nName=bond0\nKind=bond\n[Bond]\nMode=active-backup\nFailOverMACPolicy=active\n",
		[NETWORKD .. "10-port.network"] = "[Match]\nName=eth*\n[Network]\nBond=bond0\n",
		[NETWORKD .. "20-bond.network"] = "[Match]\nName=bond0\n[Network]\nAddress=203.0.113.9/24\nLinkLocalAddressing=no\n"}},
	{name = "NetworkManager", unit = "NetworkManager",
	 vlan = {
		[NM .. "user.nmconnection"] = nm("user", "ethernet", "eth0", NM_STATIC:format("203.0.113.9")),
		[NM .. "vlan.nmconnection"] = nm("vlan", "vlan", "eth0.5", "[vlan]\nid=5\nparent=eth0\n" .. NM_STATIC:format("198.51.100.9"))},
	 bond = {
		[NM .. "bond.nmconnection"] = nm("bond", "bond", "bond0", "[bond]\nmode=active-backup\nfail_over_mac=active\n" .. NM_STATIC:format("203.0.113.9")),
		[NM .. "port0.nmconnection"] = nm("port0", "ethernet", "eth0", ""):gsub("\ntype", "\nmaster=bond0\nslave-type=bond%0"),
		[NM .. "port1.nmconnection"] = nm("port1", "ethernet", "eth1", ""):gsub("\ntype", "\nmaster=bond0\nslave-type=bond%0")}},
	{name = "netplan", unit = "systemd-networkd", generate = "rm -rf /run/systemd/network && netplan generate && ",
	 vlan = {
		["/etc/netplan/50-user.yaml"] = NETPLAN .. "    eth0: {addresses: [203.0.113.9/24], link-local: []}\n" ..
			"  vlans:\n    eth0.5: {id: 5, link: eth0, addresses: [198.51.100.9/24], link-local: []}\n"},
	 bond = {
		["/etc/netplan/50-user.yaml"] = NETPLAN .. "    eth0: {}\n    eth1: {}\n  bonds:\n    bond0:\n      interfaces: [eth0, eth1]\n" ..
			"      addresses: [203.0.113.9/24]\n      link-local: []\n      parameters: {mode: active-backup, fail-over-mac-policy: active}\n"}},
	{name = "ifupdown", unit = "networking",
	 vlan = {
		["/etc/network/interfaces.d/user"] = "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n" ..
			"auto eth0.5\niface eth0.5 inet static\n\taddress 198.51.100.9/24\n\tup ip route add 10.60.0.0/16 via 198.51.100.3\n"},
	 bond = {
		["/etc/network/interfaces.d/user"] = "auto bond0\niface bond0 inet static\n\taddress 203.0.113.9/24\n" ..
			"\tpre-up ip link add bond0 type bond mode active-backup fail_over_mac active || :\n\tpre-up ip link set eth0 down && ip link set eth0 master bond0\n" ..
			"\tpre-up ip link set eth1 down && ip link set eth1 master bond0\n"}},
}

-- IPv4 as the kernel has it, by interface, with the routes; the host's address counts as the user's.
local function view()
	return (guest_ok("ip -4 -o addr | awk '{ print $2, $4 }' | sort; ip -4 route | sort; ip -o link | grep -o 'eth0.5@eth0\\|master bond0'; true")
		:gsub("203%.0%.113%.10%f[%D]", "203.0.113.9"))
end

local function has(name, address)
	return guest("ip -4 -o addr show dev " .. name).out:find(" " .. address .. "/", 1, true) ~= nil
end

local function explain()
	say(guest("ip addr; ip route; journalctl -q -b -u hvkvpd -u systemd-networkd -u NetworkManager -u networking -u dhcpcd -u connman " ..
		"-o short-monotonic | tail -n 40; hvkvp ip list; head -n 30 /etc/network/interfaces.d/* " .. NM .. "* " .. NETWORKD ..
		"* /etc/dhcpcd.conf /var/lib/connman/*/settings", 60).out)
end

local function until_true(what, fn)
	if not pcall(wait, {timeout = 90, every = 0.5, true_when = fn}) then
		explain()
		error(what, 2)
	end
end

local function until_view(wanted)
	local now
	until_true("changed", function()
		now = view()
		return now == wanted
	end)
end

-- An emulated machine's tools may be late for the host: then nothing has changed, and it asks again.
-- Return: when the one that succeeded began.
local function inject(m)
	local r, since
	for _ = 1, 3 do
		since = guest_ok("date +%s")
		r = set_ip{adapter = INSTANCE, family = "v4", addresses = {"203.0.113.10"}, subnets = {"255.255.255.0"},
			gateways = {m.gateway}, timeout = 30}
		if r.ok or not guest("journalctl -q -u hvkvpd -o cat --since=@" .. since).out:find("timed out", 1, true) then break end
		say("SET_IP: a tool of the guest timed out; once more")
	end
	if not r.ok then explain() end
	expect(r.status_name, "S_OK")
	return since
end

-- All of them: a case that failed may have left one running.
local function stop()
	guest("for u in NetworkManager networking systemd-networkd.socket systemd-networkd dhcpcd connman; do systemctl stop $u; done 2>/dev/null; " ..
		"ip link del eth0.5; ip link del bond0; for e in eth0 eth1; do ip addr flush dev $e; ip link set $e down; done; " ..
		"rm -rf /run/systemd/netif/links/* /run/NetworkManager /run/network/ifstate* /run/connman/*; true", 90)
end

local function start(m, before)
	guest_ok((before or "") .. (m.generate or "") .. "systemctl start " .. m.unit, 90)
end

-- The user's files, and this manager alone enabled. Not systemctl: that runs a Perl program for each.
local function configure(m, files)
	stop()
	guest("rm -rf /etc/*/*hvkvpd* /etc/*/*/*hvkvpd* /var/lib/hyperv/ip-* " .. NETWORKD .. "* " .. NM .. "* /etc/network/interfaces.d/* " ..
		"/etc/netplan/* /run/systemd/network /var/lib/connman/*")
	for path, text in pairs(files) do
		guest_ok("mkdir -p " .. path:match("(.*)/") .. " && cat >" .. path .. " <<'EOF'\n" .. text .. "EOF\nchmod " ..
			(path:find("systemd") and 644 or 600) .. " " .. path)
	end
	guest_ok("cd /etc/systemd/system/multi-user.target.wants && rm -f NetworkManager.service systemd-networkd.service networking.service " ..
		"dhcpcd.service connman.service && ln -s /lib/systemd/system/" .. m.unit .. ".service . && systemctl daemon-reload", 60)
end

-- The sandbox of its unit allows all that the daemon has to do.
local function no_complaint(since)
	expect(guest_ok("journalctl -q -u hvkvpd -p warning -o cat --since=@" .. since .. " | grep -v ' timed out$' || true"), "")
end

-- The user's configuration, the host's address, a restart of the manager from nothing, and undo: all but the address stays.
local function keep_all(m, name, files, before)
	configure(m, files)
	start(m, before)
	until_true("the user's addresses", function() return has(name, "203.0.113.9") and (name ~= "eth0" or has("eth0.5", "198.51.100.9")) end)
	local was = view()
	local since = inject(m)
	until_true("the host's address", function() return has(name, "203.0.113.10") end)
	until_view(was)
	-- Later, it may find a manager that is being stopped.
	no_complaint(since)
	stop()
	start(m, before)
	until_true("the host's address after a restart", function() return has(name, "203.0.113.10") end)
	until_view(was)
	guest_ok("hvkvp ip undo " .. name, 60)
	until_true("the user's address after undo", function() return has(name, "203.0.113.9") end)
	until_view(was)
	for path, text in pairs(files) do
		if m.name ~= "ConnMan" then expect(guest_ok("cat " .. path), (text:gsub("\n$", ""))) end
	end
end

bus.wait_version(200)
bus.wait_open(400)
negotiate{timeout = 60}
wait{timeout = 200, every = 1, true_when = function() return (pcall(guest, "true")) end}
wait{timeout = 100, every = 1, true_when = function() return guest("systemctl is-system-running").out ~= "starting" end}
guest_ok("modprobe 8021q && modprobe bonding max_bonds=0; systemctl mask --now systemd-resolved; rm -f /etc/resolv.conf; : >/etc/resolv.conf; " ..
	-- Each hook of ifupdown's costs an emulated machine seconds of the 20 that a SET_IP may take.
	"rm -f /etc/network/if-*.d/*", 90)

for _, m in ipairs(managers) do
	if (m.root or "managers") ~= args.root or args.manager and args.manager ~= m.name then goto continue end
	local nic, second

	case(m.name .. ": a VLAN on the adapter stays", {timeout = 300}, function()
		nic = bus.nic{mac = "00:15:5d:0a:0c:01", instance = INSTANCE}
		expect(nic:interface(60), "eth0")
		keep_all(m, "eth0", m.vlan, m.before_vlan)
	end)

	if m.bond then
		case(m.name .. ": an adapter in a bond: the bond gets the address", {timeout = 300}, function()
			stop()
			second = bus.nic{mac = "00:15:5d:0a:0c:02", name = "second"}
			expect(second:interface(60), "eth1")
			keep_all(m, "bond0", m.bond, m.before_bond)
		end)
	end

	-- Its folder comes with its first start, and so after hvkvpd, whose unit has no hole for it.
	if m.name == "ConnMan" then
		case(m.name .. " starts for the first time, after hvkvpd", {timeout = 200}, function()
			configure(m, {})
			guest_ok("systemctl stop hvkvpd; rm -rf /var/lib/connman; systemctl start hvkvpd", 60)
			local since = inject(m)
			stop()
			start(m)
			until_true("the host's address", function() return has("eth0", "203.0.113.10") end)
			no_complaint(since)
		end)
	end
	stop()
	if nic then bus.withdraw(nic) end
	if second then bus.withdraw(second) end
	wait{timeout = 30, every = 0.5, true_when = function() return not guest("ls /sys/class/net").out:find("eth") end}
	::continue::
end
