# SPDX-License-Identifier: GPL-2.0-only
"""Network managers, each with a user's configuration of one address, and who looks after name servers."""

import os
import shutil

from machine import MAC, Host, call, shows, wait


class File:
    """Nobody but what is written into resolv.conf."""

    files = {"/etc/resolv.conf"}

    def prepare(self, machine):
        os.unlink(f"{machine.root}/etc/resolv.conf")
        machine.write("/etc/resolv.conf", "nameserver 203.0.113.53\n")

    def servers(self, machine):
        with open(f"{machine.root}/etc/resolv.conf", encoding="utf-8") as file:
            return file.read()


class Openresolv(File):
    files = {"/etc/resolv.conf", "/etc/unbound/unbound.conf.d/resolvconf_resolvers.conf"}

    def prepare(self, machine):
        super().prepare(machine)
        machine.inside("resolvconf", "-u")


class Resolved:
    files = set()

    def prepare(self, machine):
        run = f"{machine.root}/run/systemd/resolve"
        os.makedirs(f"{run}/netif")
        machine.inside("chown", "-R", "systemd-resolve:", "/run/systemd/resolve")
        machine.bus()
        machine.start("/lib/systemd/systemd-resolved", log="resolved")
        wait(lambda: os.path.exists(f"{run}/resolv.conf"), "systemd-resolved at work")

    def servers(self, machine):
        return machine.inside("resolvectl", "dns", "eth0", check=False).stdout


class Nobody:
    """No manager: hvkvpd keeps the addresses itself."""

    enabled = None
    edits = set()
    user = {"/etc/network/interfaces": "auto lo\niface lo inet loopback\n"}

    def __init__(self, machine):
        self.machine, self.host = machine, None

    def prepare(self):
        pass

    def start(self):
        if os.path.exists(f"{self.machine.root}/var/lib/hyperv/ip-{MAC.replace(':', '')}.conf"):
            self.host = Host(self.machine)
        else:
            call("ip", "addr", "add", "203.0.113.9/24", "dev", "eth0")

    def stop(self):
        pass


class Networkd:
    edits = set()
    enabled = "dbus-org.freedesktop.network1.service"
    user = {"/etc/systemd/network/10-user.network":
            "[Match]\nName=eth0\n[Network]\nAddress=203.0.113.9/24\n"}

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        self.machine.bus()

    def start(self):
        run = f"{self.machine.root}/run/systemd"
        for folder in ("netif", "netif/links", "netif/leases", "netif/lldp"):
            os.makedirs(f"{run}/{folder}", exist_ok=True)
        self.machine.inside("chown", "-R", "systemd-network:", "/run/systemd/netif")
        self.process = self.machine.start("/lib/systemd/systemd-networkd", log="networkd")
        wait(lambda: shows("203.0.113.", "addr") or
             shows("192.0.2.5/", "addr", "show", "eth0") or
             "DHCP=" in self.links(), "networkd at work")
        wait(lambda: "ADMIN_STATE=configur" in self.links(), "networkd's state of eth0")

    def links(self):
        folder, text = f"{self.machine.root}/run/systemd/netif/links", ""
        for name in os.listdir(folder):
            with open(f"{folder}/{name}", encoding="utf-8") as file:
                text += file.read()
        return text

    def stop(self):
        self.machine.stop(self.process)
        shutil.rmtree(f"{self.machine.root}/run/systemd/netif")


class Netplan(Networkd):
    user = {"/etc/netplan/50-user.yaml":
            "network:\n  version: 2\n  ethernets:\n    eth0:\n      addresses: [203.0.113.9/24]\n"}

    def generate(self):
        shutil.rmtree(f"{self.machine.root}/run/systemd/network", ignore_errors=True)
        self.machine.inside("netplan", "generate")

    def start(self):
        self.generate()
        super().start()


class NetworkManager:
    edits = {"/etc/NetworkManager/system-connections/user.nmconnection"}
    enabled = "multi-user.target.wants/NetworkManager.service"
    user = {"/etc/NetworkManager/system-connections/user.nmconnection":
            "[connection]\nid=user\nuuid=0c7c4b7e-0000-4000-8000-000000000001\ntype=ethernet\n"
            "interface-name=eth0\n[ipv4]\nmethod=manual\naddress1=203.0.113.9/24\n",
            "/etc/NetworkManager/conf.d/user.conf": "[main]\nrc-manager=file\n"}

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        self.machine.bus()

    def start(self):
        self.process = self.machine.start("NetworkManager", "--no-daemon", log="NetworkManager")
        wait(lambda: "connected" in self.machine.inside("nmcli", "-t", "device", check=False).stdout.split("eth0:")[-1].split("\n")[0] and
             "disconnected" not in self.machine.inside("nmcli", "-t", "device", check=False).stdout.split("eth0:")[-1].split("\n")[0],
             "NetworkManager at work", 30)

    def stop(self):
        self.machine.stop(self.process)
        shutil.rmtree(f"{self.machine.root}/run/NetworkManager")


class Ifupdown:
    edits = set()
    enabled = "multi-user.target.wants/networking.service"
    user = {"/etc/network/interfaces":
            "source /etc/network/interfaces.d/*\nauto lo\niface lo inet loopback\n"
            "auto eth0\niface eth0 inet static\n\taddress 203.0.113.9/24\n"}

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        pass

    def start(self):
        os.makedirs(f"{self.machine.root}/run/network", exist_ok=True)
        self.machine.inside("ifup", "-a")

    def stop(self):
        self.machine.inside("ifdown", "-a", "--force", check=False)
        shutil.rmtree(f"{self.machine.root}/run/network")


class Dhcpcd:
    edits = {"/etc/dhcpcd.conf"}
    enabled = "multi-user.target.wants/dhcpcd.service"
    gateways = "192.0.2.1"
    # Without udev. The hook that writes resolv.conf is the package's.
    user = {"/etc/dhcpcd.conf": "nodev\ndenyinterfaces far0\noption domain_name_servers\n"
            "interface eth0\nstatic ip_address=203.0.113.9/16\n"}

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        pass

    def start(self):
        self.process = self.machine.start("dhcpcd", "-B", log="dhcpcd")
        wait(lambda: os.path.exists(f"{self.machine.root}/run/dhcpcd/pid"), "dhcpcd at work")

    def stop(self):
        self.machine.stop(self.process)
        # Its helpers may end later, and remove files of the next one.
        self.machine.end_all("dhcpcd")
        shutil.rmtree(f"{self.machine.root}/run/dhcpcd")


class ConnMan:
    service = f"ethernet_{MAC.replace(':', '')}_cable"
    # Those that it writes itself.
    edits = {f"/var/lib/connman/{service}/settings", f"/var/lib/connman/{service}/data", "/var/lib/connman/settings"}
    enabled = "multi-user.target.wants/connman.service"
    user = {f"/var/lib/connman/{service}/settings":
            f"[{service}]\nAutoConnect=true\nIPv4.method=manual\nIPv4.netmask_prefixlen=24\n"
            "IPv4.local_address=203.0.113.9\nIPv4.gateway=203.0.113.1\n",
            "/etc/connman/main.conf": "[General]\nNetworkInterfaceBlacklist=far\nAllowHostnameUpdates=false\n"}

    def __init__(self, machine):
        self.machine = machine

    def prepare(self):
        self.machine.bus()

    def start(self):
        self.process = self.machine.start("connmand", "--nodaemon", "--nodnsproxy", log="connman")
        wait(lambda: "ethernet_" in self.machine.inside("connmanctl", "services", check=False).stdout, "ConnMan at work")

    def stop(self):
        self.machine.stop(self.process)
