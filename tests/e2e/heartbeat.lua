-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=stock kernel=6.1 time=300 start=no
-- job: profile=stock kernel=5.10 time=300 start=no all=yes
-- job: profile=stock kernel=6.12 time=300 start=no all=yes
-- job: profile=stock kernel=sid time=300 start=no all=yes
-- job: profile=stock kernel=sid time=300 start=no all=yes bound=yes host="--bus-version 6.0" args=bus=6.0
--
-- Conformance of the heartbeat, against the kernel's own hv_utils.

heartbeat:offer()
heartbeat:wait_open(60)

if args.bus then
	case("the guest speaks this version of VMBus", function() expect(bus.version(), args.bus) end)
end

case("each number is answered with the next one", function()
	heartbeat:negotiate()
	for _, n in ipairs{ 0, 1, 41, 0xffffffff, 1 << 32, math.maxinteger - 1, -1 } do
		expect(heartbeat:beat(n).sequence, n + 1)
	end
end)

case("the reserved words are the host's", function()
	expect(heartbeat:request{ sequence = 7, reserved = ("\xa5"):rep(32) }.ok)
end)

conformance.framing(heartbeat, {
	request = { sequence = 5 },
	numbered = function(i) return { sequence = i } end,
	known = {
		type = conformance.ANY_TYPE,
		behind = conformance.STOPS,
	},
})

conformance.lifetime(heartbeat, { request = { sequence = 5 } })

case("latency of a heartbeat", function()
	local b = bench(50, function(i) heartbeat:beat(i) end)
	expect(b.n, 50)
end)
