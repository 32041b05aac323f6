-- SPDX-License-Identifier: GPL-2.0-only
-- job: kernel=kcsan time=900 load=planted start=no all=yes append="kcsan.udelay_task=1000 kcsan.skip_watch=20"
--
-- Does the kernel that looks for data races find them? debug-planted.lua does this for other mistakes. It also has to find
-- a race that only a weakly ordered processor has, and it must not report one where there is none.

log.ignore("")		-- this run's log is dirty on purpose

-- The log of this mistake, which is made again until the kernel has reported it, or as many times.
local function plant(mistake, times)
	local from = log.mark()
	for _ = 1, times do
		guest_ok("echo " .. mistake .. " >/sys/module/planted/parameters/mistake", 120)
		log.flush()
		if log.count("BUG: KCSAN", from) > 0 then
			break
		end
	end
	return log.text(from)
end

case("two threads that write to one word", {timeout = 600}, function()
	local text = plant("racing_stores", 4)
	expect(text:match("BUG: KCSAN: data%-race in (racing_stores)") ~= nil)
end)

case("a store that may become visible before an earlier one", {timeout = 600}, function()
	local text = plant("missing_barrier", 8)
	expect(text:match("BUG: KCSAN: data%-race in [^\r\n]*missing_barrier_this") ~= nil)
	expect(text:find("reordered to", 1, true) ~= nil)
end)

case("no report of the same with a release", {timeout = 600}, function()
	expect(plant("no_mistake", 4):match("BUG: KCSAN[^\r\n]*") or "nothing", "nothing")
end)
