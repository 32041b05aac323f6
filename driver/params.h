/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Module parameters: the limits of the transaction, each within its range.
 */
#ifndef KVP_PARAMS_H
#define KVP_PARAMS_H

struct kvp_xact_params;

/* What the parameters are set to; can change at any time. */
extern const struct kvp_xact_params *const kvp_params;

#endif /* KVP_PARAMS_H */
