-- SPDX-License-Identifier: GPL-2.0-only
-- Other programs in the guest that use the pools during a random conversation (README.md, "Endurance"): our command, in
-- several processes, and programs that share no code with us (tests/vm/guest/neighbour.c).

local guest = require "guest"
local world = require "endure_world"

local acts = {}
local violation, must, quoted = world.violation, world.must, world.quoted
local NOT_SO = 3	-- neighbour's exit code for a key that is there, or is not

-- hvkvp changes what only the guest may change when it is asked to: --force.
function acts.command_set(a)
	local pool, key, value = a[2], a[3], "by command " .. a[4]
	must("hvkvp --force set " .. pool .. " " .. key .. " " .. quoted(value))
	world.model:put(pool, key, value)
end

function acts.command_get(a)
	local pool, key = a[2], a[3]
	-- In hexadecimal: the shell and the line lose ends of lines.
	local r = guest.run("hvkvp get " .. pool .. " " .. key .. " >/tmp/got 2>/dev/null; rc=$?; " ..
		"hexdump -v -e '1/1 \"%02x\"' /tmp/got; exit $rc")
	local value = world.from_hex(r.out):gsub("\n$", "")
	world.holds(world.model:seen(pool, key, r.ok and value, "hvkvp get"))
end

function acts.command_delete(a)
	local pool, key = a[2], a[3]
	local r = guest.run("hvkvp --force del " .. pool .. " " .. key)
	if not world.model:may_be(pool, key, r.ok) then
		violation("hvkvp del %s %s: %d, %s", pool, key, r.rc, r.out)
	end
	world.model:put(pool, key, false)
end

-- Several pairs in one change.
function acts.command_import(a)
	local pool, n, many = a[2], a[3], a[4]
	local list = {}
	for i = 1, many do list[i] = string.format("{\"pool\": \"%s\", \"key\": \"import%d\", \"value\": \"%d\"}", pool, i, n + i) end
	must("printf %s " .. quoted("[" .. table.concat(list, ", ") .. "]") ..
		" | hvkvp --force import -")
	for i = 1, many do world.model:put(pool, "import" .. i, tostring(n + i)) end
end

-- Starts @command in the guest, lets the host ask meanwhile, and waits for its end.
local function beside(command, ask)
	must("rm -f /tmp/beside; (" .. command .. "; echo $? >/tmp/beside) >/tmp/beside.out 2>&1 &")
	ask()
	world.drain()
	-- sleep: it polls, with a limit
	must("i=0; until [ -s /tmp/beside ]; do i=$((i + 1)); [ $i -lt 1200 ] || { echo no end; exit 1; }; usleep 50000; done; " ..
		"grep -qx 0 /tmp/beside || { cat /tmp/beside /tmp/beside.out; exit 1; }")
end

local function host_sets(pool, n, many)
	for i = 1, many do world.set(pool, "host" .. i, "h" .. n) end
end

-- Two processes at once, while the host asks.
function acts.commands_and_host(a)
	local pool, n = a[2], a[3]
	beside("for i in 1 2; do (for k in 1 2 3; do hvkvp --force set " .. pool .. " both$i-$k " .. n ..
		" || echo failed >/tmp/both; done) & done; wait; ! rm /tmp/both 2>/dev/null",
		function() host_sets(pool, n, 6) end)
	for i = 1, 2 do
		for k = 1, 3 do world.model:put(pool, "both" .. i .. "-" .. k, tostring(n)) end
	end
end

-- Another program appends a record, synced: with one of the locks, or with none at all.
function acts.append(a)
	local pool, key, value, lock = a[2], a[3], "appended " .. a[4], a[5]
	local _, rc = must("neighbour append " .. world.file(pool) .. " " .. lock .. " " .. key .. " " .. quoted(value), NOT_SO)
	if not world.model:may_be(pool, key, rc == NOT_SO) then
		violation("a reader of the file %s %q in pool %s", rc == 0 and "does not find" or "finds", key, pool)
	end
	if rc == 0 then world.model:put(pool, key, value) end
end

-- Another program writes a value in its place.
function acts.change(a)
	local pool, key, value, lock = a[2], a[3], "changed " .. a[4], a[5]
	local _, rc = must("neighbour change " .. world.file(pool) .. " " .. lock .. " " .. key .. " " .. quoted(value), NOT_SO)
	if not world.model:may_be(pool, key, rc == 0) then
		violation("a reader of the file %s %q in pool %s", rc == 0 and "finds" or "does not find", key, pool)
	end
	if rc == 0 then world.model:put(pool, key, value) end
end

-- A reader that looks again and again while the host sets.
function acts.poll(a)
	local pool, n, lock = a[2], a[3], a[4]
	beside("neighbour poll " .. world.file(pool) .. " " .. lock .. " 300", function() host_sets(pool, n, 8) end)
end

-- Another program changes a value in its place, and again as soon as somebody has read that, in the same tick of the clock if
-- it can. Meanwhile the host sees any of them, afterwards the last one.
function acts.flicker(a)
	local pool, key, lock, ms, window = a[2], a[3], a[5], a[6], world.window
	world.set(pool, key, "flickered")
	for round = 1, 2 do
		local value = "flickered " .. a[4] .. "." .. round
		world.window = world.WINDOW
		beside("neighbour flicker " .. world.file(pool) .. " " .. lock .. " " .. key .. " " .. quoted(value) .. " " .. ms, function()
			for _ = 1, 4 + ms // 3 do
				world.submit({ op = "get", pool = pool, key = key }, function(r)
					if not r.ok or r.value:sub(1, 9) ~= "flickered" then
						violation("GET sees %q in pool %s under %q while it flickers", r.value or r.status_name, pool, key)
					end
				end)
			end
		end)
		world.window = window
		world.model:put(pool, key, value)
		world.get(pool, key)
	end
end

-- Another program replaces a file again and again, under the lock that hvkvpd respects, while the host sets: what waited for the lock of a file that
-- has been replaced since then must not change that.
function acts.replaced(a)
	local pool, n, ms = a[2], a[3], a[4]
	beside("neighbour replace " .. world.file(pool) .. " fcntl " .. ms, function() host_sets(pool, n, 8) end)
	for i = 1, 8 do world.get(pool, "host" .. i) end
end

-- Another program replaces a file by rename, with what it held, synced.
function acts.rename(a)
	must("neighbour replace " .. world.file(a[2]) .. " " .. a[3])
end

return acts
