-- SPDX-License-Identifier: GPL-2.0-only
-- The player of tests/endure against a guest that keeps its word, and changes that the model knows nothing of.
local endure = require "endure"
local guest_side = require "guest"

local commands = {}
guest_side.run = function(command)
	commands[#commands + 1] = command
	return { ok = true, rc = 0, out = "" }
end

local function begin(acts)
	endure.begin{}
	for _, act in ipairs(acts) do endure.act(act) end
end

case("what a good guest does breaks nothing", function()
	begin{
		{ "set", "external", "k1", "wide", 255, 3 }, { "get", "external", "k1" }, { "set", "guest", "k1", "ascii", 0, 0 },
		{ "get", "guest", "k1" }, { "set", "external", "k1", "astral", 1022, 5 }, { "get", "external", "k1" },
		{ "get", "external", "none" }, { "enumerate", "external" }, { "delete", "external", "none" },
		{ "set_number", "guest", "n", "dword", 4294967295 }, { "negotiate", "4.0" }, { "unknown", 77 },
		{ "enumerate", "guest" }, { "delete", "external", "k1" }, { "get", "external", "k1" },
		{ "delete", "guest", "k1" }, { "delete", "guest", "n" },
	}
	expect(endure.counts.requests > 15)
	expect(commands[1]:find("kvp-service start", 1, true) ~= nil)
end)

case("a change that nobody made, and one that is lost, are found", function()
	begin{ { "set", "guest", "k1", "latin", 9, 1 } }
	set("guest", "k1", "foreign")
	expect(fails(function() endure.act{ "get", "guest", "k1" } end):find("violation: GET sees \"foreign\"", 1, true) ~= nil)
	fails(function() endure.act{ "enumerate", "guest" } end, "ENUMERATE sees")
	delete("guest", "k1")
	fails(function() endure.act{ "get", "guest", "k1" } end, "GET sees nothing")
	fails(function() endure.act{ "delete", "guest", "k1" } end, "DELETE")
end)

case("an act that does not exist", function()
	fails(function() endure.act{ "dance" } end, "no act 'dance'")
end)
