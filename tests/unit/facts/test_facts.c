// SPDX-License-Identifier: GPL-2.0-only
/*
 * The intrinsic items and the files that they come from.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "facts/address_cache.h"
#include "facts/addresses.h"
#include "facts/facts.h"
#include "facts/fqdn.h"
#include "facts/osrelease.h"
#include "facts/watch.h"
#include "net/watch.h"
#include "util/clock.h"
#include "support/netns.h"
#include "support/scratch.h"

static void fake_addresses(void *data, int family, char *text, size_t size)
{
	(void)data;
	snprintf(text, size, "%s", family == AF_INET ? "192.0.2.1;192.0.2.2" : "2001:db8::1");
}

static struct facts facts = {
	.root = scratch_dir,
	.is_version = FACTS_IS_VERSION,
	.addresses = fake_addresses,
};

static const char *fact(const char *name)
{
	static char text[1024];
	int index = facts_find(name);

	if (index < 0)
		return NULL;
	facts_value(&facts, index, text, sizeof(text));
	return text;
}

static void begin(void)
{
	scratch_begin();
	mkdir(scratch_path("etc"), 0700);
	mkdir(scratch_path("usr"), 0700);
	mkdir(scratch_path("usr/lib"), 0700);
}

static void write_text(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static void order(void)
{
	static const char *const names[] = {
		"FullyQualifiedDomainName", "IntegrationServicesVersion", "NetworkAddressIPv4",
		"NetworkAddressIPv6", "OSBuildNumber", "OSName", "OSMajorVersion",
		"OSMinorVersion", "OSVersion", "ProcessorArchitecture",
		"CSDVersion", "ServicePackMajor", "RDPAddressIPv4", "RDPAddressIPv6",
	};

	for (int i = 0; i < FACTS_COUNT; i++) {
		CHECK_TEXT(facts_name(i), names[i]);
		CHECK_INT(facts_find(names[i]), i);
	}
	CHECK_TEXT(facts_name(FACTS_COUNT), NULL);
	CHECK_TEXT(facts_name(0xffffffff), NULL);
	CHECK_INT(facts_find("osname"), -1);
}

static void os_release(void)
{
	begin();
	write_text("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n"
		   "NAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nID=debian\n");
	CHECK_TEXT(fact("OSName"), "Debian GNU/Linux");
	CHECK_TEXT(fact("OSMajorVersion"), "12");
	CHECK_TEXT(fact("OSMinorVersion"), "");
	write_text("etc/os-release", "NAME=Ubuntu\nVERSION_ID='24.04.1'\n");
	CHECK_TEXT(fact("OSName"), "Ubuntu");
	CHECK_TEXT(fact("OSMajorVersion"), "24");
	CHECK_TEXT(fact("OSMinorVersion"), "04.1");
	scratch_end();
}

/* What is in the files of distributions, and what the host gets. */
static void os_release_of_distributions(void)
{
	static const struct {
		const char *file;
		const char *name, *major, *minor, *pack, *pack_major;
	} all[] = {
		{ "PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nNAME=\"Debian GNU/Linux\"\n"
		  "VERSION_CODENAME=trixie\nID=debian\n", "Debian GNU/Linux", "", "",
		  "", "0" },
		{ "PRETTY_NAME=\"Ubuntu 22.04.4 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"22.04\"\n"
		  "VERSION=\"22.04.4 LTS (Jammy Jellyfish)\"\nID=ubuntu\nID_LIKE=debian\n",
		  "Ubuntu", "22", "04", "", "0" },
		{ "NAME=\"Fedora Linux\"\nVERSION=\"40 (Server Edition)\"\nID=fedora\nVERSION_ID=40\n"
		  "VARIANT=\"Server Edition\"\nVARIANT_ID=server\n", "Fedora Linux", "40", "", "", "0" },
		{ "NAME=\"Rocky Linux\"\nVERSION=\"9.4 (Blue Onyx)\"\nID=\"rocky\"\n"
		  "ID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.4\"\n", "Rocky Linux", "9", "4", "", "0" },
		{ "NAME=\"SLES\"\nVERSION=\"15-SP5\"\nVERSION_ID=\"15.5\"\nID=\"sles\"\n"
		  "ID_LIKE=\"suse\"\n", "SLES", "15", "5", "Service Pack 5", "5" },
		{ "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.1\n",
		  "Alpine Linux", "3", "20.1", "", "0" },
		{ "NAME=\"Arch Linux\"\nID=arch\nBUILD_ID=rolling\n", "Arch Linux", "", "", "", "0" },
		{ "NAME='openSUSE Tumbleweed'\nID='opensuse-tumbleweed'\nVERSION_ID='20240601'\n",
		  "openSUSE Tumbleweed", "20240601", "", "", "0" },
	};

	begin();
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		write_text("etc/os-release", all[i].file);
		CHECK_TEXT(fact("OSName"), all[i].name);
		CHECK_TEXT(fact("OSMajorVersion"), all[i].major);
		CHECK_TEXT(fact("OSMinorVersion"), all[i].minor);
		CHECK_TEXT(fact("CSDVersion"), all[i].pack);
		CHECK_TEXT(fact("ServicePackMajor"), all[i].pack_major);
	}
	scratch_end();
}

static void os_release_elsewhere(void)
{
	begin();
	CHECK_TEXT(fact("OSName"), "Linux");
	CHECK_TEXT(fact("OSMajorVersion"), "");
	write_text("usr/lib/os-release", "NAME=Vendor\nVERSION_ID=7.1\n");
	CHECK_TEXT(fact("OSName"), "Vendor");
	write_text("etc/os-release", "NAME=Mine\n");
	/* As in an initramfs. */
	CHECK_INT(mkdir(scratch_path("usr/lib/hvkvpd"), 0755), 0);
	write_text("usr/lib/hvkvpd/os-release", "NAME=\"The system's\"\nVERSION_ID=8\n");
	CHECK_TEXT(fact("OSName"), "The system's");
	unlink(scratch_path("usr/lib/hvkvpd/os-release"));
	CHECK_TEXT(fact("OSName"), "Mine");
	CHECK_TEXT(fact("OSMajorVersion"), "");
	/* A line that is not closed is none, wherever it stands. */
	write_text("etc/os-release", "NAME=Mine\nNAME=\"open\n");
	CHECK_TEXT(fact("OSName"), "Mine");
	write_text("etc/os-release", "NAME=\"Caf\xe9 \xff Linux\"\n");
	CHECK_TEXT(fact("OSName"), "Caf\xef\xbf\xbd \xef\xbf\xbd Linux");
	write_text("etc/os-release", "\xef\xbb\xbfNAME=Marked\nVERSION=\"1-SP-1\"\n");
	CHECK_TEXT(fact("OSName"), "Marked");
	CHECK_TEXT(fact("CSDVersion"), "");
	/* What is no file is none, and nothing waits for it. */
	unlink(scratch_path("etc/os-release"));
	CHECK_INT(mkdir(scratch_path("etc/os-release"), 0755), 0);
	CHECK_TEXT(fact("OSName"), "Vendor");
	rmdir(scratch_path("etc/os-release"));
	CHECK_INT(mkfifo(scratch_path("etc/os-release"), 0644), 0);
	CHECK_TEXT(fact("OSName"), "Vendor");
	scratch_end();
}

/* A text that is cut ends with a whole character, also where others are not UTF-8. */
static void cut_text(void)
{
	char text[12];

	begin();
	write_text("etc/os-release", "NAME=\"12345678\xf0\x9f\x90\xa7\"\n");
	facts_value(&facts, facts_find("OSName"), text, sizeof(text));
	CHECK_TEXT(text, "12345678");
	write_text("etc/os-release", "NAME=\"\xff" "2345678\xf0\x9f\x90\xa7\"\n");
	facts_value(&facts, facts_find("OSName"), text, sizeof(text));
	CHECK_TEXT(text, "\xef\xbf\xbd" "2345678");
	/* What only looks like the end of a longer one stays. */
	write_text("etc/os-release", "NAME=\"23456789\xc3\xa9\xa9\"\n");
	facts_value(&facts, facts_find("OSName"), text, sizeof(text));
	CHECK_TEXT(text, "23456789\xc3\xa9");
	/* Replacements are longer than what they replace. */
	write_text("etc/os-release", "NAME=\"\xff\xff\xff\xff\xff\"\n");
	facts_value(&facts, facts_find("OSName"), text, sizeof(text));
	CHECK_TEXT(text, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	scratch_end();
}

static void os_release_lines(void)
{
	char value[16];

	CHECK_INT(osrelease_line("NAME=x\n", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "x");
	CHECK_INT(osrelease_line("NAME=\"a \\\"b\\\" \\$c \\\\\"\n", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "a \"b\" $c \\");
	CHECK_INT(osrelease_line("NAME='a\\b \"c\"'\r\n", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "a\\b \"c\"");
	CHECK_INT(osrelease_line("  NAME=a b\n", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "a");
	CHECK_INT(osrelease_line("NAME=", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "");
	CHECK_INT(osrelease_line("NAME=\"\"", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "");
	CHECK_INT(osrelease_line("NAME=0123456789abcdefghi", "NAME", value, sizeof(value)), 1);
	CHECK_TEXT(value, "0123456789abcde");

	CHECK_INT(osrelease_line("NAME=\"open\n", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("#NAME=x\n", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("PRETTY_NAME=x\n", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("NAMES=x\n", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("NAME\n", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("", "NAME", value, sizeof(value)), 0);
	CHECK_INT(osrelease_line("NAME=\\", "NAME", value, sizeof(value)), 1);
}

static const char *full_name(const char *host)
{
	static char name[300];

	fqdn_get(scratch_dir, host, name, sizeof(name));
	return name;
}

static void name_alone(void)
{
	begin();
	CHECK_TEXT(full_name("box"), "box");
	CHECK_TEXT(full_name("box.example.com"), "box.example.com");
	CHECK_TEXT(full_name("box.example.com."), "box.example.com");
	CHECK_TEXT(full_name(""), "");
	scratch_end();
}

static void name_from_resolv(void)
{
	begin();
	write_text("etc/resolv.conf", "# search no.example\nnameserver 192.0.2.53\n"
		   "search lab.example.com example.com\n");
	CHECK_TEXT(full_name("box"), "box.lab.example.com");
	/* The last line counts. */
	write_text("etc/resolv.conf", "domain a.example\nsearch b.example c.example\n");
	CHECK_TEXT(full_name("box"), "box.b.example");
	write_text("etc/resolv.conf", "search .\n");
	CHECK_TEXT(full_name("box"), "box");
	write_text("etc/resolv.conf", "domain one.example.\n");
	CHECK_TEXT(full_name("box"), "box.one.example");
	write_text("etc/resolv.conf", "domain\nsearch $(reboot)\n");
	CHECK_TEXT(full_name("box"), "box");
	scratch_end();
}

static void name_from_hosts(void)
{
	begin();
	write_text("etc/resolv.conf", "search far.example\n");
	write_text("etc/hosts", "127.0.0.1 localhost\n127.0.1.1\tboxer.x.example box.near.example box\n");
	CHECK_TEXT(full_name("box"), "box.near.example");
	CHECK_TEXT(full_name("BOX"), "box.near.example");
	CHECK_TEXT(full_name("other"), "other.far.example");
	write_text("etc/hosts", "127.0.1.1 box # box.comment.example\n#1.1.1.1 box.old.example\n");
	CHECK_TEXT(full_name("box"), "box.far.example");
	write_text("etc/hostname", "box.mine.example\n");
	CHECK_TEXT(full_name("box"), "box.mine.example");
	write_text("etc/hostname", "somebody.else.example\n");
	CHECK_TEXT(full_name("box"), "box.far.example");
	/* Nothing waits for what is no file. */
	unlink(scratch_path("etc/hostname"));
	unlink(scratch_path("etc/hosts"));
	CHECK_INT(mkfifo(scratch_path("etc/hostname"), 0644), 0);
	CHECK_INT(mkfifo(scratch_path("etc/hosts"), 0644), 0);
	CHECK_TEXT(full_name("box"), "box.far.example");
	scratch_end();
}

/* The host names of the kernel and of systemd until one is set. */
static void name_not_set(void)
{
	begin();
	CHECK_TEXT(full_name("(none)"), "");
	CHECK_TEXT(full_name("localhost"), "localhost");
	write_text("etc/hostname", "# a comment\nbox\n");
	CHECK_TEXT(full_name("(none)"), "box");
	CHECK_TEXT(full_name("localhost"), "box");
	write_text("etc/resolv.conf", "search far.example\n");
	CHECK_TEXT(full_name("(none)"), "box.far.example");
	write_text("etc/hostname", "box.mine.example\n");
	CHECK_TEXT(full_name("(none)"), "box.mine.example");
	scratch_end();
}

static void kernel(void)
{
	struct utsname uts;
	const char *version;
	size_t len;

	begin();
	uname(&uts);
	CHECK_TEXT(fact("OSBuildNumber"), uts.release);
	CHECK_TEXT(fact("ProcessorArchitecture"), uts.machine);
	version = fact("OSVersion");
	len = strlen(version);
	CHECK(len > 0 && !strncmp(version, uts.release, len));
	CHECK_INT(strspn(version, "0123456789."), len);
	CHECK(version[len - 1] != '.');
	CHECK_TEXT(fact("IntegrationServicesVersion"), "3.1");
	scratch_end();
}

static void addresses(void)
{
	begin();
	CHECK_TEXT(fact("NetworkAddressIPv4"), "192.0.2.1;192.0.2.2");
	CHECK_TEXT(fact("NetworkAddressIPv6"), "2001:db8::1");
	facts.addresses = NULL;
	CHECK_TEXT(fact("NetworkAddressIPv4"), "");
	facts.addresses = fake_addresses;
	scratch_end();
}

/* A line of /proc/net/tcp or tcp6, as kernels on this machine print it. */
static void add_socket(const char *name, const char *address, unsigned int port, unsigned int state)
{
	char path[64], line[256], hex[33] = "";
	uint32_t words[4];
	int n = strchr(address, ':') ? 4 : 1;
	FILE *out;

	CHECK_INT(inet_pton(n == 4 ? AF_INET6 : AF_INET, address, words), 1);
	for (int i = 0; i < n; i++)
		sprintf(hex + 8 * i, "%08X", words[i]);
	snprintf(path, sizeof(path), "proc/net/%s", name);
	snprintf(line, sizeof(line), "%4d: %s:%04X %0*d:0000 %02X 00000000:00000000 00:00000000 "
		 "00000000     0        0 12345 1 0000000000000000 100 0 0 10 0\n",
		 0, hex, port, 8 * n, 0, state);
	out = fopen(scratch_path(path), "a");
	if (CHECK(out != NULL)) {
		fputs(line, out);
		fclose(out);
	}
}

static void no_sockets(void)
{
	static const char *const folders[] = {
		"proc", "proc/net", "proc/sys", "proc/sys/net", "proc/sys/net/ipv6",
	};
	static const char title[] = "  sl  local_address rem_address   st tx_queue rx_queue tr\n";

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		mkdir(scratch_path(folders[i]), 0700);
	write_text("proc/net/tcp", title);
	write_text("proc/net/tcp6", title);
}

static void rdp(void)
{
	begin();
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	no_sockets();
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	CHECK_TEXT(fact("RDPAddressIPv6"), "");
	/* Not this port; not any more; only this machine. */
	add_socket("tcp", "0.0.0.0", 22, 0x0a);
	add_socket("tcp", "127.0.0.1", 3389, 0x0a);
	add_socket("tcp6", "::1", 3389, 0x0a);
	add_socket("tcp", "192.0.2.1", 3389, 0x06);
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	CHECK_TEXT(fact("RDPAddressIPv6"), "");
	/* At some addresses. */
	no_sockets();
	add_socket("tcp", "192.0.2.1", 3389, 0x0a);
	add_socket("tcp", "198.51.100.9", 3389, 0x0a);
	add_socket("tcp6", "2001:db8::7", 3389, 0x0a);
	add_socket("tcp6", "::ffff:203.0.113.5", 3389, 0x0a);
	CHECK_TEXT(fact("RDPAddressIPv4"), "192.0.2.1;198.51.100.9;203.0.113.5");
	CHECK_TEXT(fact("RDPAddressIPv6"), "2001:db8::7");
	/* Several sockets at one. */
	add_socket("tcp", "192.0.2.1", 3389, 0x0a);
	add_socket("tcp", "192.0.2.11", 3389, 0x0a);
	CHECK_TEXT(fact("RDPAddressIPv4"), "192.0.2.1;198.51.100.9;192.0.2.11;203.0.113.5");
	/* At all of one family. */
	no_sockets();
	add_socket("tcp", "0.0.0.0", 3389, 0x0a);
	CHECK_TEXT(fact("RDPAddressIPv4"), "192.0.2.1;192.0.2.2");
	CHECK_TEXT(fact("RDPAddressIPv6"), "");
	/* At all of both, unless the system separates them. */
	no_sockets();
	add_socket("tcp6", "::", 3389, 0x0a);
	CHECK_TEXT(fact("RDPAddressIPv4"), "192.0.2.1;192.0.2.2");
	CHECK_TEXT(fact("RDPAddressIPv6"), "2001:db8::1");
	write_text("proc/sys/net/ipv6/bindv6only", "1\n");
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	CHECK_TEXT(fact("RDPAddressIPv6"), "2001:db8::1");
	facts.hidden = 1U << facts_find("RDPAddressIPv6");
	CHECK_TEXT(fact("RDPAddressIPv6"), "");
	facts.hidden = 0;
	/* Connections come behind the listening sockets, and are not read. */
	no_sockets();
	add_socket("tcp", "192.0.2.1", 22, 0x01);
	add_socket("tcp", "192.0.2.1", 3389, 0x0a);
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	scratch_end();
}

/* A socket of this program, in the kernel's own table. */
static void real_rdp(void)
{
	struct facts real = { .root = "", .addresses = fake_addresses };
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(3389) };
	char text[64];
	int fd;

	if (!netns_enter())
		return;
	facts_value(&real, facts_find("RDPAddressIPv6"), text, sizeof(text));
	CHECK_TEXT(text, "");
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!CHECK_INT(bind(fd, (void *)&any, sizeof(any)), 0) || !CHECK_INT(listen(fd, 1), 0))
		return;
	facts_value(&real, facts_find("RDPAddressIPv6"), text, sizeof(text));
	CHECK_TEXT(text, "2001:db8::1");
	facts_value(&real, facts_find("RDPAddressIPv4"), text, sizeof(text));
	CHECK_TEXT(text, "192.0.2.1;192.0.2.2");
	close(fd);
	facts_value(&real, facts_find("RDPAddressIPv4"), text, sizeof(text));
	CHECK_TEXT(text, "");
}

/* What a program prints, without the newline at its end. */
static const char *said_by(const char *command)
{
	static char text[256];
	FILE *in = popen(command, "r");
	size_t len = in ? fread(text, 1, sizeof(text) - 1, in) : 0;

	text[len] = 0;
	CHECK(in && !pclose(in));
	text[strcspn(text, "\n")] = 0;
	return text;
}

/* Of this machine, whatever it is: each fact beside its source, read by other programs. */
static void real_facts(void)
{
	static const struct {
		const char *name;
		const char *command;
	} sources[] = {
		{ "OSName", ". /etc/os-release; echo \"${NAME:-Linux}\"" },
		{ "OSMajorVersion", ". /etc/os-release; echo \"${VERSION_ID%%.*}\"" },
		{ "OSMinorVersion", ". /etc/os-release; m=${VERSION_ID%%.*}; m=${VERSION_ID#\"$m\"}; echo \"${m#.}\"" },
		{ "OSBuildNumber", "uname -r" },
		{ "OSVersion", "uname -r | sed 's/[^0-9.].*//; s/[.]*$//'" },
	};
	struct facts real = { .root = "" };
	struct utsname system;
	char text[256], host[256] = "";

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		facts_value(&real, facts_find(sources[i].name), text, sizeof(text));
		CHECK_TEXT(text, said_by(sources[i].command));
	}
	/* Not uname(1)'s: in an emulator that program may be of another architecture. */
	CHECK_INT(uname(&system), 0);
	facts_value(&real, facts_find("ProcessorArchitecture"), text, sizeof(text));
	CHECK_TEXT(text, system.machine);
	gethostname(host, sizeof(host) - 1);
	facts_value(&real, facts_find("FullyQualifiedDomainName"), text, sizeof(text));
	CHECK(!strncasecmp(text, host, strlen(host)));
}

/* The kernel's own list, whatever this machine has. */
static void real_addresses(void)
{
	char v4[1024], v6[1024], small[8], *save, *one;
	unsigned char raw[16];
	bool link_local = false;

	addresses_text(AF_INET, v4, sizeof(v4));
	addresses_text(AF_INET6, v6, sizeof(v6));
	CHECK(!strstr(v4, "127.0.0.1"));
	CHECK(strcmp(v6, "::1"));
	addresses_text(AF_INET, small, sizeof(small));
	CHECK(strlen(small) < sizeof(small));
	CHECK(!small[0] || inet_pton(AF_INET, small, raw) == 1);

	for (one = strtok_r(v4, ";", &save); one; one = strtok_r(NULL, ";", &save))
		CHECK_INT(inet_pton(AF_INET, one, raw), 1);
	for (one = strtok_r(v6, ";", &save); one; one = strtok_r(NULL, ";", &save)) {
		CHECK_INT(inet_pton(AF_INET6, one, raw), 1);
		/* Once they begin, only link-local ones follow. */
		CHECK(!link_local || !strncmp(one, "fe80:", 5));
		link_local |= !strncmp(one, "fe80:", 5);
	}
}

/* A network of our own, in a child process. */
static int in_own_network(void)
{
	char text[64];

	if (unshare(CLONE_NEWNET))
		return 77;
	if (system("ip link set lo up && ip addr add 192.0.2.99/32 dev lo && "
		   "ip addr add 2001:db8::99/128 dev lo"))
		return 77;
	addresses_text(AF_INET, text, sizeof(text));
	if (text[0])
		return 1;
	addresses_text(AF_INET6, text, sizeof(text));
	if (text[0])
		return 2;
	if (system("{ ip link add one type dummy || ip link add one type veth peer name two; } "
		   "2>/dev/null && ip addr add 192.0.2.1/24 dev one"))
		return 77;
	addresses_text(AF_INET, text, sizeof(text));
	if (text[0])
		return 3;	/* the link is down */
	if (system("ip link set one up && ip addr add 198.51.100.1/24 dev one && "
		   "ip addr add 2001:db8::1/64 dev one nodad"))
		return 77;
	addresses_text(AF_INET, text, sizeof(text));
	if (strcmp(text, "192.0.2.1;198.51.100.1"))
		return 4;
	addresses_text(AF_INET, text, sizeof("192.0.2.1;198.51.100.1") - 1);
	if (strcmp(text, "192.0.2.1"))
		return 5;
	addresses_text(AF_INET6, text, sizeof(text));
	return strncmp(text, "2001:db8::1", 11) ? 6 : 0;
}

static void own_network(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		_exit(in_own_network());
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		tap_skip("needs root, ip and a network namespace with a dummy or veth link");
	else
		CHECK_INT(status, 0);
}

static bool cached(struct address_cache *cache, int family, const char *want)
{
	char text[ADDRESS_CACHE_SIZE];

	address_cache_text(cache, family, text, sizeof(text));
	return CHECK_TEXT(text, want);
}

/* Each change is seen at once; without one the kernel is not asked. */
static void cached_addresses(void)
{
	struct net_watch watch;
	struct address_cache cache = { .watch = &watch };
	char small[12];

	if (!netns_enter())
		return;
	netns_run("link add net7 type veth peer name far7");
	netns_run("link set net7 addrgenmode none");
	netns_run("link set net7 up");
	netns_run("link set far7 up addrgenmode none");
	net_watch_init(&watch);
	cached(&cache, AF_INET, "");
	netns_run("addr add 192.0.2.7/24 dev net7");
	cached(&cache, AF_INET, "192.0.2.7");
	cached(&cache, AF_INET6, "");
	netns_run("addr add 2001:db8::7/64 dev net7 nodad");
	cached(&cache, AF_INET6, "2001:db8::7");
	/* For a second after a change nothing is remembered. */
	for (int i = 0; i < 2; i++) {
		strcpy(cache.entry[0].text, "remembered");
		cached(&cache, AF_INET, "192.0.2.7");
	}
	watch.changed_ms -= 1001;
	cached(&cache, AF_INET, "192.0.2.7");
	strcpy(cache.entry[0].text, "remembered");
	cached(&cache, AF_INET, "remembered");
	address_cache_text(&cache, AF_INET, small, sizeof(small));
	CHECK_TEXT(small, "192.0.2.7");
	for (int i = 0; i < 20; i++) {
		netns_run("addr add 198.51.100.7/24 dev net7");
		watch.changed_ms = 0;
		cached(&cache, AF_INET, "192.0.2.7;198.51.100.7");
		watch.changed_ms = 0;
		netns_run("addr del 198.51.100.7/24 dev net7");
		cached(&cache, AF_INET, "192.0.2.7");
	}
	/* More changes than a queue holds. */
	{
		int room = 1;

		setsockopt(watch.notifier.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	for (int i = 0; i < 20; i++)
		netns_run("addr add 10.0.%d.7/24 dev net7", i);
	for (int i = 0; i < 20; i++)
		netns_run("addr del 10.0.%d.7/24 dev net7", i);
	netns_run("link set net7 down");
	watch.changed_ms = 0;
	cached(&cache, AF_INET, "");
	net_watch_exit(&watch);
	cached(&cache, AF_INET, "");
	netns_run("link del net7");
}

static struct facts_watch sources;
static struct facts_cache kept = { .watch = &sources };

/* A value that was made before is used again if nothing has changed. */
static void still_kept(void)
{
	int index = facts_find("OSName");

	fact("OSName");
	strcpy(kept.entry[index].text, "kept");
	CHECK_TEXT(fact("OSName"), "kept");
	/* Keep the true value again, so that what follows has to notice its change. */
	kept.entry[index].size = 0;
	fact("OSName");
}

static void kept_facts(void)
{
	begin();
	write_text("etc/os-release", "NAME=One\nVERSION_ID=1.2\n");
	write_text("etc/new", "NAME=Two\nVERSION_ID=2.3\n");
	facts_watch_init(&sources, scratch_dir);
	memset(kept.entry, 0, sizeof(kept.entry));
	facts.cache = &kept;
	CHECK_TEXT(fact("OSName"), "One");
	still_kept();
	/* Replaced by another file. */
	rename(scratch_path("etc/new"), scratch_path("etc/os-release"));
	CHECK_TEXT(fact("OSName"), "Two");
	CHECK_TEXT(fact("OSMinorVersion"), "3");
	still_kept();
	/* Written in place. */
	write_text("etc/os-release", "NAME=Three\n");
	CHECK_TEXT(fact("OSName"), "Three");
	CHECK_TEXT(fact("OSMajorVersion"), "");
	/* A link to a file in a folder that is not watched before. */
	mkdir(scratch_path("run"), 0700);
	write_text("run/release", "NAME=Four\n");
	unlink(scratch_path("etc/os-release"));
	CHECK_INT(symlink("../run/release", scratch_path("etc/os-release")), 0);
	CHECK_TEXT(fact("OSName"), "Four");
	still_kept();
	write_text("run/release", "NAME=Five\n");
	CHECK_TEXT(fact("OSName"), "Five");
	/* The link leads nowhere, and then to a folder that was not there. */
	unlink(scratch_path("etc/os-release"));
	CHECK_INT(symlink("../run/later/release", scratch_path("etc/os-release")), 0);
	CHECK_TEXT(fact("OSName"), "Linux");
	mkdir(scratch_path("run/later"), 0700);
	write_text("run/later/release", "NAME=Six\n");
	CHECK_TEXT(fact("OSName"), "Six");
	still_kept();
	write_text("run/later/release", "NAME=Seven\n");
	CHECK_TEXT(fact("OSName"), "Seven");
	facts_watch_exit(&sources);
	/* Nothing is watched: nothing is kept. */
	write_text("run/later/release", "NAME=Eight\n");
	CHECK_TEXT(fact("OSName"), "Eight");
	facts.cache = NULL;
	scratch_end();
}

/* An os-release whose content is its name. */
static void release(const char *name)
{
	char text[64];

	snprintf(text, sizeof(text), "NAME=%s\n", strrchr(name, '/') + 1);
	write_text(name, text);
}

static void folder(const char *name)
{
	CHECK_INT(mkdir(scratch_path(name), 0755), 0);
}

/* A link in the place of what is there: by a rename, or after that was removed. */
static void link_to(const char *target, const char *name, bool renamed)
{
	if (!renamed)
		unlink(scratch_path(name));
	CHECK_INT(symlink(target, scratch_path(renamed ? "new-link" : name)), 0);
	if (renamed)
		CHECK_INT(rename(scratch_path("new-link"), scratch_path(name)), 0);
}

static void begin_kept(void)
{
	begin();
	folder("run");
	folder("run/one");
	folder("run/two");
	release("run/one/One");
	release("run/two/Two");
}

static void watch_kept(void)
{
	facts_watch_init(&sources, scratch_dir);
	memset(kept.entry, 0, sizeof(kept.entry));
	facts.cache = &kept;
}

static void end_kept(void)
{
	facts_watch_exit(&sources);
	facts.cache = NULL;
	scratch_end();
}

/* Would the loop wake up? */
static bool wakes(void)
{
	struct pollfd ready[] = {
		{ .fd = sources.files.fd, .events = sources.files.events },
		{ .fd = sources.mounts.fd, .events = sources.mounts.events },
	};

	return poll(ready, 2, 0) > 0;
}

/* How many watches are there? */
static int watches(void)
{
	char path[64], line[256];
	int n = 0;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", sources.inotify);
	in = fopen(path, "r");
	if (!CHECK(in != NULL))
		return -1;
	while (fgets(line, sizeof(line), in))
		n += !strncmp(line, "inotify wd:", 11);
	fclose(in);
	return n;
}

/* etc/os-release -> run/chain -> run/one/One, or what is in run/two. */
static void kept_chain(void)
{
	int before;

	begin_kept();
	link_to("one/One", "run/chain", false);
	link_to("../run/chain", "etc/os-release", false);
	watch_kept();
	CHECK_TEXT(fact("OSName"), "One");
	still_kept();
	before = watches();
	for (int i = 0; i < 10; i++) {
		link_to("two/Two", "run/chain", i % 2);
		CHECK_TEXT(fact("OSName"), "Two");
		still_kept();
		link_to(scratch_path("run/one/One"), "run/chain", i % 2);
		CHECK_TEXT(fact("OSName"), "One");
		still_kept();
	}
	/* What the links led to before is not watched any more, and other files are not. */
	CHECK_INT(watches(), before);
	CHECK(!wakes());
	release("run/two/Two");
	release("run/unrelated");
	release("usr/unrelated");
	folder("unrelated");
	unlink(scratch_path("run/unrelated"));
	CHECK(!wakes());
	release("run/one/One");
	CHECK(wakes());
	end_kept();
}

/* A folder on the way is a link, as in a volume of Kubernetes. */
static void kept_folder_link(void)
{
	int before;

	begin_kept();
	release("run/one/r");
	write_text("run/two/r", "NAME=s\n");
	link_to("one", "run/data", false);
	link_to(scratch_path("run/data/r"), "etc/os-release", false);
	watch_kept();
	CHECK_TEXT(fact("OSName"), "r");
	still_kept();
	before = watches();
	for (int i = 0; i < 10; i++) {
		link_to("two", "run/data", i % 2);
		CHECK_TEXT(fact("OSName"), "s");
		still_kept();
		link_to("../run/./one", "run/data", i % 2);
		CHECK_TEXT(fact("OSName"), "r");
		still_kept();
	}
	CHECK_INT(watches(), before);
	end_kept();
}

/* A folder on the way is renamed away, and another one takes its place. */
static void kept_folder_renamed(void)
{
	int before;

	begin_kept();
	folder("run/one/deep");
	release("run/one/deep/r");
	link_to("../run/one/deep/r", "etc/os-release", false);
	watch_kept();
	CHECK_TEXT(fact("OSName"), "r");
	still_kept();
	before = watches();
	CHECK_INT(rename(scratch_path("run/one"), scratch_path("run/away")), 0);
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	folder("run/one");
	folder("run/one/deep");
	write_text("run/one/deep/r", "NAME=s\n");
	CHECK_TEXT(fact("OSName"), "s");
	still_kept();
	CHECK_INT(watches(), before);
	CHECK(!wakes());
	release("run/away/deep/r");
	CHECK(!wakes());
	/* And back, where nobody looks in between. */
	CHECK_INT(rename(scratch_path("run/one"), scratch_path("run/aside")), 0);
	CHECK_INT(rename(scratch_path("run/away"), scratch_path("run/one")), 0);
	CHECK_TEXT(fact("OSName"), "r");
	CHECK_INT(watches(), before);
	end_kept();
}

/* A link that leads nowhere, or round in a circle, is kept as well. */
static void kept_dangling(void)
{
	begin_kept();
	link_to("../run/later/deep/r", "etc/os-release", false);
	watch_kept();
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	folder("run/later");
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	folder("run/later/deep");
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	/* In run it is not awaited any more. */
	release("run/unrelated");
	CHECK(!wakes());
	release("run/later/deep/r");
	CHECK_TEXT(fact("OSName"), "r");
	still_kept();
	link_to("os-release", "etc/os-release", true);
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	link_to("../run/one/One", "etc/os-release", true);
	CHECK_TEXT(fact("OSName"), "One");
	still_kept();
	end_kept();
}

/* Over a file, over a folder above it, and what was below appears again. */
static void kept_mounts(void)
{
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
		tap_skip("a mount namespace needs root");
		return;
	}
	begin_kept();
	release("etc/os-release");
	watch_kept();
	CHECK_TEXT(fact("OSName"), "os-release");
	still_kept();
	CHECK_INT(mount(scratch_path("run/one/One"), scratch_path("etc/os-release"), NULL,
			MS_BIND, NULL), 0);
	CHECK_TEXT(fact("OSName"), "One");
	still_kept();
	/* The one that is mounted is watched now. */
	write_text("run/one/One", "NAME=Another\n");
	CHECK_TEXT(fact("OSName"), "Another");
	still_kept();
	CHECK_INT(umount(scratch_path("etc/os-release")), 0);
	CHECK_TEXT(fact("OSName"), "os-release");
	still_kept();
	CHECK_INT(mount("none", scratch_path("etc"), "tmpfs", 0, NULL), 0);
	CHECK_TEXT(fact("OSName"), "Linux");
	still_kept();
	release("etc/os-release");
	CHECK_TEXT(fact("OSName"), "os-release");
	still_kept();
	write_text("etc/os-release", "NAME=Mounted\n");
	CHECK_TEXT(fact("OSName"), "Mounted");
	CHECK_INT(umount(scratch_path("etc")), 0);
	CHECK_TEXT(fact("OSName"), "os-release");
	end_kept();
}

/* Nothing reports a new socket: the table is read again when a second has passed. */
static void kept_sockets(void)
{
	int index = facts_find("RDPAddressIPv4");

	begin();
	no_sockets();
	facts_watch_init(&sources, scratch_dir);
	memset(kept.entry, 0, sizeof(kept.entry));
	facts.cache = &kept;
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	CHECK(kept.entry[index].until > 0);
	add_socket("tcp", "192.0.2.9", 3389, 0x0a);
	kept.entry[index].until = UINT64_MAX;	/* this machine may be slow */
	CHECK_TEXT(fact("RDPAddressIPv4"), "");
	kept.entry[index].until = clock_ms();
	CHECK_TEXT(fact("RDPAddressIPv4"), "192.0.2.9");
	CHECK(kept.entry[index].until <= clock_ms() + FACTS_SOCKETS_MS);
	facts_watch_exit(&sources);
	facts.cache = NULL;
	scratch_end();
}

static void kept_name(void)
{
	static const char *const names[] = { "one", "two", "three.example.org" };

	if (unshare(CLONE_NEWUTS)) {
		tap_skip("a host name of its own needs root");
		return;
	}
	begin();
	write_text("etc/resolv.conf", "search example.net\n");
	sethostname("zero", 4);
	facts_watch_init(&sources, scratch_dir);
	memset(kept.entry, 0, sizeof(kept.entry));
	facts.cache = &kept;
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "zero.example.net");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		sethostname(names[i], strlen(names[i]));
		CHECK(!strncmp(fact("FullyQualifiedDomainName"), names[i], strlen(names[i])));
	}
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "three.example.org");
	sethostname("four", 4);
	write_text("etc/resolv.conf", "search example.com\n");
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "four.example.com");
	/* An internationalized name arrives whole. */
	write_text("etc/hosts", "192.0.2.1 four.b\303\274cher.example\n");
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "four.b\303\274cher.example");
	unlink(scratch_path("etc/hosts"));
	write_text("etc/resolv.conf", "search b\303\274cher.example\n");
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "four.b\303\274cher.example");
	sethostname("xn--bcher-kva", 13);
	write_text("etc/resolv.conf", "search xn--bcher-kva.example\n");
	CHECK_TEXT(fact("FullyQualifiedDomainName"), "xn--bcher-kva.xn--bcher-kva.example");
	facts_watch_exit(&sources);
	facts.cache = NULL;
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "all items in the documented order", order },
	{ "os-release: name and split version", os_release },
	{ "os-release: files of eight distributions", os_release_of_distributions },
	{ "os-release: missing, in /usr/lib, broken", os_release_elsewhere },
	{ "what is cut, and what is not UTF-8", cut_text },
	{ "os-release: quotes, escapes, comments, long lines", os_release_lines },
	{ "full name: nothing but the host name", name_alone },
	{ "full name: resolv.conf", name_from_resolv },
	{ "full name: hosts and hostname come first", name_from_hosts },
	{ "full name: as it is configured, before it is set", name_not_set },
	{ "kernel and processor as uname says", kernel },
	{ "this machine's facts are what their sources say", real_facts },
	{ "facts are kept until a file changes, however it does", kept_facts },
	{ "facts are kept until a link in a chain is switched", kept_chain },
	{ "facts are kept until a folder that is a link is switched", kept_folder_link },
	{ "facts are kept until a folder on the way is renamed", kept_folder_renamed },
	{ "facts are kept while a link leads nowhere", kept_dangling },
	{ "facts are kept until something is mounted over a source", kept_mounts },
	{ "facts are kept until the host name changes", kept_name },
	{ "facts about sockets are kept for a second", kept_sockets },
	{ "addresses come from the network part", addresses },
	{ "loopback and links that are down are left out, whole addresses kept", own_network },
	{ "this machine's addresses are well-formed, link-local last", real_addresses },
	{ "RDP: where its port is open, and nowhere else", rdp },
	{ "remembered addresses are never old", cached_addresses },
	{ "RDP: a listening socket in the kernel's table", real_rdp },
};

TAP_MAIN("facts", cases)
