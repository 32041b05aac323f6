-- SPDX-License-Identifier: GPL-2.0-only
--
-- A Debian with systemd and udev in which `make install` was run: it starts by itself, pairs make their trip, mistakes get their
-- message, and `make uninstall` leaves nothing but the pools. Run by tests/package/install, which makes that guest.

local function active(unit)
	return guest("systemctl is-active " .. unit, 100).out
end

local function driver()
	return guest("basename $(readlink /sys/bus/vmbus/devices/" .. bus.kvp.instance .. "/driver)").out
end

bus.wait_version(200)
bus.wait_open(200)
-- A call gives the agent one minute to come up.
wait{timeout = 200, every = 1, true_when = function() return (pcall(guest, "true")) end}

case("the device starts the service, and pairs make their trip, both ways", {timeout = 200}, function()
	expect(negotiate{timeout = 60}.kvp, "5.0")
	wait{timeout = 100, every = 0.5, true_when = function() return active("hvkvpd") == "active" end}
	expect(driver(), "hv_kvp")
	expect(set("external", "from the host", "to the guest").ok)
	expect(guest_ok("hvkvp get external 'from the host'"), "to the guest")
	guest_ok("hvkvp set guest 'from the guest' 'to the host'")
	expect(get("guest", "from the guest").value, "to the host")
	expect(get("external", "from the host").value, "to the guest")
end)

-- The guest has no usleep, which guest_until() needs.
local function becomes_true(command)
	wait{timeout = 100, every = 0.3, true_when = function() return guest(command).ok end}
end

case("a unit of this boot has a credential that the host set in an earlier one", {timeout = 200}, function()
	becomes_true("systemctl is-active --quiet kvp-credential")
	expect(guest_ok("cat /run/credential.seen"), "of an earlier boot")
	expect(guest_ok("stat -c '%a %U' /run/credstore/at-boot"), "600 root")
	expect(guest_ok("systemctl show -P ActiveState hvkvp-credentials"), "active")
	-- It was there before ordinary units were started.
	local placed = tonumber(guest_ok("systemctl show -P ActiveEnterTimestampMonotonic hvkvp-credentials"))
	expect(placed < tonumber(guest_ok("systemctl show -P ActiveEnterTimestampMonotonic basic.target")))
	guest_ok("systemctl disable kvp-credential; rm /etc/systemd/system/kvp-credential.service; systemctl daemon-reload", 60)
	expect(delete("external", "io.systemd.credential:at-boot").ok)
end)

case("a running system gets a credential when the unit is started again", {timeout = 200}, function()
	expect(set("external", "io.systemd.credential.binary:later", "AAEC/w==").ok)
	guest_ok("systemctl restart hvkvp-credentials", 60)
	expect(guest_ok("systemd-run -q --wait --pipe -p LoadCredential=later sh -c 'od -An -tx1 $CREDENTIALS_DIRECTORY/later'", 60),
	       " 00 01 02 ff")
	expect(delete("external", "io.systemd.credential.binary:later").ok)
end)

case("a path unit with PathChanged= on a pool is triggered once by each change", {timeout = 300}, function()
	guest_ok([[mkdir -p /run/systemd/system
		printf '[Path]\nPathChanged=/var/lib/hyperv/.kvp_pool_0\n' >/run/systemd/system/kvp-test.path
		printf '[Unit]\nStartLimitIntervalSec=0\n[Service]\nType=oneshot\nExecStart=sh -c "echo x >>/run/path.seen"\n' >/run/systemd/system/kvp-test.service
		systemctl daemon-reload; systemctl start kvp-test.path]], 60)
	local changes = 0
	local function one(change)
		expect(change().ok)
		changes = changes + 1
		-- A change while the service still runs would be the same trigger.
		becomes_true("[ -e /run/path.seen ] && [ $(wc -l </run/path.seen) -ge " .. changes .. " ] && " ..
			     "[ $(systemctl show -P SubState kvp-test.path) = waiting ] && " ..
			     "[ $(systemctl show -P ActiveState kvp-test.service) = inactive ]")
		expect(guest_ok("wc -l </run/path.seen"), tostring(changes))
	end
	for i = 1, 5 do
		one(function() return set("external", "path", "number " .. i) end)
	end
	one(function() return delete("external", "path") end)
	-- A request that changes nothing is no trigger: the next count would have it.
	expect(get("external", "from the host").ok)
	one(function() return set("external", "path", "again") end)
	expect(delete("external", "path").ok)
	guest_ok("systemctl stop kvp-test.path; rm /run/systemd/system/kvp-test.*; systemctl daemon-reload", 60)
end)

case("units react to what the host sets: the hooks of hvkvp-hooks, and a unit with watch --exec", {timeout = 300}, function()
	guest_ok([[mkdir -p /run/systemd/system /etc/hvkvp.d
		printf '#!/bin/sh\necho "$HVKVP_EVENT $HVKVP_KEY $HVKVP_NEW $HVKVP_SOURCE" >>/run/hook.seen\n' >/etc/hvkvp.d/50-test
		printf '#!/bin/sh\necho "$HVKVP_EVENT $HVKVP_OLD>$HVKVP_NEW" >>/run/exec.seen\n' >/usr/local/sbin/apply-setting
		chmod 755 /etc/hvkvp.d/50-test /usr/local/sbin/apply-setting
		cp /root/hv_kvp/docs/examples/apply-setting.service /run/systemd/system
		systemctl daemon-reload; systemctl enable --now hvkvp-hooks; systemctl start apply-setting]], 100)
	for i = 1, 3 do
		expect(set("external", "setting", "number " .. i).ok)
	end
	expect(set("external", "other", "x").ok)
	expect(delete("external", "setting").ok)
	becomes_true("grep -q 'del setting' /run/hook.seen && grep -q del /run/exec.seen")
	expect(guest_ok("grep setting /run/hook.seen"), "set setting number 1 host\nset setting number 2 host\n" ..
	       "set setting number 3 host\ndel setting  host")
	expect(guest_ok("cat /run/exec.seen"), "set >number 1\nset number 1>number 2\nset number 2>number 3\ndel number 3>")
	expect(delete("external", "other").ok)
	guest_ok("systemctl stop apply-setting; rm /etc/hvkvp.d/50-test /usr/local/sbin/apply-setting /run/systemd/system/apply-setting.service; " ..
		 "systemctl daemon-reload", 60)
end)

case("the journal has the changes of the host, with fields", {timeout = 200}, function()
	expect(guest_ok("journalctl -b -o cat HVKVP_OPERATION=SET HVKVP_POOL=external 'HVKVP_KEY=from the host' HVKVP_STATUS=0x00000000"),
	       'SET pool=external key="from the host" size=12 status=0x00000000')
	expect(guest_ok("journalctl -b -o cat HVKVP_VALUE='to the guest' | head -1"), "")
end)

case("pools that cannot be written: the host gets an error, and the log says why", {timeout = 200}, function()
	guest_ok("systemctl stop hvkvpd; mount -o bind /var/lib/hyperv /var/lib/hyperv; mount -o remount,bind,ro /var/lib/hyperv")
	guest("systemctl start hvkvpd", 30)
	local answer = set("external", "not now", "x", {timeout = 30})
	expect(not answer.ok)
	local log = guest_ok("journalctl -b -u hvkvpd --no-pager")
	expect(log:find("Read-only file system", 1, true) ~= nil)
	guest_ok("systemctl stop hvkvpd; umount /var/lib/hyperv; systemctl start hvkvpd", 30)
	expect(set("external", "now", "x", {timeout = 30}).ok)
end)

case("a module for 6.12 in a 6.1: the message says so, and hv_utils goes on", {timeout = 200}, function()
	local file = guest_ok("modinfo -n hv_kvp")
	guest_ok("hvkvp-driver --runtime give; systemctl stop hvkvpd hvkvp-take; rmmod hv_kvp; cp " .. file .. " /tmp/good.ko", 60)
	guest_ok("cp /root/other.ko " .. file)
	local said = guest("hvkvp-driver take", 60)
	expect(said.rc, 1)
	say(said.out)
	expect(said.out:find("was built for another kernel than", 1, true) ~= nil)
	expect(driver(), "hv_utils")
	guest_ok("cp /tmp/good.ko " .. file .. "; hvkvp-driver take; systemctl start hvkvpd; systemctl reset-failed hvkvp-take", 60)
	expect(driver(), "hv_kvp")
end)

case("make uninstall leaves the pools, and nothing else", {timeout = 300}, function()
	say(guest_ok("make -s -C /root/hv_kvp uninstall 2>&1", 200))
	expect(driver(), "hv_utils")
	expect(not guest("pgrep hvkvpd").ok)
	expect(not guest("lsmod | grep -q hv_kvp").ok)
	guest_ok(". /root/files.sh; files / >/root/after", 60)
	expect(guest("comm -13 /root/before /root/after | grep -v '^./var/lib/hyperv/[.]kvp_pool_[0-4]$'").out, "", "what is left")
	expect(guest("comm -23 /root/before /root/after").out, "", "what went with it")
	expect(guest_ok("head -c 13 /var/lib/hyperv/.kvp_pool_0"), "from the host")
	expect(guest_ok("systemctl --failed --no-legend --plain"), "")
end)
