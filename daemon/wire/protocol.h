/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What requests and answers have in common: limits, status codes, names
 */
#ifndef HVKVP_WIRE_PROTOCOL_H
#define HVKVP_WIRE_PROTOCOL_H

#include <hv_kvp.h>
#include <hv_kvp_msg.h>

/* A body can have what a message has behind the larger of the two headers. */
#define PROTOCOL_BODY_MAX	(HVKVP_MAX_MESSAGE - sizeof(struct hvkvp_request))

/*
 * Two statuses that hosts know from Windows, though not from Linux so far.
 *
 * A key that is not there is ERROR_FILE_NOT_FOUND, as in the registry, which is
 * where a Windows guest looks: not E_FAIL, which is what a host sees when the
 * guest is ill or silent, and not NO_MORE_ITEMS, which ends an enumeration. A
 * host that knows none of these still sees an error.
 *
 * Pool "auto" is the guest's own account of itself. Nothing that the host
 * stored there could ever be read back, so SET and DELETE are refused with
 * ERROR_ACCESS_DENIED instead of being accepted and forgotten. So is everything
 * that the guest's administrator has forbidden, see hvkvpd.conf(5).
 */
#define PROTOCOL_E_KEY_NOT_FOUND	0x80070002U
#define PROTOCOL_E_ACCESS_DENIED	0x80070005U

/**
 * protocol_operation_name() - the name of an operation
 * @operation: enum hvkvp_operation
 *
 * Return: "GET" and so on; "?" for any other number.
 */
const char *protocol_operation_name(unsigned int operation);

#endif /* HVKVP_WIRE_PROTOCOL_H */
