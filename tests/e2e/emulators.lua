-- SPDX-License-Identifier: GPL-2.0-only
-- job: qemu=trixie time=200
-- job: qemu=bookworm time=200 all=yes
-- job: qemu=bookworm-backports time=200 all=yes
-- job: qemu=sid time=200 all=yes
--
-- The smallest conversation, with level 1 on the QEMU of each Debian suite: with 10.0.2 a level 1 on `-cpu max,-erms` hung.
-- tests/soak repeats it many times.

bus.wait_open(90)
negotiate{timeout = 30}

case("a guest boots, and a pair is set and read back", function()
	expect(set("external", "name", "value").ok)
	expect(get("external", "name").value, "value")
	expect(guest_ok("hvkvp get external name"), "value")
end)
