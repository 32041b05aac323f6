/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.h - the command line
 */
#ifndef HOST_OPTIONS_H
#define HOST_OPTIONS_H

#include <stdbool.h>

#include "machine/vm.h"
#include "script/script.h"

/**
 * struct options - what the command line asks for; strings are argv's
 * @machine: the guest
 * @script: the case file; @script.path is NULL for a run without one
 * @trace: file for the trace, or NULL
 * @capture: file for the capture, or NULL
 * @dump: file for an ELF core of the guest at its end, or NULL
 * @gdb: where to listen for gdb, or NULL; see listen_on()
 * @gdb_stop: the guest does not start before gdb has connected
 * @shell: where to listen for a terminal, or NULL
 * @bus_version: as vmbus_parse_version() returns it
 * @time_limit: seconds until the run is cut off
 * @check_script: only say whether this case file can be loaded, or NULL
 * @probe: only say whether this machine can run guests
 * @stats: print exit counts at the end
 * @script_args: storage behind @script.args; freed with options_free()
 */
struct options {
	struct vm_config machine;
	struct script_config script;
	const char *trace;
	const char *capture;
	const char *dump;
	const char *gdb;
	bool gdb_stop;
	const char *shell;
	u32 bus_version;
	unsigned int time_limit;
	const char *check_script;
	bool probe;
	bool stats;
	const char **script_args;
};

/**
 * options_parse() - read the command line
 * @o: filled in
 *
 * Return: true to go on; false when the program must end with *@code: after
 * --help, or after an error message on standard error.
 */
bool options_parse(struct options *o, int argc, char **argv, int *code);
void options_free(struct options *o);

#endif
