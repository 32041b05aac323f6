-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=6.1 time=300 start=no
-- job: profile=stock kernel=6.1 time=300 start=no args=early all=yes
-- job: profile=stock kernel=6.1 time=300 start=no args=slow all=yes
-- job: profile=stock kernel=5.10 time=300 start=no all=yes
-- job: profile=stock kernel=6.12 time=300 start=no all=yes
-- job: profile=stock kernel=sid time=300 start=no all=yes
--
-- Conformance of the backup component (VSS), against the kernel's own hv_utils and hv_vss_daemon.

vss:offer()
vss:wait_open(60)

local INFO = { op = vss.GET_DM_INFO }

-- A freeze that comes right after the open meets a driver that is not ready. It may end the guest, so it is a job of its own.
if args.early then
	case("a freeze right after the open is an error, and no crash",
		{peer_fails = "the driver answers before it has created its device, and follows a NULL pointer"}, function()
		vss:negotiate()
		expect_error(vss:request{ op = vss.FREEZE }, E_FAIL)
		expect(guest_ok("echo here"), "here")
	end)
	return
end
-- The driver makes it after it has opened the channel.
guest_until("[ -c /dev/vmbus/hv_vss ]")

-- The driver takes requests once the daemon has read its answer to the registration; only a debug message says so.
local REGISTERED = "dmesg | grep -c 'VSS: userspace daemon registered'"
guest_ok("echo 'func vss_register_done +p' >/sys/kernel/debug/dynamic_debug/control")

local function start_daemon()
	local before = guest(REGISTERED).out
	guest_ok("{ hv_vss_daemon -n >/run/vss.log 2>&1 </dev/null & }")
	guest_until("[ $(" .. REGISTERED .. ") -gt " .. before .. " ]")
end

local function stop_daemon()
	guest("kill -9 $(pidof hv_vss_daemon)")
	wait{true_when = function() return not guest("pidof hv_vss_daemon").ok end, timeout = 10}
end

case("without a daemon: information is there, a freeze is an error", function()
	vss:negotiate()
	expect(vss:request(INFO).flags, 0)
	expect_error(vss:request{ op = vss.FREEZE }, E_FAIL)
end)

case("without a daemon: one error after another", {peer_fails = "the answer goes out before the driver takes another request"}, function()
	for _ = 1, 10 do
		expect_error(vss:request({ op = vss.FREEZE }, 2), E_FAIL)
		expect_error(vss:request({ op = vss.THAW }, 2), E_FAIL)
	end
end)

conformance.framing(vss, {
	request = INFO,
	known = { type = conformance.ANY_TYPE, behind = conformance.ONE_PACKET, burst = conformance.ONE_PACKET },
})

-- The daemon freezes what is mounted from a block device, but not from a loop device. ext4 may be built in.
guest("modprobe ext4")
guest_ok("modprobe brd rd_nr=1 rd_size=8192 && mke2fs -F /dev/ram0 >/dev/null && mkdir -p /mnt && mount -t ext4 /dev/ram0 /mnt")
start_daemon()

case("a hot backup needs no automatic recovery",
	{peer_fails = "the daemon's error overlies the operation, so that the driver never sets the flags"}, function()
	local r = vss:request{ op = vss.HOT_BACKUP }
	expect(r.ok)
	expect(r.flags, vss.NO_AUTO_RECOVERY)
end)

case("a freeze holds writes until the thaw", function()
	guest_ok("rm -f /mnt/new")
	expect(vss:request({ op = vss.FREEZE }, 15).ok)
	guest_ok("{ touch /mnt/new; } >/dev/null 2>&1 &")
	sleep(0.5)	-- sleep: the file must not appear in this time
	-- The name is looked up without a write.
	expect(guest_ok("ls /mnt | grep -c new || true"), "0")
	expect(vss:request({ op = vss.THAW }, 15).ok)
	wait{true_when = function() return guest("test -e /mnt/new").ok end, timeout = 10}
end)

case("an operation that does not exist is an error",
	{peer_fails = "unknown operations are answered with success"}, function()
	expect_error(vss:request{ op = 77 })
end)

-- The driver waits 30 s for the daemon, which is too long for every run.
if args.slow then
	case("a daemon that hangs: an error after half a minute, and it goes on afterwards", {timeout = 90}, function()
		guest_ok("kill -STOP $(pidof hv_vss_daemon)")
		vss:post{ op = vss.HOT_BACKUP }
		local r = vss:answer(40)
		guest_ok("kill -CONT $(pidof hv_vss_daemon)")
		expect_error(r, E_FAIL)
		expect(r.us > 25e6 and r.us < 39e6)
		sleep(0.5)	-- sleep: its late answer must have come and gone
		expect(vss:request({ op = vss.HOT_BACKUP }, 15).ok)
	end)
end

case("a daemon that dies with a request in hand: an error at once", function()
	guest_ok("kill -STOP $(pidof hv_vss_daemon)")
	vss:post{ op = vss.HOT_BACKUP }
	sleep(0.3)	-- sleep: the stopped daemon must have the request in hand, which nothing shows
	stop_daemon()
	local r = vss:answer(20)
	expect_error(r, E_FAIL)
	-- Not after the half minute that the driver waits for a daemon that hangs.
	expect(r.us < 20e6)
	start_daemon()
	expect(vss:request({ op = vss.HOT_BACKUP }, 15).ok)
end)

-- A rescind that meets the driver in its probe stops the kernel (docs/protocol.md section 7).
-- Before 6.1 nothing in the guest shows that the probe is over.
local PROBING = { ["5.10"] = "a rescind while the driver still probes stops the kernel" }
conformance.lifetime(vss, {
	request = INFO,
	again = function() wait{true_when = function() return guest("test -e /dev/vmbus/hv_vss").ok end} end,
	known = { rescind = PROBING, rescind_busy = PROBING },
})
