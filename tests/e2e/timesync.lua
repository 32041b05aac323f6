-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=6.1 time=300 start=no
-- job: profile=stock kernel=5.10 time=300 start=no all=yes
-- job: profile=stock kernel=6.12 time=300 start=no all=yes
-- job: profile=stock kernel=sid time=300 start=no all=yes
--
-- Conformance of time synchronisation, against the kernel's own hv_utils.

timesync:offer()
timesync:wait_open(60)
timesync:negotiate()

local THEN = 1000000000		-- 9 September 2001
local SLACK = 6			-- seconds, on a busy machine

local function clock() return tonumber(guest_ok("date +%s")) end
local function uptime() return tonumber((guest_ok("cat /proc/uptime"):match("^%S+"))) end

-- The clock is or will be `wanted`, and what has passed since the call.
local function expect_clock(wanted)
	local asked = now()
	wait{true_when = function() return math.abs(clock() - wanted - (now() - asked)) <= SLACK end, timeout = 20}
end

case("a sample does not set the clock", function()
	local before, began = clock(), now()
	expect(timesync:request{ flags = timesync.SAMPLE, time = timesync.host_time(THEN) }.ok)
	expect(timesync:request{ flags = timesync.PROBE, time = timesync.host_time(THEN) }.ok)
	sleep(0.3)	-- sleep: the clock must not change in this time
	expect(math.abs(clock() - before - (now() - began)) <= SLACK)
end)

case("version 4.0: the clock is set, and the reference time counts", function()
	timesync:negotiate{ versions = { "4.0" } }
	-- The reference time is that of the host's time: what has passed since is added. It counts from the machine's start.
	local since = uptime()
	expect(timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN), reference = 0 }.ok)
	expect_clock(THEN + since)
	expect(timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN + 5000),
		reference = math.floor(uptime() * 1e7) }.ok)
	expect_clock(THEN + 5000)
end)

for _, version in ipairs{ "1.0", "3.0" } do
	case("version " .. version .. ": the clock is set to the host's time", function()
		timesync:negotiate{ versions = { version } }
		expect(timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN + 100000) }.ok)
		expect_clock(THEN + 100000)
		expect(timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN) }.ok)
		expect_clock(THEN)
		timesync:negotiate()
	end)
end

case("times that no clock can have change nothing, and do no harm", function()
	timesync:negotiate{ versions = { "3.0" } }
	timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN) }
	expect_clock(THEN)
	for _, time in ipairs{ 0, 1, -1, math.mininteger, math.maxinteger } do
		expect(timesync:request{ flags = timesync.SYNC, time = time }.ok)
	end
	sleep(0.3)	-- sleep: the clock must not change in this time
	expect(clock() > 0)
	expect(timesync:request{ flags = timesync.SYNC, time = timesync.host_time(THEN) }.ok)
	expect_clock(THEN)
	timesync:negotiate()
end)

case("every time is a sample for the PTP clock", function()
	expect(guest_ok("cat /sys/class/ptp/ptp*/clock_name"):find("hyperv", 1, true) ~= nil)
end)

conformance.framing(timesync, {
	request = { flags = timesync.SAMPLE },
	known = { type = conformance.ANY_TYPE, behind = conformance.STOPS },
})
conformance.lifetime(timesync, { request = { flags = timesync.SAMPLE } })
