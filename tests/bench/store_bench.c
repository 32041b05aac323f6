// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the pool store costs: store_bench [DIRECTORY]
 *
 * Four pools, of 10 to 10,000 keys, and each operation on each of them in turn, some
 * hundred times, in several rounds. Of the rounds the quietest counts: the lowest
 * median and the lowest p99. "no disk" is the same with syncs that do nothing, since
 * a disk's own times hide everything else.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "util/log.h"
#include "pool/store.h"

#define ROUNDS	9
#define SAMPLES	400

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static bool no_disk;
static unsigned long syncs;

int __wrap_fdatasync(int fd)
{
	syncs++;
	return no_disk ? 0 : __real_fdatasync(fd);
}

static double now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e6 + ts.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static const int sizes[] = { 10, 100, 1000, 10000 };

#define SIZES	(sizeof(sizes) / sizeof(sizes[0]))

enum operation { SET, ADD, GET, DELETE, ENUMERATE, OPERATIONS };

static const char *const names[OPERATIONS] = {
	"set, a known key", "set, a new key", "get", "delete", "enumerate one",
};

/**
 * struct result - of an operation on a pool
 * @p50: median of the quietest round, microseconds
 * @p99: likewise
 * @syncs: the most for one operation
 */
struct result {
	double p50;
	double p99;
	unsigned long syncs;
};

static void fail(struct pool *pool)
{
	fprintf(stderr, "bench: %s\n", pool_why(pool));
	exit(1);
}

/* Once; what it has changed is put right afterwards. Return: microseconds. */
static double one(struct pool *pool, enum operation operation, int keys, int i,
		  unsigned long *synced)
{
	/* A key somewhere in the pool, each time another one. */
	int number = (int)((long)i * 7919 % keys), ret = 0;
	const char *key_at, *value_at;
	char key[32], value[32];
	double start;

	snprintf(key, sizeof(key), operation == ADD ? "extra-%06d" : "key-%06d", number);
	snprintf(value, sizeof(value), "value-%08d", i);
	*synced = syncs;
	start = now_us();
	switch (operation) {
	case SET:
	case ADD:
		ret = pool_set(pool, key, value);
		break;
	case GET:
		ret = pool_get(pool, key, &value_at);
		break;
	case DELETE:
		ret = pool_delete(pool, key);
		break;
	default:
		ret = pool_at(pool, number, &key_at, &value_at);
	}
	start = now_us() - start;
	*synced = syncs - *synced;
	if (ret < 0 || (operation == ADD && pool_delete(pool, key)) ||
	    (operation == DELETE && pool_set(pool, key, value) < 0))
		fail(pool);
	return start;
}

static void one_round(struct pool *pool, enum operation operation, int keys, int round,
		      struct result *result)
{
	static double times[SAMPLES * 10];
	/* What takes no microsecond is done more often, so that each key has its turn. */
	int count = operation == GET || operation == ENUMERATE ? SAMPLES * 10 : SAMPLES;
	unsigned long synced;

	for (int i = 0; i < count; i++) {
		times[i] = one(pool, operation, keys, round * count + i, &synced);
		if (synced > result->syncs)
			result->syncs = synced;
	}
	qsort(times, count, sizeof(times[0]), compare);
	if (!round || times[count / 2] < result->p50)
		result->p50 = times[count / 2];
	if (!round || times[count * 99 / 100] < result->p99)
		result->p99 = times[count * 99 / 100];
}

static void fill(struct pool *pool, int keys)
{
	FILE *f = fopen(pool->file.path, "w");

	for (int i = 0; i < keys; i++) {
		struct pool_record record = { 0 };

		snprintf(record.key, sizeof(record.key), "key-%06d", i);
		snprintf(record.value, sizeof(record.value), "value-%08d", i);
		if (!f || fwrite(&record, sizeof(record), 1, f) != 1) {
			perror(pool->file.path);
			exit(1);
		}
	}
	if (fsync(fileno(f)) || fclose(f))
		perror(pool->file.path);
	if (pool_load(pool))
		fail(pool);
}

static void print(const char *disk, struct result results[SIZES][OPERATIONS])
{
	for (int o = 0; o < OPERATIONS; o++) {
		for (size_t s = 0; s < SIZES; s++) {
			const struct result *r = &results[s][o], *first = &results[0][o];

			printf("%-8s %-17s %6d %10.2f %9.2fx %10.2f %9.2fx %6lu\n", s ? "" : disk,
			       s ? "" : names[o], sizes[s], r->p50, r->p50 / first->p50,
			       r->p99, r->p99 / first->p99, r->syncs);
		}
		disk = "";
	}
}

static int drop(const char *name, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(name);
}

int main(int argc, char **argv)
{
	static struct result results[SIZES][OPERATIONS];
	struct store store;
	char dir[256];

	snprintf(dir, sizeof(dir), "%s/hvkvp-bench-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
	if (!mkdtemp(dir) || store_init(&store, dir)) {
		perror(dir);
		return 1;
	}
	log_open(LOG_ERR, 0);
	for (size_t s = 0; s < SIZES; s++)
		fill(&store.pools[s], sizes[s]);
	printf("pool store in %s, microseconds, the quietest of %d rounds; growth: by that of 10 keys;\n"
	       "syncs: the most for one operation\n", dir, ROUNDS);
	printf("%-8s %-17s %6s %10s %10s %10s %10s %6s\n", "disk", "operation", "keys", "p50",
	       "growth", "p99", "growth", "syncs");
	for (int pass = 0; pass < 2; pass++) {
		no_disk = pass;
		memset(results, 0, sizeof(results));
		for (int round = 0; round < ROUNDS; round++)
			for (int o = 0; o < OPERATIONS; o++)
				for (size_t s = 0; s < SIZES; s++)
					one_round(&store.pools[s], o, sizes[s], round,
						  &results[s][o]);
		print(pass ? "no disk" : "real", results);
		fflush(stdout);
	}
	store_exit(&store);
	nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
