-- SPDX-License-Identifier: GPL-2.0-only
-- Disks and the power (README.md, "Disks and the power"). The host serves the disks itself.

local bus = require "bus"
local ic = require "ic"
local guest = require "guest"

local Disk = {}
local SECTORS = 2048	-- of a MiB
local faults = { cut_write = true, cut_flush = true, fail_write = true, fail_count = true, flush_us = true,
	alone = true }

function bus.disk(t)
	t = t or {}
	if math.type(t.mib or 64) ~= "integer" or (t.mib or 64) < 1 then
		error("bus.disk: mib is a whole number from 1 on, not " .. tostring(t.mib), 2)
	end
	local device = bus.make{ class = "disk", name = t.name or "disk", instance = t.instance }
	native.disk(device.number, (t.mib or 64) * SECTORS, t.seed or 1, t.image)
	for name, method in pairs(Disk) do device[name] = method end
	native.offer(device.number)
	return device
end

function Disk:info()
	return native.disk_info(self.number)
end

-- What goes wrong from now on; nothing is left of what was said before.
function Disk:faults(t)
	for name in pairs(t or {}) do
		if not faults[name] then error("disk:faults: there is no fault '" .. tostring(name) .. "'", 2) end
	end
	native.disk_faults(self.number, t or {})
end

-- Takes the power from the disk alone: what it has not flushed is lost as in any cut, and it serves nothing until on().
function Disk:cut()
	native.disk_power(self.number, false)
end

function Disk:on()
	native.disk_power(self.number, true)
end

function Disk:lie(on)
	native.disk_lie(self.number, on ~= false)
end

-- The guest's node of it, as "/dev/sda"; waits until it has one.
function Disk:node(timeout)
	local deadline = native.now() + (timeout or 30) * native.patience
	while true do
		local r = guest.run("basename $(ls -d /sys/bus/vmbus/devices/" .. self.instance ..
			"/host*/target*/*/block/* 2>/dev/null) 2>/dev/null")
		-- The node comes a moment later.
		if r.ok and r.out ~= "" and guest.run("[ -b /dev/" .. r.out .. " ]").ok then return "/dev/" .. r.out end
		if native.now() >= deadline then
			ic.fail("the guest has no node for %s within %g s", self.name, timeout or 30)
		end
		native.sleep(0.05)	-- sleep: it polls, with a time limit
	end
end

-- The power

local power = {}

-- Cut it, at once or after so many microseconds.
function power.cut(after_us)
	native.power_off(math.floor(after_us or 0))
end

function power.is_off()
	return native.is_off()
end

-- Wait for a cut that was planned.
function power.wait_off(timeout)
	return bus.wait_until(native.is_off, timeout or 30) or
		ic.fail("the power is still on after %g s", timeout or 30)
end

-- Boot the guest again, after a cut or its own end.
function power.on()
	native.power_on()
	guest.forget()
	ic.forget()
end

bus.power = power
return bus
