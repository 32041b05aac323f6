/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The VMBus, host side: contact, offers, GPADLs, channels.
 *
 * A guest's hv_vmbus talks to this through SynIC messages (post_message) and
 * events (signal_event); both arrive on the posting vCPU's thread. A script
 * talks to it from its own thread. One mutex per bus guards everything in it.
 * The order of locks is: bus, then whatever synic.c, vm.c, out.c and trace.c
 * take inside; none of these calls back into the bus while holding its own.
 *
 * Everything that comes from the guest is untrusted: messages, page numbers,
 * ring indexes and ring contents. Nothing of it may make the host fail.
 */
#ifndef HOST_VMBUS_H
#define HOST_VMBUS_H

#include <stdbool.h>

#include "util/capture.h"
#include "util/out.h"
#include "util/trace.h"
#include "util/types.h"

struct vm;
struct vmbus;

#define VMBUS_VERSION(major, minor) ((u32)(major) << 16 | (minor))

/**
 * struct vmbus_config - how the bus behaves.
 * @max_version: highest protocol version to accept, VMBUS_VERSION(5, 3) by
 *		 default; versions below 4.0 are never accepted.
 * @no_kvp: do not offer the KVP device at the start; the script may do it.
 * @out: where bus events go, or NULL; must outlive the bus.
 * @trace: where the trace goes, or NULL; must outlive the bus.
 * @capture: where packets and messages go, or NULL; must outlive the bus.
 */
struct vmbus_config {
	u32 max_version;
	bool no_kvp;
	struct out *out;
	struct trace *trace;
	struct capture *capture;
};

/**
 * vmbus_parse_version() - read "5.3".
 *
 * Return: the version as VMBUS_VERSION(), or 0 if @text is none of 4.0, 4.1,
 * 5.0, 5.1, 5.2, 5.3, 6.0.
 */
u32 vmbus_parse_version(const char *text);

/**
 * vmbus_new() - make a bus and attach it to a machine's SynIC.
 * @vm: the machine, before its first vCPU runs; must outlive the bus.
 * @cfg: copied.
 *
 * Calls synic_attach(). Unless @cfg says otherwise, the KVP device is on the
 * bus when this returns.
 *
 * Return: the bus, or NULL when out of memory.
 */
struct vmbus *vmbus_new(struct vm *vm, const struct vmbus_config *cfg);

/**
 * vmbus_free() - free a bus, after all vCPU threads ended.
 */
void vmbus_free(struct vmbus *bus);

#endif
