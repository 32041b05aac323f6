// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvp: the pairs that host and guest exchange, from the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "facts/address_cache.h"
#include "facts/site.h"
#include "hvkvp/command.h"
#include "pool/pool.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/stringify.h"
#include "wire/chunks.h"
#include "wire/value.h"

static const char help[] =
"Usage: hvkvp [OPTION]... COMMAND [ARGUMENT]...\n"
"Read and write the key-value pairs that this guest shares with its Hyper-V host.\n"
"\n"
"Commands:\n"
"  list [POOL]            print all pairs, or those of a pool\n"
"  get POOL KEY           print the value of a key\n"
"  set POOL KEY VALUE     create or change a pair; VALUE - is standard input\n"
"  set POOL KEY=VALUE...  several pairs, in one atomic change\n"
"  del POOL KEY...        remove pairs, in one atomic change\n"
"  wait POOL KEY          wait until the key exists, and print its value\n"
"  watch [POOL [KEY]...]  print changes as they happen, or run a program for each\n"
"  export [POOL]          print all pairs as JSON, for import\n"
"  import FILE            write the pairs of a JSON file, in one atomic change for\n"
"                         each pool; - is standard input\n"
"  fsck [POOL]            check the pool files for damage\n"
"  monitor                print the messages between host and guest\n"
"  info                   driver, versions, counters, daemon, pool files\n"
"  ip show [INTERFACE]    print what GET_IP reports for an interface (default: all)\n"
"  ip plan FILE           print what would be done for a captured SET_IP body\n"
"  ip list                list what the host has set, also for adapters that are gone\n"
"  ip undo ADAPTER        take back what the host has set for an adapter\n"
"\n"
"Pools, by name or number:\n"
"  0 external    written by the host's administrator\n"
"  1 guest       written here, read by the host\n"
"  2 auto        facts about the guest, computed when they are read\n"
"  3 parameter   facts about the host\n"
"  4 internal    never sent to the host\n"
"\n"
"Options:\n"
"  -s, --state-dir DIR    where the pool files are (default: " STATE_DIR ")\n"
"      --config PATH      configuration of the daemon, which says where the pools are,\n"
"                         and what their limits are (default: " CONFIG_PATH ";\n"
"                         with --state-dir none)\n"
"  -j, --json             print JSON\n"
"  -f, --force            set, del, import: write to a pool of the host (external,\n"
"                         parameter); fsck --repair: remove records whose key is not UTF-8\n"
"  -r, --raw              get, wait: print the value without a newline\n"
"  -0, --null             get, wait: print a NUL after the value\n"
"      --split=STYLE      set: split a long value into pieces: ignition (KEY0, KEY1,\n"
"                         ...), cloud-init (KEY|0, KEY|1, ...), azure (KEY, KEY, ...)\n"
"                         del: remove all pieces (the style is optional)\n"
"      --join[=STYLE]     get, wait: join the pieces of a value\n"
"      --file PATH        set: read the value from a file, without its last newline\n"
"                         (with --raw as it is); - is standard input\n"
"      --if-value VALUE   set, del: only if the key has this value\n"
"      --if-absent        set: only if there is no such key\n"
"      --value VALUE      wait: until the key has this value\n"
"      --absent           wait: until there is no such key\n"
"      --change           wait: until the value changes, or the key comes or goes\n"
"      --exec PROGRAM     watch: run it for each change, with HVKVP_EVENT, HVKVP_POOL,\n"
"                         HVKVP_KEY, HVKVP_OLD, HVKVP_NEW in its environment\n"
"      --initial          watch: begin with the pairs that are there\n"
"  -t, --timeout SECONDS  wait, watch, monitor: time limit (default: none)\n"
"  -x, --hex              monitor: print the bytes of each packet as well\n"
"      --device PATH      monitor: the driver's device (default: " DEVICE_OURS ")\n"
"      --write FILE       monitor: write a capture (pcapng) instead; - is standard output\n"
"      --read FILE        monitor: print a capture; - is standard input\n"
"      --repair           fsck: repair the damage, without removing what the host sees\n"
"      --max-keys N       limit of the pairs in a pool (default: " STRINGIFY(POOL_DEFAULT_KEYS) ")\n"
"      --max-bytes N      limit of the size of a pool file (default: " STRINGIFY(POOL_DEFAULT_BYTES) ")\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"On a terminal, list prints a table. Elsewhere it prints a line for each pair:\n"
"POOL, KEY and VALUE separated by tabs; watch puts \"set\" or \"del\" before them.\n"
"Control characters and backslashes are escaped as in C. get and wait print the\n"
"value unescaped, except on a terminal.\n"
"\n"
"A key can have " STRINGIFY(WIRE_KEY_UNITS) " UTF-16 units and " STRINGIFY(TEXT_KEY_MAX)
" bytes of UTF-8, a value " STRINGIFY(WIRE_VALUE_UNITS) " and " STRINGIFY(TEXT_VALUE_MAX) ".\n"
"\n"
"Exit codes: 0 done; 1 no such key; 2 wrong usage, or a key or value that cannot\n"
"be stored; 3 the pool file or the device cannot be read or written; 4 not allowed (see\n"
"--force); 5 the time limit passed; 6 fsck found damage that it did not repair; 7 --if-value\n"
"or --if-absent does not hold.\n";

static void show_log(int level, const char *line)
{
	(void)level;
	fprintf(stderr, "hvkvp: %s\n", line);
}

/* Options without a letter. */
enum {
	OPTION_CONFIG = 256,
	OPTION_SPLIT,
	OPTION_JOIN,
	OPTION_REPAIR,
	OPTION_DEVICE,
	OPTION_MAX_KEYS,
	OPTION_MAX_BYTES,
	OPTION_FILE,
	OPTION_IF_VALUE,
	OPTION_IF_ABSENT,
	OPTION_VALUE,
	OPTION_ABSENT,
	OPTION_CHANGE,
	OPTION_EXEC,
	OPTION_INITIAL,
	OPTION_WRITE,
	OPTION_READ,
};

/**
 * struct option_use - an option, and the commands that it belongs to
 * @letter: as getopt_long() returns it
 * @commands: their names, separated by blanks; NULL: all
 */
static const struct option_use {
	int letter;
	const char *commands;
} option_uses[] = {
	{ 'j',			" list get set del wait watch export import fsck info monitor " },
	{ 'f',			" set del import fsck " },
	{ 'r',			" get wait set " },
	{ '0',			" get wait " },
	{ 't',			" wait watch monitor " },
	{ 'x',			" monitor " },
	{ OPTION_DEVICE,	" monitor " },
	{ OPTION_WRITE,		" monitor " },
	{ OPTION_READ,		" monitor " },
	{ OPTION_SPLIT,		" set del " },
	{ OPTION_JOIN,		" get wait " },
	{ OPTION_REPAIR,	" fsck " },
	{ OPTION_FILE,		" set " },
	{ OPTION_IF_VALUE,	" set del " },
	{ OPTION_IF_ABSENT,	" set " },
	{ OPTION_VALUE,		" wait " },
	{ OPTION_ABSENT,	" wait " },
	{ OPTION_CHANGE,	" wait " },
	{ OPTION_EXEC,		" watch " },
	{ OPTION_INITIAL,	" watch " },
};

static const struct option long_options[] = {
	{ "state-dir",	required_argument, NULL, 's' },
	{ "config",	required_argument, NULL, OPTION_CONFIG },
	{ "json",	no_argument,	   NULL, 'j' },
	{ "force",	no_argument,	   NULL, 'f' },
	{ "raw",	no_argument,	   NULL, 'r' },
	{ "null",	no_argument,	   NULL, '0' },
	{ "split",	optional_argument, NULL, OPTION_SPLIT },
	{ "join",	optional_argument, NULL, OPTION_JOIN },
	{ "file",	required_argument, NULL, OPTION_FILE },
	{ "if-value",	required_argument, NULL, OPTION_IF_VALUE },
	{ "if-absent",	no_argument,	   NULL, OPTION_IF_ABSENT },
	{ "value",	required_argument, NULL, OPTION_VALUE },
	{ "absent",	no_argument,	   NULL, OPTION_ABSENT },
	{ "change",	no_argument,	   NULL, OPTION_CHANGE },
	{ "exec",	required_argument, NULL, OPTION_EXEC },
	{ "initial",	no_argument,	   NULL, OPTION_INITIAL },
	{ "hex",	no_argument,	   NULL, 'x' },
	{ "device",	required_argument, NULL, OPTION_DEVICE },
	{ "write",	required_argument, NULL, OPTION_WRITE },
	{ "read",	required_argument, NULL, OPTION_READ },
	{ "timeout",	required_argument, NULL, 't' },
	{ "repair",	no_argument,	   NULL, OPTION_REPAIR },
	{ "max-keys",	required_argument, NULL, OPTION_MAX_KEYS },
	{ "max-bytes",	required_argument, NULL, OPTION_MAX_BYTES },
	{ "help",	no_argument,	   NULL, 'h' },
	{ "version",	no_argument,	   NULL, 'V' },
	{ 0 }
};

static const char *option_name(int letter)
{
	for (const struct option *option = long_options; option->name; option++)
		if (option->val == letter)
			return option->name;
	return "?";
}

static void note_option(struct command *command, int letter)
{
	for (size_t i = 0; i < sizeof(option_uses) / sizeof(option_uses[0]); i++)
		if (option_uses[i].letter == letter)
			command->options |= 1U << i;
}

/* Do all options belong to this command? Return: exit code. */
static int check_options(const struct command *command, const char *name)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", name);
	for (size_t i = 0; i < sizeof(option_uses) / sizeof(option_uses[0]); i++)
		if (command->options & 1U << i && !strstr(option_uses[i].commands, word))
			return command_fail(EXIT_USAGE, "%s: --%s does not belong to this command, but to:%.*s",
					    name, option_name(option_uses[i].letter),
					    (int)strlen(option_uses[i].commands) - 1,
					    option_uses[i].commands);
	return EXIT_OK;
}

static const struct {
	const char *name;
	int least;	/* arguments */
	int most;
	int (*run)(struct command *command);
} commands[] = {
	{ "list",   0, 1, command_list },
	{ "get",    2, 2, command_get },
	{ "set",    2, INT_MAX, command_set },
	{ "del",    2, INT_MAX, command_del },
	{ "wait",   2, 2, command_wait },
	{ "watch",  0, INT_MAX, command_watch },
	{ "export", 0, 1, command_export },
	{ "import", 1, 1, command_import },
	{ "fsck",   0, 1, command_fsck },
	{ "info",   0, 0, command_info },
	{ "monitor", 0, 0, command_monitor },
	{ "ip",	    1, 2, command_ip },
};

static int run(struct command *command, const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		int ret;

		if (strcmp(name, commands[i].name))
			continue;
		ret = check_options(command, name);
		if (ret)
			return ret;
		if (command->argc < commands[i].least || command->argc > commands[i].most)
			return command_fail(EXIT_USAGE, "%s: too %s arguments; try hvkvp --help",
					    name, command->argc < commands[i].least ?
					    "few" : "many");
		return commands[i].run(command);
	}
	return command_fail(EXIT_USAGE, "no such command: %s; try hvkvp --help", name);
}

static int parse_style(const char *text, int *style)
{
	*style = chunk_style_parse(text);
	if (*style >= 0)
		return EXIT_OK;
	return command_fail(EXIT_USAGE, "no such style: %s; there are ignition, cloud-init, azure",
			    text);
}

static int parse_timeout(const char *text, long *timeout_ms)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0 && seconds <= 1e9))
		return command_fail(EXIT_USAGE, "--timeout: %s is not a number of seconds", text);
	*timeout_ms = seconds * 1000;
	return EXIT_OK;
}

static int parse_limit(const char *name, const char *text, uint64_t most, uint64_t *limit)
{
	*limit = store_limit_parse(text, most);
	if (*limit)
		return EXIT_OK;
	return command_fail(EXIT_USAGE, "%s: %s is not a number from 1 to %llu", name, text,
			    (unsigned long long)most);
}

/* Return: 0 to go on, -1 if there is nothing left to do, or the exit code. */
static int parse(struct command *command, int argc, char **argv)
{
	int c, err = 0;

	while (!err && (c = getopt_long(argc, argv, "s:jfr0xt:hV", long_options, NULL)) != -1) {
		note_option(command, c);
		switch (c) {
		case 's':
			command->state_dir = optarg;
			break;
		case OPTION_CONFIG:
			command->config = optarg;
			break;
		case 'j':
			command->json = true;
			break;
		case 'f':
			command->force = true;
			break;
		case 'r':
			command->raw = true;
			break;
		case '0':
			command->null = true;
			break;
		case 'x':
			command->hex = true;
			break;
		case OPTION_DEVICE:
			command->device = optarg;
			break;
		case OPTION_WRITE:
			command->write = optarg;
			break;
		case OPTION_READ:
			command->read = optarg;
			break;
		case 't':
			err = parse_timeout(optarg, &command->timeout_ms);
			break;
		case OPTION_SPLIT:
			command->split = SPLIT_ANY;
			/* For set, the style may be the next argument. */
			if (!optarg && optind < argc && chunk_style_parse(argv[optind]) >= 0)
				optarg = argv[optind++];
			if (optarg)
				err = parse_style(optarg, &command->split);
			break;
		case OPTION_FILE:
			command->file = optarg;
			break;
		case OPTION_IF_VALUE:
			command->if_value = optarg;
			break;
		case OPTION_VALUE:
			command->value = optarg;
			break;
		case OPTION_ABSENT:
			command->absent = true;
			break;
		case OPTION_EXEC:
			command->exec = optarg;
			break;
		case OPTION_INITIAL:
			command->initial = true;
			break;
		case OPTION_CHANGE:
			command->change = true;
			break;
		case OPTION_IF_ABSENT:
			command->if_absent = true;
			break;
		case OPTION_JOIN:
			command->join = JOIN_ANY;
			if (optarg)
				err = parse_style(optarg, &command->join);
			break;
		case OPTION_REPAIR:
			command->repair = true;
			break;
		case OPTION_MAX_KEYS:
			err = parse_limit("--max-keys", optarg, STORE_KEYS_MAX, &command->max_keys);
			break;
		case OPTION_MAX_BYTES:
			err = parse_limit("--max-bytes", optarg, STORE_BYTES_MAX,
					  &command->max_bytes);
			break;
		case 'h':
			fputs(help, stdout);
			return -1;
		case 'V':
			puts("hvkvp " HVKVP_VERSION);
			return -1;
		default:
			err = command_fail(EXIT_USAGE, "try hvkvp --help");
		}
	}
	if (!err && command->state_dir && !command->state_dir[0])
		err = command_fail(EXIT_USAGE, "--state-dir needs a directory");
	if (!err && optind == argc)
		err = command_fail(EXIT_USAGE, "there is no command; try hvkvp --help");
	return err;
}

/* What the daemon is configured to, so that both work on the same pools in the same way. */
static int config_load_for(struct command *command, struct config *config)
{
	int err = 0;

	if (command->config || !command->state_dir)
		err = config_load(config, command->config ? command->config : CONFIG_PATH,
				  command->config);
	else
		err = config_init(config);
	if (err)
		return err;
	if (!command->state_dir && config->state_dir[0])
		command->state_dir = config->state_dir;
	if (!command->max_keys)
		command->max_keys = config->max_keys;
	if (!command->max_bytes)
		command->max_bytes = config->max_bytes;
	command->facts.hidden = config->hidden_facts;
	command->ip_policy = &config->ip;
	command->site_script = config->site_script;
	return 0;
}

/* What the daemon has: its programs are not run for each command. */
static void load_site_facts(struct site_facts *site, const char *state_dir)
{
	char path[PATH_MAX];

	site_facts_path(state_dir, path, sizeof(path));
	site_facts_load(site, path);
}

int main(int argc, char **argv)
{
	static struct config config;
	static struct address_cache addresses;	/* queried once */
	static struct site_facts site;
	static struct command command;	/* without a value: most of it is zeros, which the file does without */
	int ret;

	command.facts = (struct facts){
		.root = "",
		.is_version = FACTS_IS_VERSION,
		.addresses = address_cache_text,
		.addresses_data = &addresses,
		.site = &site,
	};
	command.device = DEVICE_OURS;
	command.join = JOIN_NONE;
	command.split = SPLIT_NONE;
	command.timeout_ms = -1;
	ret = parse(&command, argc, argv);
	if (ret)
		return ret < 0 ? EXIT_OK : ret;
	log_open(LOG_WARNING, 0);
	log_set_sink(show_log);
	umask(022);
	if (config_load_for(&command, &config))
		return EXIT_USAGE;
	if (!command.state_dir)
		command.state_dir = paths_state_dir(STATE_DIR, STATE_DIR_VOLATILE, false);
	command.argc = argc - optind - 1;
	command.argv = argv + optind + 1;
	if (store_init(&command.store, command.state_dir))
		return command_fail(EXIT_STORAGE, "out of memory");
	store_limit(&command.store, command.max_keys, command.max_bytes);
	load_site_facts(&site, command.state_dir);
	ret = run(&command, argv[optind]);
	site_facts_clear(&site);
	store_exit(&command.store);
	config_exit(&config);
	if (fflush(stdout) || ferror(stdout))
		ret = command_fail(EXIT_STORAGE, "cannot write the output: %s", strerror(errno));
	return ret;
}
