-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=6.1 time=300 start=no all=yes
-- job: profile=stock kernel=5.10 time=300 start=no all=yes
--
-- Conformance of guest file copy, against the kernel's own hv_utils and hv_fcopy_daemon. From 6.10 on hv_utils has no part
-- in it: a daemon reads the ring itself, through uio_hv_generic. These kernels are not tried.

local major, minor = guest_ok("uname -r", 100):match("^(%d+)%.(%d+)")
if major * 100 + minor >= 610 then
	skip{["a copy"] = "hv_utils of Linux " .. major .. "." .. minor .. " has none: see fcopy-uio.lua"}
	case("a copy", function() end)
	return
end

fcopy:offer()
fcopy:wait_open(60)
guest_until("[ -c /dev/vmbus/hv_fcopy ]")
fcopy:negotiate()

local CANCEL = { op = fcopy.CANCEL }

case("without a daemon a copy is an error", function()
	expect_error(fcopy:request{ op = fcopy.START, folder = "/tmp", file = "none" }, E_FAIL)
	expect(not guest("test -e /tmp/none").ok)
end)

conformance.framing(fcopy, {
	request = CANCEL,
	known = { type = conformance.ANY_TYPE, behind = conformance.ONE_PACKET, burst = conformance.ONE_PACKET },
})

-- Only debug messages say when the driver takes requests.
local REGISTERED = "dmesg | grep -c 'FCP: userspace daemon registered'"
guest_ok("echo 'func fcopy_register_done +p' >/sys/kernel/debug/dynamic_debug/control")
guest_ok("{ hv_fcopy_daemon -n >/run/fcopy.log 2>&1 </dev/null & }")
guest_until("[ $(" .. REGISTERED .. ") -gt 0 ]")

local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes):rep(50) .. "end"

case("a file of several pieces arrives whole, under a name that is not ASCII", function()
	expect(fcopy:copy("/tmp", "f\u{fc}nf", bytes).ok)
	expect(guest_read("/tmp/f\u{fc}nf") == bytes)
end)

case("an existing file is replaced only with the flag", function()
	expect_error(fcopy:copy("/tmp", "f\u{fc}nf", "new"), fcopy.EXISTS)
	expect(guest_read("/tmp/f\u{fc}nf") == bytes)
	expect(fcopy:copy("/tmp", "f\u{fc}nf", "new", fcopy.OVERWRITE).ok)
	expect(guest_read("/tmp/f\u{fc}nf"), "new")
end)

case("the folders of a path are made only with the flag", function()
	expect_error(fcopy:copy("/tmp/a/b/", "file", "x"))
	expect(not guest("test -e /tmp/a").ok)
	expect(fcopy:copy("/tmp/a/b/", "file", "x", fcopy.CREATE_PATH).ok)
	expect(guest_read("/tmp/a/b/file"), "x")
end)

case("the last folder is made without a slash behind it, too",
	{peer_fails = "the daemon makes only folders with a slash behind them"}, function()
	expect(fcopy:copy("/tmp/c", "file", "x", fcopy.CREATE_PATH).ok)
	expect(guest_read("/tmp/c/file"), "x")
end)

case("a copy that is cancelled leaves nothing", function()
	expect(fcopy:request{ op = fcopy.START, folder = "/tmp", file = "cancelled", size = 10 }.ok)
	expect(fcopy:request{ op = fcopy.WRITE, data = "01234" }.ok)
	expect(fcopy:request(CANCEL).ok)
	expect(not guest("test -e /tmp/cancelled").ok)
end)

case("a full file system is an error", function()
	guest_ok("mkdir -p /small; mount -t tmpfs -o size=8k tmpfs /small")
	expect_error(fcopy:copy("/small", "file", bytes))
	fcopy:request(CANCEL)
end)

case("a piece that is larger than a message can carry is refused", function()
	expect(fcopy:request{ op = fcopy.START, folder = "/tmp", file = "large", size = 1 << 20 }.ok)
	expect_error(fcopy:request{ op = fcopy.WRITE, data = "x", data_size = 65536 })
	fcopy:request(CANCEL)
end)

conformance.lifetime(fcopy, {
	request = CANCEL,
	again = function() guest_until("[ -c /dev/vmbus/hv_fcopy ]") end,
})
