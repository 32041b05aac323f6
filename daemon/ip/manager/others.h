/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Managers that are recognised, and refused: their files would undo a SET_IP
 */
#ifndef HVKVP_IP_MANAGER_OTHERS_H
#define HVKVP_IP_MANAGER_OTHERS_H

#include "ip/manager/manager.h"

extern const struct ip_manager ip_wicked;
extern const struct ip_manager ip_ifcfg;

#endif /* HVKVP_IP_MANAGER_OTHERS_H */
