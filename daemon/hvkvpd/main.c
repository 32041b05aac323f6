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

#include "config/config.h"
#include "facts/address_cache.h"
#include "facts/facts.h"
#include "facts/watch.h"
#include "hvkvpd/loop.h"
#include "hvkvpd/site.h"
#include "hvkvpd/startup.h"
#include "ip/budget.h"
#include "ip/cache.h"
#include "ip/describe.h"
#include "ip/keep.h"
#include "ip/system.h"
#include "net/watch.h"
#include "pool/store.h"
#include "util/log.h"
#include "util/paths.h"
#include "util/stringify.h"

/* How often it is looked whether the initramfs has ended, and how many times at most. */
#define EARLY_POLL_US	20000
#define EARLY_POLLS	500

/* How long a request waits for a locked pool; the host waits for 30 s. */
#define LOCK_WAIT_MS 5000

/* How long what a network manager has refused is left alone, milliseconds. */
#define KEEP_AGAIN_MS 60000

/**
 * struct options - the command line
 * @foreground: stay there
 * @startup: how to start
 * @device: what to serve, NULL for the default
 * @config: path of the configuration
 * @config_required: it was named, so it has to exist
 * @check_config: check the configuration, and exit
 * @show_config: print the configuration, and exit
 * @check_ip: file with a SET_IP body to be explained
 * @early: the system is not up yet
 * @volatile_pools: then: take what the host sets all the same
 * @state_dir: wins over the configuration, unless it is NULL
 * @set_ip: likewise, the site's script
 * @log_level: likewise, unless it is -1
 * @max_keys: likewise, unless it is 0
 * @max_bytes: likewise, unless it is 0
 */
struct options {
	bool foreground;
	struct startup startup;
	const char *device;
	const char *config;
	bool config_required;
	bool check_config;
	bool show_config;
	const char *check_ip;
	bool early;
	bool volatile_pools;
	const char *state_dir;
	const char *set_ip;
	int log_level;
	uint64_t max_keys;
	uint64_t max_bytes;
};

/**
 * struct daemon - what the command line and the configuration make
 * @options: command line
 * @config: in effect
 * @store: pools
 * @facts: pool "auto"
 * @site: further facts of pool "auto"
 * @system: the machine whose addresses are served
 * @in_background: the log goes to syslog
 */
struct daemon {
	struct options options;
	struct config config;
	struct store store;
	struct facts facts;
	struct site site;
	struct ip_system system;
	bool in_background;
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
"  -c, --config PATH      configuration file; drop-ins are in PATH.d (default:\n"
"                         " CONFIG_PATH "); the options here win over it\n"
"      --check-config     check it, and exit: 0 it is valid, 2 it is not\n"
"      --show-config      print all settings in effect, and exit\n"
"  -s, --state-dir DIR    where the pool files are (default: " STATE_DIR ");\n"
"                         fd:N is an open descriptor of a directory\n"
"      --early            for the initramfs: the pools of the system are not there\n"
"                         yet; ends when the host asks for them, without an answer\n"
"      --volatile         with --early: refuse what only they could answer, and keep\n"
"                         what the host sets, which a power failure loses\n"
"      --set-ip PATH      script that sets addresses in the daemon's place, if it is\n"
"                         there (default: " IP_SITE_SCRIPT "); \"\": none\n"
"      --check-ip FILE    print what would be done with a captured SET_IP body, and\n"
"                         exit: 0 it would be done, 1 it would be refused\n"
"  -l, --log-level LEVEL  err, warning, notice, info or debug (default: notice)\n"
"      --max-keys N       a pool holds so many pairs at most (default: " STRINGIFY(POOL_DEFAULT_KEYS) ")\n"
"      --max-bytes N      and is so long at most (default: " STRINGIFY(POOL_DEFAULT_BYTES) ")\n"
"  -h, --help             this text\n"
"  -V, --version          the version\n"
"\n"
"The daemon waits for the device if it is not there, and again each time it goes\n"
"away. In the background the command returns when the daemon serves or waits, or\n"
"with its exit code. SIGTERM and SIGINT stop the daemon after the request in hand,\n"
"SIGHUP makes it read its configuration again.\n"
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
	OPTION_CHECK_CONFIG,
	OPTION_SHOW_CONFIG,
	OPTION_EARLY,
	OPTION_VOLATILE,
};

static const struct option long_options[] = {
	{ "foreground",	no_argument,	   NULL, 'f' },
	{ "device",	required_argument, NULL, 'd' },
	{ "config",	required_argument, NULL, 'c' },
	{ "check-config", no_argument,	   NULL, OPTION_CHECK_CONFIG },
	{ "show-config", no_argument,	   NULL, OPTION_SHOW_CONFIG },
	{ "state-dir",	required_argument, NULL, 's' },
	{ "early",	no_argument,	   NULL, OPTION_EARLY },
	{ "volatile",	no_argument,	   NULL, OPTION_VOLATILE },
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

/* Is it fd:N, in place of a path? */
static bool is_descriptor(const char *path)
{
	return path && !strncmp(path, "fd:", 3);
}

static void parse(struct options *options, int argc, char **argv)
{
	int c;

	while ((c = getopt_long(argc, argv, "fd:c:s:l:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'f':
			options->foreground = true;
			break;
		case 'd':
			options->device = optarg;
			break;
		case 'c':
			options->config = optarg;
			options->config_required = true;
			break;
		case OPTION_CHECK_CONFIG:
			options->check_config = true;
			break;
		case OPTION_SHOW_CONFIG:
			options->show_config = true;
			break;
		case 's':
			options->state_dir = optarg;
			break;
		case OPTION_EARLY:
			options->early = true;
			break;
		case OPTION_VOLATILE:
			options->volatile_pools = true;
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
	if (options->volatile_pools && !options->early)
		usage_error("--volatile needs --early", "");
	if (is_descriptor(options->state_dir) && !options->foreground)
		usage_error("--state-dir fd:N needs --foreground", "");
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

/*
 * The working directory is the directory of an open descriptor. That also works when it is outside
 * of the root directory, as /run is until the initramfs has moved it.
 */
static const char *enter(const char *descriptor)
{
	int fd = parse_fd(descriptor + 3);

	if (fchdir(fd)) {
		fprintf(stderr, "hvkvpd: %s: %s; --state-dir needs a directory\n", descriptor,
			strerror(errno));
		exit(LOOP_EXIT_USAGE);
	}
	close(fd);
	return ".";
}

/* The directory that was asked for, by option or else in the configuration, or the system's. */
static const char *state_dir(const struct options *options, const struct config *config)
{
	const char *dir;

	if (options->state_dir)
		return options->state_dir;
	if (config->state_dir[0])
		return config->state_dir;
	dir = paths_state_dir(STATE_DIR, STATE_DIR_VOLATILE, true);
	if (!strcmp(dir, STATE_DIR_VOLATILE))
		log_warn("%s is missing and its file system is read-only: the pools are in %s, and lost with the next boot",
			 STATE_DIR, STATE_DIR_VOLATILE);
	return dir;
}

static int check_ip(const struct daemon *daemon, const char *path)
{
	int ret = ip_describe_body(&daemon->system, &daemon->config.ip, path, stdout);
	char text[128];

	if (ret < 0)
		fprintf(stderr, "hvkvpd: %s: %s\n", path, ip_describe_error(ret, text, sizeof(text)));
	return ret < 0 ? LOOP_EXIT_USAGE : ret;
}

static int show_config(const struct config *config)
{
	config_show(config, stdout);
	if (!fflush(stdout) && !ferror(stdout))
		return LOOP_EXIT_OK;
	log_err("cannot write the output: %s", strerror(errno));
	return LOOP_EXIT_FAILURE;
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

/* Paths that do not move with the working directory. */
static void make_absolute(struct options *options)
{
	if (options->state_dir && !is_descriptor(options->state_dir))
		options->state_dir = absolute(options->state_dir);
	if (options->device && !is_descriptor(options->device))
		options->device = absolute(options->device);
	if (options->startup.pid_file)
		options->startup.pid_file = absolute(options->startup.pid_file);
	if (options->set_ip && options->set_ip[0])
		options->set_ip = absolute(options->set_ip);
	options->config = absolute(options->config);
	/* Last: it moves the working directory. */
	if (is_descriptor(options->state_dir))
		options->state_dir = enter(options->state_dir);
}

/* Put the command line over it. Return: 0 or -ENOMEM. */
static int override(struct config *config, const struct options *options)
{
	if (options->state_dir) {
		free(config->state_dir);
		config->state_dir = strdup(options->state_dir);
	}
	/* Neither are its programs for an initramfs, nor is there what they need. */
	if (options->early) {
		free(config->facts_dir);
		config->facts_dir = strdup("");
	}
	if (options->set_ip) {
		free(config->site_script);
		config->site_script = strdup(options->set_ip);
	}
	if (options->log_level >= 0)
		config->log_level = options->log_level;
	if (options->max_keys)
		config->max_keys = options->max_keys;
	if (options->max_bytes)
		config->max_bytes = options->max_bytes;
	return config->site_script && config->state_dir && config->facts_dir ? 0 : -ENOMEM;
}

/* Read the configuration, with the command line over it. Return: 0 or -errno, logged. */
static int load(struct config *config, const struct options *options)
{
	int err = config_load(config, options->config, options->config_required);

	if (!err)
		err = override(config, options);
	if (err == -ENOMEM)
		log_err("out of memory");
	return err;
}

/* Put the configuration into effect, all but the state directory. */
static void apply(struct daemon *daemon)
{
	const struct config *config = &daemon->config;

	log_open(config->log_level, daemon->in_background);
	store_limit(&daemon->store, config->max_keys, config->max_bytes);
	daemon->facts.hidden = config->hidden_facts;
	daemon->system.site_script = config->site_script;
}

/* SIGHUP. The daemon goes on as before with a configuration that has an error. */
static void reload(void *data)
{
	struct daemon *daemon = data;
	struct config new;
	char *dir;

	if (load(&new, &daemon->options)) {
		log_err("%s has errors: the configuration stays as it was", daemon->options.config);
		config_exit(&new);
		return;
	}
	/* The pools stay where they are, and so does the text that names their directory. */
	dir = daemon->config.state_dir;
	if (strcmp(new.state_dir, dir) && !daemon->options.state_dir)
		log_warn("StateDirectory=%s takes effect when hvkvpd is restarted",
			 new.state_dir[0] ? new.state_dir : "auto");
	daemon->config.state_dir = new.state_dir;
	new.state_dir = dir;
	config_exit(&daemon->config);
	daemon->config = new;
	apply(daemon);
	site_configure(&daemon->site, daemon->config.facts_dir, daemon->config.facts_interval);
	log_notice("configuration reloaded");
}

static void links_changed(void *keep)
{
	ip_keep_update(keep);
}

/*
 * The last thing that an initramfs does is to move these into the root directory. Without them an
 * adapter would not be found that the host wants to set.
 */
static void wait_for_kernel_files(void)
{
	for (int i = 0; i < EARLY_POLLS; i++) {
		if (!access("/proc/self", F_OK) && !access("/sys/class", F_OK))
			return;
		usleep(EARLY_POLL_US);
	}
}

/* Serve until the end. Return: what to exit with. */
static int serve(struct daemon *daemon)
{
	static struct net_watch watch;
	static struct facts_watch sources;
	/* Large, and all zeros in the program's file: they are set up below. */
	static struct facts_cache kept;
	static struct address_cache addresses;
	static struct ip_cache adapters;
	static struct change_rate rate;
	struct tolerated tolerated = { 0 };
	struct dispatch dispatch = {
		.store = &daemon->store,
		.facts = &daemon->facts,
		.ip = &daemon->system,
		.config = &daemon->config,
		.rate = &rate,
		.lock_wait_ms = LOCK_WAIT_MS,
		.early = daemon->options.early,
		.leaves = daemon->options.early && !daemon->options.volatile_pools,
		.tolerated = &tolerated,
	};
	static struct ip_keep keep;
	static struct loop loop;
	int ret = start_up(&daemon->options);

	if (ret)
		return ret;
	if (daemon->options.early) {
		startup_confine();
		wait_for_kernel_files();
	}
	log_notice("hvkvpd %s, pools in %s", HVKVP_VERSION, daemon->options.early ?
		   "a temporary folder, until the system is up" : daemon->system.state_dir);
	if (store_init(&daemon->store, daemon->system.state_dir)) {
		log_err("out of memory");
		return LOOP_EXIT_FAILURE;
	}
	daemon->store.changes.source = CHANGE_BY_HOST;
	daemon->store.changes.keep = true;
	kept.watch = &sources;
	addresses.watch = &watch;
	adapters.watch = &watch;
	daemon->facts.addresses_data = &addresses;
	daemon->facts.cache = &kept;
	site_init(&daemon->site, daemon->system.state_dir);
	daemon->facts.site = &daemon->site.facts;
	daemon->system.cache = &adapters;
	apply(daemon);
	/* What cannot be created is logged; the rest is served all the same. */
	store_create(&daemon->store);
	store_watch(&daemon->store);

	keep.system = &daemon->system;
	keep.again_ms = KEEP_AGAIN_MS;
	net_watch_init(&watch);
	facts_watch_init(&sources, daemon->facts.root);
	device_init(&loop.device, daemon->options.device);
	loop.service.dispatch = &dispatch;
	loop.service.facts = &daemon->facts;
	loop.reload = reload;
	loop.reload_data = daemon;
	loop.links_changed = links_changed;
	loop.links_data = &keep;
	ret = loop_init(&loop);
	if (!ret) {
		daemon->in_background = !daemon->options.foreground;
		log_open(daemon->config.log_level, daemon->in_background);
		loop_add_notifier(&loop, &watch.notifier);
		loop_add_notifier(&loop, &sources.files);
		loop_add_notifier(&loop, &sources.hostname);
		loop_add_notifier(&loop, &sources.mounts);
		loop_add_notifier(&loop, &daemon->store.names.notifier);
		loop_add_notifier(&loop, &daemon->store.names.mounts);
		site_configure(&daemon->site, daemon->config.facts_dir,
			       daemon->config.facts_interval);
		loop_add_extra(&loop, daemon->site.epoll_fd, site_event, &daemon->site);
		startup_ready(&daemon->options.startup);
		ret = loop_run(&loop);
	}
	if (tolerated.count)
		log_info("%lu requests had an unusual string, number or address family",
			 tolerated.count);
	loop_exit(&loop);
	net_watch_exit(&watch);
	facts_watch_exit(&sources);
	site_exit(&daemon->site);
	store_exit(&daemon->store);
	startup_exit(&daemon->options.startup);
	return ret;
}

int main(int argc, char **argv)
{
	/* Large, and all zeros in the program's file. */
	static struct daemon daemon;
	struct options *options = &daemon.options;
	int ret = LOOP_EXIT_OK;

	*options = (struct options){ .config = CONFIG_PATH, .log_level = -1 };
	daemon.facts = (struct facts){
		.root = "",
		.is_version = FACTS_IS_VERSION,
		.addresses = address_cache_text,
	};
	daemon.system = (struct ip_system){ .root = "", .settle_ms = IP_SETTLE_MS };
	startup_init(&options->startup);
	parse(options, argc, argv);
	daemon.system.early = options->early;
	/* When systemd leaves the initramfs, it kills what was started there, but not such. */
	if (options->early)
		argv[0][0] = '@';
	log_open(options->log_level < 0 ? LOG_NOTICE : options->log_level, 0);
	umask(022);
	make_absolute(options);
	if (load(&daemon.config, options))
		ret = LOOP_EXIT_USAGE;
	if (!ret)
		daemon.system.state_dir = state_dir(options, &daemon.config);
	daemon.system.site_script = daemon.config.site_script;
	if (!ret && options->show_config)
		ret = show_config(&daemon.config);
	else if (!ret && options->check_config)
		printf("%s: valid\n", options->config);
	else if (!ret && options->check_ip)
		ret = check_ip(&daemon, options->check_ip);
	else if (!ret)
		ret = serve(&daemon);
	config_exit(&daemon.config);
	return ret;
}
