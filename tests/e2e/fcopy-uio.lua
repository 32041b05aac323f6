-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=sid time=300 load=hv_vmbus,hv_utils,uio_hv_generic start=no all=yes
--
-- Guest file copy from Linux 6.10 on: a daemon, hv_fcopy_uio_daemon, reads the ring itself, through uio_hv_generic.
-- fcopy.lua is for the older kernels.

fcopy:offer()
local sysfs = "/sys/bus/vmbus/devices/" .. fcopy.device.instance

-- The channel is opened by the daemon, which looks for its device only once.
local function start_daemon()
	guest_until("[ -d " .. sysfs .. " ]", 100)
	-- The driver of 6.12 does not know the device by itself.
	guest("echo " .. fcopy.device.class .. " >/sys/bus/vmbus/drivers/uio_hv_generic/new_id")
	guest_until("[ -d " .. sysfs .. "/uio ] && ls " .. sysfs .. "/channels/*/ring")
	guest_ok("{ hv_fcopy_uio_daemon -n >>/run/fcopy.log 2>&1 </dev/null & }")
end

start_daemon()
fcopy:wait_open(60)

local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes):rep(50) .. "end"

case("the highest version that both know is chosen, or none", function()
	local known = fcopy.versions[1]
	for offered, chosen in pairs{ [known] = known, ["77.0"] = false } do
		expect(fcopy:negotiate{ versions = { offered } }.version or false, chosen)
	end
	expect(fcopy:negotiate{ fw = { "1.0", "3.0", "9.0" }, versions = { "77.0", known } }.version, known)
	expect(fcopy:negotiate().fw, "3.0")
end)

case("a file of several pieces arrives whole", function()
	expect(fcopy:copy("/tmp", "file", bytes).ok)
	expect(guest_read("/tmp/file") == bytes)
end)

case("a name that is not ASCII", {peer_fails = "the daemon writes X for each such character"}, function()
	expect(fcopy:copy("/tmp", "f\u{fc}nf", "5").ok)
	expect(guest_read("/tmp/f\u{fc}nf"), "5")
end)

case("an existing file is replaced only with the flag", function()
	expect_error(fcopy:copy("/tmp", "file", "new"), fcopy.EXISTS)
	expect(guest_read("/tmp/file") == bytes)
	expect(fcopy:copy("/tmp", "file", "new", fcopy.OVERWRITE).ok)
	expect(guest_read("/tmp/file"), "new")
end)

case("the folders of a path are made only with the flag", function()
	expect_error(fcopy:copy("/tmp/a/b/", "file", "x"))
	expect(not guest("test -e /tmp/a").ok)
	expect(fcopy:copy("/tmp/a/b/", "file", "x", fcopy.CREATE_PATH).ok)
	expect(guest_read("/tmp/a/b/file"), "x")
end)

case("a copy that is cancelled leaves nothing", {peer_fails = "the daemon knows no cancel"}, function()
	expect(fcopy:request{ op = fcopy.START, folder = "/tmp", file = "cancelled", size = 10 }.ok)
	expect(fcopy:request{ op = fcopy.WRITE, data = "01234" }.ok)
	expect(fcopy:request{ op = fcopy.CANCEL }.ok)
	expect(not guest("test -e /tmp/cancelled").ok)
end)

case("a full file system is an error", function()
	guest_ok("mkdir -p /small; mount -t tmpfs -o size=8k tmpfs /small")
	expect_error(fcopy:copy("/small", "file", bytes))
end)

case("two requests at once, for one interrupt",
	{peer_fails = "the daemon reads one packet for each interrupt, what is behind it waits for another"}, function()
	fcopy:post{ op = fcopy.START, folder = "/tmp", file = "first", flags = fcopy.OVERWRITE, signal = false }
	fcopy:post{ op = fcopy.COMPLETE, signal = true }
	expect(fcopy:answer(10).ok)
	local ok = pcall(function() fcopy:answer(2) end)
	if not ok then
		fcopy.channel:signal()
		fcopy:answer(10)
	end
	expect(ok)
end)

case("the device is rescinded and offered again", {extra_ok = true}, function()
	for _ = 1, 3 do
		local id = guest_ok("cat " .. sysfs .. "/id")
		bus.rescind(fcopy.device)
		guest_until("[ -e " .. sysfs .. "/id ] && [ $(cat " .. sysfs .. "/id) != " .. id .. " ]", 100)
		start_daemon()
		fcopy:wait_reopen(60)
		expect(fcopy:negotiate{ timeout = 30 }.version ~= nil)
		expect(fcopy:copy("/tmp", "file", "again", fcopy.OVERWRITE).ok)
	end
end)
