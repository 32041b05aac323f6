-- SPDX-License-Identifier: GPL-2.0-only
-- The KVP service in the guest: steps that many case files take.

local test = require "test"

-- Restart the guest's service with empty pools. The stock pair may have lost its daemon, or wait without a timeout for a
-- packet that it left in the ring: reload its driver, too.
local function start_anew()
	guest("kvp-service stop; for pool in 0 1 2 3 4; do : >/var/lib/hyperv/.kvp_pool_$pool; done")
	if args.profile ~= "ours" then
		guest_ok("rmmod hv_utils && modprobe hv_utils")
	end
	guest_ok("kvp-service start")
	bus.wait_open(10)
	negotiate{timeout = 30}
end

-- A case that failed in the middle leaves pairs behind.
function start_anew_after_failure()
	test.after_failure(start_anew)
end

-- Somebody else keeps the pool's lock for a while, so that the service has to wait in the middle of a request.
function lock_pool(seconds)
	-- sleep: so long the lock is held
	guest_ok("rm -f /tmp/locked; setsid flock /var/lib/hyperv/.kvp_pool_0 sh -c '>/tmp/locked; sleep " .. seconds ..
		 "' >/dev/null 2>&1 &")
	guest_until("[ -e /tmp/locked ]")
end

function wait_pool_unlocked(timeout)
	guest_until("flock -n /var/lib/hyperv/.kvp_pool_0 true", timeout)
end

-- What the driver does with the host's packet: idle, held, queued, taken, sending.
function driver_state()
	return guest_ok("cat /sys/class/misc/hv_kvp/state")
end

function wait_driver_state(name, timeout)
	guest_until("grep -qx " .. name .. " /sys/class/misc/hv_kvp/state", timeout)
end

function driver_counter(name)
	return tonumber(guest_ok("cat /sys/class/misc/hv_kvp/statistics/" .. name))
end

-- The channel opens again, and everything works.
function expect_back()
	bus.wait_open(20)
	expect(negotiate{timeout = 20}.kvp, "5.0")
	expect(set("external", "back", "yes").ok)
	expect(get("external", "back").value, "yes")
	expect(delete("external", "back").ok)
end
