-- SPDX-License-Identifier: GPL-2.0-only
-- Cases, expectations and results (README.md, "Cases").

local ic = require "ic"
local kvp = require "kvp"
local bus = require "bus"
local guest = require "guest"

local test = { TIMEOUT = 120, current = nil }
local counts = { passed = 0, failed = 0, skipped = 0, peer_fails = 0, peer_passes = 0 }
local selected, unselected = 0, 0	-- cases that --only matched, and the others
-- Exit codes of the program (script/script.h).
local PASSED, FAILED, SETUP = 0, 1, 2
local repair
local to_skip, args = {}, {}

for _, arg in ipairs(native.args()) do
	local name, value = arg:match("^([%w_-]+)=(.*)$")
	if name then args[name] = value else args[arg] = true end
end
test.args = args
-- A guest that checks everything is slow, above all on a busy machine: what waits for it waits so many times longer.
native.patience = tonumber(args.patience) or 1

-- "file:line" of the innermost line of the case file that is being run.
local function place()
	for level = 2, 60 do
		local info = debug.getinfo(level, "Sl")
		if not info then return nil end
		local file = info.source:match("^@(.*)")
		if file and not file:find("^lua/") and info.currentline > 0 then
			return (file:match("[^/]+$")) .. ":" .. info.currentline
		end
	end
end

-- Turn whatever was raised into one line that says where and what.
local function explain(err)
	local text = tostring(err)
	local where = place()
	-- Where a native function was called in lua/ is of no use; a fault in there is.
	if not text:find("attempt to", 1, true) then
		text = text:gsub("^lua/[%w_]+%.lua:%d+: ", "")
	end
	text = text:gsub("^[^%s:]*/([^/%s:]+:%d+: )", "%1")
	if where and text:sub(1, #where) ~= where then
		return where .. ": " .. text
	end
	return text
end

local function show(value, depth)
	if type(value) == "string" then
		return #value > 300 and string.format("%q... (%d bytes)", value:sub(1, 300), #value) or
			string.format("%q", value)
	elseif math.type(value) == "integer" and (value > 0xffff or value < 0) then
		return string.format("%d (0x%x)", value, value)
	elseif type(value) == "table" and (depth or 0) < 3 then
		local out, seen = {}, {}
		for i, v in ipairs(value) do
			out[#out + 1], seen[i] = show(v, (depth or 0) + 1), true
		end
		for k, v in pairs(value) do
			if not seen[k] then out[#out + 1] = tostring(k) .. " = " .. show(v, (depth or 0) + 1) end
		end
		return "{" .. table.concat(out, ", ") .. "}"
	end
	return tostring(value)
end

local function same(a, b)
	if type(a) ~= "table" or type(b) ~= "table" then return a == b end
	for k, v in pairs(a) do
		if not same(v, b[k]) then return false end
	end
	for k in pairs(b) do
		if a[k] == nil then return false end
	end
	return true
end

function test.expect(...)
	local n, got, wanted, what = select("#", ...), ...
	if n <= 1 then
		if not got then ic.fail("expected a true value, got %s", show(got)) end
	elseif not same(got, wanted) then
		ic.fail("%sgot %s, wanted %s", what and what .. ": " or "", show(got), show(wanted))
	end
	return got
end

function test.expect_error(r, status)
	if r.status == 0 then
		ic.fail("got status 0, wanted an error%s", status and " " .. kvp.status_name(status) or "")
	elseif status and r.status ~= status then
		ic.fail("got status %s, wanted %s", kvp.status_name(r.status), kvp.status_name(status))
	end
	return r
end

function test.fails(fn, text)
	local good, why = xpcall(fn, explain)
	if native.stopped() then error(why, 0) end
	if good then
		ic.fail("it should have failed%s", text and " with '" .. text .. "'" or "")
	elseif text and not why:find(text, 1, true) then
		ic.fail("it failed with '%s' instead of '%s'", why, text)
	end
	return why
end

function test.bail(text)
	ic.fail("%s", text)
end

function test.skip(list)
	for name, why in pairs(list) do
		if type(name) == "number" then name, why = why, "skipped by the script" end
		to_skip[name] = why
	end
end

local function report(name, result, why, began)
	local total = { pass = "passed", fail = "failed", skip = "skipped",
		["peer-fails"] = "peer_fails", ["peer-passes"] = "peer_passes" }
	counts[total[result]] = counts[total[result]] + 1
	native.emit("case", "name", name, "result", result, "why", why,
		"ms", began and math.floor((native.now() - began) * 1000))
end

-- What the host checks by itself at the end of a run. It is no case of the file: only a failure is reported as one.
local function report_check(name, result, why)
	if result ~= "pass" then return report(name, result, why) end
	native.emit("check", "name", name, "result", result)
end

local function has(name, what)
	return type(what) == "string" and name:find(what, 1, true) ~= nil
end

-- Does a known defect count as a failure? --script-arg strict: each one; strict=TEXT: of cases with TEXT in their name.
local function is_strict(name)
	return args.strict == true or has(name, args.strict)
end

-- A reason is a text, or a table of them by the guest kernel's name.
local function reason_of(known)
	if type(known) == "table" then return known[args.kernel] or known["*"] end
	return known
end

-- Why the case may fail in this run: the stock pair, or only its driver, is known to get it wrong.
local function excuse(name, options)
	if is_strict(name) then return nil end
	return args.peer and reason_of(options.peer_fails) or
		(args.peer or args.profile == "on-stock") and reason_of(options.driver_fails) or nil
end

-- Why the case is nothing for this run.
local function out_of_place(options)
	return args.peer and options.ours_only or
		(args.peer or args.profile == "on-stock") and options.our_driver_only or nil
end

local function verdict(good, excused)
	if excused then
		return good and "peer-passes" or "peer-fails"
	end
	return good and "pass" or "fail"
end

function test.case(name, options, fn)
	if not fn then options, fn = {}, options end
	if test.current then
		ic.fail("case '%s' is inside of case '%s'", name, test.current)
	elseif type(fn) ~= "function" then
		ic.fail("case '%s' has no function", name)
	end
	if args.only and not has(name, args.only) then
		unselected = unselected + 1
		native.emit("unselected", "name", name)
		return
	end
	selected = selected + 1
	local why = to_skip[name] or out_of_place(options)
	if why then
		report(name, "skip", why)
		return
	end

	native.emit("begin", "name", name)
	local began = native.now()
	test.current = name
	guest.log.case_start = native.console_size()
	bus.mark_events()
	native.deadline((options.timeout or test.TIMEOUT) * native.patience)
	local good, trouble = xpcall(fn, explain)
	native.deadline(nil)
	if good and not options.extra_ok and not options.unfinished then
		good, trouble = xpcall(ic.check_end, explain)
	end
	test.current = nil
	ic.on_latency = nil
	if good then
		trouble = nil
	elseif excuse(name, options) then
		trouble = excuse(name, options) .. " (" .. trouble .. ")"
	end
	report(name, verdict(good, excuse(name, options)), trouble, began)
	if not good or options.extra_ok then
		if native.stopped() then error("STOPPED", 0) end
		local thrown = ic.resync_all()
		if thrown > 0 then
			native.emit("note", "text", string.format("%d late packets thrown away", thrown))
		end
	end
	if not good and repair then repair() end
end

-- What restores the guest after a case that failed in the middle.
function test.after_failure(fn)
	repair = fn
end

local function percentile(sorted, p)
	return sorted[math.max(1, math.ceil(#sorted * p))]
end

function test.bench(n, options, fn)
	if not fn then options, fn = {}, options end
	local times, began = {}, native.now()
	ic.on_latency = function(us) times[#times + 1] = us end
	for i = 1, n do fn(i) end
	ic.on_latency = nil
	local total = (native.now() - began) * 1e6
	if #times == 0 then
		ic.fail("the function of a bench did no operation")
	end
	table.sort(times)
	local quantiles = {}
	for percent = 0, 100, 5 do table.insert(quantiles, math.floor(percentile(times, percent / 100))) end
	local b = { n = #times, min = times[1], max = times[#times], median = percentile(times, 0.5),
		p90 = percentile(times, 0.9), p99 = percentile(times, 0.99), total = total }
	for k, v in pairs(b) do b[k] = math.floor(v) end
	native.emit("bench", "name", options.name or test.current, "n", b.n, "min", b.min,
		"median", b.median, "p90", b.p90, "p99", b.p99, "max", b.max, "total", b.total,
		"quantiles", table.concat(quantiles, " "))
	return b
end

local LOG_CHECK = "guest log is clean"

local function check_log()
	local faults = guest.log.faults()
	if #faults == 0 then
		report_check(LOG_CHECK, "pass")
		return
	end
	local some = table.concat(faults, " | ", 1, math.min(#faults, 3))
	report_check(LOG_CHECK, verdict(false, args.peer and not is_strict(LOG_CHECK)),
		string.format("%d lines: %s", #faults, some))
end

local function check_leaks()
	local found = guest.leaks()
	report_check("no memory has leaked", verdict(found == ""), found ~= "" and found or nil)
end

-- Why the guest could not be set up, as its init says (tests/vm/guest/init); nil if it could.
local function setup_failure()
	local line = guest.log.lines("init: module [%w_,-]+ did not load", 0)[1]
	if not line then return nil end
	local reasons = {}
	for _, said in ipairs(guest.log.lines("modprobe: ", 0)) do reasons[#reasons + 1] = said end
	return table.concat({ line, table.unpack(reasons) }, "; ")
end

-- Run the case file; returns the program's exit code.
function test.run(main)
	local good, why = xpcall(main, explain)
	local code, reason = native.stopped()
	local setup = setup_failure()
	if code and args.peer and code == 4 then
		-- A peer that takes its kernel down is a finding about the peer; the exit code is 4.
		native.emit("note", "text", reason)
	elseif not good and not why:find("STOPPED", 1, true) and not setup then
		report("the script", "fail", why)
	end
	if native.has_shell and not native.stopped() and not setup then
		local fine, trouble = xpcall(guest.shell, explain)
		if not fine and not native.stopped() then report("the shell", "fail", trouble) end
	end
	if args.leaks and good then
		check_leaks()
	end
	if args.coverage then
		native.emit("coverage", "data", guest.coverage())
	end
	check_log()
	if setup then
		reason = setup
	elseif args.only and selected == 0 and counts.failed == 0 then
		reason = string.format("no case has '%s' in its name", args.only)
	end
	native.emit("end", "passed", counts.passed, "failed", counts.failed, "skipped", counts.skipped,
		"peer_fails", counts.peer_fails, "peer_passes", counts.peer_passes,
		"selected", selected, "unselected", unselected, "why", reason)
	if setup then return SETUP end
	if counts.failed > 0 then return FAILED end
	return args.only and selected == 0 and SETUP or PASSED
end

return test
