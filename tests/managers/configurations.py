# SPDX-License-Identifier: GPL-2.0-only
"""Configurations that users have, under each network manager."""

from machine import MAC, call, shows
from managers import ConnMan, Dhcpcd, Ifupdown, Netplan, Networkd, NetworkManager


class Kept:
    """A user's configuration of which the host names one address: everything else has to stay."""

    interface = "eth0"
    route = "10.50.0.0/16 via 203.0.113.3"
    # An interface on the adapter. A macvlan: not every kernel here has VLANs.
    stacked = None

    def view(self):
        """What the manager itself says of it, but for the address."""
        return ""


class KeptNetworkd(Kept, Networkd):
    user = {"/etc/systemd/network/10-user.network":
            "[Match]\nName=eth0\n[Link]\nMTUBytes=1400\n[Network]\nAddress=203.0.113.9/24\nGateway=203.0.113.1\n"
            "Domains=example.org\nLinkLocalAddressing=no\nIPv6AcceptRA=no\nDNS=203.0.113.53\n"
            "[Route]\nDestination=10.50.0.0/16\nGateway=203.0.113.3\n"
            "[Route]\nDestination=0.0.0.0/0\nGateway=203.0.113.4\nTable=100\n"
            "[RoutingPolicyRule]\nFrom=10.9.0.0/16\nTable=100\n",
            "/etc/systemd/network/10-user.network.d/more.conf":
            "[Route]\nDestination=10.60.0.0/16\nGateway=203.0.113.3\n"}

    def view(self):
        return sorted(line for line in self.links().splitlines()
                      if line.startswith(("DNS=", "DOMAINS=", "ADMIN_STATE=")))


class BridgeNetworkd(KeptNetworkd):
    interface = "br0"
    user = {"/etc/systemd/network/10-br.netdev": "[NetDev]\nName=br0\nKind=bridge\nMACAddress=" + MAC + "\n",
            "/etc/systemd/network/10-port.network": "[Match]\nName=eth0\n[Network]\nBridge=br0\n",
            "/etc/systemd/network/20-br.network":
            "[Match]\nName=br0\n[Network]\nAddress=203.0.113.9/24\nGateway=203.0.113.1\nLinkLocalAddressing=no\n"
            "[Route]\nDestination=10.50.0.0/16\nGateway=203.0.113.3\n"}


STACKED_MAC = "00:15:5d:aa:bb:07"


class StackedNetworkd(KeptNetworkd):
    stacked = "mv0"
    user = {"/etc/systemd/network/10-mv.netdev": f"[NetDev]\nName=mv0\nKind=macvlan\nMACAddress={STACKED_MAC}\n",
            "/etc/systemd/network/10-user.network":
            "[Match]\nName=eth0\n[Network]\nAddress=203.0.113.9/24\nGateway=203.0.113.1\nMACVLAN=mv0\nLinkLocalAddressing=no\n"
            "[Route]\nDestination=10.50.0.0/16\nGateway=203.0.113.3\n",
            "/etc/systemd/network/20-mv.network":
            "[Match]\nName=mv0\n[Network]\nAddress=198.51.100.9/24\nLinkLocalAddressing=no\n"
            "[Route]\nDestination=10.60.0.0/16\nGateway=198.51.100.3\n"}


class KeptNetplan(KeptNetworkd, Netplan):
    user = {"/etc/netplan/50-user.yaml":
            "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [203.0.113.9/24]\n"
            "      mtu: 1400\n      link-local: []\n      accept-ra: false\n"
            "      nameservers: {search: [example.org], addresses: [203.0.113.53]}\n      routes:\n"
            "        - {to: 0.0.0.0/0, via: 203.0.113.1}\n        - {to: 10.50.0.0/16, via: 203.0.113.3}\n"
            "        - {to: 10.70.0.0/16, via: 203.0.113.4, table: 100}\n"
            "      routing-policy:\n        - {from: 10.9.0.0/16, table: 100}\n"}

    def start(self):
        Netplan.start(self)


class BridgeNetplan(KeptNetplan):
    interface = "br0"
    user = {"/etc/netplan/50-user.yaml":
            "network:\n  version: 2\n  ethernets:\n    eth0: {}\n  bridges:\n    br0:\n      interfaces: [eth0]\n"
            f"      macaddress: {MAC}\n      addresses: [203.0.113.9/24]\n      link-local: []\n"
            "      parameters: {stp: false}\n      routes:\n        - {to: 0.0.0.0/0, via: 203.0.113.1}\n"
            "        - {to: 10.50.0.0/16, via: 203.0.113.3}\n"}


class StackedNetplan(KeptNetplan):
    """netplan has no macvlan: a drop-in for the file that it writes names it."""

    stacked = "mv0"
    user = {"/etc/netplan/50-user.yaml":
            "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [203.0.113.9/24]\n      link-local: []\n"
            "      routes:\n        - {to: 0.0.0.0/0, via: 203.0.113.1}\n        - {to: 10.50.0.0/16, via: 203.0.113.3}\n",
            "/etc/systemd/network/10-netplan-eth0.network.d/mv.conf": "[Network]\nMACVLAN=mv0\n"} | {
            path: text for path, text in StackedNetworkd.user.items() if "mv" in path}


class KeptNetworkManager(Kept, NetworkManager):
    user = {"/etc/NetworkManager/system-connections/user.nmconnection":
            "[connection]\nid=user\nuuid=0c7c4b7e-0000-4000-8000-000000000001\ntype=ethernet\n"
            "interface-name=eth0\nzone=work\n[ethernet]\nmtu=1400\n[ipv4]\nmethod=manual\n"
            "address1=203.0.113.9/24,203.0.113.1\nroute1=10.50.0.0/16,203.0.113.3\n"
            "route2=10.70.0.0/16,203.0.113.4,70\nroute2_options=table=100\n"
            "routing-rule1=priority 500 from 10.9.0.0/16 table 100\n"
            "dns=203.0.113.53;\ndns-search=example.org;\n[ipv6]\nmethod=disabled\n",
            "/etc/NetworkManager/conf.d/user.conf": "[main]\nrc-manager=file\n"}
    fields = "connection.zone,ipv4.method,ipv4.routes,ipv4.routing-rules,ipv4.dns,ipv4.dns-search,ipv6.method,ipv6.addresses"

    def view(self):
        return self.machine.inside("nmcli", "-t", "-f", self.fields, "connection", "show", "user").stdout


class BridgeNetworkManager(KeptNetworkManager):
    interface = "br0"
    user = {"/etc/NetworkManager/system-connections/user.nmconnection":
            "[connection]\nid=user\nuuid=0c7c4b7e-0000-4000-8000-000000000001\ntype=bridge\n"
            "interface-name=br0\n[bridge]\nstp=false\nmac-address=" + MAC + "\n[ipv4]\nmethod=manual\n"
            "address1=203.0.113.9/24,203.0.113.1\nroute1=10.50.0.0/16,203.0.113.3\n[ipv6]\nmethod=disabled\n",
            "/etc/NetworkManager/system-connections/port.nmconnection":
            "[connection]\nid=port\nuuid=0c7c4b7e-0000-4000-8000-000000000002\ntype=ethernet\n"
            "interface-name=eth0\nmaster=0c7c4b7e-0000-4000-8000-000000000001\nslave-type=bridge\n",
            "/etc/NetworkManager/conf.d/user.conf": "[main]\nrc-manager=file\n"}


class StackedNetworkManager(KeptNetworkManager):
    stacked = "mv0"
    user = {"/etc/NetworkManager/system-connections/user.nmconnection":
            "[connection]\nid=user\nuuid=0c7c4b7e-0000-4000-8000-000000000001\ntype=ethernet\ninterface-name=eth0\n"
            "[ipv4]\nmethod=manual\naddress1=203.0.113.9/24,203.0.113.1\nroute1=10.50.0.0/16,203.0.113.3\n[ipv6]\nmethod=disabled\n",
            "/etc/NetworkManager/system-connections/mv.nmconnection":
            "[connection]\nid=mv\nuuid=0c7c4b7e-0000-4000-8000-000000000002\ntype=macvlan\ninterface-name=mv0\n"
            f"[ethernet]\ncloned-mac-address={STACKED_MAC}\n[macvlan]\nmode=2\nparent=eth0\n"
            "[ipv4]\nmethod=manual\naddress1=198.51.100.9/24\nroute1=10.60.0.0/16,198.51.100.3\n[ipv6]\nmethod=disabled\n",
            "/etc/NetworkManager/conf.d/user.conf": "[main]\nrc-manager=file\n"}


class VendorNetworkManager(StackedNetworkManager):
    """A profile that the distribution brings, for any name: it is not edited, and NetworkManager activates the copy anew."""

    user = {path.replace("/etc/NetworkManager/system-connections/user", "/usr/lib/NetworkManager/system-connections/user"):
            # The default metric counts activations.
            text.replace("interface-name=eth0\n", "[match]\ninterface-name=eth*;\n")
            .replace("method=manual\n", "method=manual\nroute-metric=100\n")
            for path, text in StackedNetworkManager.user.items()}

    def view(self):
        return ""


class KeptIfupdown(Kept, Ifupdown):
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n\tmtu 1400\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\n\tup ip rule add from 10.9.0.0/16 table 100\n"
            "\tup ip route add default via 203.0.113.4 table 100\n"
            "\tdown ip rule del from 10.9.0.0/16 table 100\n"
            "iface eth0 inet6 static\n\taddress 2001:db8:5::9/64\n\tdad-attempts 0\n"}


class SearchIfupdown(KeptIfupdown):
    """With resolvconf, which has name servers and search domains of the interface from ifup."""

    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\n"
            "\tdns-nameservers 203.0.113.53 203.0.113.54\n\tdns-search example.org example.net\n"}

    def view(self):
        """What resolvconf has written."""
        with open(f"{self.machine.root}/etc/resolv.conf", encoding="utf-8") as file:
            return file.read()


class StackedIfupdown(KeptIfupdown):
    stacked = "mv0"
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\nauto mv0\niface mv0 inet static\n"
            f"\tpre-up ip link add link eth0 name mv0 address {STACKED_MAC} type macvlan mode bridge || :\n"
            "\taddress 198.51.100.9/24\n\tup ip route add 10.60.0.0/16 via 198.51.100.3\n"}


class VlanIfupdown(KeptIfupdown):
    """ifdown deletes what is named as a VLAN of its interface. A macvlan here, which ifup cannot make."""

    stacked = "eth0.5"
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\nauto eth0.5\niface eth0.5 inet static\n"
            "\taddress 198.51.100.9/24\n\tup ip route add 10.60.0.0/16 via 198.51.100.3\n"}

    def start(self):
        if not shows("eth0.5@", "link"):
            call("ip", "link", "add", "link", "eth0", "name", "eth0.5", "address", STACKED_MAC, "type", "macvlan", "mode", "bridge")
        super().start()
        # That no file names.
        call("ip", "addr", "add", "198.51.100.19/24", "dev", "eth0.5")
        call("ip", "route", "add", "10.61.0.0/16", "via", "198.51.100.4")


class LostIfupdown(KeptIfupdown):
    """A command of the user's deletes what is on the adapter when that goes down."""

    stacked = "mv0"
    user = {"/etc/network/interfaces":
            StackedIfupdown.user["/etc/network/interfaces"].replace("auto mv0", "\tdown ip link del mv0 || :\nauto mv0")}

    def start(self):
        super().start()
        call("ip", "addr", "add", "198.51.100.19/24", "dev", "mv0")
        call("ip", "route", "add", "10.61.0.0/16", "via", "198.51.100.4")


class PortsIfupdown(KeptIfupdown):
    """bridge-utils deletes the bridge with its interface: with it a port that something else has added, and what is on it."""

    interface, stacked = "br0", "mv0"
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto br0\niface br0 inet static\n\tbridge_ports eth0\n\tbridge_fd 0\n\tbridge_maxwait 0\n"
            f"\tbridge_hw {MAC}\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\nauto mv0\niface mv0 inet static\n"
            f"\tpre-up ip link add link br0 name mv0 address {STACKED_MAC} type macvlan mode bridge || :\n"
            "\taddress 198.51.100.9/24\n\tup ip route add 10.60.0.0/16 via 198.51.100.3\n"}

    def start(self):
        super().start()
        if not shows("tap0", "link"):
            call("ip", "link", "add", "tap0", "address", "00:15:5d:aa:bb:08", "type", "veth", "peer", "name", "far-tap0")
        call("ip", "link", "set", "tap0", "master", "br0", "up")
        # The kernel's own, from before it was a port.
        call("ip", "-6", "addr", "flush", "dev", "eth0")
        call("ip", "route", "add", "10.61.0.0/16", "via", "198.51.100.4")


class BridgeIfupdown(KeptIfupdown):
    interface = "br0"
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            f"auto br0\niface br0 inet static\n\tpre-up ip link add br0 address {MAC} type bridge || :\n"
            "\tpre-up ip link set eth0 master br0 up\n\taddress 203.0.113.9/24\n\tgateway 203.0.113.1\n"
            "\tup ip route add 10.50.0.0/16 via 203.0.113.3\n"}


class KeptDhcpcd(Kept, Dhcpcd):
    user = {"/etc/dhcpcd.conf": "nodev\ndenyinterfaces far0\n"
            "interface eth0\n\tstatic ip_address=203.0.113.9/24\nstatic routers=203.0.113.1\n"
            "static routes=10.50.0.0/16 203.0.113.3\nstatic ip6_address=2001:db8:5::9/64\nnoipv6rs\n"
            "static interface_mtu=1400\nmetric 77\nstatic domain_name_servers=203.0.113.53\nstatic domain_search=example.org\n"
            "interface other0\nstatic ip_address=198.51.100.9/24\n"}

    def view(self):
        """What its hook has written for it."""
        with open(f"{self.machine.root}/etc/resolv.conf", encoding="utf-8") as file:
            return file.read()


class BridgeDhcpcd(KeptDhcpcd):
    """Of a bridge that something else has made."""

    interface = "br0"
    user = {"/etc/dhcpcd.conf": "nodev\nallowinterfaces br0\nnoipv6rs\ninterface br0\nstatic ip_address=203.0.113.9/24\n"
            "static routers=203.0.113.1\nstatic routes=10.50.0.0/16 203.0.113.3\nmetric 77\n"}

    def start(self):
        if not shows("br0:", "link"):
            call("ip", "link", "add", "br0", "address", MAC, "type", "bridge")
        call("ip", "link", "set", "eth0", "master", "br0", "up")
        call("ip", "link", "set", "br0", "up")
        super().start()


class StackedDhcpcd(KeptDhcpcd):
    """On the adapter is what something else has made."""

    stacked = "mv0"
    user = {"/etc/dhcpcd.conf": "nodev\nallowinterfaces eth0 mv0\nnoipv6rs\ninterface eth0\nstatic ip_address=203.0.113.9/24\n"
            "static routers=203.0.113.1\nstatic routes=10.50.0.0/16 203.0.113.3\nmetric 77\ninterface mv0\n"
            "static ip_address=198.51.100.9/24\nstatic routes=10.60.0.0/16 198.51.100.3\nmetric 78\n"}

    def start(self):
        if not shows("mv0@", "link"):
            call("ip", "link", "add", "link", "eth0", "name", "mv0", "address", STACKED_MAC, "type", "macvlan", "mode", "bridge")
        call("ip", "link", "set", "mv0", "up")
        super().start()


class KeptConnMan(Kept, ConnMan):
    user = {**ConnMan.user, f"/var/lib/connman/{ConnMan.service}/settings":
            ConnMan.user[f"/var/lib/connman/{ConnMan.service}/settings"] +
            "IPv6.method=off\nNameservers=203.0.113.53;\nDomains=example.org;\nTimeservers=203.0.113.7;\nmDNS=true\n"}
    route = "default via 203.0.113.1"

    def view(self):
        """What is configured; what is in effect now is the kernel's to say."""
        text = self.machine.inside("connmanctl", "services", self.service).stdout.replace("203.0.113.10", "203.0.113.9")
        return [line for line in text.splitlines() if ".Configuration = " in line or "Immutable" in line]


class StackedConnMan(KeptConnMan):
    """On the adapter is what something else has made, and ConnMan is to leave alone."""

    stacked = "mv0"
    user = {**KeptConnMan.user, "/etc/connman/main.conf":
            "[General]\nNetworkInterfaceBlacklist=far,mv\nAllowHostnameUpdates=false\n"}

    def start(self):
        if not shows("mv0@", "link"):
            call("ip", "link", "add", "link", "eth0", "name", "mv0", "address", STACKED_MAC, "type", "macvlan", "mode", "bridge")
        call("ip", "link", "set", "mv0", "up")
        call("ip", "addr", "replace", "198.51.100.9/24", "dev", "mv0")
        call("ip", "route", "replace", "10.60.0.0/16", "via", "198.51.100.3")
        super().start()


class Hung:
    """A manager that does not answer for a while."""


class HungNetworkd(Hung, KeptNetworkd):
    pass


class HungNetworkManager(Hung, KeptNetworkManager):
    pass


class HungDhcpcd(Hung, KeptDhcpcd):
    pass


class HungConnMan(Hung, KeptConnMan):
    pass


class Adapters:
    """Two adapters, each with an address of the user's; they come and go, and the host's address follows one of them."""

    gateway = ""
    # Whether it asks udev about adapters.
    udev = False
    # What it does its own way where one adapter of two comes later than the other.
    own_way = None

    def early(self):
        """What systemd's generators do in a boot, before hvkvpd starts."""

    def plugged(self, name):
        """What udev's rules of the manager's package do when an adapter comes."""

    def unplugged(self, name):
        """And when it goes."""


class AdaptersNetworkd(Adapters, Networkd):
    udev = True
    user = {f"/etc/systemd/network/10-eth{n}.network":
            f"[Match]\nName=eth{n}\n[Network]\nAddress={address}/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n"
            for n, address in enumerate(("203.0.113.9", "198.51.100.9"))}


class AdaptersNetplan(Adapters, Netplan):
    udev = True
    user = {"/etc/netplan/50-user.yaml":
            "network:\n  version: 2\n  ethernets:\n"
            "    eth0: {addresses: [203.0.113.9/24], link-local: [], accept-ra: false}\n"
            "    eth1: {addresses: [198.51.100.9/24], link-local: [], accept-ra: false}\n"}

    def prepare(self):
        super().prepare()
        self.early()

    def early(self):
        self.generate()

    def start(self):
        Networkd.start(self)


class AdaptersNetworkManager(Adapters, NetworkManager):
    user = {"/etc/NetworkManager/conf.d/user.conf": "[main]\nrc-manager=file\nno-auto-default=*\n"
            "[keyfile]\nunmanaged-devices=interface-name:far*\n"} | {
            f"/etc/NetworkManager/system-connections/user{n}.nmconnection":
            f"[connection]\nid=user{n}\nuuid=0c7c4b7e-0000-4000-8000-00000000000{n + 1}\ntype=ethernet\n"
            f"interface-name=eth{n}\n[ipv4]\nmethod=manual\naddress1={address}/24\n"
            # The default counts the devices that it has seen.
            f"route-metric={100 + n}\n[ipv6]\nmethod=disabled\n"
            for n, address in enumerate(("203.0.113.9", "198.51.100.9"))}


class AdaptersIfupdown(Adapters, Ifupdown):
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n"
            "auto eth1\niface eth1 inet static\n\taddress 198.51.100.9/24\n"}

    def plugged(self, name):
        self.machine.inside("ifup", name, check=False)

    def unplugged(self, name):
        self.machine.inside("ifdown", "--force", name, check=False)


class AdaptersDhcpcd(Adapters, Dhcpcd):
    user = {"/etc/dhcpcd.conf": "nodev\nallowinterfaces eth*\nnoipv6rs\ninterface eth0\nstatic ip_address=203.0.113.9/24\n"
            "metric 71\ninterface eth1\nstatic ip_address=198.51.100.9/24\nmetric 72\n"}


class AdaptersConnMan(Adapters, ConnMan):
    gateway = "203.0.113.1"
    # The adapter that was there first has the default route.
    own_way = '"dst": "default"'
    second = "ethernet_00155daabb02_cable"
    user = ConnMan.user | {f"/var/lib/connman/{second}/settings":
                           f"[{second}]\nAutoConnect=true\nIPv4.method=manual\nIPv4.netmask_prefixlen=24\n"
                           "IPv4.local_address=198.51.100.9\nIPv4.gateway=198.51.100.1\nIPv6.method=off\n"}
