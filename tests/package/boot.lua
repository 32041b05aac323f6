-- SPDX-License-Identifier: GPL-2.0-only
--
-- A Debian with systemd, udev and cloud-init, the packages hvkvpd and hv-kvp-dkms, and hyperv-daemons: who starts what, and
-- what upgrades and removals do. Run by tests/package/boot, which makes that guest.

local function show(property, unit)
	return guest_ok("systemctl show -P " .. property .. " " .. (unit or "hvkvpd.service"), 100)
end

local function active(unit)
	return guest("systemctl is-active " .. unit, 100).out
end

local function until_equal(fn, wanted)
	wait{timeout = 100, every = 0.5, true_when = function() return fn() == wanted end}
end

local function device_driver()
	return guest_ok("basename $(readlink /sys/bus/vmbus/devices/" .. bus.kvp.instance .. "/driver)", 60)
end

-- The events of a new device, and all that the unit does which they start: it is started again, which waits for it.
local function udev_events()
	guest_ok("udevadm trigger --action=add --subsystem-match=misc; udevadm settle; systemctl start hvkvp-take", 100)
end

-- Runs a command in the guest, in a unit, and calls ask(n) again and again until it ends.
local units = 0
local function meanwhile(command, ask)
	units = units + 1
	local unit, asked, state = "meanwhile-" .. units, 0, ""
	guest_ok("systemd-run -q --no-block --unit=" .. unit .. " -p RemainAfterExit=yes -E DEBIAN_FRONTEND=noninteractive sh -c '" ..
		command .. "'", 60)
	wait{timeout = 400, every = 0.2, true_when = function()
		asked = asked + 1
		ask(asked)
		state = show("SubState", unit)
		return state == "exited" or state == "failed"
	end}
	say(asked .. " requests during: " .. command)
	if state ~= "exited" then say(guest("journalctl -q -b -o cat -u " .. unit .. " | tail -n 20", 60).out) end
	expect(state, "exited")
end

-- A conversation of which nothing may be lost.
local function converse(n)
	expect(set("external", "conversation", tostring(n), {timeout = 60}).ok)
	expect(get("external", "conversation", {timeout = 60}).value, tostring(n))
end

-- A conversation that goes on wherever there is a channel.
local function try_to_converse(n)
	pcall(function() get("external", "at boot", {timeout = 5}) end)
end

bus.wait_version(300)
bus.wait_open(300)
-- A call gives the agent one minute to come up.
wait{timeout = 600, every = 1, true_when = function() return (pcall(guest, "true")) end}

case("at boot the service starts, on hv_kvp, before anything asked for a pair", {timeout = 200}, function()
	expect(negotiate{timeout = 60}.kvp, "5.0")
	until_equal(function() return active("hvkvpd") end, "active")
	expect(show("StatusText"), "Serving /dev/hv_kvp")
	expect(set("external", "at boot", "yes").ok)
	expect(guest_ok("hvkvp get external 'at boot'"), "yes")
end)

case("the boot has ended, and nothing failed or waits", {timeout = 600}, function()
	wait{timeout = 500, every = 2, true_when = function()
		local state = guest("systemctl is-system-running", 60).out
		return state ~= "starting" and state ~= "initializing"
	end}
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	expect(guest_ok("systemctl list-jobs --no-legend --plain"):find("hvkvp", 1, true), nil)
end)

case("cloud-init found the service at work, and no order had to be broken for that", {timeout = 200}, function()
	expect(guest_ok("cat /run/cloud-init-saw"), "active")
	expect(guest_ok("cat /run/provision-saw"), "active")
	expect(guest("cloud-init status", 100).out:match("status: (%w+)"), "done")
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'").out, "")
	expect(active("local-fs.target"), "active")
	expect(active("mnt.mount"), "active")
end)

case("the stock daemon's names are ours, and it does not run", {timeout = 200}, function()
	for _, unit in ipairs{"hv-kvp-daemon.service", "hypervkvpd.service", "hyperv-daemons.hv-kvp-daemon.service",
			"hv_kvp_daemon.service"} do
		expect(show("Id", unit), "hvkvpd.service")
	end
	expect(not guest("pgrep hv_kvp_daemon").ok)
	expect(not guest("test -e /run/own-unit-ran").ok)
end)

case("the service has one capability, no new privileges, and a read-only system", {timeout = 200}, function()
	local pid = show("MainPID")
	local status = guest_ok("cat /proc/" .. pid .. "/status")
	expect(status:match("CapEff:%s*(%x+)"), "0000000000001000")
	expect(status:match("CapBnd:%s*(%x+)"), "0000000000001000")
	expect(status:match("NoNewPrivs:%s*(%d)"), "1")
	expect(status:match("Seccomp:%s*(%d)"), "2")
	expect(not guest("nsenter -t " .. pid .. " -m touch /etc/x /usr/x").ok)
end)

case("a new host name reaches the host", {timeout = 200}, function()
	local function first() return get("auto", "FullyQualifiedDomainName", {timeout = 20}).value:match("^[^.]*") end
	local name = guest_ok("hostname")
	expect(first(), name)
	guest_ok("hostname renamed")
	expect(first(), "renamed")
	guest_ok("hostname " .. name)
	expect(first(), name)
end)

case("killed, it is started again, and no pair is lost", {timeout = 200}, function()
	local before = show("MainPID")
	guest_ok("kill -9 " .. before)
	until_equal(function() return show("MainPID") ~= before and active("hvkvpd") end, "active")
	expect(get("external", "at boot", {timeout = 20}).value, "yes")
end)

case("a second daemon is told why it cannot be", {timeout = 200}, function()
	local second = guest("hvkvpd --foreground --state-dir /tmp/second", 10)
	expect(second.rc, 3)
	expect(second.out:find("another service has it open", 1, true) ~= nil)
end)

case("the host takes the device and gives it back: the service stays", {timeout = 200}, function()
	local before = show("MainPID")
	bus.rescind()
	bus.wait_reopen(20)
	expect(negotiate{timeout = 30}.kvp, "5.0")
	expect(show("MainPID"), before)
	expect(get("external", "at boot").value, "yes")
end)

case("give: the same service serves hv_utils; the stock daemon stays away; no unit takes it back", {timeout = 200}, function()
	local before = show("MainPID")
	say(guest_ok("hvkvp-driver give", 60))
	bus.wait_reopen(20)
	expect(negotiate{timeout = 30}.kvp, "4.0")
	expect(show("MainPID"), before)
	until_equal(function() return show("StatusText") end, "Serving /dev/vmbus/hv_kvp")
	expect(not guest("pgrep hv_kvp_daemon").ok)
	until_equal(function() return active("hvkvp-take") end, "inactive")
	expect(device_driver(), "hv_utils")
	expect(get("external", "at boot").value, "yes")
end)

case("take: back on hv_kvp", {timeout = 200}, function()
	say(guest_ok("hvkvp-driver take", 60))
	bus.wait_reopen(20)
	expect(negotiate{timeout = 30}.kvp, "5.0")
	until_equal(function() return show("StatusText") end, "Serving /dev/hv_kvp")
end)

case("given back until the next boot: no event of udev takes it again", {timeout = 200}, function()
	guest_ok("hvkvp-driver --runtime give", 60)
	udev_events()
	expect(device_driver(), "hv_utils")
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "4.0")
end)

case("hv_utils got it, with hv_kvp installed: a unit takes it by itself", {timeout = 200}, function()
	local opens = bus.count("open", bus.kvp)
	guest_ok("rm /run/hv_kvp-given-back; udevadm trigger --action=add --subsystem-match=misc", 60)
	wait{timeout = 100, every = 0.5, true_when = function() return bus.count("open", bus.kvp) > opens end}
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "5.0")
	expect(device_driver(), "hv_kvp")
end)

case("killed in the unit that takes the device, what it began is ended at once", {timeout = 300}, function()
	guest_ok("hvkvp-driver --runtime give", 60)
	udev_events()
	until_equal(function() return show("StatusText") end, "Serving /dev/vmbus/hv_kvp")
	-- It is killed where hvkvpd is stopped, and the device has no driver. An event of udev may start it again.
	guest_ok("line=$(grep -n 'wait_for_new \"$before\"' /usr/sbin/hvkvp-driver); mkdir -p /run/systemd/system/hvkvp-take.service.d; " ..
		"printf '[Service]\\nExecStart=\\nExecStart=/bin/sh -c \"mkdir /run/once || exec hvkvp-driver boot; exec kill-at =%s boot\"\\n' " ..
		"${line%%:*} >/run/systemd/system/hvkvp-take.service.d/once.conf; systemctl daemon-reload; rm /run/hv_kvp-given-back", 60)
	expect(guest("systemctl start hvkvp-take", 200).ok, false)
	until_equal(function() return active("hvkvpd") end, "active")
	until_equal(device_driver, "hv_kvp")
	until_equal(function() return show("StatusText") end, "Serving /dev/hv_kvp")
	expect(guest_ok("journalctl -q -b -o cat -u hvkvp-take | grep -c 'code=killed'"), "1")
	expect(guest_ok("cat /sys/bus/vmbus/drivers_autoprobe"), "1")
	guest_ok("rm -r /run/systemd/system/hvkvp-take.service.d; systemctl daemon-reload; systemctl reset-failed hvkvp-take", 60)
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "5.0")
end)

case("disabled, nothing starts it, and the names are the stock daemon's", {timeout = 300}, function()
	guest_ok("systemctl disable --now hvkvpd", 100)
	bus.rescind()
	bus.wait_reopen(20)
	udev_events()
	expect(active("hvkvpd"), "inactive")
	expect(show("Id", "hv-kvp-daemon.service"), "hv-kvp-daemon.service")
	-- The stock pair is not hindered either: the device stays where an administrator puts it.
	guest_ok("hvkvp-driver --runtime give; rm -f /run/hv_kvp-given-back", 60)
	udev_events()
	expect(device_driver(), "hv_utils")
	until_equal(function() return active("hv-kvp-daemon.service") end, "active")
	expect(active("hvkvpd"), "inactive")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)

case("masked, too, and after a start that asks for the stock daemon", {timeout = 300}, function()
	guest_ok("systemctl mask hvkvpd && systemctl daemon-reload && systemctl restart hv-kvp-daemon", 100)
	expect(active("hv-kvp-daemon.service"), "active")
	expect(guest("systemctl start hvkvpd", 60).ok, false)
	expect(guest_ok("pgrep -x hv_kvp_daemon | wc -l"), "1")
	expect(not guest("pgrep -x hvkvpd").ok)
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	guest_ok("systemctl unmask hvkvpd", 60)
end)

case("enabled again, it takes over", {timeout = 300}, function()
	guest_ok("systemctl stop hv-kvp-daemon && systemctl enable --now hvkvpd && hvkvp-driver take", 200)
	until_equal(function() return show("StatusText") end, "Serving /dev/hv_kvp")
	expect(show("Id", "hv-kvp-daemon.service"), "hvkvpd.service")
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "5.0")
	expect(get("external", "at boot", {timeout = 20}).value, "yes")
end)

case("hyperv-daemons goes, and comes when hvkvpd is there: the service stays", {timeout = 1200}, function()
	local before = show("MainPID")
	meanwhile("dpkg --purge hyperv-daemons", converse)
	expect(show("MainPID"), before)
	meanwhile("dpkg -i /debs/hyperv-daemons_*.deb && udevadm settle", converse)
	expect(show("MainPID"), before)
	expect(show("Id", "hv-kvp-daemon.service"), "hvkvpd.service")
	expect(not guest("pgrep -x hv_kvp_daemon").ok)
	-- Disabled, which means hvkvpd as long as that has the name, or enabled: there is never a second one.
	for _, verb in ipairs{"disable", "enable"} do
		guest_ok("systemctl " .. verb .. " hv-kvp-daemon.service; systemctl enable --now hvkvpd", 100)
		guest_ok("systemctl daemon-reload; udevadm trigger --action=add --subsystem-match=misc; udevadm settle", 60)
		expect(show("MainPID"), before)
		expect(active("hvkvpd"), "active")
		expect(not guest("pgrep -x hv_kvp_daemon").ok)
	end
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)

case("both packages are upgraded, and no request of the host is lost", {timeout = 1200}, function()
	local before = show("MainPID")
	meanwhile("dpkg -i /debs/hvkvpd_*+next_amd64.deb", converse)
	-- The new program serves, not the old one.
	expect(show("MainPID") ~= before)
	expect(guest_ok("readlink /proc/" .. show("MainPID") .. "/exe"), "/usr/sbin/hvkvpd")
	expect(active("hvkvpd"), "active")
	meanwhile("dpkg -i /debs/hv-kvp-dkms_*+next_all.deb && dkms-built", converse)
	guest_ok("modinfo hv_kvp")
	expect(device_driver(), "hv_kvp")
	expect(show("StatusText"), "Serving /dev/hv_kvp")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)

case("the module's package goes first: hv_utils serves, hv_kvp is unloaded and stays so", {timeout = 1200}, function()
	meanwhile("dpkg --remove hv-kvp-dkms", try_to_converse)
	udev_events()
	expect(not guest("test -d /sys/module/hv_kvp").ok)
	expect(device_driver(), "hv_utils")
	until_equal(function() return show("StatusText") end, "Serving /dev/vmbus/hv_kvp")
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "4.0")
	expect(get("external", "at boot", {timeout = 20}).value, "yes")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	expect(not guest("modinfo hv_kvp").ok)
end)

-- extra_ok: what nothing served was asked, too, and is not answered.
case("removed, it leaves the pairs, and the stock daemon has its name and its work back", {timeout = 1200, extra_ok = true},
		function()
	guest_ok("dpkg -i /debs/hv-kvp-dkms_*+next_all.deb && dkms-built && hvkvp-driver take", 300)
	expect(device_driver(), "hv_kvp")
	bus.wait_open(30)
	negotiate{timeout = 30}
	meanwhile("dpkg --remove hvkvpd", try_to_converse)
	-- The other package goes without hvkvp-driver.
	meanwhile("dpkg --purge hv-kvp-dkms", try_to_converse)
	expect(not guest("test -d /sys/module/hv_kvp").ok)
	until_equal(function() return active("hv-kvp-daemon.service") end, "active")
	expect(show("Id", "hv-kvp-daemon.service"), "hv-kvp-daemon.service")
	guest_ok("pgrep -x hv_kvp_daemon")
	bus.wait_open(10)
	expect(negotiate{timeout = 30}.kvp, "4.0")
	local values = {}
	for _, pair in ipairs(enumerate("external")) do values[pair.key] = pair.value end
	expect(values["at boot"], "yes")
	expect(guest_ok("ls /usr/sbin/hvkvp* /usr/bin/hvkvp* /lib/systemd/system/hvkvp* 2>/dev/null | wc -l"), "0")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)

case("purged, nothing of it is left but the pools", {timeout = 300}, function()
	meanwhile("dpkg --purge hvkvpd", try_to_converse)
	expect(guest_ok("find /etc /lib /run/systemd /usr /var/lib/dkms -name '*hvkvp*' -o -name 'hv_kvp*' | grep -v hv_kvp_daemon || true", 60), "")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
	expect(guest("journalctl -b --no-pager | grep -i 'ordering cycle'").out, "")
	discard_answers()
end)
