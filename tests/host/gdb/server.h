/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - a gdb stub: gdb's "target remote" for the guest
 *
 * A thread of its own serves one gdb after the other. The guest is stopped when
 * gdb connects, and goes on when it detaches or disappears. A virtual CPU is a
 * thread to gdb; a step runs one of them, and the others stand still meanwhile.
 */
#ifndef HOST_GDB_SERVER_H
#define HOST_GDB_SERVER_H

#include <stdbool.h>
#include <stddef.h>

struct vm;
struct gdb_server;

/**
 * gdb_start() - listen for gdb, and start the thread
 * @where: as listen_on()
 * @stopped: the guest does not execute its first instruction before gdb has connected
 *
 * Context: before vm_start(). Return: the server, or NULL with a line in @err.
 */
struct gdb_server *gdb_start(struct vm *vm, const char *where, bool stopped, char *err, size_t errlen);

/** gdb_stop() - end the thread; after the guest has ended, before vm_destroy(). NULL is fine. */
void gdb_stop(struct gdb_server *server);

#endif
