-- SPDX-License-Identifier: GPL-2.0-only
-- Faults of the service, the driver, the bus, the machine and its disk in a random conversation (README.md, "Endurance").

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local guest = require "guest"
local world = require "endure_world"
local asked = require "endure_requests"

local faults = {}
local violation, must = world.violation, world.must
local TIMEOUT = "/sys/module/hv_kvp/parameters/request_timeout"
local PID = "$(cat /run/kvp-service.pid)"
-- The hibernation's pause of five seconds is a busy one, which emulation stretches.
local HIBERNATION = 120

-- A SET whose answer was lost, or came before: it has happened or has not, wholly.
local function perhaps(pool, key, value, good, r)
	if good and r.ok then
		world.model:put(pool, key, value)
	else
		world.model:maybe(pool, key, value)
	end
end

local function post_set(pool, key, value)
	world.post{ op = "set", pool = pool, key = key, value = value }
end

-- Sends a request. how: "sent", so that what follows races with it; "queued", for a service that is stopped; "taken", by one
-- that is stopped in the middle of it. The last two need our driver, which says what it does.
local function send(how, pool, post)
	if how == "taken" then
		stop_service_with(post, world.NUMBER[pool])
		return
	end
	if how == "queued" then must("kill -STOP " .. PID) end
	post()
end

local function send_set(how, pool, key, value)
	send(how, pool, function() post_set(pool, key, value) end)
end

local function continue(how)
	if how ~= "sent" then must("kill -CONT " .. PID) end
end

-- ---- the service ----

function faults.kill()
	must("kvp-service kill; kvp-service start")
	world.serve_again()
end

function faults.restart()
	must("kvp-service restart")
	world.serve_again()
end

-- Another file takes the program's place, as in an upgrade.
function faults.upgrade()
	must("p=$(readlink /proc/" .. PID .. "/exe) && cp -p $p $p.new && mv $p.new $p && kvp-service restart")
	world.serve_again()
end

-- It dies with a request in hand: the next one answers that.
function faults.kill_in_hand(a)
	local pool, key, value, how = a[2], a[3], "killed " .. a[4], a[5] or "sent"
	send_set(how, pool, key, value)
	must("kvp-service kill; kvp-service start")
	local good, r = pcall(kvp.late, world.ANSWER)
	if not good and world.profile == "ours" then violation("a request that a service died with has no answer: %s", tostring(r)) end
	-- What was not begun is new to the next service.
	if good and how ~= "sent" then
		world.judge_set(pool, key, value, r)
	else
		perhaps(pool, key, value, good, r)
	end
	world.serve_again()
end

-- The same with a DELETE: whichever service has carried it out, it is done.
function faults.kill_in_delete(a)
	local pool, key, how = a[2], a[3], a[5] or "sent"
	world.set(pool, key, "killed " .. a[4])
	send(how, pool, function() world.post{ op = "delete", pool = pool, key = key } end)
	must("kvp-service kill; kvp-service start")
	local good, r = pcall(kvp.late, world.ANSWER)
	if world.profile ~= "ours" then
		world.model:maybe(pool, key, false)
	else
		if not good then violation("a DELETE that a service died with has no answer: %s", tostring(r)) end
		if not r.ok then violation("a DELETE of a pair that is there is refused: %s", r.status_name) end
		world.model:put(pool, key, false)
	end
	world.serve_again()
	world.get(pool, key)
end

-- It is stopped for a moment: the answer is late, and there.
function faults.stopped(a)
	local pool, key, value = a[2], a[3], "stopped " .. a[4]
	must("kill -STOP " .. PID)
	post_set(pool, key, value)
	must("kill -CONT " .. PID)
	-- The driver gives up after some seconds, which a slow machine may need.
	perhaps(pool, key, value, true, kvp.late(world.ANSWER))
end

-- It hangs for longer than a request may take: the driver answers. What it has not done by then does not happen any more.
function faults.hung(a)
	local pool, key, value, how = a[2], a[3], "hung " .. a[4], a[5] or "queued"
	must("echo " .. world.soon .. " >" .. TIMEOUT)
	send_set(how, pool, key, value)
	local r = kvp.late(world.ANSWER)
	must("kill -CONT " .. PID .. "; echo 30 >" .. TIMEOUT)
	if r.status ~= ic.STATUS.E_FAIL then violation("a request to a stopped service has the answer %s", r.status_name) end
	world.get(pool, key)
end

-- Another program has the pool for longer than a request may take: the request fails, and does not happen later.
function faults.locked(a)
	local pool, key, value = a[2], a[3], "locked " .. a[4]
	must("echo " .. world.soon .. " >" .. TIMEOUT)
	lock_pool(nil, world.NUMBER[pool])
	post_set(pool, key, value)
	local r = kvp.late(world.ANSWER)
	must(">/tmp/unlock; echo 30 >" .. TIMEOUT)
	wait_pool_unlocked(world.ANSWER, world.NUMBER[pool])
	if r.status ~= ic.STATUS.E_FAIL then violation("a request for a pool that is locked has the answer %s", r.status_name) end
	world.get(pool, key)
end

-- No descriptor is left for it: what it cannot do is refused, without an effect.
function faults.descriptors(a)
	local pool, key, value = a[2], a[3], world.value_of(a, 4)
	local before = must("neighbour limit " .. PID .. " $(ls /proc/" .. PID .. "/fd | wc -l)")
	world.set(pool, key, value, true)
	world.set(pool, key .. "-more", value, true)
	world.ask{ op = "enumerate", pool = "auto", index = 3 }
	must("neighbour limit " .. PID .. " " .. before)
	world.get(pool, key)
	world.get(pool, key .. "-more")
end

-- ---- the driver and the bus ----

function faults.reload()
	local driver = world.profile == "ours" and "hv_kvp" or "hv_utils"
	must("kvp-service stop; rmmod " .. driver .. " && modprobe " .. driver .. " && kvp-service start")
	world.serve_again()
end

-- KVP is given back to hv_utils, and taken again, under our daemon.
function faults.give_and_take(a)
	local pool, key, value = a[2], a[3], "given " .. a[4]
	must("modprobe hv_utils && hvkvp-driver --runtime give")
	bus.wait_reopen(world.BACK)
	local r = ic.negotiate{ timeout = world.BACK }
	if r.version ~= "4.0" then violation("hv_utils negotiates %s", tostring(r.version)) end
	world.set(pool, key, value)
	world.get(pool, key)
	must("hvkvp-driver take")
	bus.wait_reopen(world.BACK)
	-- Without it, the next reload of hv_kvp would leave the device to hv_utils.
	must("rmmod hv_utils")
	world.serve_again()
	world.get(pool, key)
end

function faults.rescind()
	bus.rescind()
	bus.wait_reopen(world.BACK)
	world.serve_again()
end

function faults.rescind_in_hand(a)
	local pool, key, value, how = a[2], a[3], "rescinded " .. a[4], a[5] or "sent"
	send_set(how, pool, key, value)
	bus.rescind()
	perhaps(pool, key, value, pcall(kvp.late, 0))
	bus.wait_reopen(world.BACK)
	continue(how)
	world.serve_again()
end

-- A restore, or another host after a migration, negotiates, and knows nothing of the request in hand.
function faults.restore(a)
	local pool, key, value, version, how = a[2], a[3], "restored " .. a[4], a[5], a[7] or "queued"
	send_set(how, pool, key, value)
	native.sleep(a[6] / 1000)	-- sleep: the service may have read the request, or not
	local came = ic.discard_answers(world.ANSWER)
	if how == "taken" then world.model:maybe(pool, key, value) end
	if #came > 0 then violation("a stopped service has answered") end
	continue(how)
	asked.acts.negotiate{ "negotiate", version }
	world.get(pool, key)
end

-- The page lists, the open or the offer come late.
function faults.late_bus(a)
	bus.arm{ at = a[2], what = "delay", after_us = a[3] }
	faults.rescind()
end

-- Interrupts and hypercalls that are lost or late.
function faults.disturb(a)
	local pool, key, value = a[2], a[3], "disturbed " .. a[4]
	bus.disturb{ what = a[5], delay_us = a[6], times = 3 }
	world.set(pool, key, value)
	for _ = 1, 3 do world.get(pool, key) end
end

-- All but writing the image, and back; needs a kernel with PM_DEBUG.
function faults.hibernate(a)
	local pool, key, value = a[2], a[3], "hibernated " .. a[4]
	world.set(pool, key, value)
	bus.reoffer_policy{ on_close = false }
	must("echo platform >/sys/power/pm_test; echo 60 >/proc/sys/kernel/watchdog_thresh; echo 1000000000 >/sys/power/image_size")
	local r = guest.run("echo disk >/sys/power/state", HIBERNATION)
	if not r.ok then violation("the guest does not hibernate: %s", r.out) end
	bus.wait_open(world.BACK)
	bus.reoffer_policy{ on_close = true }
	world.serve_again()
	world.get(pool, key)
end

-- ---- the machine ----

function faults.clock(a)
	must("date -s @$(($(date +%s) + " .. a[2] .. ")) >/dev/null")
end

-- Caches are dropped, and the service may not have more memory than it has.
function faults.memory(a)
	local pool, key, value = a[2], a[3], world.value_of(a, 4)
	must("sync; echo 3 >/proc/sys/vm/drop_caches; mkdir -p /sys/fs/cgroup; g=/sys/fs/cgroup/kvp; " ..
		"[ -e /sys/fs/cgroup/cgroup.procs ] || mount -t cgroup2 none /sys/fs/cgroup || exit 0; " ..
		"echo +memory >/sys/fs/cgroup/cgroup.subtree_control 2>/dev/null && mkdir -p $g && echo " .. PID ..
		" >$g/cgroup.procs && echo 256K >$g/memory.high; true")
	world.set(pool, key, value)
	world.get(pool, key)
	must("g=/sys/fs/cgroup/kvp; [ ! -e $g/memory.high ] || { echo max >$g/memory.high; echo " .. PID ..
		" >/sys/fs/cgroup/cgroup.procs; }")
end

function faults.away()
	local folder = world.FOLDER
	must("mv " .. folder .. " " .. folder .. ".away && mv " .. folder .. ".away " .. folder)
end

-- ---- the disk ----

-- No room: a SET is refused, without an effect, or done. In all pools: whether a part of a record still fits is different in each.
function faults.full(a)
	local key, value = a[3], world.value_of(a, 4)
	-- Now there is room in the journals: what fails is the file.
	for _, pool in ipairs(world.POOLS) do world.set(pool, key, "before", true) end
	-- Most of it at once, and the last blocks one by one.
	guest.run("f=" .. world.FOLDER .. "/filler; a=$(df -kP " .. world.FOLDER .. " | " ..
		"sed -n '2s/^[^ ]* *[0-9]* *[0-9]* *\\([0-9]*\\) .*/\\1/p'); " ..
		"[ $a -gt 128 ] && fallocate -l $((a - 64))k $f; dd if=/dev/zero of=${f}2 bs=64k 2>/dev/null; " ..
		"dd if=/dev/zero of=${f}3 bs=512 2>/dev/null; sync", 120)
	for _, pool in ipairs(world.POOLS) do
		world.set(pool, key, value, true)
		world.set(pool, key .. "-more", value, true)
		world.set(pool, key .. "-most", value, true)
	end
	asked.acts.audit{ "audit" }
	must("rm -f " .. world.FOLDER .. "/filler*; sync")
	asked.acts.audit{ "audit" }
end

-- The disk refuses a write, so that an fsync fails and the file system gives up. A SET then is done, or its effect is
-- not known: what the kernel has in memory may differ from what the disk has.
function faults.bad_write(a)
	local pool, key, value = a[2], a[3], "bad write " .. a[4]
	world.disk:faults{ fail_write = a[5], fail_count = 2 }
	for i = 1, 3 do
		local r = world.ask{ op = "set", pool = pool, key = key, value = value .. i }
		perhaps(pool, key, value .. i, true, r)
	end
	world.disk:faults{}
	must("kvp-service stop; cd /; umount " .. world.FOLDER .. " && " .. world.mount .. " && kvp-service start")
	world.serve_again()
	asked.acts.audit{ "audit", pool }
end

function faults.slow_flush(a)
	local pool, key, value = a[2], a[3], "slow " .. a[4]
	world.disk:faults{ flush_us = a[5] }
	world.set(pool, key, value)
	world.disk:faults{}
end

-- Requests until the power goes; each answer that came before counts.
local MOST = 200

-- So long that what is written of it spans several sectors, of which some may be lost.
local function long(value, i)
	return value .. "." .. i .. " " .. world.spell("ascii", 600 + i % 4 * 100, i)
end

local function set_until_off(pool, key, value)
	for i = 1, MOST do
		if bus.power.is_off() then return end
		local one = long(value, i)
		world.count("requests")
		if not pcall(kvp.post, { op = "set", pool = pool, key = key, value = one }) then return end
		local good, r
		local deadline = native.now() + world.ANSWER * native.patience
		repeat
			good, r = pcall(kvp.late, 0.2)
			if not good and native.now() > deadline then violation("SET has no answer: %s", tostring(r)) end
		until good or bus.power.is_off() or #ic.talk.pending == 0
		-- What arrived before the cut counts.
		if not good and #ic.talk.pending > 0 then good, r = pcall(kvp.late, 0) end
		perhaps(pool, key, one, good, r)
	end
end

-- The disk alone loses its power: at once, or at a write or a flush. The service dies, the file system is given up, and
-- what the disk holds then is mounted again: all that a power cut does to the pools, without a boot.
function faults.outage(a)
	local how, pool, key, value, n = a[2], a[3], a[4], "outage " .. a[5], a[6]
	world.count("cuts")
	world.count("outages")
	if how ~= "now" then
		world.disk:faults{ cut_write = how == "write" and n or 0, cut_flush = how == "flush" and n or 0, alone = true }
		for i = 1, MOST do
			if world.disk:info().off then break end
			local one = long(value, i)
			perhaps(pool, key, one, true, world.ask{ op = "set", pool = pool, key = key, value = one })
		end
	end
	world.disk:cut()
	must("kvp-service kill; cd /; umount " .. world.FOLDER)
	world.disk:on()
	must(world.mount .. " && kvp-service start")
	world.serve_again()
	asked.acts.audit{ "audit" }
end

-- The power goes: at once, or in the middle of a request: at a write, at a flush, after a time.
function faults.power(a)
	local how, pool, key, value, n = a[2], a[3], a[4], "cut " .. a[5], a[6]
	world.count("cuts")
	world.drain()
	if how == "write" then
		world.disk:faults{ cut_write = n }
	elseif how == "flush" then
		world.disk:faults{ cut_flush = n }
	elseif how == "time" then
		bus.power.cut(n * 1000)
	end
	if how ~= "now" then set_until_off(pool, key, value) end
	if not bus.power.is_off() then bus.power.cut() end
	local began = native.now()
	bus.power.on()
	world.forget_requests()
	guest.run("true", world.BACK)
	local booted = native.now()
	world.bring_up()
	world.get(pool, key)
	local served = native.now()
	asked.acts.audit{ "audit" }
	native.emit("power", "how", how, "boot_ms", math.floor((booted - began) * 1000), "serve_ms",
		math.floor((served - booted) * 1000), "audit_ms", math.floor((native.now() - served) * 1000))
end

return faults
