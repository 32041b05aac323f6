# SPDX-License-Identifier: GPL-2.0-only
#
# Which files make which part, for this Makefile and for those of the tests.

pool_objects := pool pool_index pool_plan pool_journal pool_recover pool_file pool_lock utf log
facts_objects := facts fqdn osrelease net net_cache net_watch rtnl rtnl_address utf log
ip_codec := ip ip_wire ip_list ip_text ip_binary wire utf
ip_objects := $(ip_codec) ip_serve ip_cache net_watch ip_query ip_read ip_dns ip_dhcp ip_plan \
	ip_record ip_file ip_system adapter rtnl rtnl_address ip_link ip_snapshot ip_apply \
	ip_change ip_dns_set ip_site ip_manager ip_networkd ip_netplan ip_networkmanager \
	ip_ifupdown run log
