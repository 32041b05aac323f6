-- SPDX-License-Identifier: GPL-2.0-only
-- job: kernel=debug time=900 load=planted start=no append="kasan_multi_shot kmemleak=on"
-- job: kernel=debug time=300 load=planted start=no args=softirq
--
-- Does the debug kernel see mistakes? A module makes one of each kind; a case passes only if the kernel's own report of it
-- appears, with the name of the guilty function in it. Without this a clean log on that kernel would prove nothing.

log.ignore("")		-- this run's log is dirty on purpose

local function plant(mistake)
	local from = log.mark()
	guest_ok("echo " .. mistake .. " >/sys/module/planted/parameters/mistake", 60)
	return from
end

-- lockdep ends with its first report, so that the second mistake with locks has a guest of its own.
if args.softirq then
	case("the kernel reports: softirq_unsafe", function()
		local from = plant("softirq_unsafe")
		wait{log = "inconsistent {SOFTIRQ%-ON%-W} %-> {IN%-SOFTIRQ%-W} usage", from = from, timeout = 20}
		wait{log = "take_unsafe", from = from, timeout = 20}
	end)
	return
end

-- mistake, what the kernel says, where it says that it was
for _, m in ipairs{
	{"lock_inversion", "possible circular locking dependency detected"},		-- first: lockdep ends with the first report
	{"use_after_free", "KASAN: slab-use-after-free in use_after_free"},
	{"out_of_bounds", "KASAN: slab-out-of-bounds in out_of_bounds"},
	{"double_free", "KASAN: double-free in double_free"},
	{"wide_shift", "UBSAN: shift-out-of-bounds"},
	{"sleep_in_atomic", "BUG: sleeping function called from invalid context"},
	{"free_running_timer", "ODEBUG: free active .* timer_list"},
} do
	local mistake, report = table.unpack(m)
	case("the kernel reports: " .. mistake, function()
		local from = plant(mistake)
		wait{log = report, from = from, timeout = 20}
		-- A report names its culprit, at the latest in the call trace.
		wait{log = mistake, from = from, timeout = 20}
	end)
end

case("the kernel reports: leak", {timeout = 150}, function()
	guest_ok("echo clear >/sys/kernel/debug/kmemleak", 60)
	plant("leak")
	local found = leaks()
	expect(found:find("unreferenced object", 1, true) ~= nil)
	expect(found:find("planted", 1, true) ~= nil)
end)

case("the kernel reports nothing of a module that only loads and unloads", function()
	guest_ok("rmmod planted")
	local from = log.mark()
	guest_ok("modprobe planted && rmmod planted", 30)
	log.flush()
	for _, what in ipairs{"BUG:", "WARNING:", "KASAN", "UBSAN", "ODEBUG"} do
		expect(log.count(what, from), 0, what)
	end
end)
