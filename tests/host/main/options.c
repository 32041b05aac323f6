// SPDX-License-Identifier: GPL-2.0-only
/*
 * options.c - the command line
 */
#include "main/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vmbus/vmbus.h"

#define TIME_LIMIT_MAX	86400

static const char usage_text[] =
"usage: hvhost --kernel BZIMAGE [--initrd CPIO] [--script CASES.lua] [options]\n"
"       hvhost --kernel BZIMAGE [--initrd CPIO] --replay CAPTURE [options]\n"
"       hvhost --check-script CASES.lua\n"
"       hvhost --probe\n"
"Boots a Linux guest on /dev/kvm and plays Hyper-V to it: a VMBus with a KVP device,\n"
"driven by a script. Events go to standard output, one JSON object a line.\n"
"\n"
"  --kernel FILE        an x86-64 bzImage, as distributions ship it\n"
"  --initrd FILE        its initramfs\n"
"  --script FILE        cases to run (README.md); without it the guest just runs\n"
"  --replay FILE        play the host's side of a capture, and compare each answer\n"
"  --script-arg WORD    WORD or NAME=TEXT for the script, any number of times\n"
"  --cpus N             virtual CPUs (2)\n"
"  --mem MIB            guest RAM in MiB (512)\n"
"  --append WORDS       added to the guest kernel's command line\n"
"  --console FILE       the guest's console output, \"-\" for standard error\n"
"  --trace FILE         what passes between host and guest, \"-\" for standard error\n"
"  --write FILE         the same as a pcapng capture, for Wireshark and for replay\n"
"  --dump FILE          an ELF core of the guest, as it is at the end: for gdb, crash, drgn\n"
"  --gdb WHERE          serve gdb on this TCP port of 127.0.0.1, or Unix socket (a path with\n"
"                       a \"/\"): target remote WHERE\n"
"  --gdb-stop           the guest does not start before gdb has connected\n"
"  --shell WHERE        whoever connects there gets a shell in the guest, when the cases have\n"
"                       ended, or at once without any\n"
"  --time-limit SEC     end the run after that many seconds (120)\n"
"  --bus-version X.Y    highest VMBus protocol to speak, 4.0 to 6.0 (5.3)\n"
"  --no-stimer          offer no synthetic timers; a guest that is to unload hv_vmbus\n"
"                       hangs with them\n"
"  --no-ioapic          do without KVM's I/O APIC, as on a KVM that has none\n"
"  --stats              the virtual CPUs' exits, and where they stopped, on standard error\n"
"  --check-script FILE  exit 0 if the cases can be loaded; else say what is wrong (exit 2)\n"
"  --probe              exit 0 if this machine can run guests; else say what is missing\n"
"  --help               this text\n"
"\n"
"Exit code: 0 all cases passed, 1 a case failed, 2 usage or setup, 3 time limit,\n"
"4 the guest died. Without a script, 0 means that the guest powered off.\n";

enum {
	OPT_KERNEL = 256,
	OPT_INITRD,
	OPT_SCRIPT,
	OPT_SCRIPT_ARG,
	OPT_REPLAY,
	OPT_CPUS,
	OPT_MEM,
	OPT_APPEND,
	OPT_CONSOLE,
	OPT_TRACE,
	OPT_WRITE,
	OPT_DUMP,
	OPT_GDB,
	OPT_GDB_STOP,
	OPT_SHELL,
	OPT_TIME_LIMIT,
	OPT_BUS_VERSION,
	OPT_NO_STIMER,
	OPT_NO_IOAPIC,
	OPT_STATS,
	OPT_CHECK_SCRIPT,
	OPT_PROBE,
	OPT_HELP,
};

static const struct option long_options[] = {
	{ "kernel", required_argument, NULL, OPT_KERNEL },
	{ "initrd", required_argument, NULL, OPT_INITRD },
	{ "script", required_argument, NULL, OPT_SCRIPT },
	{ "replay", required_argument, NULL, OPT_REPLAY },
	{ "script-arg", required_argument, NULL, OPT_SCRIPT_ARG },
	{ "cpus", required_argument, NULL, OPT_CPUS },
	{ "mem", required_argument, NULL, OPT_MEM },
	{ "append", required_argument, NULL, OPT_APPEND },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "trace", required_argument, NULL, OPT_TRACE },
	{ "write", required_argument, NULL, OPT_WRITE },
	{ "dump", required_argument, NULL, OPT_DUMP },
	{ "gdb", required_argument, NULL, OPT_GDB },
	{ "gdb-stop", no_argument, NULL, OPT_GDB_STOP },
	{ "shell", required_argument, NULL, OPT_SHELL },
	{ "time-limit", required_argument, NULL, OPT_TIME_LIMIT },
	{ "bus-version", required_argument, NULL, OPT_BUS_VERSION },
	{ "no-stimer", no_argument, NULL, OPT_NO_STIMER },
	{ "no-ioapic", no_argument, NULL, OPT_NO_IOAPIC },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "check-script", required_argument, NULL, OPT_CHECK_SCRIPT },
	{ "probe", no_argument, NULL, OPT_PROBE },
	{ "help", no_argument, NULL, OPT_HELP },
	{ NULL, 0, NULL, 0 },
};

static bool parse_number(const char *name, unsigned int min, unsigned int max,
			 unsigned int *value)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(optarg, &end, 10);
	if (errno || end == optarg || *end || *optarg == '-' || n < min || n > max) {
		fprintf(stderr, "hvhost: %s takes a number from %u to %u, not \"%s\"\n", name,
			min, max, optarg);
		return false;
	}
	*value = n;
	return true;
}

static bool parse_bus_version(u32 *version)
{
	*version = vmbus_parse_version(optarg);
	if (!*version)
		fprintf(stderr,
			"hvhost: --bus-version is one of 4.0 4.1 5.0 5.1 5.2 5.3 6.0, not \"%s\"\n",
			optarg);
	return *version != 0;
}

static bool parse_one(struct options *o, int opt)
{
	switch (opt) {
	case OPT_KERNEL:
		o->machine.kernel = optarg;
		return true;
	case OPT_INITRD:
		o->machine.initrd = optarg;
		return true;
	case OPT_SCRIPT:
		o->script.path = optarg;
		return true;
	case OPT_REPLAY:
		o->script.path = optarg;
		o->script.replay = true;
		return true;
	case OPT_SCRIPT_ARG:
		o->script_args[o->script.nargs++] = optarg;
		return true;
	case OPT_CPUS:
		return parse_number("--cpus", 1, VM_MAX_CPUS, &o->machine.cpus);
	case OPT_MEM:
		return parse_number("--mem", VM_MIN_MEM_MIB, VM_MAX_MEM_MIB,
				    &o->machine.mem_mib);
	case OPT_APPEND:
		o->machine.append = optarg;
		return true;
	case OPT_CONSOLE:
		o->machine.console = optarg;
		return true;
	case OPT_TRACE:
		o->trace = optarg;
		return true;
	case OPT_WRITE:
		o->capture = optarg;
		return true;
	case OPT_DUMP:
		o->dump = optarg;
		return true;
	case OPT_GDB:
		o->gdb = optarg;
		/* Breakpoints may write to any port, see machine/debug.c. */
		o->machine.own_ioapic = true;
		return true;
	case OPT_GDB_STOP:
		o->gdb_stop = true;
		return true;
	case OPT_SHELL:
		o->shell = optarg;
		return true;
	case OPT_TIME_LIMIT:
		return parse_number("--time-limit", 1, TIME_LIMIT_MAX, &o->time_limit);
	case OPT_BUS_VERSION:
		return parse_bus_version(&o->bus_version);
	case OPT_NO_STIMER:
		o->machine.stimer = false;
		return true;
	case OPT_NO_IOAPIC:
		o->machine.own_ioapic = true;
		return true;
	case OPT_STATS:
		o->stats = true;
		return true;
	case OPT_CHECK_SCRIPT:
		o->check_script = optarg;
		return true;
	case OPT_PROBE:
		o->probe = true;
		return true;
	default:
		/* getopt has said what it was. */
		fputs("hvhost: see hvhost --help\n", stderr);
		return false;
	}
}

static bool check(const struct options *o, int argc, char **argv)
{
	if (optind < argc) {
		fprintf(stderr, "hvhost: \"%s\" is no option, see hvhost --help\n", argv[optind]);
		return false;
	}
	if (!o->probe && !o->check_script && !o->machine.kernel) {
		fputs("hvhost: --kernel is missing, see hvhost --help\n", stderr);
		return false;
	}
	if (o->gdb_stop && !o->gdb) {
		fputs("hvhost: --gdb-stop needs --gdb\n", stderr);
		return false;
	}
	return true;
}

bool options_parse(struct options *o, int argc, char **argv, int *code)
{
	int opt;

	*o = (struct options){
		.machine = { .cpus = 2, .mem_mib = 512, .stimer = true },
		.bus_version = VMBUS_VERSION(5, 3),
		.time_limit = 120,
		.script = { .shellfd = -1 },
	};
	*code = SCRIPT_SETUP;
	o->script_args = calloc(argc, sizeof(*o->script_args));
	if (!o->script_args) {
		fputs("hvhost: out of memory\n", stderr);
		return false;
	}
	o->script.args = o->script_args;
	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage_text, stdout);
			*code = SCRIPT_PASSED;
			return false;
		}
		if (!parse_one(o, opt))
			return false;
	}
	return check(o, argc, argv);
}

void options_free(struct options *o)
{
	free(o->script_args);
}
