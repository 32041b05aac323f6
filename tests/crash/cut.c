// SPDX-License-Identifier: GPL-2.0-only
/*
 * For tests/crash/filesystems: changes a pool on a real file system until its power is cut, and
 * compares what is there afterwards.
 *
 *   cut write DIR      change the pool, and another program's record in it; print the number of
 *                      each acknowledged change, behind a letter that says whose it is
 *   cut cut DIR        drop all that the file system has not written, as a power failure does
 *   cut cut DEVICE     the same for a file system without such a call: its loop device gets so short
 *                      that every later access fails
 *   cut check DIR A B  exit with 0 if the pool has A changes of ours, or one more, and change B of
 *                      the other program, or a later one; as after a boot
 *   cut again DIR A B  the same as it is, within this boot: the file system was mounted again
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pool/pool.h"
#include "util/log.h"

#define FILE_NAME	"/.kvp_pool_1"
#define KEYS		12
#define THEIRS		"theirs"

/* FS_IOC_SHUTDOWN of ext4 and xfs, without a flush of the log. */
#define GOING_DOWN	_IOR('X', 125, uint32_t)
#define NO_FLUSH	2

/* No file system has anything in front of this. */
#define SHORT	4096

/**
 * struct step - a change of ours
 * @key: of the pair
 * @remove: it is deleted
 */
struct step {
	int key;
	bool remove;
};

static struct step next_step(unsigned int *seed, const int *values)
{
	struct step step = { .key = rand_r(seed) % KEYS };

	step.remove = rand_r(seed) % 4 == 0 && values[step.key];
	return step;
}

static const char *value_text(int number)
{
	static char text[1024];

	for (int i = 0; i < 120; i++)
		snprintf(text + i * 8, 9, "%07d.", number);
	return text;
}

/* The other program: follows the rules for programs that change a pool. */
static void write_theirs(const char *path)
{
	struct flock all = { .l_type = F_WRLCK };
	struct pool_record record = { .key = THEIRS }, now;
	int fd = open(path, O_RDWR);

	for (int number = 1;; number++) {
		off_t at = 0;

		if (fd < 0 || flock(fd, LOCK_EX) || fcntl(fd, F_OFD_SETLKW, &all))
			_exit(0);
		while (pread(fd, &now, sizeof(now), at) == sizeof(now) && strcmp(now.key, THEIRS))
			at += sizeof(now);
		snprintf(record.value, sizeof(record.value), "%d", number % 3 ? number : 0);
		if (pwrite(fd, &record, sizeof(record), at) != sizeof(record) || fsync(fd))
			_exit(0);
		dprintf(1, "b%d\n", number);
		all.l_type = F_UNLCK;
		fcntl(fd, F_OFD_SETLK, &all);
		all.l_type = F_WRLCK;
		flock(fd, LOCK_UN);
		usleep(3000);	/* sleep: ours get their turn */
	}
}

static void write_ours(struct pool *pool)
{
	int values[KEYS] = { 0 };
	unsigned int seed = 1;
	char key[16];

	for (int number = 1;; number++) {
		struct step step = next_step(&seed, values);
		int ret;

		snprintf(key, sizeof(key), "key%d", step.key);
		ret = step.remove ? pool_delete(pool, key) : pool_set(pool, key, value_text(number));
		if (ret < 0)
			return;
		values[step.key] = step.remove ? 0 : number;
		dprintf(1, "a%d\n", number);
		if (!pool_checkpoint_due(pool) || number % 7 == 0)
			pool_checkpoint(pool);
	}
}

static bool holds(struct pool *pool, int changes)
{
	int values[KEYS] = { 0 };
	unsigned int seed = 1;
	const char *value;
	char key[16];

	for (int number = 1; number <= changes; number++) {
		struct step step = next_step(&seed, values);

		values[step.key] = step.remove ? 0 : number;
	}
	for (int i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key%d", i);
		if (pool_get(pool, key, &value))
			value = NULL;
		if (!value != !values[i] || (value && strcmp(value, value_text(values[i]))))
			return false;
	}
	return true;
}

static bool holds_theirs(struct pool *pool, int number)
{
	const char *value;
	int now;

	if (!number)
		return true;
	if (pool_get(pool, THEIRS, &value))
		return false;
	now = atoi(value);
	/* Each third one is the same old value again. */
	return now ? now >= number : number % 3 == 0 || (number + 1) % 3 == 0 || (number + 2) % 3 == 0;
}

/* What is there, and what should be, as comments. */
static void show(struct pool *pool, int changes)
{
	int values[KEYS] = { 0 };
	unsigned int seed = 1;
	const char *key, *value;

	for (int number = 1; number <= changes; number++) {
		struct step step = next_step(&seed, values);

		values[step.key] = step.remove ? 0 : number;
	}
	for (int i = 0; i < KEYS; i++)
		printf("# wanted key%d %d\n", i, values[i]);
	for (uint32_t i = 0; !pool_at(pool, i, &key, &value); i++)
		printf("# there %s %d%s\n", key, atoi(value),
		       strcmp(key, THEIRS) && strcmp(value, value_text(atoi(value))) ? ", torn" : "");
}

static int cut(const char *path)
{
	uint32_t flags = NO_FLUSH;
	struct loop_info64 info;
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return -1;
	if (ioctl(fd, LOOP_GET_STATUS64, &info))
		return ioctl(fd, GOING_DOWN, &flags);
	info.lo_sizelimit = SHORT;
	return ioctl(fd, LOOP_SET_STATUS64, &info);
}

/* Make the journal's boot another one than ours. */
static int forget_boot(const char *dir)
{
	char path[512], byte = 0;
	int fd, ret = 0;

	snprintf(path, sizeof(path), "%s" FILE_NAME ".journal", dir);
	fd = open(path, O_RDWR);
	if (fd < 0)
		return 0;
	if (pread(fd, &byte, 1, 8) == 1) {	/* in the checksum of the state block */
		byte = ~byte;
		ret = pwrite(fd, &byte, 1, 8) == 1 ? 0 : -1;
	}
	close(fd);
	return ret;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "", *dir = argc > 2 ? argv[2] : "";
	struct pool pool;
	char path[512];

	log_open(LOG_ERR, 0);
	if (!strcmp(what, "cut"))
		return cut(dir) ? perror(dir), 1 : 0;
	if (pool_init(&pool, dir, 1))
		return 2;
	snprintf(path, sizeof(path), "%s" FILE_NAME, dir);
	if (!strcmp(what, "write")) {
		pool_create(&pool);
		if (!fork())
			write_theirs(path);
		write_ours(&pool);
		pool_exit(&pool);
		wait(NULL);
		return 0;
	}
	if ((strcmp(what, "check") && strcmp(what, "again")) || argc != 5)
		return 2;
	if (!strcmp(what, "check") && forget_boot(dir))
		return 2;
	if (pool_create(&pool) || pool_load(&pool)) {
		printf("# %s\n", pool_why(&pool));
		return 1;
	}
	if (!holds(&pool, atoi(argv[3])) && !holds(&pool, atoi(argv[3]) + 1)) {
		show(&pool, atoi(argv[3]));
		return 1;
	}
	if (holds_theirs(&pool, atoi(argv[4])))
		return 0;
	show(&pool, atoi(argv[3]));
	return 1;
}
