// SPDX-License-Identifier: GPL-2.0-only
/*
 * The configuration: files in, settings or errors with file and line out.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "c/tap.h"
#include "config/config.h"
#include "config/ini.h"
#include "facts/facts.h"
#include "net/adapter.h"
#include "support/scratch.h"

static struct config config;

static void write_file(const char *name, const char *text)
{
	scratch_write(name, text, strlen(text));
}

static int load(const char *text)
{
	write_file("conf", text);
	return config_load(&config, scratch_path("conf"), true);
}

/* Is this text refused with this message, for this line? */
static bool refused(const char *text, int line, const char *message)
{
	char wanted[4096];
	int err = load(text);

	config_exit(&config);
	snprintf(wanted, sizeof(wanted), "/conf:%d: %s", line, message);
	return CHECK_INT(err, -EINVAL) && CHECK(scratch_logged(wanted));
}

static void defaults(void)
{
	scratch_begin();
	CHECK_INT(config_load(&config, scratch_path("none"), false), 0);
	CHECK_TEXT(config.state_dir, "");
	CHECK_TEXT(config.site_script, "/etc/hyperv/set-ip");
	CHECK_INT(config.log_level, LOG_NOTICE);
	CHECK_INT(config.max_keys, 65536);
	CHECK_INT(config.max_bytes, 268435456);
	CHECK_INT(config.host_changes, 0);
	CHECK(config.ip.get && config.ip.set == IP_POLICY_SET_ON && !config.ip.adapters[0]);
	CHECK_INT(config.hidden_facts, 0);
	CHECK_TEXT(config.facts_dir, "/etc/hyperv/facts.d");
	CHECK_INT(config.facts_interval, 0);
	CHECK_INT(config.pools[HVKVP_POOL_EXTERNAL], CONFIG_READ | CONFIG_WRITE);
	CHECK_INT(config.pools[HVKVP_POOL_GUEST], CONFIG_READ | CONFIG_WRITE);
	config_exit(&config);
	CHECK_INT(config_load(&config, scratch_path("none"), true), -ENOENT);
	CHECK(scratch_logged("/none: No such file"));
	config_exit(&config);
	scratch_end();
}

static const char all[] =
	"# A comment, and ; another kind\n"
	"\n"
	"[Daemon]\n"
	"StateDirectory = /srv/a b\t\n"
	"  LogLevel=debug\n"
	"LogValues=yes\n"
	"[Limits]\n"
	"MaxKeys=10\n"
	"MaxBytes=4096000\n"
	"HostChangesPerMinute=600\n"
	"[Addresses]\n"
	"GetIP=off\n"
	"SetIP=static\n"
	"SetIPAdapters=eth0  00:15:5D:01:02:03\n"
	"SiteScript=none\n"
	"[Pools]\n"
	"Guest=read\n"
	"External=get set\n"
	"Parameter=none\n"
	"[SiteFacts]\n"
	"Directory=/srv/facts\n"
	"Interval=300\n"
	"[Facts]\n"
	"OSName=no\n"
	"ProcessorArchitecture=no\n"
	"OSBuildNumber=yes";

static void everything(void)
{
	char *shown[2] = { NULL, NULL };
	size_t size;
	FILE *out;

	scratch_begin();
	for (int i = 0; i < 2; i++) {
		/* What is shown is a file that gives the same. */
		CHECK_INT(load(i ? shown[0] : all), 0);
		CHECK_TEXT(config.state_dir, "/srv/a b");
		CHECK_INT(config.log_level, LOG_DEBUG);
		CHECK(config.log_values);
		CHECK_INT(config.max_keys, 10);
		CHECK_INT(config.max_bytes, 4096000);
		CHECK_INT(config.host_changes, 600);
		CHECK(!config.ip.get);
		CHECK_INT(config.ip.set, IP_POLICY_SET_STATIC);
		CHECK_TEXT(config.ip.adapters, "eth0  00:15:5D:01:02:03");
		CHECK_TEXT(config.site_script, "");
		CHECK_INT(config.pools[HVKVP_POOL_GUEST], CONFIG_READ);
		CHECK_INT(config.pools[HVKVP_POOL_EXTERNAL],
			  1 << HVKVP_OP_GET | 1 << HVKVP_OP_SET);
		CHECK_INT(config.pools[HVKVP_POOL_PARAMETER], 0);
		CHECK_INT(config.hidden_facts, 1 << 5 | 1 << 9);
		CHECK_TEXT(config.facts_dir, "/srv/facts");
		CHECK_INT(config.facts_interval, 300);
		out = open_memstream(&shown[i], &size);
		config_show(&config, out);
		fclose(out);
		config_exit(&config);
	}
	CHECK_TEXT(shown[1], shown[0]);
	free(shown[0]);
	free(shown[1]);
	scratch_end();
}

static void drop_ins(void)
{
	scratch_begin();
	mkdir(scratch_path("conf.d"), 0700);
	write_file("conf.d/20-b.conf", "[Limits]\nMaxKeys=20\nMaxBytes=\n");
	write_file("conf.d/10-a.conf", "[Limits]\nMaxKeys=10\n[Facts]\nOSName=\n");
	write_file("conf.d/30-c.conf.bak", "[Limits]\nMaxKeys=30\n");
	write_file("conf.d/.hidden.conf", "[Limits]\nMaxKeys=30\n");
	CHECK_INT(load("[Limits]\nMaxKeys=5\nMaxBytes=5\n[Facts]\nOSName=no\nOSVersion=no\n"), 0);
	CHECK_INT(config.max_keys, 20);
	/* An empty value is the default again. */
	CHECK_INT(config.max_bytes, 268435456);
	CHECK_INT(config.hidden_facts, 1 << 8);
	config_exit(&config);
	/* Drop-ins count without the file, too, and their errors are theirs. */
	unlink(scratch_path("conf"));
	CHECK_INT(config_load(&config, scratch_path("conf"), false), 0);
	CHECK_INT(config.max_keys, 20);
	config_exit(&config);
	write_file("conf.d/15-x.conf", "[Limits]\n\nMaxKeys=x\n");
	CHECK_INT(config_load(&config, scratch_path("conf"), false), -EINVAL);
	CHECK(scratch_logged("/conf.d/15-x.conf:3: MaxKeys=x: not valid; use a number of pairs"));
	config_exit(&config);
	unlink(scratch_path("conf.d/15-x.conf"));
	CHECK_INT(symlink("nowhere", scratch_path("conf.d/15-y.conf")), 0);
	CHECK_INT(config_load(&config, scratch_path("conf"), false), -EINVAL);
	CHECK(scratch_logged("/conf.d/15-y.conf: a symbolic link to a file that does not exist"));
	config_exit(&config);
	scratch_end();
}

static void errors(void)
{
	static char long_line[INI_LINE_MAX + 64] = "[Daemon]\n#";

	scratch_begin();
	CHECK(refused("[Daemon]\nLogLevel=loud\n", 2, "LogLevel=loud: not valid; use err, "));
	CHECK(refused("[Daemon]\n\nLoglevel=err\n", 3, "[Daemon] has no key Loglevel"));
	CHECK(refused("[Daemons]\nLogLevel=err\n", 1, "there is no section [Daemons]"));
	CHECK(refused("[Daemon]\n\n[Adresses]\n#SetIP=no\n", 3, "there is no section [Adresses]"));
	CHECK(refused("LogLevel=err\n", 1, "LogLevel stands before the first section"));
	CHECK(refused("[Daemon]\nLogLevel\n", 2, "neither \"[SECTION]\" nor \"KEY=VALUE\""));
	CHECK(refused("[Daemon]\n=err\n", 2, "neither \"[SECTION]\" nor \"KEY=VALUE\""));
	CHECK(refused("[Daemon\n", 1, "a section is \"[NAME]\""));
	CHECK(refused("[]\n", 1, "a section is \"[NAME]\""));
	CHECK(refused("[Daemon]\nLogLevel=err # or not\n", 2, "LogLevel=err # or not: not valid"));
	CHECK(refused("[Daemon]\nStateDirectory=var\n", 2, "StateDirectory=var: not valid; use an absolute path"));
	CHECK(refused("[Limits]\nMaxKeys=0\n", 2, "MaxKeys=0: not valid"));
	CHECK(refused("[Limits]\nMaxKeys=4294967296\n", 2, "MaxKeys=4294967296: not valid"));
	CHECK(refused("[Limits]\nMaxBytes=1K\n", 2, "MaxBytes=1K: not valid"));
	CHECK(refused("[Limits]\nHostChangesPerMinute=0\n", 2, "HostChangesPerMinute=0: not valid"));
	CHECK(refused("[Addresses]\nSetIP=maybe\n", 2, "SetIP=maybe: not valid; use yes, no or static"));
	CHECK(refused("[Addresses]\nSetIPAdapters=a-name-that-is-too-long\n", 2, "SetIPAdapters="));
	CHECK(refused("[Addresses]\nSetIPAdapters=eth0 00:15:5d:01:02:0z\n", 2, "SetIPAdapters="));
	CHECK(refused("[Addresses]\nSetIPAdapters=eth0/24\n", 2, "SetIPAdapters="));
	CHECK(refused("[Pools]\nGuest=none read\n", 2, "Guest=none read: not valid"));
	CHECK(refused("[Pools]\nGuest=read wrote\n", 2, "Guest=read wrote: not valid; use words out of"));
	CHECK(refused("[Pools]\nInternal=read\n", 2, "[Pools] has no key Internal"));
	CHECK(refused("[Facts]\nOsName=no\n", 2, "[Facts] has no key OsName"));
	CHECK(refused("[Facts]\nOSName=never\n", 2, "OSName=never: not valid; use yes or no"));
	CHECK(refused("[Facts]\nOSName=no\r\n", 2, "the line has a control character"));
	memset(long_line + 10, 'x', INI_LINE_MAX - 1);
	CHECK_INT(load(long_line), 0);
	config_exit(&config);
	strcat(long_line, "x");
	CHECK(refused(long_line, 2, "the line is longer than 4096 bytes"));
	/* All errors are reported, not only the first one. */
	CHECK(refused("[Daemon]\na=1\nb=2\n", 2, "[Daemon] has no key a"));
	CHECK(scratch_logged("/conf:3: [Daemon] has no key b"));
	CHECK_INT(config_load(&config, scratch_dir, true), -EIO);
	config_exit(&config);
	scratch_end();
}

static const char *refusal(enum ip_policy_set set, const char *adapters, bool dhcp)
{
	const struct adapter adapter = { .name = "eth0", .mac = "00:15:5d:01:02:0a" };
	const struct ip_policy policy = { .set = set, .adapters = adapters };
	const char *why = ip_policy_refuses_set(&policy, &adapter, dhcp);

	return why ? why : "";
}

static void policy(void)
{
	CHECK(!ip_policy_refuses_set(NULL, NULL, true));
	CHECK_TEXT(refusal(IP_POLICY_SET_ON, NULL, true), "");
	CHECK_TEXT(refusal(IP_POLICY_SET_STATIC, "", false), "");
	CHECK(strstr(refusal(IP_POLICY_SET_STATIC, "", true), "only static"));
	CHECK(strstr(refusal(IP_POLICY_SET_OFF, "eth0", false), "off"));
	CHECK_TEXT(refusal(IP_POLICY_SET_ON, "eth1 eth0", true), "");
	CHECK_TEXT(refusal(IP_POLICY_SET_ON, " 00:15:5D:01:02:0A ", true), "");
	CHECK(strstr(refusal(IP_POLICY_SET_ON, "eth1", false), "not among those"));
	CHECK(strstr(refusal(IP_POLICY_SET_ON, "eth", false), "not among those"));
	CHECK(strstr(refusal(IP_POLICY_SET_ON, "eth00", false), "not among those"));
	CHECK(strstr(refusal(IP_POLICY_SET_ON, "00:15:5d:01:02:0", false), "not among those"));
}

static void hidden_facts(void)
{
	struct facts facts = { .root = "", .is_version = "3.1", .hidden = 1 << 1 };
	char text[64];

	facts_value(&facts, 1, text, sizeof(text));
	CHECK_TEXT(text, "");
	facts.hidden = ~(1U << 1);
	facts_value(&facts, 1, text, sizeof(text));
	CHECK_TEXT(text, "3.1");
}

static const struct tap_case cases[] = {
	{ "the defaults; a file that is not there", defaults },
	{ "every key; what is shown gives the same configuration", everything },
	{ "drop-ins in the order of their names; an empty value is the default", drop_ins },
	{ "each error is reported with file and line", errors },
	{ "which SET_IP requests are refused", policy },
	{ "a fact that is switched off is empty", hidden_facts },
};

TAP_MAIN("config", cases)
