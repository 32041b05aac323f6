-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=600 load=hv_vmbus,hv_utils start=no
-- job: profile=ours kernel=6.12 time=600 load=hv_vmbus,hv_utils start=no
-- job: profile=ours kernel=sid time=600 load=hv_vmbus,hv_utils start=no
--
-- A guest in which the stock pair is at work: KVP is taken from it, and given back, while it runs. The other devices of
-- hv_utils must not notice.

local others = {}
for _, class in ipairs{"heartbeat", "shutdown", "timesync"} do
	others[#others + 1] = bus.offer{class = class}
end

local function driver_of(device)
	return guest_ok("basename $(readlink /sys/bus/vmbus/devices/" .. device.instance .. "/driver) 2>/dev/null")
end

local function service(profile, verb)
	guest_ok("echo " .. profile .. " >/run/kvp-profile; kvp-service " .. verb)
end

-- What must be so whoever has KVP. `opens` is how often each of the others had been opened before.
local opens
local function others_are_untouched()
	for i, device in ipairs(others) do
		expect(driver_of(device), "hv_utils", device.name)
		expect(bus.count("open", device), opens[i], device.name .. ": opened anew")
		expect(bus.count("close", device), 0, device.name .. ": closed")
	end
	expect(guest_ok("cat /sys/bus/vmbus/drivers_autoprobe"), "1")
end

bus.wait_open(90)
for _, device in ipairs(others) do bus.wait_open(20, device) end
opens = {}
for i, device in ipairs(others) do opens[i] = bus.count("open", device) end
bus.wait_open(1)
service("stock", "start")

case("first the stock pair serves, and keeps a pair", function()
	expect(driver_of(bus.kvp), "hv_utils")
	expect(negotiate{timeout = 15}.kvp, "4.0")
	expect(set("external", "from before", "stock").ok)
	local status = guest_ok("hvkvp-driver status")
	expect(status:find("driver:  hv_utils", 1, true) ~= nil)
end)

case("take: one command, and KVP 5.0 is spoken, over the same pools", function()
	local said = guest_ok("hvkvp-driver take", 40)
	say(said)
	expect(said:find("stopped hv_kvp_daemon", 1, true) ~= nil)
	expect(said:find("took the device from hv_utils", 1, true) ~= nil)
	expect(said:find("is bound to hv_kvp now", 1, true) ~= nil)
	service("ours", "start")
	bus.wait_reopen(10)
	expect(negotiate{timeout = 15}.kvp, "5.0")
	expect(driver_of(bus.kvp), "hv_kvp")
	expect(get("external", "from before").value, "stock")
	expect(set("external", "from between", "ours").ok)
	others_are_untouched()
end)

case("take again: nothing happens, and it says so", function()
	local before = bus.count("open", bus.kvp)
	expect(guest_ok("hvkvp-driver take"), "hvkvp-driver: the device is already bound to hv_kvp")
	expect(bus.count("open", bus.kvp), before)
	expect(get("external", "from between").value, "ours")
	others_are_untouched()
end)

case("after a rescind the device is with hv_kvp again, though hv_utils registered first", function()
	for _ = 1, 3 do
		bus.rescind()
		bus.wait_reopen(15)
		expect(negotiate{timeout = 15}.kvp, "5.0")
		expect(driver_of(bus.kvp), "hv_kvp")
	end
	expect(get("external", "from between").value, "ours")
	others_are_untouched()
end)

case("'boot' takes what came up with hv_utils, under a service that stays", function()
	local before = guest_ok("cat /run/kvp-service.pid")
	guest_ok("hvkvp-driver --runtime give", 40)
	expect(driver_of(bus.kvp), "hv_utils")
	-- Given back on purpose, it stays so until the next boot.
	expect(guest_ok("hvkvp-driver boot", 40), "")
	expect(driver_of(bus.kvp), "hv_utils")
	expect(guest_ok("hvkvp-driver status"):find("now:     hv_utils, until the next boot", 1, true) ~= nil)
	guest_ok("rm /run/hv_kvp-given-back; hvkvp-driver boot", 40)
	bus.wait_reopen(10)
	expect(negotiate{timeout = 15}.kvp, "5.0")
	expect(driver_of(bus.kvp), "hv_kvp")
	expect(guest_ok("kvp-service status"), "runs, pid " .. before)
	others_are_untouched()
end)

case("give: one command, and the stock pair serves again, with every pair", function()
	guest_ok("kvp-service stop; mkdir -p /etc/modprobe.d")
	local said = guest_ok("hvkvp-driver give", 40)
	say(said)
	expect(said:find("is bound to hv_utils now", 1, true) ~= nil)
	service("stock", "start")
	bus.wait_reopen(10)
	expect(negotiate{timeout = 15}.kvp, "4.0")
	expect(driver_of(bus.kvp), "hv_utils")
	local list = enumerate("external")
	expect(list, {{key = "from before", value = "stock", type = "sz"}, {key = "from between", value = "ours", type = "sz"}})
	others_are_untouched()
end)

case("give again: nothing happens; 'boot' respects it; take undoes it", function()
	expect(guest_ok("hvkvp-driver give"), "hvkvp-driver: the device is already bound to hv_utils")
	expect(guest_ok("hvkvp-driver boot"), "")
	expect(driver_of(bus.kvp), "hv_utils")
	expect(guest("ls /etc/modprobe.d/hv_kvp-given-back.conf").ok)
	guest_ok("hvkvp-driver take", 40)
	expect(not guest("ls /etc/modprobe.d/hv_kvp-given-back.conf").ok)
	expect(driver_of(bus.kvp), "hv_kvp")
	others_are_untouched()
end)

case("the daemon that had the stock device follows to the new one by itself", function()
	guest_ok("hvkvp-driver --runtime give", 40)
	service("ours", "start")
	bus.wait_reopen(10)
	expect(negotiate{timeout = 15}.kvp, "4.0")
	local before = guest_ok("cat /run/kvp-service.pid")
	guest_ok("hvkvp-driver take", 40)
	bus.wait_reopen(10)
	expect(negotiate{timeout = 15}.kvp, "5.0")
	expect(guest_ok("kvp-service status"), "runs, pid " .. before)
	expect(get("external", "from before").value, "stock")
	others_are_untouched()
end)

case("killed in the middle, a run leaves nothing that the next one does not mend", function()
	local to = {take = "hv_kvp", give = "hv_utils"}
	-- Right after the switch is thrown, after the unbind, and after the host has offered the device anew.
	for _, moment in ipairs{"[ $(cat drivers_autoprobe) = 1 ]", "[ -n \"$(ls -d devices/" .. bus.kvp.instance .. "/driver 2>&-)\" ]",
			"[ -e devices/" .. bus.kvp.instance .. "/driver ] || [ ! -e devices/" .. bus.kvp.instance .. " ]"} do
		for _, verb in ipairs{"give", "take"} do
			guest("cd /sys/bus/vmbus; hvkvp-driver --runtime " .. verb .. " & while kill -0 $! && " .. moment ..
				"; do :; done; kill -9 $!; wait", 40)
			guest_ok("hvkvp-driver --runtime " .. verb, 60)
			expect(driver_of(bus.kvp), to[verb], verb .. " after: " .. moment)
			others_are_untouched()
		end
	end
	-- An administrator's own 0 stays.
	guest_ok("echo 0 >/sys/bus/vmbus/drivers_autoprobe; hvkvp-driver --runtime give", 40)
	expect(guest_ok("cat /sys/bus/vmbus/drivers_autoprobe"), "0")
	expect(guest_ok("hvkvp-driver status"):find("probing: off", 1, true) ~= nil)
	guest_ok("echo 1 >/sys/bus/vmbus/drivers_autoprobe; hvkvp-driver --runtime take", 40)
	others_are_untouched()
end)

case("what cannot be done is said", function()
	expect(guest("hvkvp-driver").rc, 2)
	expect(guest("hvkvp-driver steal").rc, 2)
	local user = guest("su -s /bin/sh nobody -c 'hvkvp-driver give'")
	expect(user.rc, 1)
	expect(user.out:find("needs root", 1, true) ~= nil)
	local none = guest("HVKVP_SYSFS=/tmp hvkvp-driver status")
	expect(none.rc, 3)
	expect(none.out:find("not a Hyper-V guest", 1, true) ~= nil)
	guest_ok("kvp-service stop; hvkvp-driver --runtime give; rmmod hv_kvp; mv /lib/modules /lib/modules.off", 40)
	local missing = guest("hvkvp-driver take")
	guest_ok("mv /lib/modules.off /lib/modules")
	expect(missing.rc, 1)
	expect(missing.out:find("dkms", 1, true) ~= nil)
	expect(driver_of(bus.kvp), "hv_utils")
	others_are_untouched()
end)
