// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another program that uses the pool files, and shares no code with the daemon (tests/host/README.md, "Endurance").
 *
 *	neighbour sum FILE...			a line for each: bytes, records, records with bytes behind their
 *						texts, checksum of all pairs in any order
 *	neighbour append FILE LOCK KEY VALUE	adds a record, synced; 3 if the key is there
 *	neighbour change FILE LOCK KEY VALUE	writes a value in place, synced; 3 if the key is not there
 *	neighbour flicker FILE LOCK KEY VALUE MS	writes VALUE.0 in place, and when somebody has read that, VALUE: in
 *						one tick of the kernel's clock, or else again; synced at the end
 *	neighbour replace FILE LOCK [MS]	a copy takes the file's place by rename, synced; again and again for so long
 *	neighbour poll FILE LOCK MS		reads the file again and again; 1 if it is ever damaged or has a key twice
 *	neighbour limit PID N			how many descriptors PID may have; prints how many it might before
 *
 * LOCK: none, flock, or fcntl. A reader takes a shared lock, a writer an exclusive one.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_BYTES	512
#define VALUE_BYTES	2048
#define RECORD		(KEY_BYTES + VALUE_BYTES)
#define RECORDS_MAX	10000
#define NOT_SO		3

struct file {
	int fd;
	char *bytes;
	size_t size;
};

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *fmt, ...)
{
	va_list ap;

	fputs("neighbour: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static void lock(const struct file *file, const char *how, bool shared)
{
	struct flock range = { .l_type = shared ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };
	int err = 0;

	if (!strcmp(how, "flock"))
		err = flock(file->fd, shared ? LOCK_SH : LOCK_EX);
	else if (!strcmp(how, "fcntl"))
		err = fcntl(file->fd, F_SETLKW, &range);
	else if (strcmp(how, "none"))
		die("lock '%s': none, flock or fcntl is wanted", how);
	if (err)
		die("lock: %s", strerror(errno));
}

static struct file open_file(const char *path, int flags)
{
	struct file file = { .fd = open(path, flags | O_CLOEXEC) };

	if (file.fd < 0)
		die("%s: %s", path, strerror(errno));
	file.bytes = malloc(RECORDS_MAX * RECORD);
	if (!file.bytes)
		die("out of memory");
	return file;
}

static void read_file(struct file *file)
{
	ssize_t n = 1;

	for (file->size = 0; n > 0 && file->size < RECORDS_MAX * RECORD; file->size += n) {
		n = pread(file->fd, file->bytes + file->size, RECORDS_MAX * RECORD - file->size,
			  file->size);
		if (n < 0)
			die("read: %s", strerror(errno));
	}
}

static uint64_t mix(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x100000001b3);
	return sum ^ sum >> 32;
}

/* Of a text, by words of 8 bytes that are padded with zeros; the sender of the command has the same. */
static uint64_t mix_text(uint64_t sum, const char *text, size_t len)
{
	size_t i;

	sum = mix(sum, len);
	for (i = 0; i < len; i += 8) {
		uint64_t word = 0;

		memcpy(&word, text + i, len - i < 8 ? len - i : 8);
		sum = mix(sum, word);
	}
	return sum;
}

static bool is_padded(const char *field, size_t size)
{
	size_t i;

	for (i = strnlen(field, size); i < size; i++)
		if (field[i])
			return false;
	return true;
}

static bool is_clean(const char *record)
{
	return *record && is_padded(record, KEY_BYTES) && is_padded(record + KEY_BYTES, VALUE_BYTES);
}

static int sum_files(char **paths)
{
	for (; *paths; paths++) {
		struct file file = open_file(*paths, O_RDONLY);
		size_t i, dirty = 0;
		uint64_t sum = 0;

		lock(&file, "flock", true);
		read_file(&file);
		for (i = 0; i + RECORD <= file.size; i += RECORD) {
			const char *key = file.bytes + i, *value = key + KEY_BYTES;

			dirty += !is_clean(key);
			sum += mix_text(mix_text(0, key, strnlen(key, KEY_BYTES)), value,
					strnlen(value, VALUE_BYTES));
		}
		printf("%zu %zu %zu %016llx\n", file.size, file.size / RECORD, dirty,
		       (unsigned long long)sum);
		close(file.fd);
		free(file.bytes);
	}
	return 0;
}

static char *find(const struct file *file, const char *key)
{
	size_t i;

	for (i = 0; i + RECORD <= file->size; i += RECORD)
		if (!strncmp(file->bytes + i, key, KEY_BYTES))
			return file->bytes + i;
	return NULL;
}

static int write_record(const char *path, const char *how, const char *key, const char *value,
			bool add)
{
	struct file file = open_file(path, O_RDWR);
	static char record[RECORD];
	off_t at;
	char *found;

	if (strlen(key) >= KEY_BYTES || strlen(value) >= VALUE_BYTES)
		die("too long");
	strcpy(record, key);
	strcpy(record + KEY_BYTES, value);
	lock(&file, how, false);
	read_file(&file);
	found = find(&file, key);
	if (add == !!found)
		return NOT_SO;
	at = found ? found - file.bytes : (off_t)file.size;
	if (add && fcntl(file.fd, F_SETFL, O_APPEND))
		die("O_APPEND: %s", strerror(errno));
	if (pwrite(file.fd, record, RECORD, at) != RECORD)
		die("write: %s", strerror(errno));
	if (fsync(file.fd))
		die("fsync: %s", strerror(errno));
	return 0;
}

static void sync_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd))
		die("%s: %s", path, strerror(errno));
	close(fd);
}

static int replace(const char *path, const char *how)
{
	struct file file = open_file(path, O_RDWR);
	char copy[4096], folder[4096];
	struct stat st;
	int fd;

	lock(&file, how, false);
	read_file(&file);
	if (fstat(file.fd, &st))
		die("fstat: %s", strerror(errno));
	snprintf(copy, sizeof(copy), "%s.new", path);
	fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, st.st_mode & 0777);
	if (fd < 0 || write(fd, file.bytes, file.size) != (ssize_t)file.size || fsync(fd))
		die("%s: %s", copy, strerror(errno));
	if (rename(copy, path))
		die("rename: %s", strerror(errno));
	snprintf(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	sync_path(folder, O_RDONLY | O_DIRECTORY);
	/* This gives the lock back. */
	close(fd);
	close(file.fd);
	free(file.bytes);
	return 0;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * UINT64_C(1000) + ts.tv_nsec / 1000000;
}

static int replace_for(const char *path, const char *how, const char *ms)
{
	uint64_t ends = now_ms() + strtoul(ms, NULL, 10);

	do {
		replace(path, how);
	} while (now_ms() < ends);
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strncmp(*(const char *const *)a, *(const char *const *)b, KEY_BYTES);
}

static void check(const struct file *file)
{
	static const char *keys[RECORDS_MAX];
	size_t i, n = file->size / RECORD;

	if (file->size % RECORD)
		die("the file has %zu bytes, no multiple of %d", file->size, RECORD);
	for (i = 0; i < n; i++) {
		keys[i] = file->bytes + i * RECORD;
		if (!is_clean(keys[i]))
			die("record %zu (%.60s) is damaged", i, keys[i]);
	}
	qsort(keys, n, sizeof(*keys), by_key);
	for (i = 1; i < n; i++)
		if (!by_key(&keys[i - 1], &keys[i]))
			die("the key %.60s is there twice", keys[i]);
}

static int poll_file(const char *path, const char *how, const char *ms)
{
	uint64_t ends = now_ms() + strtoul(ms, NULL, 10);
	unsigned int times = 0;

	do {
		/* Anew, as it may have been replaced; closing gives the lock back. */
		struct file file = open_file(path, O_RDONLY);

		lock(&file, how, true);
		read_file(&file);
		check(&file);
		close(file.fd);
		free(file.bytes);
		times++;
		usleep(1000);	/* sleep: it polls, with a limit */
	} while (now_ms() < ends);
	printf("%u\n", times);
	return 0;
}

static void unlock(const struct file *file, const char *how)
{
	struct flock range = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

	if (!strcmp(how, "flock"))
		flock(file->fd, LOCK_UN);
	else
		fcntl(file->fd, F_SETLK, &range);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Under the lock. Return: the time that the file has got. */
static struct timespec put_value(struct file *file, const char *how, const char *key,
				 const char *value, const char *more)
{
	static char record[RECORD];
	struct stat st;
	char *found;

	memset(record, 0, sizeof(record));
	strcpy(record, key);
	snprintf(record + KEY_BYTES, VALUE_BYTES, "%s%s", value, more);
	lock(file, how, false);
	read_file(file);
	found = find(file, key);
	if (!found)
		die("no key %s", key);
	if (pwrite(file->fd, record, RECORD, found - file->bytes) != RECORD || fstat(file->fd, &st))
		die("write: %s", strerror(errno));
	unlock(file, how);
	return st.st_ctim;
}

/* What was read in the tick before has another time then. */
static void wait_for_tick(void)
{
	struct timespec first, now;

	clock_gettime(CLOCK_REALTIME_COARSE, &first);
	do {
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (same_time(&now, &first));
}

/* Has somebody read the file since then, within the same tick of the kernel's clock? */
static bool read_since(const struct file *file, const struct timespec *since)
{
	struct timespec now;
	struct stat st;

	do {
		if (fstat(file->fd, &st))
			die("fstat: %s", strerror(errno));
		if (same_time(&st.st_atim, since))
			return true;
		clock_gettime(CLOCK_REALTIME_COARSE, &now);
	} while (same_time(&now, since));
	return false;
}

/* Change a value, wait for a reader, and change it again in the same tick: nothing but the contents differ. */
static int flicker(const char *path, const char *how, const char *key, const char *value,
		   const char *ms)
{
	/* Only others' reading counts. */
	struct file file = open_file(path, O_RDWR | O_NOATIME);
	uint64_t ends = now_ms() + strtoul(ms, NULL, 10);
	struct timespec before, after;
	unsigned int tries = 0;
	bool hit;

	if (strlen(key) >= KEY_BYTES || strlen(value) >= VALUE_BYTES - 16)
		die("too long");
	do {
		wait_for_tick();
		before = put_value(&file, how, key, value, ".0");
		tries++;
		read_since(&file, &before);
		after = put_value(&file, how, key, value, "");
		hit = same_time(&before, &after);
	} while (!hit && now_ms() < ends);
	if (fsync(file.fd))
		die("fsync: %s", strerror(errno));
	printf("%u tries%s\n", tries, hit ? ", in one tick" : "");
	return 0;
}

static int set_limit(const char *pid, const char *number)
{
	struct rlimit limit;

	if (prlimit(atoi(pid), RLIMIT_NOFILE, NULL, &limit))
		die("process %s: %s", pid, strerror(errno));
	printf("%llu\n", (unsigned long long)limit.rlim_cur);
	limit.rlim_cur = strtoul(number, NULL, 10);
	if (prlimit(atoi(pid), RLIMIT_NOFILE, &limit, NULL))
		die("process %s: %s", pid, strerror(errno));
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 2 ? argv[1] : "";

	if (!strcmp(verb, "sum"))
		return sum_files(argv + 2);
	if (!strcmp(verb, "append") && argc == 6)
		return write_record(argv[2], argv[3], argv[4], argv[5], true);
	if (!strcmp(verb, "change") && argc == 6)
		return write_record(argv[2], argv[3], argv[4], argv[5], false);
	if (!strcmp(verb, "replace") && (argc == 4 || argc == 5) && strchr(argv[2], '/'))
		return replace_for(argv[2], argv[3], argc == 5 ? argv[4] : "0");
	if (!strcmp(verb, "poll") && argc == 5)
		return poll_file(argv[2], argv[3], argv[4]);
	if (!strcmp(verb, "flicker") && argc == 7)
		return flicker(argv[2], argv[3], argv[4], argv[5], argv[6]);
	if (!strcmp(verb, "limit") && argc == 4)
		return set_limit(argv[2], argv[3]);
	die("usage: sum FILE... | append|change FILE LOCK KEY VALUE | flicker FILE LOCK KEY VALUE MS | replace FILE LOCK [MS] | "
	    "poll FILE LOCK MS | limit PID N");
}
