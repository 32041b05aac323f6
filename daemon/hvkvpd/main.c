// SPDX-License-Identifier: GPL-2.0-only
/*
 * hvkvpd: options, and putting the parts together.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts/address_cache.h"
#include "facts/facts.h"
#include "facts/watch.h"
#include "hvkvpd/loop.h"
#include "hvkvpd/startup.h"
#include "ip/cache.h"
#include "ip/describe.h"
#include "ip/set.h"
#include "ip/system.h"
#include "net/watch.h"
#include "pool/store.h"
#include "util/log.h"
#include "util/paths.h"

/* How long a request waits for a locked pool; the host waits for 30 s. */
#define LOCK_WAIT_MS 5000

/* How long addresses that the host sets may take to come up. */
#define SETTLE_MS 5000

struct options {
	bool foreground;
	struct startup startup;
	const char *device;
	const char *state_dir;
	const char *set_ip;
	const char *check_ip;
	int log_level;
	uint64_t max_keys;
	uint64_t max_bytes;
};

static const char help[] =
"Usage: hvkvpd [OPTION]...\n"
"Serve Hyper-V's key-value pair exchange (\"Data Exchange\") in a Linux guest.\n"
"\n"
"  -f, --foreground       stay in the foreground, log to standard error\n"
"      --pid-file PATH    write the process number there, and lock the file; remove\n"
"                         it at the end\n"
"      --ready-fd N       write a newline to this descriptor when ready, and close it\n"
"  -d, --device PATH      the driver's device node; a node in a directory named\n"
"                         vmbus is the stock kernel's; fd:N is an open descriptor\n"
"                         (default: " DEVICE_OURS " if there, else " DEVICE_STOCK ")\n"
"  -s, --state-dir DIR    where the pool files are (default: " STATE_DIR ")\n"
"      --set-ip PATH      script that sets addresses in the daemon's place, if it is\n"
"                         there (default: " IP_SITE_SCRIPT "); \"\": none\n"
"      --check-ip FILE    print what would be done with a captured SET_IP body, and\n"
"                         exit: 0 it would be done, 1 it would be refused\n"
"  -l, --log-level LEVEL  err, warning, notice, info or debug (default: notice)\n"
"      --max-keys N       a pool holds so many pairs at most (default: 65536)\n"
"      --max-bytes N      and is so long at most (default: 268435456)\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"The daemon waits for the device if it is not there, and again each time it goes\n"
"away. In the background the command returns when the daemon serves or waits, or\n"
"with its exit code. SIGTERM and SIGINT stop the daemon after the request in hand.\n"
"\n"
"Exit codes: 0 stopped by a signal; 1 failure; 2 wrong usage; 3 another service\n"
"has the device; 4 the driver speaks another major version of the protocol.\n";

/* Options without a letter. */
enum {
	OPTION_SET_IP = 256,
	OPTION_CHECK_IP,
	OPTION_MAX_KEYS,
	OPTION_MAX_BYTES,
	OPTION_PID_FILE,
	OPTION_READY_FD,
};

static const struct option long_options[] = {
	{ "foreground",	no_argument,	   NULL, 'f' },
	{ "device",	required_argument, NULL, 'd' },
	{ "state-dir",	required_argument, NULL, 's' },
	{ "set-ip",	required_argument, NULL, OPTION_SET_IP },
	{ "check-ip",	required_argument, NULL, OPTION_CHECK_IP },
	{ "log-level",	required_argument, NULL, 'l' },
	{ "max-keys",	required_argument, NULL, OPTION_MAX_KEYS },
	{ "max-bytes",	required_argument, NULL, OPTION_MAX_BYTES },
	{ "pid-file",	required_argument, NULL, OPTION_PID_FILE },
	{ "ready-fd",	required_argument, NULL, OPTION_READY_FD },
	{ "help",	no_argument,	   NULL, 'h' },
	{ "version",	no_argument,	   NULL, 'V' },
	{ 0 }
};

static void usage_error(const char *message, const char *what)
{
	fprintf(stderr, "hvkvpd: %s%s; try hvkvpd --help\n", message, what);
	exit(LOOP_EXIT_USAGE);
}

/* A limit, or the end. */
static uint64_t parse_limit(const char *text, uint64_t most)
{
	uint64_t limit = store_limit_parse(text, most);

	if (!limit)
		usage_error("not a number, or too small or too large: ", text);
	return limit;
}

/* An open descriptor, or the end. */
static int parse_fd(const char *text)
{
	char *end;
	long fd = strtol(text, &end, 10);

	if (!text[0] || *end || fd < 0 || fd > INT_MAX || fcntl(fd, F_GETFD) < 0)
		usage_error("not an open descriptor: ", text);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static void parse(struct options *options, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "fd:s:l:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'f':
			options->foreground = true;
			break;
		case 'd':
			options->device = optarg;
			break;
		case 's':
			options->state_dir = optarg;
			break;
		case OPTION_SET_IP:
			options->set_ip = optarg;
			break;
		case OPTION_CHECK_IP:
			options->check_ip = optarg;
			break;
		case OPTION_MAX_KEYS:
			options->max_keys = parse_limit(optarg, STORE_KEYS_MAX);
			break;
		case OPTION_MAX_BYTES:
			options->max_bytes = parse_limit(optarg, STORE_BYTES_MAX);
			break;
		case OPTION_PID_FILE:
			options->startup.pid_file = optarg;
			break;
		case OPTION_READY_FD:
			options->startup.ready_fd = parse_fd(optarg);
			break;
		case 'l':
			options->log_level = log_level_parse(optarg);
			if (options->log_level < 0)
				usage_error("no such log level: ", optarg);
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		case 'V':
			puts("hvkvpd " HVKVP_VERSION);
			exit(0);
		default:
			usage_error("wrong option", "");
		}
	}
	if (optind < argc)
		usage_error("unexpected argument: ", argv[optind]);
	if (options->device && !options->device[0])
		usage_error("--device needs a path", "");
	if (options->state_dir && !options->state_dir[0])
		usage_error("--state-dir needs a directory", "");
}

/* A daemon's working directory is /: relative paths must not move with it. */
static const char *absolute(const char *path)
{
	char *cwd, *joined;

	if (path[0] == '/')
		return path;
	cwd = getcwd(NULL, 0);
	if (!cwd || asprintf(&joined, "%s/%s", cwd, path) < 0) {
		perror("hvkvpd: the working directory");
		exit(LOOP_EXIT_FAILURE);
	}
	free(cwd);
	return joined;
}

/* The directory that was asked for, or the system's. */
static const char *state_dir(const char *asked)
{
	const char *dir;

	if (asked)
		return absolute(asked);
	dir = paths_state_dir(STATE_DIR, STATE_DIR_VOLATILE, true);
	if (!strcmp(dir, STATE_DIR_VOLATILE))
		log_warn("%s is missing and its file system is read-only: the pools are in %s, and lost with the next boot",
			 STATE_DIR, STATE_DIR_VOLATILE);
	return dir;
}

static int check_ip(const struct ip_system *system, const char *path)
{
	int ret = ip_describe_body(system, path, stdout);

	if (ret < 0)
		fprintf(stderr, "hvkvpd: %s: %s\n", path, ret == -EINVAL ?
			"is not the body of a SET_IP: 7428 bytes, or 3716 and more from KVP 5.0 on" :
			strerror(-ret));
	return ret < 0 ? LOOP_EXIT_USAGE : ret;
}

/* Fork and lock, before anything is opened. Return: 0, or what to exit with. */
static int start_up(struct options *options)
{
	struct startup *startup = &options->startup;
	int err = options->foreground ? 0 : startup_background(startup);

	if (err) {
		log_err("cannot go to the background: %s", strerror(-err));
		return LOOP_EXIT_FAILURE;
	}
	err = startup_lock(startup);
	if (err == -EBUSY) {
		log_err("%s: locked by another hvkvpd; stop that one first", startup->pid_file);
		return LOOP_EXIT_BUSY;
	}
	if (err) {
		log_err("%s: %s", startup->pid_file, strerror(-err));
		return LOOP_EXIT_FAILURE;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct options options = {
		.set_ip = IP_SITE_SCRIPT,
		.log_level = LOG_NOTICE,
	};
	static struct net_watch watch;
	static struct facts_watch sources;
	static struct facts_cache kept = { .watch = &sources };
	static struct address_cache addresses = { .watch = &watch };
	static struct ip_cache adapters = { .watch = &watch };
	struct facts facts = {
		.root = "",
		.is_version = FACTS_IS_VERSION,
		.addresses = address_cache_text,
		.addresses_data = &addresses,
		.cache = &kept,
	};
	static struct store store;
	struct ip_system system = {
		.root = "",
		.settle_ms = SETTLE_MS,
		.cache = &adapters,
	};
	struct dispatch dispatch = {
		.store = &store,
		.facts = &facts,
		.ip = &system,
		.lock_wait_ms = LOCK_WAIT_MS,
	};
	static struct loop loop;
	int ret;

	startup_init(&options.startup);
	parse(&options, argc, argv);
	log_open(options.log_level, 0);
	umask(022);
	options.state_dir = state_dir(options.state_dir);
	if (options.device && strncmp(options.device, "fd:", 3))
		options.device = absolute(options.device);

	if (options.startup.pid_file)
		options.startup.pid_file = absolute(options.startup.pid_file);
	system.state_dir = options.state_dir;
	system.site_script = options.set_ip[0] ? absolute(options.set_ip) : "";
	if (options.check_ip)
		return check_ip(&system, options.check_ip);
	ret = start_up(&options);
	if (ret)
		return ret;
	log_notice("hvkvpd %s, pools in %s", HVKVP_VERSION, options.state_dir);
	if (store_init(&store, options.state_dir)) {
		log_err("out of memory");
		return LOOP_EXIT_FAILURE;
	}
	store_limit(&store, options.max_keys, options.max_bytes);
	/* What cannot be created is logged; the rest is served all the same. */
	store_create(&store);
	ip_change_reapply(&system);

	net_watch_init(&watch);
	facts_watch_init(&sources, facts.root);
	device_init(&loop.device, options.device);
	loop.service.dispatch = &dispatch;
	loop.service.facts = &facts;
	ret = loop_init(&loop);
	if (!ret) {
		if (!options.foreground)
			log_open(options.log_level, 1);
		loop_add_notifier(&loop, &watch.notifier);
		loop_add_notifier(&loop, &sources.files);
		loop_add_notifier(&loop, &sources.hostname);
		startup_ready(&options.startup);
		ret = loop_run(&loop);
	}
	loop_exit(&loop);
	net_watch_exit(&watch);
	facts_watch_exit(&sources);
	store_exit(&store);
	startup_exit(&options.startup);
	return ret;
}
