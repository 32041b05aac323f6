-- SPDX-License-Identifier: GPL-2.0-only
-- job: profile=on-stock time=300 append=module.sig_enforce=1
-- job: profile=on-stock time=300 append=lockdown=integrity
--
-- A kernel that takes only modules whose signer it knows, as Debian's does under Secure Boot: hv_kvp, which is not signed
-- here, is refused. Both ways in which the kernel can say so get the remedy, and
-- the stock driver, under our daemon, is left where it is.

bus.wait_open(90)

case("take says what is missing, and takes nothing", function()
	expect(negotiate{timeout = 15}.kvp, "4.0")
	expect(set("external", "before", "yes").ok)
	local said = guest("hvkvp-driver take", 30)
	say(said.out)
	expect(said.rc, 1)
	expect(said.out:find("Secure Boot is on", 1, true) ~= nil)
	expect(said.out:find("the module is not signed", 1, true) ~= nil)
	expect(said.out:find("then reboot and confirm", 1, true) ~= nil)
	expect(guest_ok("basename $(readlink /sys/bus/vmbus/devices/" .. bus.kvp.instance .. "/driver)"), "hv_utils")
	expect(bus.count("close", bus.kvp), 0)
	expect(set("external", "after", "yes").ok)
end)

case("the kernel refused it, and said so", function()
	expect(guest_ok("dmesg | grep -ciE 'unsigned module|module .*reject'") ~= "0")
	expect(not guest("lsmod | grep -q hv_kvp").ok)
end)
