-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300
-- job: profile=on-stock kernel=6.1 time=300
--
-- The command in a guest that a host talks to: what it tells of the driver and the daemon, and how it hears of changes.

local driver = args.profile == "ours" and "hv_kvp" or "hv_utils"

bus.wait_open(90)
negotiate{timeout = 30}

-- What hvkvp info says, as info[group][name]; JSON as it is, for its keys in order.
local function info()
	local told = {}
	for group, name, value in ("\n" .. guest_ok("hvkvp info")):gmatch("\n(%S+) +(%S+) +([^\n]*)") do
		told[group] = told[group] or {}
		told[group][name] = value
	end
	return told, guest_ok("hvkvp info --json")
end

local function has(json, pattern)
	expect(json:find(pattern) ~= nil, true, pattern .. " is not in " .. json)
end

case("info names the driver, and the service", function()
	local told, json = info()
	expect(told.driver.name, driver)
	expect(told.daemon.name, "hvkvpd")
	expect(guest_ok("cat /proc/" .. told.daemon.pid .. "/comm"), "hvkvpd")
	has(json, '"driver": {%s*"name": "' .. driver .. '"')
	has(json, '"daemons": %[%s*{%s*"name": "hvkvpd",%s*"pid": ' .. told.daemon.pid .. "%s*}%s*%]")
end)

case("info tells version and state of the driver", {our_driver_only = "the stock driver tells nothing"}, function()
	local told, json = info()
	expect(told.driver.version, guest_ok("cat /sys/module/hv_kvp/version"))
	expect(told.driver.state, "idle")
	expect(told.driver.service, "ready")
	expect(told.driver.framework_version, "3.0")
	expect(told.driver.message_version, "5.0")
	has(json, '"service": "ready",%s*"framework_version": "3.0",%s*"message_version": "5.0"')
end)

case("info counts", {our_driver_only = "the stock driver counts nothing"}, function()
	local before = info()
	for i = 1, 3 do expect(set("external", "counted", tostring(i)).ok) end
	expect_error(request{op = 77}, NOT_SUPPORTED)
	local after, json = info()
	local function grown(name) return tonumber(after.counter[name]) - tonumber(before.counter[name]) end
	expect(grown("requests"), 3)
	expect(grown("answered"), 3)
	expect(grown("refused"), 1)
	for name, value in pairs(after.counter) do
		has(json, '"' .. name .. '": ' .. value .. "[,%s]")
		expect(guest_ok("cat /sys/class/misc/hv_kvp/statistics/" .. name), value, name)
	end
	expect(delete("external", "counted").ok)
end)

case("info without a service says so", function()
	guest_ok("kvp-service stop")
	expect(guest_ok("hvkvp info"):find("daemon +none is running") ~= nil)
	has(guest_ok("hvkvp info --json"), '"daemons": %[%s*%]')
	guest_ok("kvp-service start")
	negotiate{timeout = 30}
end)

case("wait ends when the host sets the key", function()
	guest_ok("rm -f /tmp/wait.rc; (hvkvp --timeout 20 wait external role >/tmp/wait.out 2>/tmp/wait.err; " ..
		 "echo $? >/tmp/wait.rc) &")
	guest_until("grep -q waiting /tmp/wait.err")
	expect(set("external", "other", "x").ok)
	expect(set("external", "role", "web server").ok)
	guest_until("[ -s /tmp/wait.rc ]")
	expect(guest_ok("cat /tmp/wait.rc /tmp/wait.out"), "0\nweb server")
	expect(delete("external", "role").ok)
	local late = guest("hvkvp --timeout 0.3 wait external role")
	expect(late.rc, 5)
	expect(late.out:find("no key \"role\" in pool external within 0.300 s") ~= nil)
end)

case("watch prints what the host changes, as it lands", function()
	local function both(text)
		guest_until("grep -q " .. text .. " /tmp/watch.out && grep -q " .. text .. " /tmp/watch.json")
	end
	guest_ok("hvkvp watch external >/tmp/watch.out 2>&1 & hvkvp watch --json external >/tmp/watch.json 2>/dev/null &")
	both("watching")
	expect(set("external", "w", "one").ok)
	both("one")
	expect(set("external", "w", "two").ok)
	both("two")
	expect(delete("external", "w").ok)
	both("del")
	guest_ok("killall hvkvp")
	expect(guest_ok("cat /tmp/watch.out"), "hvkvp: watching external in /var/lib/hyperv\nset\texternal\tw\tone\nset\texternal\tw\ttwo\ndel\texternal\tw")
	expect(guest_ok("cat /tmp/watch.json"),
	       '{"event":"watching","state_dir":"/var/lib/hyperv","pools":["external"]}\n' ..
	       '{"event":"set","pool":"external","key":"w","value":"one"}\n' ..
	       '{"event":"set","pool":"external","key":"w","value":"two"}\n' ..
	       '{"event":"del","pool":"external","key":"w"}')
	expect(delete("external", "other").ok)
end)

case("watch --exec runs a program for each change, also of keys that vanish at once", function()
	guest_ok([[printf '#!/bin/sh\necho "$HVKVP_EVENT $HVKVP_KEY $HVKVP_NEW $HVKVP_SOURCE" >>/tmp/exec.seen\n' >/tmp/exec]])
	guest_ok("chmod 755 /tmp/exec; hvkvp watch --exec /tmp/exec external >/tmp/exec.out 2>&1 & ")
	guest_until("grep -q watching /tmp/exec.out")
	local want = {}
	for i = 1, 100 do
		expect(set("external", "short" .. i % 3, "v").ok)
		expect(delete("external", "short" .. i % 3).ok)
		want[2 * i - 1] = "set short" .. i % 3 .. " v host"
		want[2 * i] = "del short" .. i % 3 .. "  host"
	end
	guest_until("[ $(wc -l </tmp/exec.seen) -ge 200 ]")
	guest_ok("killall hvkvp")
	expect(guest_ok("cat /tmp/exec.seen"), table.concat(want, "\n"))
	local info = guest_ok("hvkvp info")
	expect(info:find('host del external "short1"', 1, true) ~= nil)
	expect(guest_ok("stat -c %a /run/hvkvpd/.kvp_changes"), "600")
end)
