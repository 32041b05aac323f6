// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the pool store costs: store_bench [DIRECTORY]
 *
 * For each size of the pool, each operation is timed some hundred times. "no disk"
 * repeats the changes with syncs that do nothing, since a disk's own times hide
 * everything else.
 */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "pool.h"

#define SAMPLES	600

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

/**
 * struct result - of an operation
 * @p50: median, microseconds
 * @p99: likewise
 * @syncs: for each operation
 */
struct result {
	double p50;
	double p99;
	double syncs;
};

enum operation { SET, ADD, GET, DELETE, ENUMERATE, OPERATIONS };

static const char *const names[OPERATIONS] = { "set", "add", "get", "delete", "enumerate one" };

static void fail(struct pool *pool)
{
	fprintf(stderr, "bench: %s\n", pool_why(pool));
	exit(1);
}

static double one(struct pool *pool, enum operation operation, int keys, int i)
{
	const char *key_at, *value_at;
	char key[32], value[32];
	double start;
	int ret = 0;

	snprintf(key, sizeof(key), "key-%06d", (int)((long)i * 7919 % keys));
	snprintf(value, sizeof(value), "value-%08d", i);
	if (operation == ADD || operation == DELETE)
		snprintf(key, sizeof(key), "extra-%06d", i);
	/* What is deleted lies in the middle of the pool, behind it the rest. */
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
		snprintf(key, sizeof(key), "key-%06d", (int)((long)i * 7919 % keys));
		ret = pool_delete(pool, key);
		break;
	default:
		ret = pool_at(pool, i % keys, &key_at, &value_at);
	}
	start = now_us() - start;
	if (ret < 0)
		fail(pool);
	if (operation == ADD && pool_delete(pool, key))
		fail(pool);
	if (operation == DELETE && pool_set(pool, key, value) < 0)
		fail(pool);
	return start;
}

static struct result measure(struct pool *pool, enum operation operation, int keys)
{
	static double times[SAMPLES];
	int samples = no_disk || operation == GET || operation == ENUMERATE ? SAMPLES : SAMPLES / 2;
	unsigned long before;
	double sum = 0;

	for (int i = 0; i < 20; i++)
		one(pool, operation, keys, i);
	for (int i = 0; i < samples; i++) {
		before = syncs;
		times[i] = one(pool, operation, keys, i);
		sum += syncs - before;
	}
	qsort(times, samples, sizeof(times[0]), compare);
	/* ADD and DELETE are put right again outside of the time: half of the syncs. */
	if (operation == ADD || operation == DELETE)
		sum /= 2;
	return (struct result){ times[samples / 2], times[samples * 99 / 100], sum / samples };
}

static void fill(const char *dir, int keys)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "%s/.kvp_pool_1", dir);
	f = fopen(path, "w");
	for (int i = 0; i < keys; i++) {
		struct pool_record record = { 0 };

		snprintf(record.key, sizeof(record.key), "key-%06d", i);
		snprintf(record.value, sizeof(record.value), "value-%08d", i);
		if (!f || fwrite(&record, sizeof(record), 1, f) != 1) {
			perror(path);
			exit(1);
		}
	}
	if (fsync(fileno(f)) || fclose(f))
		perror(path);
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
	static const int sizes[] = { 10, 100, 1000, 10000 };
	struct result first[2][OPERATIONS];
	char dir[256];

	snprintf(dir, sizeof(dir), "%s/hvkvp-bench-XXXXXX", argc > 1 ? argv[1] : "/var/tmp");
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	log_open(LOG_ERR, 0);
	printf("pool store in %s, microseconds; the last column is the median by that of 10 keys\n",
	       dir);
	printf("%-8s %6s  %-14s %10s %10s %8s %7s\n", "disk", "keys", "operation", "p50", "p99",
	       "syncs", "growth");
	for (int pass = 0; pass < 2; pass++) {
		no_disk = pass;
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			struct pool pool;

			fill(dir, sizes[s]);
			pool_init(&pool, dir, 1);
			if (pool_load(&pool))
				fail(&pool);
			for (int i = 0; i < OPERATIONS; i++) {
				struct result result = measure(&pool, i, sizes[s]);

				if (!s)
					first[pass][i] = result;
				printf("%-8s %6d  %-14s %10.1f %10.1f %8.2f %6.2fx\n",
				       pass ? "no disk" : "real", sizes[s], names[i], result.p50,
				       result.p99, result.syncs, result.p50 / first[pass][i].p50);
			}
			fflush(stdout);
			pool_exit(&pool);
		}
	}
	nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
