-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 start=no
-- job: profile=ours kernel=debug time=900 start=no args=leaks append=kmemleak=on
--
-- The service comes, goes, hangs and dies; the host gets exactly one answer to each request.

start_anew_after_failure()

-- There a command in the guest can take seconds, which must not use up a limit that a case counts on.
local slow = args.kernel == "debug" and 5 or 1

local parameters = "/sys/module/hv_kvp/parameters/"
local good = bytes("01 00 01 00 00 00 00 00 03 00 00 00 05 00 00 00")

local function parameter(name, value)
	guest_ok("echo " .. value .. " >" .. parameters .. name)
end

local function send_set(key, value)
	local k, v = utf16(key .. "\0"), utf16(value .. "\0")
	raw{body = string.pack("<BBxxI4I4I4", 1, 0, 1, #k, #v) .. k .. string.rep("\0", 512 - #k) .. v ..
		   string.rep("\0", 2048 - #v + 4)}
end

local function send_delete(key)
	local k = utf16(key .. "\0")
	raw{body = string.pack("<BBxxI4", 2, 0, #k) .. k .. string.rep("\0", 2572 - #k)}
end

bus.wait_open(90)
wait_node()

case("without a service the negotiation waits", function()
	expect(guest_ok("cd /sys/class/misc/hv_kvp && cat framework_version message_version"), "none\nnone")
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = good}
	expect_no_answer(1500)
	guest_ok("kvp-service start")
	local a = expect_answer(5)
	expect(a.body:sub(1, 4), bytes("01 00 01 00"))
	negotiate{}
	guest_ok("kvp-service stop")
end)

case("without a service a negotiation on an old channel is answered when the hold time is over", function()
	parameter("hold_timeout", 2)
	guest_ok("kvp-service start")
	negotiate{}
	-- It counts from the end of the service.
	local stopped = now()
	guest_ok("kvp-service stop")
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = good}
	expect_answer(10 * slow)
	expect(now() - stopped >= 1.9)
	parameter("hold_timeout", 55)
end)

case("a request waits for the service, within its deadline", function()
	guest_ok("kvp-service start")
	negotiate{}
	guest_ok("kvp-service stop")
	send_set("patient", "yes")
	expect_no_answer(1000)
	guest_ok("kvp-service start")
	expect(expect_answer(5).status, S_OK)
	expect(guest_ok("hvkvp get external patient"), "yes")
	expect(delete("external", "patient").ok)
end)

case("requests that queue in the ring are answered in order, one answer each", function()
	guest_ok("kvp-service stop")
	send_set("q", "1")
	send_set("q", "2")
	send_set("q", "3")
	expect_no_answer(500)
	guest_ok("kvp-service start")
	for _ = 1, 3 do expect(expect_answer(5).status, S_OK) end
	expect_no_answer(200)
	expect(get("external", "q").value, "3")
	expect(delete("external", "q").ok)
end)

case("without a service a request fails at its deadline", function()
	guest_ok("kvp-service stop")
	parameter("request_timeout", 2 * slow)
	local sent = now()
	send_set("late", "1")
	expect(expect_answer(10 * slow).status, E_FAIL)
	expect(now() - sent >= 1.9 * slow)
	guest_ok("kvp-service start")
	expect_no_answer(500)
	expect(not get("external", "late").ok)
	parameter("request_timeout", 30)
end)

case("a late answer never reaches the host", function()
	parameter("request_timeout", 8 * slow)
	local late = driver_counter("late")
	stop_service_with(function() send_set("slow", "1") end)
	expect(expect_answer(12 * slow).status, E_FAIL)
	expect(driver_counter("late"), late)
	continue_service()
	wait{true_when = function() return driver_counter("late") > late end, timeout = 20}
	expect_no_answer(200)
	parameter("request_timeout", 30)
	expect(set("external", "next", "2").ok)
	expect(get("external", "next").value, "2")
	-- The host was told that it failed.
	expect(not get("external", "slow").ok)
	expect(delete("external", "next").ok)
end)

case("a request that a dying service held goes to the next one", function()
	stop_service_with(function() send_set("heir", "1") end)
	guest_ok("kvp-service kill")
	guest_ok("kvp-service start")
	expect(expect_answer(8 * slow).status, S_OK)
	expect_no_answer(200)
	expect(get("external", "heir").value, "1")
	expect(delete("external", "heir").ok)
end)

-- As if it had deleted the pair and died before it could say so: the driver says that the request is not new.
case("a DELETE that a dying service may have done is done", function()
	expect(set("external", "heir", "1").ok)
	stop_service_with(function() send_delete("heir") end)
	guest_ok("kvp-service kill; hvkvp --force del external heir")
	guest_ok("kvp-service start")
	expect(expect_answer(8 * slow).status, S_OK)
	expect_no_answer(200)
	-- One that nobody had before fails.
	local r = delete("external", "heir")
	expect(not r.ok and r.status_name ~= "E_FAIL")
end)

case("a negotiation in the middle of a request withdraws it", function()
	expect(set("external", "withdrawn", "1").ok)
	guest_ok("kvp-service stop")
	send_set("withdrawn", "2")
	expect_no_answer(300)
	raw{msg = 0, fw = "0.0", kvp = "0.0", body = good}
	expect_no_answer(300)
	guest_ok("kvp-service start")
	local a = expect_answer(5)
	expect(a.msg, 0)
	expect_no_answer(300)
	expect(get("external", "withdrawn").value, "1")
	expect(delete("external", "withdrawn").ok)
end)

case("the service stops and starts between requests, and nothing is lost", function()
	for i = 1, 5 do
		expect(set("external", "round" .. i, "value " .. i).ok)
		guest_ok("kvp-service restart")
	end
	guest_ok("kvp-service kill; kvp-service start")
	for i = 1, 5 do
		expect(get("external", "round" .. i).value, "value " .. i)
		expect(delete("external", "round" .. i).ok)
	end
end)

case("a second service is refused, with a message that says why", function()
	local second = guest("hvkvpd --foreground --state-dir /tmp/second", 5)
	expect(second.rc ~= 0)
	expect(second.out:find("another", 1, true) or second.out:find("busy", 1, true))
	expect(set("external", "first", "still").ok)
	expect(delete("external", "first").ok)
end)

case("state and counters say what happened", function()
	local function counter(name) return tonumber(guest_ok("cat /sys/class/misc/hv_kvp/statistics/" .. name)) end
	local function state(name) return guest_ok("cat /sys/class/misc/hv_kvp/" .. name) end

	local names = {"negotiations", "requests", "answered", "refused", "dropped", "expired", "withdrawn", "late", "ring_full", "unsent", "resets"}
	local before = {}
	for _, name in ipairs(names) do before[name] = counter(name) end
	negotiate{kvp = {"3.0", "4.0"}}
	expect(set("external", "counted", "1").ok)
	expect(delete("external", "counted").ok)
	expect_error(request{op = 77}, NOT_SUPPORTED)
	raw{bytes = "short"}
	wait{true_when = function() return counter("dropped") > before.dropped end}
	expect_no_answer(0)
	local want = {negotiations = 1, requests = 2, answered = 2, refused = 1, dropped = 1}
	for _, name in ipairs(names) do
		expect(counter(name) - before[name], want[name] or 0, name)
	end
	expect(state("state"), "idle")
	expect(state("service"), "ready")
	expect(state("framework_version"), "3.0")
	expect(state("message_version"), "4.0")
	guest_ok("kvp-service stop")
	expect(state("service"), "none")
	send_set("counted", "2")
	wait_driver_state("queued")
	expect_no_answer(0)
	guest_ok("kvp-service start")
	expect(expect_answer(5).status, S_OK)
	expect(delete("external", "counted").ok)
	negotiate{}
end)

-- The kernel that looks for data races has no tracepoints.
if args.kernel ~= "kcsan" then

case("the tracepoints tell a request's story", function()
	local t = "/sys/kernel/tracing/"
	guest_ok("echo 1 >" .. t .. "events/hv_kvp/enable; echo >" .. t .. "trace")
	expect(set("external", "traced", "1").ok)
	-- The host has the answer before the driver has traced that.
	guest_until("grep -q hv_kvp_reply " .. t .. "trace")
	local story = guest_ok("cat " .. t .. "trace; echo 0 >" .. t .. "events/hv_kvp/enable")
	local id = story:match("hv_kvp_request: id=(%d+) operation=1 pool=0")
	expect(id ~= nil)
	expect(story:find("hv_kvp_packet: id=" .. id .. " len=%d+ type=2 request operation=1 pool=0") ~= nil)
	expect(story:find("id=" .. id .. " take: queued -> taken", 1, true) ~= nil)
	expect(story:find("hv_kvp_reply: id=" .. id .. " status=0x0", 1, true) ~= nil)
	expect(story:find("hv_kvp_answer: id=" .. id .. " len=2608 type=2 status=0x0 latency=%d+ns err=0") ~= nil)
	expect(delete("external", "traced").ok)
end)

case("the formats of the tracepoints have values in the place of the driver's names", function()
	-- For perf and trace-cmd, which know none of these names.
	local formats = guest_ok("grep -h 'print fmt' /sys/kernel/tracing/events/hv_kvp/*/format")
	expect(formats:find("__print_symbolic", 1, true) ~= nil)
	expect(formats:match("KVP_[A-Z]+_%w+") or "none", "none")
end)

end

case("the module unloads when the service has stopped, and loads again", function()
	guest_ok("kvp-service stop")
	guest_ok("rmmod hv_kvp")
	expect(guest("ls /dev/hv_kvp").rc ~= 0)
	guest_ok("modprobe hv_kvp")
	guest_ok("kvp-service start")
	bus.wait_open(10)
	expect(negotiate{}.kvp, "5.0")
	expect(set("external", "reloaded", "1").ok)
	expect(delete("external", "reloaded").ok)
end)
