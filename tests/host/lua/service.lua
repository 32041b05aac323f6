-- SPDX-License-Identifier: GPL-2.0-only
-- The KVP service in the guest: steps that many case files take.

local test = require "test"

-- Restart the guest's service with empty pools. The stock pair may have lost its daemon, or wait without a timeout for a
-- packet that it left in the ring: reload its driver, too. What is built in can only let go of the device, which is then
-- offered again.
local function start_anew()
	guest("kvp-service stop; for pool in 0 1 2 3 4; do : >/var/lib/hyperv/.kvp_pool_$pool; done")
	if args.profile ~= "ours" then
		guest_ok("if [ -e /sys/module/hv_utils/initstate ]; then rmmod hv_utils && modprobe hv_utils; else echo " ..
			bus.kvp.instance .. " >/sys/bus/vmbus/drivers/hv_utils/unbind; fi")
	end
	guest_ok("kvp-service start")
	bus.wait_open(10)
	negotiate{timeout = 30}
end

-- A case that failed in the middle leaves pairs behind.
function start_anew_after_failure()
	test.after_failure(start_anew)
end

-- The driver makes its node after it has opened the channel: an open channel does not say that it is there.
function wait_node()
	guest_until("[ -c /dev/hv_kvp ]")
end

-- Each command costs a slow guest much, so what belongs together is one, and waits in there, for 20 s at most.
local function together(...)
	guest_ok("until_so() { i=0; until eval \"$1\"; do i=$((i + 1)); [ $i -lt 1000 ] || { echo \"never: $1\"; exit 1; }; " ..
		 "usleep 20000; done; }; " .. table.concat({...}, " && "))	-- sleep: it polls, with a time limit
end

-- Another program of ours keeps the pool's lock, for a while or until /tmp/unlock is there, so that the service has to wait
-- in the middle of a request. It gives up after 5 s. The lock is that of the journal: hvkvpd waits only shortly for the lock
-- of the pool file, which any reader can take. Without a number it is that of the external pool.
local function lock_of(number)
	return "/var/lib/hyperv/.kvp_pool_" .. (number or 0) .. ".journal"
end

function lock_pool(seconds, number)
	-- sleep: so long the lock is held, or it polls
	local keep = seconds and "sleep " .. seconds or "until [ -e /tmp/unlock ]; do usleep 20000; done"
	together("rm -f /tmp/locked /tmp/unlock",
		 "{ umask 077; setsid flock " .. lock_of(number) .. " sh -c '>/tmp/locked; " .. keep .. "' >/dev/null 2>&1 & }",
		 "until_so '[ -e /tmp/locked ]'")
end

function wait_pool_unlocked(timeout, number)
	guest_until("flock -n " .. lock_of(number) .. " true", timeout)
end

-- The service has the request that send() sends in hand, and is stopped, for as long as the case likes: a lock alone would not
-- outlast a slow guest.
function stop_service_with(send, number)
	lock_pool(nil, number)
	send()
	together("until_so 'read state </sys/class/misc/hv_kvp/state && [ $state = taken ]'",
		 "read pid </run/kvp-service.pid", "kill -STOP $pid",
		 "until_so 'read _ _ state _ </proc/$pid/stat && [ $state = T ]'", ">/tmp/unlock",
		 "until_so 'flock -n " .. lock_of(number) .. " true'")
end

function continue_service()
	guest_ok("kill -CONT $(cat /run/kvp-service.pid)")
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

-- A pair of the host is in the guest, one of the guest at the host, and the facts are there. "from host" of pool external and
-- "from guest" of pool guest stay.
function expect_pairs_both_ways()
	expect(set("external", "from host", "x\u{1F600}").ok)
	expect(guest_ok("hvkvp get external 'from host'"), "x\u{1F600}")
	guest_ok("hvkvp set guest 'from guest' y")
	expect(get("guest", "from guest").value, "y")
	expect(#enumerate("auto") >= 10)
end

-- The channel opens again, and everything works.
function expect_back()
	bus.wait_open(20)
	expect(negotiate{timeout = 20}.kvp, "5.0")
	expect(set("external", "back", "yes").ok)
	expect(get("external", "back").value, "yes")
	expect(delete("external", "back").ok)
end
