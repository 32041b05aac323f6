-- SPDX-License-Identifier: GPL-2.0-only
-- Network adapters on the bus (README.md, "Network adapters"). The host serves them itself.

local wire = require "wire"
local bus = require "bus"
local ic = require "ic"
local guest = require "guest"

local NVSP = { ["1.0"] = 0x2, ["2.0"] = 0x30002, ["4.0"] = 0x40000, ["5.0"] = 0x50000,
	["6.0"] = 0x60000, ["6.1"] = 0x60001 }
local nvsp_text = {}
for text, number in pairs(NVSP) do nvsp_text[number] = text end

local Nic = {}

local function mac_bytes(text)
	local digits = type(text) == "string" and text:lower():match("^%x%x[:-]%x%x[:-]%x%x[:-]%x%x[:-]%x%x[:-]%x%x$")
	if not digits then
		error("bus.nic: mac = \"00:15:5d:01:02:03\" is wanted, not " .. tostring(text), 3)
	end
	return wire.bytes((digits:gsub("[:-]", "")))
end

function bus.nic(t)
	local mac = mac_bytes(t.mac)
	local nvsp = t.nvsp and (NVSP[t.nvsp] or error("bus.nic: no NVSP version is " .. tostring(t.nvsp), 2))
	local device = bus.make{ class = "nic", name = t.name or "nic", instance = t.instance }
	native.nic(device.number, mac, nvsp, t.link == false)
	for name, method in pairs(Nic) do device[name] = method end
	device.mac = t.mac:lower():gsub("-", ":")
	native.offer(device.number)
	return device
end

function Nic:info()
	local info = native.nic_info(self.number)
	info.nvsp = nvsp_text[info.nvsp]
	return info
end

function Nic:state()
	return native.nic_info(self.number).state
end

-- Has the guest's driver initialised it?
function Nic:is_up()
	local state = self:state()
	return state == "ready" or state == "running"
end

function Nic:wait_state(wanted, timeout)
	return bus.wait_until(function() return self:state() == wanted end, timeout or 10) or
		ic.fail("%s is %s and not %s after %g s", self.name, self:state(), wanted, timeout or 10)
end

function Nic:wait_up(timeout)
	return bus.wait_until(function() return self:is_up() end, timeout or 30) or
		ic.fail("%s is %s: the guest's driver did not initialise it within %g s", self.name,
			self:state(), timeout or 30)
end

function Nic:link(up)
	native.nic_link(self.number, up ~= false)
end

-- The guest's name for it; waits until it has one.
function Nic:interface(timeout)
	local deadline = native.now() + (timeout or 30)
	self:wait_up(timeout)
	while true do
		local r = guest.run("ls /sys/bus/vmbus/devices/" .. self.instance .. "/net 2>/dev/null")
		if r.ok and r.out ~= "" then return r.out end
		if native.now() >= deadline then
			ic.fail("the guest has no interface for %s within %g s", self.name, timeout or 30)
		end
		native.sleep(0.05)	-- sleep: it polls, with a time limit
	end
end

return bus
