/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The script: a Lua file of cases that plays the host's side of a conversation.
 *
 * Order of calls in main():
 *
 *	script_new()	before the first vCPU runs: loads and compiles the case
 *			file, so that a typing error costs no boot
 *	script_run()	on the main thread, while the vCPUs run on theirs
 *	script_stop()	from any thread, when the guest dies or the time is over
 *	script_free()	after the vCPUs stopped
 *
 * The script is one thread. It never runs on a vCPU's thread.
 */
#ifndef HOST_SCRIPT_H
#define HOST_SCRIPT_H

#include <stdbool.h>

#include "util/out.h"
#include "vmbus/vmbus.h"

struct script;
struct vm;

/* Exit codes of the host, also what script_run() returns. */
enum script_exit {
	SCRIPT_PASSED = 0,	/* every case passed, or failed where only a peer may */
	SCRIPT_FAILED = 1,	/* a case failed */
	SCRIPT_SETUP = 2,	/* usage, setup, or a script that cannot be loaded */
	SCRIPT_TIMEOUT = 3,	/* the run's time limit passed */
	SCRIPT_GUEST_DIED = 4,	/* the guest crashed, reset or powered off unasked */
};

/**
 * struct script_config - what the command line says about the script.
 * @path: case file, or a capture to replay; NULL: a shell in the guest, and nothing else.
 * @replay: @path is a capture (lua/replay.lua).
 * @args: values of --script-arg: "word" sets args.word = true, "name=text"
 *	  sets args.name = "text" in the script.
 * @nargs: number of @args.
 * @shellfd: listens for a terminal, which gets a shell in the guest when the cases have ended; or -1.
 */
struct script_config {
	const char *path;
	bool replay;
	const char *const *args;
	int nargs;
	int shellfd;
};

/**
 * script_syntax() - can a case file be loaded?
 * @path: the file.
 *
 * Needs no machine. Return: true, or false after a line on standard error that
 * names the file, the line and what is wrong with it.
 */
bool script_syntax(const char *path);

/**
 * script_new() - load a case file.
 * @vm: the machine; used for the agent, the console and the guest's state.
 * @bus: its bus.
 * @out: where events go.
 * @cfg: what to run; must outlive the script.
 *
 * Return: the script, or NULL after one line on standard error that names the
 * file, the line and what is wrong with it.
 */
struct script *script_new(struct vm *vm, struct vmbus *bus, struct out *out,
			  const struct script_config *cfg);

/**
 * script_run() - run all cases, check the guest's log, write the "end" event.
 *
 * Return: enum script_exit; the code of script_stop() if that was called.
 */
int script_run(struct script *script);

/**
 * script_stop() - make the script end soon, with a reason.
 * @script: the script.
 * @code: what script_run() returns (SCRIPT_TIMEOUT, SCRIPT_GUEST_DIED).
 * @why: short text for the failed case and the "end" event; copied.
 *
 * The first call wins. A guest that powers off because the script asked for it
 * is not a death: the script says so itself (see expect_poweroff() in README.md).
 *
 * Context: any thread, also a vCPU's; not from a signal handler.
 */
void script_stop(struct script *script, int code, const char *why);
void script_free(struct script *script);

#endif
