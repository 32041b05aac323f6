-- SPDX-License-Identifier: GPL-2.0-only
-- job: kernel=debug time=900 start=no
--
-- Memory runs out. Every allocation that happens under a function of the driver fails once, the first, the second and so on
-- until none is left: what was asked for fails or gets along without, the kernel has nothing to complain of, and the next try works.
-- Needs a kernel with fault injection and its stack filter.

local FAIL = "/sys/kernel/debug/failslab/"
local PAGE = "/sys/kernel/debug/fail_page_alloc/"
local DRIVER = "/sys/bus/vmbus/drivers/hv_kvp/"

-- Who runs out of memory says so, with a trace of the caller; true faults have words of their own.
log.ignore("Call Trace:")

bus.wait_open(60)
-- The device shall stay when the driver lets it go, so that it can be bound again.
bus.reoffer_policy{on_close = false}
wait_node()
local device = guest_ok("basename $(readlink /sys/class/misc/hv_kvp/device)")

local function service_works()
	guest_ok("kvp-service start")
	bus.wait_open(90)
	negotiate{timeout = 30}
	expect(set("external", "works", "yes").ok)
	expect(delete("external", "works").ok)
	guest_ok("kvp-service stop")
end

-- Only allocations under the driver's own functions count.
local function arm()
	guest_ok([[
		start=$(cat /sys/module/hv_kvp/sections/.text)
		size=$(awk '$1 == "hv_kvp" { print $2 }' /proc/modules)
		end=$(printf '0x%x' $((start + size)))
		for each in ]] .. FAIL .. " " .. PAGE .. [[; do
			echo $start >${each}require-start
			echo $end >${each}require-end
			echo 32 >${each}stacktrace-depth
			echo N >${each}ignore-gfp-wait
			echo 0 >${each}verbose
		done
		echo 0 >]] .. PAGE .. [[min-order]])
end

-- The guest's side of a sweep. ATTEMPT is tried with its n-th allocation failing, for n = 1, 2, ... until it goes through
-- untouched; then RESTORE puts things right, PLAIN does the same with memory enough. Prints "n rc" for each try.
local SWEEP = [[
	n=0
	while [ $n -lt 400 ]; do
		n=$((n + 1))
		told=$(
			echo $n >/proc/self/fail-nth
			ATTEMPT
			rc=$?
			read left </proc/self/fail-nth
			echo 0 >/proc/self/fail-nth
			echo "$rc $left"
		) 2>/dev/null
		echo "$n $told"
		RESTORE
		PLAIN || { echo "$n then nothing works"; exit 1; }
		RESTORE
		[ "${told#* }" = 0 ] || exit 0
	done
	exit 2
]]

-- Runs a sweep; returns how many allocations there were to fail, and how many of those made the attempt fail.
local function sweep(attempt, restore, plain)
	local script = SWEEP:gsub("ATTEMPT", (attempt:gsub("%%", "%%%%"))):gsub("RESTORE", restore):gsub("PLAIN", plain or attempt)
	local out = guest_ok("{ " .. script .. " } 2>/dev/null", 300)
	local tried, failed = 0, 0
	for n, rc, left in out:gmatch("(%d+) (%d+) (%d+)") do
		if left == "0" then
			tried, failed = tonumber(n), failed + (rc == "0" and 0 or 1)
		else
			expect(rc, "0", "the try that no fault met")
		end
	end
	return tried, failed
end

case("probe: every allocation fails once", {timeout = 320}, function()
	guest_ok("echo " .. device .. " >" .. DRIVER .. "unbind", 30)
	arm()
	local tried, failed = sweep("echo " .. device .. " >" .. DRIVER .. "bind",
		"[ ! -e " .. DRIVER .. device .. " ] || echo " .. device .. " >" .. DRIVER .. "unbind")
	say("probe: ", tried, " allocations, ", failed, " of them needed")
	expect(tried >= 10)
	expect(failed >= 5)
	guest_ok("echo " .. device .. " >" .. DRIVER .. "bind", 30)
	service_works()
end)

-- kvmalloc() tries twice, so that one failure does not do. What it takes may also serve processes, as highmem may.
case("probe: no page is left for the packets", {timeout = 120}, function()
	guest_ok("echo " .. device .. " >" .. DRIVER .. "unbind", 30)
	arm()
	guest_ok("cd " .. PAGE .. "; echo N >ignore-gfp-highmem; echo 1000000 >times; echo 100 >probability")
	expect(not guest("echo " .. device .. " >" .. DRIVER .. "bind").ok)
	guest_ok("cd " .. PAGE .. "; echo 0 >probability; echo Y >ignore-gfp-highmem; echo " .. device .. " >" .. DRIVER .. "bind", 30)
	service_works()
end)

case("opening the device: every allocation fails once", {timeout = 120}, function()
	arm()
	local tried, failed = sweep("true 3<>/dev/hv_kvp", ":")
	say("open: ", tried, " allocations, ", failed, " of them needed")
	expect(tried >= 1)
	service_works()
end)

case("the request path allocates nothing", {timeout = 120}, function()
	guest_ok("kvp-service start")
	negotiate{timeout = 30}
	arm()
	guest_ok("for each in " .. FAIL .. " " .. PAGE .. "; do echo 1000000 >${each}times; echo 100 >${each}probability; done")
	for i = 1, 20 do
		expect(set("external", "dry" .. i, "value").ok)
		expect(get("external", "dry" .. i).value, "value")
		expect(delete("external", "dry" .. i).ok)
		expect_error(request{op = 42}, NOT_SUPPORTED)
	end
	negotiate{}
	local left = guest_ok("cat " .. FAIL .. "times " .. PAGE .. "times")
	guest_ok("for each in " .. FAIL .. " " .. PAGE .. "; do echo 0 >${each}probability; done")
	expect(left, "1000000\n1000000", "allocations that were made to fail")
	guest_ok("kvp-service stop")
end)

case("an open that has no memory fails cleanly while the faults are on", function()
	guest_ok("echo 100 >" .. FAIL .. "probability; echo 100 >" .. PAGE .. "probability")
	expect(not guest("true 3<>/dev/hv_kvp").ok)
	guest_ok("echo 0 >" .. FAIL .. "probability; echo 0 >" .. PAGE .. "probability")
	service_works()
end)

case("the module unloads", function()
	guest_ok("rmmod hv_kvp", 30)
end)
