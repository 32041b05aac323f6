/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Device nodes of the two drivers
 */
#ifndef HVKVP_UTIL_PATHS_H
#define HVKVP_UTIL_PATHS_H

#include <hv_kvp.h>

#define DEVICE_OURS	"/dev/" HVKVP_DEVICE_NAME
#define DEVICE_STOCK	"/dev/vmbus/hv_kvp"

#endif /* HVKVP_UTIL_PATHS_H */
