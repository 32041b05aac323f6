-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=ours kernel=6.1 time=300 start=no
-- job: profile=ours kernel=debug time=900 start=no
-- job: profile=ours kernel=kcsan time=900 start=no all=yes append="kcsan.udelay_task=500 kcsan.skip_watch=200"
--
-- /dev/hv_kvp in the hands of programs that are hostile, clumsy or unlucky (tests/vm/guest/node-test.c),
-- and of monitors.

local device = "/sys/bus/vmbus/drivers/hv_kvp/"

-- A test of node-test that runs by itself.
local function node_test(name)
	local done = guest("node-test " .. name, 60)
	expect(done.rc, 0, done.out)
end

-- One that serves, while the host does something.
local function start(name)
	guest_ok("rm -f /tmp/node.out; (node-test " .. name .. "; echo rc $?) >/tmp/node.out 2>&1 &")
	guest_until("grep -q ready /tmp/node.out")
end

local function await_end()
	guest_until("grep -q '^rc' /tmp/node.out")
	local out = guest_ok("cat /tmp/node.out")
	expect(out:match("rc (%d+)"), "0", out)
	return out
end

local function finish()
	guest_ok("killall node-test")
	return await_end()
end

local function sets(count)
	for i = 1, count do
		expect(set("external", "node" .. i, "x").status, S_OK)
		expect_no_answer(0)
	end
end

bus.wait_open(90)
wait_node()

case("the node is root's alone, and opens for reading, or reading and writing", function()
	expect(guest_ok("stat -c '%a %U' /dev/hv_kvp"), "600 root")
	node_test("open-modes")
end)

case("malformed writes have their errors, and change nothing", function() node_test("malformed-writes") end)

case("odd reads, a signal, and calls that make no sense", function() node_test("odd-reads") end)

case("RWF_NOWAIT does not wait", function() node_test("no-wait") end)

case("an event for a monitor is no edge for the service", function()
	start("epoll-edges")
	negotiate{}	-- two events, its packet and its answer
	await_end()
end)

case("epoll abuse: nested, twice the same file, closed while watched", function() node_test("epoll-abuse") end)

case("a service's child goes on when its parent closes", function()
	start("serve-in-child")
	negotiate{}
	sets(5)
	finish()
end)

case("a service whose descriptor went through a socket to another process", function()
	start("serve-passed")
	sets(5)
	finish()
end)

case("six threads of nonsense on one file; each request is answered once", function()
	start("serve-threads")
	sets(60)
	finish()
end)

case("services that read and are killed, one after the other; each request is answered once", function()
	start("serve-dying")
	sets(20)
	finish()
end)

case("a parameter out of its range is refused, and keeps its value", function()
	local folder = "/sys/module/hv_kvp/parameters/"
	for _, p in ipairs{{"request_timeout", "30", {"0", "86401", "-1", "x", ""}}, {"hold_timeout", "55", {"86401", "-1"}},
			   {"max_framework", "3", {"0", "4"}}, {"max_message", "5", {"0", "6", "4294967297"}}} do
		local name, value, bad = table.unpack(p)
		for _, text in ipairs(bad) do
			expect(not guest("echo '" .. text .. "' >" .. folder .. name).ok, true, name .. "=" .. text)
		end
		expect(guest_ok("cat " .. folder .. name), value)
	end
	guest_ok("rmmod hv_kvp")
	expect(not guest("modprobe hv_kvp request_timeout=0").ok)
	guest_ok("modprobe hv_kvp request_timeout=29")
	expect(guest_ok("cat " .. folder .. "request_timeout"), "29")
	bus.wait_open(10)
	wait_node()
	guest_ok("echo 30 >" .. folder .. "request_timeout")
end)

case("as many monitors as there may be; the slow ones lose events, and are told how many", function() node_test("monitors") end)

case("the device goes away under a service and a monitor", function()
	local name = guest_ok("ls " .. device .. " | grep -- -")
	start("until-gone")
	guest_ok("echo " .. name .. " >" .. device .. "unbind")
	local out = await_end()
	expect(out:find("done", 1, true) ~= nil, true, out)
	bus.wait_open(10)
	wait_node()
end)

case("the module stays while a monitor is there", function()
	-- sleep: a process that has the device open
	guest_ok("sleep 30 </dev/hv_kvp & echo $! >/tmp/sleeper")
	guest_until("[ \"$(readlink /proc/$(cat /tmp/sleeper)/fd/0)\" = /dev/hv_kvp ]")
	expect(guest("rmmod hv_kvp").rc ~= 0)
	guest_ok("kill $(cat /tmp/sleeper)")
	guest_until("rmmod hv_kvp")
	guest_ok("modprobe hv_kvp")
	bus.wait_open(10)
	wait_node()
end)

case("hvkvp monitor tells a conversation", function()
	guest_ok("rm -f /tmp/monitor.out; hvkvp monitor >/tmp/monitor.out 2>&1 &")
	guest_until("grep -q watching /tmp/monitor.out")
	guest_ok("kvp-service start")
	negotiate{fw = {"1.0", "3.0"}, kvp = {"4.0", "5.0"}}
	expect(set("external", "watched", "w\u{f6}rd").ok)
	expect(get("external", "watched").value, "w\u{f6}rd")
	expect_error(request{op = 77}, NOT_SUPPORTED)
	raw{bytes = "short"}
	expect(delete("external", "watched").ok)
	guest_until("grep -q 'guest .*delete' /tmp/monitor.out")
	local out = guest_ok("killall hvkvp; cat /tmp/monitor.out")
	-- That it is gone does not touch the service.
	expect(set("external", "unwatched", "1").ok)
	expect(delete("external", "unwatched").ok)
	local function told(pattern)
		expect(("\n" .. out):find(pattern) ~= nil, true, pattern .. " is not in:\n" .. out)
	end
	told("\n *[%d.]+ %d+ host +negotiate framework=1%.0,3%.0 kvp=4%.0,5%.0\n")
	told("\n *[%d.]+ %d+ guest +negotiate status=S_OK framework=3%.0 kvp=5%.0 after %d+ us\n")
	told("\n *[%d.]+ (%d+) host +set pool=external key=watched value=w\u{f6}rd\n *[%d.]+ %1 service has read the request\n")
	told("guest +set status=S_OK pool=external key=watched after %d+ us\n")
	told("guest +get status=S_OK pool=external key=watched value=w\u{f6}rd after %d+ us\n")
	told('host +"operation 77"')
	told('guest +"operation 77" status=E_NOT_SUPPORTED')
	told("host +error=\"it is shorter than it should be\" dropped\n")
	told("service is attached\n")
end)

case("hvkvp monitor writes a capture, and prints it", function()
	guest_ok("kvp-service status || kvp-service start")
	guest_ok("rm -f /tmp/capture; hvkvp monitor --write /tmp/capture >/tmp/monitor.out 2>&1 &")
	guest_until("grep -q watching /tmp/monitor.out")
	negotiate{fw = {"1.0", "3.0"}, kvp = {"4.0", "5.0"}}
	expect(set("external", "captured", "w\u{f6}rd").ok)
	raw{bytes = "short"}
	expect(delete("external", "captured").ok)
	guest_until("hvkvp monitor --read /tmp/capture | grep -q 'guest .*delete'")
	local out = guest_ok("killall hvkvp; hvkvp monitor --read /tmp/capture")
	local n = "\n *[%d.]+ "
	expect(("\n" .. out):find(n .. "(%d+) host +negotiate framework=1%.0,3%.0 kvp=4%.0,5%.0" ..
				  n .. "%1 guest +negotiate status=S_OK framework=3%.0 kvp=5%.0 after %d+ us" ..
				  n .. "(%d+) host +set pool=external key=captured value=w\u{f6}rd" ..
				  n .. "%2 guest +set status=S_OK pool=external key=captured after %d+ us" ..
				  n .. "host +error=\"it is shorter than it should be\" dropped" ..
				  n .. "(%d+) host +delete pool=external key=captured" ..
				  n .. "%3 guest +delete status=S_OK pool=external key=captured after %d+ us$") ~= nil,
	       true, out)
end)
