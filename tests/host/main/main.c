// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - wire machine, bus and script together, and see that a run ends
 *
 *	main thread	the script
 *	watch thread	waits for the guest's end and for the time limit
 *	gdb		serves gdb, if asked to
 *	vcpuN, synic	the machine's (vcpu.c, synic.c)
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gdb/server.h"
#include "machine/debug.h"
#include "machine/vm.h"
#include "main/options.h"
#include "script/script.h"
#include "util/capture.h"
#include "util/listen.h"
#include "util/out.h"
#include "util/trace.h"
#include "util/waiting.h"
#include "vmbus/vmbus_host.h"

/* How long a script may take to notice that it has been stopped. */
#define GRACE_MS	10000
/* A guest that has crashed may write its log to the end when the script has ended, unless it is quiet for so long. */
#define CRASH_QUIET_MS	10000
#define ERROR_SIZE	512

/**
 * struct run - one run of the program
 * @over: the script has returned; the watch need not act any more
 */
struct run {
	struct options options;
	struct out *out;
	struct trace *trace;
	struct capture *capture;
	struct vm *vm;
	struct vmbus *bus;
	struct script *script;
	struct gdb_server *gdb;
	pthread_t watch;
	pthread_mutex_t lock;
	pthread_cond_t over_cond;
	bool over;
};

static int fail(const char *what)
{
	fprintf(stderr, "hvhost: %s\n", what);
	return SCRIPT_SETUP;
}

static int probe(void)
{
	char err[ERROR_SIZE];

	if (vm_probe(err, sizeof(err)))
		return 0;
	fprintf(stderr, "hvhost: %s\n", err);
	return 1;
}

/* Return: whether the script has returned before the deadline. */
static bool wait_for_script(struct run *run, const struct timespec *deadline)
{
	bool over;

	pthread_mutex_lock(&run->lock);
	while (!run->over && wait_until(&run->over_cond, &run->lock, 0, deadline))
		;
	over = run->over;
	pthread_mutex_unlock(&run->lock);
	return over;
}

static void *watch_thread(void *arg)
{
	struct run *run = arg;
	const int limit_ms = run->options.time_limit * 1000;
	struct timespec deadline = wait_deadline(limit_ms);
	enum vm_state state = vm_wait(run->vm, limit_ms);
	char why[64];

	if (state != VM_RUNNING && state != VM_STOPPED) {
		/* Whether that is a failure is the script's to say. */
		out_event(run->out, "guest-end", "s:s, s:s", "state", vm_state_name(state),
			  "text", vm_state_text(run->vm));
		vmbus_kick(run->bus);
	}
	if (wait_for_script(run, &deadline))
		return NULL;
	snprintf(why, sizeof(why), "the time limit of %u s is over", run->options.time_limit);
	fprintf(stderr, "hvhost: %s\n", why);
	script_stop(run->script, SCRIPT_TIMEOUT, why);
	deadline = wait_deadline(GRACE_MS);
	if (wait_for_script(run, &deadline))
		return NULL;
	/* One that hangs in spite of that must not outlive the time limit. */
	fputs("hvhost: the script does not end, giving up\n", stderr);
	fflush(NULL);
	_exit(SCRIPT_TIMEOUT);
}

static int setup(struct run *run)
{
	const struct options *o = &run->options;
	struct vmbus_config bus = { .max_version = o->bus_version };
	char err[ERROR_SIZE];

	run->out = out_new(stdout);
	if (!run->out)
		return fail("out of memory");
	if (o->trace) {
		run->trace = trace_open(o->trace);
		if (!run->trace) {
			snprintf(err, sizeof(err), "cannot write the trace to %s (%s)", o->trace,
				 strerror(errno));
			return fail(err);
		}
	}
	if (o->capture) {
		run->capture = capture_open(o->capture);
		if (!run->capture) {
			snprintf(err, sizeof(err), "cannot write the capture to %s (%s)", o->capture,
				 strerror(errno));
			return fail(err);
		}
	}
	run->vm = vm_create(&o->machine, err, sizeof(err));
	if (!run->vm)
		return fail(err);
	bus.out = run->out;
	bus.trace = run->trace;
	bus.capture = run->capture;
	run->bus = vmbus_new(run->vm, &bus);
	if (!run->bus)
		return fail("out of memory");
	if (o->shell) {
		run->options.script.shellfd = listen_on(o->shell, err, sizeof(err));
		if (o->script.shellfd < 0)
			return fail(err);
	}
	if (o->gdb) {
		run->gdb = gdb_start(run->vm, o->gdb, o->gdb_stop, err, sizeof(err));
		if (!run->gdb)
			return fail(err);
	}
	if (o->script.path || o->shell) {
		run->script = script_new(run->vm, run->bus, run->out, &o->script);
		if (!run->script)
			return SCRIPT_SETUP;
	}
	return SCRIPT_PASSED;
}

/* What a crashed guest prints now is why it crashed; its reset ends it, or the time limit. */
static void wait_for_crash(struct run *run, const struct timespec *deadline)
{
	size_t before = 0, now;

	while (vm_crashing(run->vm) && !wait_is_over(deadline)) {
		now = vm_console_size(run->vm);
		if (now == before)
			return;
		before = now;
		vm_wait(run->vm, CRASH_QUIET_MS);
	}
}

static int run_script(struct run *run)
{
	const struct timespec deadline = wait_deadline(run->options.time_limit * 1000);
	int code;

	if (pthread_create(&run->watch, NULL, watch_thread, run) != 0)
		return fail("cannot start a thread");
	code = script_run(run->script);
	pthread_mutex_lock(&run->lock);
	run->over = true;
	pthread_cond_signal(&run->over_cond);
	pthread_mutex_unlock(&run->lock);
	wait_for_crash(run, &deadline);
	vm_stop(run->vm);
	pthread_join(run->watch, NULL);
	return code;
}

static int run_guest_only(struct run *run)
{
	enum vm_state state = vm_wait(run->vm, run->options.time_limit * 1000);

	out_event(run->out, "guest-end", "s:s, s:s", "state", vm_state_name(state), "text",
		  vm_state_text(run->vm));
	if (state == VM_RUNNING)
		return SCRIPT_TIMEOUT;
	return state == VM_POWEROFF ? SCRIPT_PASSED : SCRIPT_GUEST_DIED;
}

/* What is left of the guest when nothing of it runs any more. */
static void keep_remains(struct run *run, int code)
{
	const enum vm_state state = vm_state(run->vm);
	char err[ERROR_SIZE];

	if (run->options.stats)
		vm_print_stats(run->vm);
	if (code == SCRIPT_TIMEOUT || code == SCRIPT_GUEST_DIED || state == VM_PANIC ||
	    state == VM_TRIPLE_FAULT || state == VM_FAILED)
		debug_print_registers(run->vm);
	if (run->options.dump && state != VM_CREATED &&
	    debug_dump(run->vm, run->options.dump, err, sizeof(err)) < 0)
		fprintf(stderr, "hvhost: %s\n", err);
}

static void teardown(struct run *run, int code)
{
	/* The virtual CPUs call into the bus until they are joined. */
	if (run->vm) {
		vm_join(run->vm);
		keep_remains(run, code);
	}
	gdb_stop(run->gdb);
	if (run->options.script.shellfd >= 0)
		close(run->options.script.shellfd);
	script_free(run->script);
	if (run->bus)
		vmbus_free(run->bus);
	vm_destroy(run->vm);
	if (!capture_close(run->capture))
		fprintf(stderr, "hvhost: the capture %s is not complete, is the disk full?\n",
			run->options.capture);
	if (run->trace)
		trace_close(run->trace);
	if (run->out)
		out_free(run->out);
	options_free(&run->options);
}

int main(int argc, char **argv)
{
	struct run run = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int code;

	wait_init(&run.over_cond);
	if (!options_parse(&run.options, argc, argv, &code))
		return code;
	if (run.options.probe)
		return probe();
	if (run.options.check_script)
		return script_syntax(run.options.check_script) ? SCRIPT_PASSED : SCRIPT_SETUP;
	code = setup(&run);
	if (code == SCRIPT_PASSED && vm_start(run.vm) < 0)
		code = fail(vm_state_text(run.vm));
	else if (code == SCRIPT_PASSED)
		code = run.script ? run_script(&run) : run_guest_only(&run);
	teardown(&run, code);
	return code;
}
