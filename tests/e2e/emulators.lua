-- SPDX-License-Identifier: GPL-2.0-only
-- job: qemu=trixie time=200
-- job: qemu=bookworm time=200 all=yes
-- job: qemu=bookworm-backports time=200 all=yes
-- job: qemu=sid time=200 all=yes
-- job: processor=Opteron_G3 time=200 all=yes
-- job: processor=EPYC time=200 all=yes
-- job: processor=EPYC-Milan time=200 all=yes
-- job: processor=Nehalem,vendor=AuthenticAMD time=200 all=yes
-- job: processor=Skylake-Client,vendor=AuthenticAMD time=200 all=yes
-- job: processor=SapphireRapids,vendor=AuthenticAMD qemu=bookworm-backports time=200 all=yes
--
-- The smallest conversation, with level 1 on the QEMU of each Debian suite: with 10.0.2 a level 1 on `-cpu max,-erms` hung;
-- and on several processors, whose CPUID the test host hands on.
-- tests/soak repeats it many times.

bus.wait_open(90)
negotiate{timeout = 30}

case("a guest boots, and a pair is set and read back", function()
	expect(set("external", "name", "value").ok)
	expect(get("external", "name").value, "value")
	expect(guest_ok("hvkvp get external name"), "value")
end)
