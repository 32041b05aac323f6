-- SPDX-License-Identifier: GPL-2.0-only
-- A disk with a volatile write cache, power cuts, and the guest's next boot: what was acknowledged is there
-- afterwards, and a request that the cut met has happened wholly or not at all.
-- job: disk=ext4 start=no time=240 args="fs=ext4"
-- job: disk=xfs start=no time=240 args="fs=xfs" all=yes
-- job: disk=ext4 start=no time=240 args="fs=ext4" kernel=6.12 all=yes

local FORMAT = { ext4 = "mkfs.ext4 -q", xfs = "mkfs.xfs -q -f" }
local SIZE = { ext4 = 64, xfs = 320 }	-- MiB; mkfs.xfs wants 300
local fs = args.fs or "ext4"
local LOSES_ALL = 19	-- a seed with which the first power cut loses each write that was not flushed

-- The guest has this disk's file system on the pools' folder, and its service runs.
local function bring_up(disk, format)
	guest_ok("modprobe hv_storvsc && modprobe sd_mod && modprobe -q " .. fs .. "; mkdir -p /var/lib/hyperv")
	local node = disk:node()
	if format then guest_ok(FORMAT[fs] .. " " .. node) end
	guest_ok("mount -t " .. fs .. " " .. node .. " /var/lib/hyperv && kvp-service start")
	bus.wait_open()
	negotiate()
end

local function next_boot(disk)
	bus.power.wait_off()
	-- What arrived before the cut counts.
	local answered, r = pcall(late_answer, 0)
	bus.power.on()
	bring_up(disk)
	return answered and r
end

local disk = bus.disk{ mib = SIZE[fs], seed = tonumber(args.seed) or 1 }

case("the pools are on a disk", { timeout = 60 }, function()
	bring_up(disk, true)
	local before = disk:info()
	expect(set(0, "first", "value").ok)
	expect(get(0, "first").value, "value")
	expect(disk:info().flushes > before.flushes)
end)

case("a slow flush delays the answer", function()
	disk:faults{ flush_us = 300000 }
	local r = set(0, "slow", "value")
	disk:faults{}
	expect(r.ok)
	expect(r.us >= 300000)
end)

case("what was acknowledged survives a power cut", { timeout = 60 }, function()
	for i = 1, 5 do expect(set(0, "acknowledged " .. i, "before the cut").ok) end
	bus.power.cut()
	next_boot(disk)
	for i = 1, 5 do expect(get(0, "acknowledged " .. i).value, "before the cut") end
	expect(get(0, "first").value, "value")
end)

case("a request that a power cut meets has happened or has not", { timeout = 120 }, function()
	for _, fault in ipairs{ "cut_flush", "cut_write" } do
		expect(set(0, fault, "old").ok)
		disk:faults{ [fault] = 1 }
		post{ op = "set", pool = 0, key = fault, value = "new" }
		local r = next_boot(disk)
		local value = get(0, fault).value
		expect(value == "new" or value == "old" and not (r and r.ok))
		expect(get(0, "first").value, "value")
	end
	say("writes at power cuts: " .. disk:info().kept .. " kept, " .. disk:info().lost .. " lost, " ..
		disk:info().torn .. " torn")
end)

-- The cases above must be able to fail: on a disk whose flushes do nothing, what was acknowledged is lost.
case("a disk that ignores flushes loses what was acknowledged", { timeout = 90 }, function()
	local liar = bus.disk{ mib = SIZE[fs], seed = LOSES_ALL }
	guest_ok("kvp-service stop && umount /var/lib/hyperv")
	bring_up(liar, true)
	expect(set(0, "kept", "value").ok)
	liar:lie()
	expect(set(0, "lost", "value").ok)
	bus.power.cut()
	next_boot(liar)
	expect(get(0, "kept").value, "value")
	expect_error(get(0, "lost"))
end)
