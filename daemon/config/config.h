/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The configuration: /etc/hvkvpd.conf and its drop-ins, see hvkvpd.conf(5)
 *
 * The file is read first, then each PATH.d/NAME.conf in the order of their names; a later value
 * replaces an earlier one, and an empty one restores the default.
 */
#ifndef HVKVP_CONFIG_CONFIG_H
#define HVKVP_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <hv_kvp_msg.h>

#include "ip/policy.h"

#define CONFIG_PATH "/etc/hvkvpd.conf"

/* What "read" and "write" stand for: a bit for each of enum hvkvp_operation. */
#define CONFIG_READ	((1 << HVKVP_OP_GET) | (1 << HVKVP_OP_ENUMERATE))
#define CONFIG_WRITE	((1 << HVKVP_OP_SET) | (1 << HVKVP_OP_DELETE))

/**
 * struct config - what the administrator has chosen
 * @state_dir: of the pools; "" for paths_state_dir(); owned
 * @site_script: sets addresses in the daemon's place; owned
 * @log_level: LOG_ERR to LOG_DEBUG
 * @log_values: the log has the values that the host sets
 * @max_keys: pairs in a pool
 * @max_bytes: size of a pool file
 * @host_changes: SET, DELETE and SET_IP requests that the host may make in a minute; 0 for no limit
 * @ip: GET_IP and SET_IP
 * @adapters: what @ip.adapters points to; owned
 * @hidden_facts: a bit for each fact that the host gets empty, by its position
 * @facts_dir: of site facts; "" for none; owned
 * @facts_interval: their programs are run so often, seconds; 0: only when something has changed
 * @pools: what the host may do to each pool, a bit for each of enum hvkvp_operation
 */
struct config {
	char *state_dir;
	char *site_script;
	int log_level;
	bool log_values;
	uint64_t max_keys;
	uint64_t max_bytes;
	uint64_t host_changes;
	struct ip_policy ip;
	char *adapters;
	uint32_t hidden_facts;
	char *facts_dir;
	uint64_t facts_interval;
	uint32_t pools[HVKVP_POOL_COUNT];
};

/**
 * config_init() - the defaults
 * @config: the object
 *
 * Return: 0 or -ENOMEM.
 */
int config_init(struct config *config);

/**
 * config_exit() - free everything
 * @config: the object
 */
void config_exit(struct config *config);

/**
 * config_load() - the defaults, and what the files say
 * @config: the object; set up here, also after an error
 * @path: of the file; its drop-ins are in PATH.d
 * @required: that there is no such file is an error
 *
 * Every error is logged with file and line.
 *
 * Return: 0 or -errno; then @config is of no use, except for config_exit().
 */
int config_load(struct config *config, const char *path, bool required);

/**
 * config_show() - print all values, as a file that would give them
 * @config: the object
 * @out: where to
 */
void config_show(const struct config *config, FILE *out);

#endif /* HVKVP_CONFIG_CONFIG_H */
