/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pairs of a pool, as other programs write them and as the host sees them
 */
#ifndef UNIT_PAIRS_H
#define UNIT_PAIRS_H

#include "pool/pool.h"

/** pairs_put() - what another program would write: a record with these texts, and zeros behind them */
void pairs_put(struct pool_record *record, const char *key, const char *value);

/**
 * pairs_seen() - all pairs that the host sees
 * @pool: the pool
 *
 * Return: "key=value key=value", valid until the next call.
 */
const char *pairs_seen(struct pool *pool);

/**
 * pairs_die() - leave a pool as a process that is killed does, without a checkpoint
 * @pool: the pool; pool_init() has to follow
 */
void pairs_die(struct pool *pool);

/**
 * pairs_forget_boot() - make a journal one of an earlier boot, as after a power failure
 * @path: of the journal
 */
void pairs_forget_boot(const char *path);

#endif /* UNIT_PAIRS_H */
