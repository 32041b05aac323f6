/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hvkvp's commands: what they share
 *
 * Each group of commands is a file; the table is in main.c.
 */
#ifndef HVKVP_HVKVP_COMMAND_H
#define HVKVP_HVKVP_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "facts/facts.h"
#include "pool/store.h"
#include "wire/value.h"

/* Exit codes: scripts rely on them. */
enum {
	EXIT_OK		= 0,
	EXIT_NOT_FOUND	= 1,
	EXIT_USAGE	= 2,
	EXIT_STORAGE	= 3,
	EXIT_REFUSED	= 4,
	EXIT_TIMEOUT	= 5,
	EXIT_DAMAGED	= 6,
	EXIT_CONFLICT	= 7,
};

/* The longest text that is printed, escaped. */
#define SHOWN_KEY_SIZE	 (4 * POOL_KEY_SIZE + 1)
#define SHOWN_VALUE_SIZE (4 * POOL_VALUE_SIZE + 1)

#define FACT_SIZE (WIRE_VALUE_UNITS + 1)

/**
 * struct command - the command line, and what the commands work on
 * @options: options that belong to some commands and were given, see main.c
 * @store: the pools
 * @facts: pool "auto"
 * @state_dir: where the pools are
 * @config: path of the daemon's configuration; NULL for the default
 * @ip_policy: what the host may do to addresses, by that configuration
 * @site_script: sets addresses in the daemon's place, by that configuration
 * @json: print JSON
 * @force: write to the host's pools; fsck: also remove records whose key is not UTF-8
 * @raw: get: no newline after the value, nothing escaped
 * @null: get: a NUL after the value, nothing escaped
 * @join: get, wait: join the pieces; a chunk_style, JOIN_ANY or JOIN_NONE
 * @split: set, del: a chunk_style; del: SPLIT_ANY; SPLIT_NONE
 * @file: set: read the value from there; NULL: it is an argument
 * @if_value: set, del: only if the key has this value
 * @if_absent: set: only if there is no such key
 * @value: wait: until the key has this value
 * @absent: wait: until there is no such key
 * @change: wait: until the value is another one than now, or the key comes or goes
 * @exec: watch: the program to run for each change; NULL: none
 * @initial: watch: begin with the pairs that are there
 * @repair: fsck: repair what can be repaired
 * @hex: monitor: the bytes, too
 * @device: monitor: path of the driver's device
 * @write: monitor: the capture to write; NULL: print
 * @read: monitor: the capture to print; NULL: watch the device
 * @max_keys: pairs in a pool, 0 for the default
 * @max_bytes: of a pool file, 0 for the default
 * @timeout_ms: wait, watch, monitor: time limit, -1 for none
 * @argc: number of arguments after the command's name
 * @argv: these arguments
 */
struct command {
	uint32_t options;
	struct store store;
	struct facts facts;
	const char *state_dir;
	const char *config;
	const struct ip_policy *ip_policy;
	const char *site_script;
	bool json;
	bool force;
	bool raw;
	bool null;
	int join;
	int split;
	const char *file;
	const char *if_value;
	bool if_absent;
	const char *value;
	bool absent;
	bool change;
	const char *exec;
	bool initial;
	bool repair;
	bool hex;
	const char *device;
	const char *write;
	const char *read;
	uint64_t max_keys;
	uint64_t max_bytes;
	long timeout_ms;
	int argc;
	char **argv;
};

#define JOIN_NONE	-2
#define JOIN_ANY	-1
#define SPLIT_NONE	-2
#define SPLIT_ANY	-1

/* pairs.c */
int command_list(struct command *command);
int command_get(struct command *command);
/* write.c */
int command_set(struct command *command);
int command_del(struct command *command);
/* ip.c */
int command_ip(struct command *command);
/* watch.c */
int command_watch(struct command *command);
/* wait.c */
int command_wait(struct command *command);
/* json.c */
int command_export(struct command *command);
int command_import(struct command *command);
/* fsck.c */
int command_fsck(struct command *command);
/* info.c */
int command_info(struct command *command);
/* monitor.c */
int command_monitor(struct command *command);

/**
 * command_fail() - print an error
 * @code: exit code
 * @format: printf(3) format
 *
 * Return: @code.
 */
int command_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * command_pool() - find a pool
 * @text: name or number
 *
 * Return: its number, or minus an exit code; then an error was printed.
 */
int command_pool(const char *text);

/**
 * command_may_write() - may this pool be changed?
 * @command: for --force
 * @number: of the pool
 *
 * Return: EXIT_OK, or the exit code; then an error was printed.
 */
int command_may_write(const struct command *command, int number);

/**
 * command_set_failed() - print the error of pool_set() or pool_add()
 * @pool: the pool
 * @err: what it returned
 *
 * Return: exit code.
 */
int command_set_failed(const struct pool *pool, int err);

/**
 * command_not_found() - print that there is no such key
 * @pool: number
 * @key: text
 *
 * Return: EXIT_NOT_FOUND.
 */
int command_not_found(unsigned int pool, const char *key);

/**
 * command_print_json() - print a value and a newline
 * @value: is released; NULL if memory was short
 *
 * Return: exit code.
 */
int command_print_json(json_t *value);

/**
 * command_json_pair() - a pair as JSON
 * @pool: number
 * @key: text
 * @value: text
 *
 * Return: object with "pool", "key" and "value", or NULL.
 */
json_t *command_json_pair(unsigned int pool, const char *key, const char *value);

/**
 * command_print_value() - print the value of a key, as get and wait do
 * @command: for --json, --raw, --null
 * @pool: number
 * @key: text
 * @value: text; escaped on a terminal, since the host may have written it
 *
 * Return: exit code.
 */
int command_print_value(const struct command *command, unsigned int pool, const char *key,
			const char *value);

/**
 * command_colour() - start or end of a colour
 * @name: 'p' pool, 'k' key, 'g' good, 'b' bad, 'd' dim, 0 for the end
 *
 * Return: an escape sequence; "" unless standard output is a terminal that may
 * have colours (see NO_COLOR).
 */
const char *command_colour(char name);

/**
 * command_columns() - columns that a text takes on a terminal
 * @text: UTF-8
 *
 * Return: characters.
 */
int command_columns(const char *text);

#endif /* HVKVP_HVKVP_COMMAND_H */
