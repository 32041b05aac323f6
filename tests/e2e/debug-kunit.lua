-- SPDX-License-Identifier: GPL-2.0-only
-- job: kernel=debug time=900 load=none start=no
-- job: kernel=kcsan time=900 load=none start=no all=yes append="kcsan.udelay_task=2000 kcsan.skip_watch=200"
--
-- The KUnit suites of tests/kunit on the debug kernel: what they are on user-mode Linux, with SMP, real timers and all checks.
-- And on the one that looks for data races: a report of one in the log fails the job.

local from = log.mark()

case("the module of the suites loads", {timeout = 120}, function()
	guest_ok("modprobe kvp_kunit", 100)
	wait{log = "ok %d+ kvp_xact", from = from, timeout = 20}
end)

-- One case here for each case there.
local suite, suites, cases, seen = "?", 0, 0, 0
for line in log.text(from):gmatch("[^\r\n]+") do
	line = line:gsub("^%[ *[%d.]+%] ?", "")
	suite = line:match("^    # Subtest: (%S+)") or suite
	suites = suites + (line:match("^1%.%.(%d+)") or 0)
	cases = cases + (line:match("^    1%.%.(%d+)") or 0)
	local bad, name = line:match("^    (n?o?t? ?)ok %d+ (%S+)")
	if name then
		seen = seen + 1
		case(suite .. ": " .. name, function()
			expect(bad, "", "see the console log")
		end)
	end
end

case("every suite ran, and the module unloads", function()
	expect(suites >= 5)
	expect(log.count("^%[.-%] ok %d+ kvp_", from), suites)
	expect(seen, cases)
	guest_ok("rmmod kvp_kunit", 30)
end)
