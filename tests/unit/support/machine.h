/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine with an adapter, and IP requests to it
 *
 * Its files are below the scratch directory, its kernel is the real one, in a
 * network namespace:
 *
 *	net0 (MACHINE_MAC, VMBus) ---- far0
 */
#ifndef UNIT_MACHINE_H
#define UNIT_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

#include "ip/system.h"
#include "wire/ip_config.h"

#define MACHINE_MAC	"00:15:5d:aa:bb:01"
#define MACHINE_GUID	"{4487B255-B88C-403F-BB51-D1F69CF17F87}"

/* Its root is the scratch directory. */
extern struct ip_system machine;

/* The reason of the last request's refusal; "" if there is none. */
extern char machine_why[512];

/* What was unusual about the last request; NULL if nothing was. */
extern const char *machine_oddity;

/* How long the host waits for the next requests, milliseconds. */
extern unsigned int machine_left_ms;

/* The answer's body. */
extern uint8_t machine_out[7428];

/**
 * machine_begin() - make it, for one test case
 *
 * Return: false where that is not allowed; the case is then marked as skipped.
 */
bool machine_begin(void);

/** machine_end() - remove it, and the scratch directory. */
void machine_end(void);

/**
 * machine_write() - a file of the machine
 * @path: below its root, without '/'; folders are created
 * @text: contents
 */
void machine_write(const char *path, const char *text);

/** machine_read() - a file of the machine; "" if there is none. Valid until the next call. */
const char *machine_read(const char *path);

/**
 * machine_device() - make an interface a VMBus device
 * @name: the interface
 * @guid: the device; "" for none
 */
void machine_device(const char *name, const char *guid);

/**
 * machine_get() - GET_IP
 * @major: KVP version
 * @id: adapter
 * @family: wanted
 *
 * Return: status; the answer's body is in @machine_out.
 */
uint32_t machine_get(unsigned int major, const char *id, int families);

/**
 * machine_set() - SET_IP in text form
 * @id: adapter
 * @family: mask
 * @dhcp: flag
 *
 * Return: status.
 */
uint32_t machine_set(const char *id, int families, int dhcp, const char *addresses,
		     const char *subnets, const char *gateways, const char *dns);

/** machine_patch() - change a byte of the last request's body. */
void machine_patch(unsigned int at, uint8_t byte);

/** machine_capture() - write the body of the last request to a file below the root. */
void machine_capture(const char *path);

/** machine_text() - a text field of @machine_out. Valid until the fourth next call. */
const char *machine_text(unsigned int offset, unsigned int units);

#define GOT_ADDRESSES	machine_text(260, 1024)
#define GOT_SUBNETS	machine_text(2308, 1024)
#define GOT_GATEWAYS	machine_text(4356, 512)
#define GOT_DNS		machine_text(5380, 1024)
#define GOT_DHCP	machine_out[259]
#define GOT_FAMILY	machine_out[258]

#endif /* UNIT_MACHINE_H */
