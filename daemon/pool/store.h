/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The store: all pools of a state directory, and their names
 */
#ifndef HVKVP_POOL_STORE_H
#define HVKVP_POOL_STORE_H

#include <hv_kvp_msg.h>

#include "pool/pool.h"

/**
 * struct store - the pools
 * @dir: state directory; not owned
 * @changes: where changes of the pools are noted
 * @names: reports changes of the directory, after store_watch()
 * @pools: by enum hvkvp_pool
 */
struct store {
	const char *dir;
	struct changes changes;
	struct pool_names names;
	struct pool pools[HVKVP_POOL_COUNT];
};

/**
 * store_init() - set up, without opening anything
 * @store: the object
 * @dir: state directory; must outlive @store
 *
 * Return: 0 or -ENOMEM.
 */
int store_init(struct store *store, const char *dir);

/**
 * store_limit() - set the limits of all pools
 * @store: the object
 * @keys: pairs in a pool, 0 for the default
 * @bytes: of a pool file, 0 for the default
 */
void store_limit(struct store *store, uint32_t keys, uint64_t bytes);

/* The largest limits that make sense. */
#define STORE_KEYS_MAX	UINT32_MAX
#define STORE_BYTES_MAX	(1ULL << 40)

/**
 * store_limit_parse() - a limit as a person writes it
 * @text: decimal digits
 * @most: STORE_KEYS_MAX or STORE_BYTES_MAX
 *
 * Return: a number from 1 to @most, or 0 if it is none.
 */
uint64_t store_limit_parse(const char *text, uint64_t most);

/**
 * store_exit() - close and free
 * @store: the object
 */
void store_exit(struct store *store);

/**
 * store_create() - see that the directory and all pool files exist
 * @store: the object
 *
 * Existing files are not touched, not even their times. Each failure is logged;
 * one unusable file does not keep the others from being created.
 *
 * Return: 0, or the last -errno.
 */
int store_create(struct store *store);

/**
 * store_watch() - have changes of the directory reported
 * @store: the object; its directory exists
 *
 * For those who have a loop: the notifiers of @store->names are to be given to it.
 */
void store_watch(struct store *store);

/**
 * store_checkpoint_due() - when to make a checkpoint
 * @store: the object
 *
 * Return: milliseconds from now until the first pool wants one, 0 if it is time; -1 if none does.
 */
int store_checkpoint_due(const struct store *store);

/**
 * store_checkpoint() - make all changes durable in the pool files, and unlock them
 * @store: the object
 *
 * Failures are logged; the changes stay durable in the journals.
 */
void store_checkpoint(struct store *store);

/**
 * store_pool_name() - the name of a pool
 * @number: enum hvkvp_pool
 *
 * Return: "external", "guest", "auto", "parameter" or "internal"; NULL for any
 * other number.
 */
const char *store_pool_name(unsigned int number);

/**
 * store_pool_parse() - a pool by name or number
 * @text: as a person writes it
 *
 * Return: enum hvkvp_pool, or -1.
 */
int store_pool_parse(const char *text);

#endif /* HVKVP_POOL_STORE_H */
