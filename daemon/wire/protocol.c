// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of the operations.
 */
#include "wire/protocol.h"

static const char *const names[HVKVP_OP_COUNT] = {
	[HVKVP_OP_GET]	     = "GET",
	[HVKVP_OP_SET]	     = "SET",
	[HVKVP_OP_DELETE]    = "DELETE",
	[HVKVP_OP_ENUMERATE] = "ENUMERATE",
	[HVKVP_OP_GET_IP]    = "GET_IP",
	[HVKVP_OP_SET_IP]    = "SET_IP",
};

const char *protocol_operation_name(unsigned int operation)
{
	return operation < HVKVP_OP_COUNT ? names[operation] : "?";
}
