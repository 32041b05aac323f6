// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp: the pairs that host and guest exchange, from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "facts.h"
#include "ip_describe.h"
#include "ip_system.h"
#include "log.h"
#include "net_cache.h"
#include "printable.h"
#include "store.h"
#include "wire.h"

/* Exit codes: scripts rely on them. */
enum {
	EXIT_OK		= 0,
	EXIT_NOT_FOUND	= 1,
	EXIT_USAGE	= 2,
	EXIT_STORAGE	= 3,
	EXIT_REFUSED	= 4,
};

/* The longest text that is printed, escaped. */
#define SHOWN_KEY_SIZE	 (4 * POOL_KEY_SIZE + 1)
#define SHOWN_VALUE_SIZE (4 * POOL_VALUE_SIZE + 1)

#define FACT_SIZE (WIRE_VALUE_UNITS + 1)

static const char help[] =
"Usage: hvkvp [OPTION]... COMMAND [ARGUMENT]...\n"
"Read and write the key-value pairs that this guest shares with its Hyper-V host.\n"
"\n"
"Commands:\n"
"  list [POOL]            print all pairs, or those of a pool\n"
"  get POOL KEY           print the value of a key\n"
"  set POOL KEY VALUE     create or change a pair\n"
"  del POOL KEY           remove a pair\n"
"  ip show [INTERFACE]    print what the host is told of an interface (default: all)\n"
"  ip plan FILE           print what would be done with a captured SET_IP body\n"
"\n"
"Pools, by name or number:\n"
"  0 external    written by the host's administrator\n"
"  1 guest       written here, read by the host\n"
"  2 auto        what the guest says about itself; made up when it is read\n"
"  3 parameter   what the host says about itself\n"
"  4 internal    stays in the guest\n"
"\n"
"Options:\n"
"  -s, --state-dir DIR    where the pool files are (default: " STORE_DEFAULT_DIR ")\n"
"  -j, --json             print JSON\n"
"  -f, --force            write to a pool of the host (external, parameter)\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"On a terminal, list prints a table. Elsewhere it prints a line for each pair:\n"
"POOL, KEY and VALUE with tabs in between. Control characters and backslashes are\n"
"escaped as in C. get prints the value as it is, unless it goes to a terminal.\n"
"\n"
"A key can have 255 UTF-16 units and 511 bytes of UTF-8, a value 1023 and 2047.\n"
"\n"
"Exit codes: 0 done; 1 no such key; 2 wrong usage, or a key or value that cannot\n"
"be stored; 3 the pool file cannot be read or written; 4 not allowed (see\n"
"--force).\n";

/**
 * struct command - what is to be done
 * @store: the pools
 * @facts: pool "auto"
 * @state_dir: where the pools are
 * @json: print JSON
 * @force: write to the host's pools
 * @argc: arguments behind the command's name
 * @argv: likewise
 */
struct command {
	struct store store;
	struct facts facts;
	const char *state_dir;
	bool json;
	bool force;
	int argc;
	char **argv;
};

static int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(int code, const char *format, ...)
{
	va_list ap;

	fputs("hvkvp: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return code;
}

static int no_such_pool(const char *text)
{
	return fail(EXIT_USAGE, "no such pool: %s; there are external, guest, auto, parameter, internal (0 to 4)",
		    text);
}

static void show_log(int level, const char *line)
{
	(void)level;
	fprintf(stderr, "hvkvp: %s\n", line);
}

static int print_json(json_t *value)
{
	if (!value || json_dumpf(value, stdout, JSON_INDENT(2)) ||
	    putchar('\n') == EOF) {
		json_decref(value);
		return fail(EXIT_STORAGE, "cannot print the result");
	}
	json_decref(value);
	return EXIT_OK;
}

static json_t *json_pair(unsigned int pool, const char *key, const char *value)
{
	return json_pack("{s:s, s:s, s:s}", "pool", store_pool_name(pool),
			 "key", key, "value", value);
}

/**
 * struct listing - pairs on their way to the output
 * @json: array, or NULL for text
 * @table: aligned, for people
 * @measuring: a first pass, for the widths of the table
 * @key_width: columns of the longest key
 */
struct listing {
	json_t *json;
	bool table;
	bool measuring;
	int key_width;
};

/* Columns of UTF-8 text, taking each character for one. */
static int columns(const char *text)
{
	int n = 0;

	while (*text)
		n += (*text++ & 0xc0) != 0x80;
	return n;
}

static void list_pair(struct listing *listing, unsigned int pool,
		      const char *key, const char *value)
{
	char shown_key[SHOWN_KEY_SIZE], shown_value[SHOWN_VALUE_SIZE];

	if (listing->json) {
		json_array_append_new(listing->json, json_pair(pool, key, value));
		return;
	}
	printable(key, shown_key, sizeof(shown_key));
	if (listing->measuring) {
		if (columns(shown_key) > listing->key_width)
			listing->key_width = columns(shown_key);
		return;
	}
	printable(value, shown_value, sizeof(shown_value));
	if (listing->table)
		printf("%-9s  %s%*s  %s\n", store_pool_name(pool), shown_key,
		       listing->key_width - columns(shown_key), "", shown_value);
	else
		printf("%s\t%s\t%s\n", store_pool_name(pool), shown_key, shown_value);
}

static int list_auto(struct command *command, struct listing *listing)
{
	char value[FACT_SIZE];

	for (unsigned int i = 0; i < FACTS_COUNT; i++) {
		facts_value(&command->facts, i, value, sizeof(value));
		list_pair(listing, HVKVP_POOL_AUTO, facts_name(i), value);
	}
	return EXIT_OK;
}

static int list_pool(struct command *command, struct listing *listing, unsigned int number)
{
	struct pool *pool = &command->store.pools[number];

	if (number == HVKVP_POOL_AUTO)
		return list_auto(command, listing);
	if (pool_load(pool))
		return fail(EXIT_STORAGE, "%s", pool_why(pool));
	for (uint32_t i = 0; i < pool->index.records; i++) {
		const struct pool_pair *pair = &pool->index.pairs[i];

		if (pair->key && pool_pair_value(pair))
			list_pair(listing, number, pair->key, pool_pair_value(pair));
	}
	return EXIT_OK;
}

static int list_pools(struct command *command, struct listing *listing, int only)
{
	int ret = EXIT_OK;

	for (int i = 0; i < HVKVP_POOL_COUNT; i++) {
		if (only < 0 || only == i) {
			int code = list_pool(command, listing, i);

			/* The pools that can be read are still worth printing. */
			if (code)
				ret = code;
		}
	}
	return ret;
}

static int command_list(struct command *command)
{
	struct listing listing = { .table = isatty(STDOUT_FILENO) };
	int only = -1, ret;

	if (command->argc) {
		only = store_pool_parse(command->argv[0]);
		if (only < 0)
			return no_such_pool(command->argv[0]);
	}
	if (command->json) {
		listing.json = json_array();
		ret = list_pools(command, &listing, only);
		return print_json(listing.json) ? EXIT_STORAGE : ret;
	}
	if (listing.table) {
		listing.measuring = true;
		ret = list_pools(command, &listing, only);
		if (ret)
			listing.table = false;	/* the failure has been told once */
		listing.measuring = false;
	}
	return list_pools(command, &listing, only);
}

static int not_found(unsigned int pool, const char *key)
{
	char shown[SHOWN_KEY_SIZE];

	return fail(EXIT_NOT_FOUND, "no key \"%s\" in pool %s",
		    printable(key, shown, sizeof(shown)), store_pool_name(pool));
}

static int command_get(struct command *command)
{
	int number = store_pool_parse(command->argv[0]);
	const char *key = command->argv[1], *value;
	char fact[FACT_SIZE], shown[SHOWN_VALUE_SIZE];
	struct pool *pool;
	int err;

	if (number < 0)
		return no_such_pool(command->argv[0]);
	pool = &command->store.pools[number];
	if (number == HVKVP_POOL_AUTO) {
		int index = facts_find(key);

		if (index < 0)
			return not_found(number, key);
		facts_value(&command->facts, index, fact, sizeof(fact));
		value = fact;
	} else {
		err = pool_get(pool, key, &value);
		if (err == -ENOENT)
			return not_found(number, key);
		if (err == -EBADMSG)
			return fail(EXIT_STORAGE, "%s: the value of \"%s\" is not valid text; set it again, or delete it",
				    pool->file.path, printable(key, shown, sizeof(shown)));
		if (err)
			return fail(EXIT_STORAGE, "%s", pool_why(pool));
	}
	if (command->json)
		return print_json(json_pair(number, key, value));
	if (isatty(STDOUT_FILENO))
		value = printable(value, shown, sizeof(shown));
	puts(value);
	return EXIT_OK;
}

/* May we change this pool? Return: its number, or minus an exit code. */
static int writable_pool(const struct command *command)
{
	int number = store_pool_parse(command->argv[0]);

	if (number < 0)
		return -no_such_pool(command->argv[0]);
	if (number == HVKVP_POOL_AUTO)
		return -fail(EXIT_REFUSED, "pool auto is made up when it is read; write to pool guest instead");
	if ((number == HVKVP_POOL_EXTERNAL || number == HVKVP_POOL_PARAMETER) && !command->force)
		return -fail(EXIT_REFUSED, "pool %s belongs to the host, which may overwrite it at any time; use --force, or write to pool guest",
			     store_pool_name(number));
	return number;
}

static int changed(const struct command *command, int number, const char *result)
{
	if (!command->json)
		return EXIT_OK;
	return print_json(json_pack("{s:s, s:s, s:s}", "pool", store_pool_name(number),
				    "key", command->argv[1], "result", result));
}

static int command_set(struct command *command)
{
	int number = writable_pool(command), ret;
	struct pool *pool;

	if (number < 0)
		return -number;
	pool = &command->store.pools[number];
	ret = pool_set(pool, command->argv[1], command->argv[2]);
	if (ret == -EINVAL || ret == -EILSEQ || ret == -EMSGSIZE)
		return fail(EXIT_USAGE, "%s", pool_why(pool));
	if (ret < 0)
		return fail(EXIT_STORAGE, "%s", pool_why(pool));
	return changed(command, number, ret ? "created" : "changed");
}

static int command_del(struct command *command)
{
	int number = writable_pool(command), err;
	struct pool *pool;

	if (number < 0)
		return -number;
	pool = &command->store.pools[number];
	err = pool_delete(pool, command->argv[1]);
	if (err == -ENOENT)
		return not_found(number, command->argv[1]);
	if (err)
		return fail(EXIT_STORAGE, "%s", pool_why(pool));
	return changed(command, number, "deleted");
}

static int show_interface(const struct ip_system *system, const char *name)
{
	int err = ip_describe_interface(system, name, stdout);

	if (err == -ENOENT)
		return fail(EXIT_NOT_FOUND, "no interface is named %s", name);
	return err ? fail(EXIT_STORAGE, "%s: %s", name, strerror(-err)) : EXIT_OK;
}

static int show_interfaces(const struct ip_system *system)
{
	struct if_nameindex *list = if_nameindex();
	int ret = EXIT_OK, shown = 0;

	if (!list)
		return fail(EXIT_STORAGE, "cannot list the interfaces: %s", strerror(errno));
	for (size_t i = 0; list[i].if_index; i++) {
		if (!strcmp(list[i].if_name, "lo"))
			continue;
		if (shown++)
			putchar('\n');
		ret = show_interface(system, list[i].if_name);
		if (ret)
			break;
	}
	if_freenameindex(list);
	return ret;
}

static int command_ip(struct command *command)
{
	const struct ip_system system = {
		.root = "", .state_dir = command->state_dir, .site_script = IP_SITE_SCRIPT,
	};
	const char *verb = command->argv[0], *what = command->argv[1];
	int ret;

	if (!strcmp(verb, "show"))
		return command->argc > 1 ? show_interface(&system, what) :
					   show_interfaces(&system);
	if (strcmp(verb, "plan") || command->argc < 2)
		return fail(EXIT_USAGE, "ip: \"show [INTERFACE]\" or \"plan FILE\" is wanted");
	ret = ip_describe_body(&system, what, stdout);
	if (ret == -EINVAL)
		return fail(EXIT_USAGE, "%s: is not the body of a SET_IP: 7428 bytes, or 3716 and more from KVP 5.0 on",
			    what);
	if (ret < 0)
		return fail(EXIT_STORAGE, "%s: %s", what, strerror(-ret));
	return ret ? EXIT_REFUSED : EXIT_OK;
}

static const struct {
	const char *name;
	int least;	/* arguments */
	int most;
	int (*run)(struct command *command);
} commands[] = {
	{ "list", 0, 1, command_list },
	{ "get",  2, 2, command_get },
	{ "set",  3, 3, command_set },
	{ "del",  2, 2, command_del },
	{ "ip",	  1, 2, command_ip },
};

static int run(struct command *command, const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name))
			continue;
		if (command->argc < commands[i].least || command->argc > commands[i].most)
			return fail(EXIT_USAGE, "%s: too %s arguments; try hvkvp --help", name,
				    command->argc < commands[i].least ? "few" : "many");
		return commands[i].run(command);
	}
	return fail(EXIT_USAGE, "no such command: %s; try hvkvp --help", name);
}

static const struct option long_options[] = {
	{ "state-dir",	required_argument, NULL, 's' },
	{ "json",	no_argument,	   NULL, 'j' },
	{ "force",	no_argument,	   NULL, 'f' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ "version",	no_argument,	   NULL, 'V' },
	{ 0 }
};

int main(int argc, char **argv)
{
	static struct net_cache addresses = { .fd = -1 };	/* each is asked once */
	static struct command command = {
		.facts = {
			.root = "",
			.is_version = FACTS_IS_VERSION,
			.addresses = net_cache_addresses,
			.addresses_data = &addresses,
		},
	};
	const char *dir = STORE_DEFAULT_DIR;
	int c, ret;

	while ((c = getopt_long(argc, argv, "s:jfhV", long_options, NULL)) != -1) {
		switch (c) {
		case 's':
			dir = optarg;
			break;
		case 'j':
			command.json = true;
			break;
		case 'f':
			command.force = true;
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_OK;
		case 'V':
			puts("hvkvp " HVKVP_VERSION);
			return EXIT_OK;
		default:
			return fail(EXIT_USAGE, "try hvkvp --help");
		}
	}
	if (optind == argc)
		return fail(EXIT_USAGE, "what is to be done? Try hvkvp --help");

	log_open(LOG_WARNING, 0);
	log_set_sink(show_log);
	umask(022);
	command.state_dir = dir;
	command.argc = argc - optind - 1;
	command.argv = argv + optind + 1;
	if (store_init(&command.store, dir))
		return fail(EXIT_STORAGE, "out of memory");
	ret = run(&command, argv[optind]);
	store_exit(&command.store);
	if (fflush(stdout) || ferror(stdout))
		ret = fail(EXIT_STORAGE, "cannot write the output: %s", strerror(errno));
	return ret;
}
