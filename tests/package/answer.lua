-- SPDX-License-Identifier: GPL-2.0-only
--
-- How long after its first instruction a booted Debian answers its first negotiation. Run by tests/package/boot, which
-- compares the pairs.

local started = now()
bus.wait_version(300)

case("the guest answers a negotiation", {timeout = 600}, function()
	bus.wait_open(300)
	local agreed = negotiate{timeout = 300}
	say(string.format("first answer: KVP %s after %.1f s", agreed.kvp, now() - started))
end)
