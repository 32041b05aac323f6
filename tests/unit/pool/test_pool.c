// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pools: the file that everybody shares.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/pool.h"
#include "support/scratch.h"
#include "util/clock.h"

#define FILE_NAME ".kvp_pool_1"

static struct pool pool;

static void begin(void)
{
	scratch_begin();
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
}

static void end(void)
{
	pool_exit(&pool);
	scratch_end();
}

/* From now on as somebody else sees it. */
static void reopen(void)
{
	pool_exit(&pool);
	pool_init(&pool, scratch_dir, 1);
}

static void put_record(struct pool_record *record, const char *key, const char *value)
{
	memset(record, 0, sizeof(*record));
	memcpy(record->key, key, strlen(key));
	memcpy(record->value, value, strlen(value));
}

/* What another program would do: append a record. */
static void append(const char *key, const char *value)
{
	struct pool_record record;
	FILE *f = fopen(scratch_path(FILE_NAME), "a");

	put_record(&record, key, value);
	CHECK(f && fwrite(&record, sizeof(record), 1, f) == 1);
	fclose(f);
}

static off_t file_size(void)
{
	struct stat st;

	return stat(scratch_path(FILE_NAME), &st) ? -1 : st.st_size;
}

/* All pairs that the host sees, as "key=value key=value". */
static const char *seen(void)
{
	static char text[4096];
	const char *key, *value;
	size_t at = 0;

	text[0] = 0;
	for (uint32_t i = 0; !pool_at(&pool, i, &key, &value); i++)
		at += snprintf(text + at, sizeof(text) - at, "%s%s=%s", i ? " " : "", key, value);
	return text;
}

static const char *got(const char *key)
{
	const char *value;

	return pool_get(&pool, key, &value) ? NULL : value;
}

static void set_get(void)
{
	begin();
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_INT(pool_set(&pool, "b", ""), 1);
	CHECK_INT(pool_set(&pool, "c", "say \"hi\"\n\U0001F600"), 1);
	CHECK_TEXT(got("a"), "1");
	CHECK_TEXT(got("b"), "");
	CHECK_TEXT(got("c"), "say \"hi\"\n\U0001F600");
	CHECK_TEXT(got("A"), NULL);
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_TEXT(got("a"), "2");
	CHECK_TEXT(seen(), "a=2 b= c=say \"hi\"\n\U0001F600");
	CHECK_INT(file_size(), 3 * POOL_RECORD_SIZE);
	end();
}

static void records_are_exact(void)
{
	struct pool_record file[3], want[2];

	begin();
	pool_set(&pool, "key", "a long value that is replaced by a short one");
	pool_set(&pool, "other", "x");
	pool_set(&pool, "key", "short");
	put_record(&want[0], "key", "short");
	put_record(&want[1], "other", "x");
	CHECK_INT(scratch_read(FILE_NAME, file, sizeof(file)), 2 * POOL_RECORD_SIZE);
	CHECK(!memcmp(file, want, sizeof(want)));
	end();
}

/* The file keeps a tail of what was there before: a writer must not. */
static void old_bytes_are_cleaned(void)
{
	struct pool_record file, want;

	begin();
	put_record(&file, "key", "v");
	memset(file.key + 4, 'S', sizeof(file.key) - 4);
	memset(file.value + 2, 'S', sizeof(file.value) - 2);
	scratch_write(FILE_NAME, &file, sizeof(file));
	CHECK_TEXT(got("key"), "v");
	CHECK_INT(pool_set(&pool, "key", "w"), 0);
	put_record(&want, "key", "w");
	scratch_read(FILE_NAME, &file, sizeof(file));
	CHECK(!memcmp(&file, &want, sizeof(want)));
	end();
}

static void delete_keeps_order(void)
{
	begin();
	for (char key[2] = "a"; key[0] <= 'f'; key[0]++)
		pool_set(&pool, key, key);
	CHECK_INT(pool_delete(&pool, "b"), 0);
	CHECK_TEXT(seen(), "a=a c=c d=d e=e f=f");
	CHECK_INT(pool_delete(&pool, "f"), 0);
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK_TEXT(seen(), "c=c d=d e=e");
	CHECK_INT(pool_delete(&pool, "a"), -ENOENT);
	CHECK_INT(file_size(), 3 * POOL_RECORD_SIZE);
	/* Not only the index: somebody else reads the same. */
	reopen();
	CHECK_TEXT(seen(), "c=c d=d e=e");
	CHECK_INT(pool_set(&pool, "c", "new"), 0);
	CHECK_TEXT(seen(), "c=new d=d e=e");
	end();
}

/* In a large pool the last records fill the gaps; nothing else is lost or moved. */
static void delete_many(void)
{
	const char *value, *at;
	char key[16];

	begin();
	for (int i = 0; i < 300; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, key);
		if (i % 3 == 0)
			append("twin", key);
	}
	CHECK_TEXT(got("twin"), "k297");
	CHECK_INT(pool_delete(&pool, "twin"), 0);
	CHECK_INT(file_size(), 300 * POOL_RECORD_SIZE);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < 300; i++) {
			snprintf(key, sizeof(key), "k%d", i);
			CHECK_TEXT(got(key), key);
		}
		CHECK_INT(pool_at(&pool, 300, &at, &value), -ENOENT);
		reopen();
	}
	end();
}

/* All values of a key, in the file's order. */
static const char *values_of(const char *key)
{
	static char text[8192];
	const char *at, *value;
	size_t len = 0;

	text[0] = 0;
	for (uint32_t i = 0; !pool_at(&pool, i, &at, &value); i++)
		if (!strcmp(at, key))
			len += snprintf(text + len, sizeof(text) - len, "%s ", value);
	return text;
}

/* Pieces of a long value under one key, behind many others: they stay in order. */
static void delete_keeps_pieces(void)
{
	char key[16];

	begin();
	append("first", "1");
	append("long", "p0");
	append("second", "2");
	for (int i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, "v");
	}
	for (int i = 1; i < 5; i++) {
		snprintf(key, sizeof(key), "p%d", i);
		append("long", key);
	}
	CHECK_INT(pool_delete(&pool, "first"), 0);
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_INT(pool_delete(&pool, "second"), 0);
	CHECK_INT(pool_delete(&pool, "k3"), 0);
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_TEXT(got("long"), "p4");
	reopen();
	CHECK_TEXT(values_of("long"), "p0 p1 p2 p3 p4 ");
	CHECK_INT(pool_delete(&pool, "long"), 0);
	CHECK_INT(file_size(), 99 * POOL_RECORD_SIZE);
	end();
}

/* Many changes at random: each key's values stay in order, and index and file agree. */
static void random_changes(void)
{
	enum { KEYS = 40, CHANGES = 1600 };
	static char model[KEYS][8192];
	unsigned int seed = 1;
	char key[16], value[16];
	int wrong = 0;

	begin();
	memset(model, 0, sizeof(model));
	for (int i = 0; i < CHANGES; i++) {
		int n = rand_r(&seed) % KEYS, what = rand_r(&seed) % 16;
		char *last = model[n];

		snprintf(key, sizeof(key), "k%d", n);
		snprintf(value, sizeof(value), "v%d ", i);
		if (what < 10 && strlen(last) < 4000) {		/* a duplicate */
			strcat(last, value);
			value[strlen(value) - 1] = 0;
			append(key, value);
		} else if (what < 14) {				/* the last one changes */
			if (strlen(last)) {
				last[strlen(last) - 1] = 0;
				last = strrchr(last, ' ') ? strrchr(last, ' ') + 1 : last;
			}
			strcpy(last, value);
			value[strlen(value) - 1] = 0;
			pool_set(&pool, key, value);
		} else {
			wrong += pool_delete(&pool, key) != (last[0] ? 0 : -ENOENT);
			last[0] = 0;
		}
		if (i % 100 == 99) {
			if (i % 200 == 199) {
				reopen();
			}
			for (n = 0; n < KEYS; n++) {
				snprintf(key, sizeof(key), "k%d", n);
				wrong += strcmp(values_of(key), model[n]) != 0;
			}
		}
	}
	CHECK_INT(wrong, 0);
	end();
}

static void limits(void)
{
	char key[16];

	begin();
	pool.limits = (struct pool_limits){ .keys = 5, .bytes = 10 * POOL_RECORD_SIZE };
	for (int i = 0; i < 5; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_INT(pool_set(&pool, key, "v"), 1);
	}
	CHECK_INT(pool_set(&pool, "one more", "v"), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "holds 5 pairs, and the limit is 5"));
	CHECK_INT(pool_set(&pool, "k0", "changed"), 0);
	CHECK_INT(pool_delete(&pool, "k1"), 0);
	CHECK_INT(pool_set(&pool, "one more", "v"), 1);
	/* What others added stays, and is served. */
	for (int i = 0; i < 5; i++)
		append("theirs", "v");
	CHECK_TEXT(got("theirs"), "v");
	pool.limits.keys = 100;
	CHECK_INT(pool_set(&pool, "too long", "v"), -EDQUOT);
	CHECK(strstr(pool_why(&pool), "longer than 25600 bytes"));
	pool.limits.bytes = 20;
	CHECK_INT(truncate(scratch_path(FILE_NAME), 9 * POOL_RECORD_SIZE), 0);
	CHECK_INT(pool_load(&pool), -EFBIG);
	CHECK(strstr(pool_why(&pool), "--max-bytes"));
	end();
}

/* 1 GiB, nearly all of it a hole. */
static void huge_sparse_file(void)
{
	uint64_t start;

	begin();
	append("a", "1");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 2560L * 419430), 0);
	append("z", "9");
	start = clock_ms();
	CHECK_TEXT(seen(), "a=1 z=9");
	printf("# 1 GiB of holes read in %" PRIu64 " ms\n", clock_ms() - start);
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_INT(pool_set(&pool, "b", "2"), -EDQUOT);
	CHECK_INT(pool_delete(&pool, "z"), 0);
	CHECK_TEXT(seen(), "a=2");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 2560L << 21), 0);
	CHECK_INT(pool_load(&pool), -EFBIG);
	CHECK(strstr(pool_why(&pool), "which no pool is"));
	end();
}

static void journal_strange(void)
{
	struct stat st;

	begin();
	CHECK_INT(mkfifo(scratch_path(FILE_NAME ".journal"), 0600), 0);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), ".journal: is not a regular file; remove it"));
	CHECK_TEXT(seen(), "");
	unlink(scratch_path(FILE_NAME ".journal"));
	/* Garbage is no journal. */
	scratch_write(FILE_NAME ".journal", "\xff\xff\xff\xff", 4);
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(seen(), "a=1");
	unlink(scratch_path(FILE_NAME ".journal"));
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_INT(stat(scratch_path(FILE_NAME ".journal"), &st), 0);
	CHECK_INT(st.st_mode & 07777, 0600);
	CHECK_TEXT(seen(), "a=2");
	end();
}

static void duplicates(void)
{
	begin();
	append("k", "first");
	append("x", "y");
	append("k", "last");
	CHECK_TEXT(got("k"), "last");
	CHECK_TEXT(seen(), "k=first x=y k=last");
	CHECK_INT(pool_set(&pool, "k", "new"), 0);
	CHECK_TEXT(seen(), "k=first x=y k=new");
	CHECK_INT(pool_delete(&pool, "k"), 0);
	CHECK_TEXT(seen(), "x=y");
	end();
}

static void others_append(void)
{
	begin();
	pool_set(&pool, "ours", "1");
	CHECK_TEXT(got("ours"), "1");
	append("theirs", "2");
	CHECK_TEXT(got("theirs"), "2");
	pool_set(&pool, "ours", "3");
	append("more", "4");
	CHECK_INT(pool_set(&pool, "last", "5"), 1);
	CHECK_TEXT(seen(), "ours=3 theirs=2 more=4 last=5");
	end();
}

/*
 * Another program changes a record in place at once after we have written or
 * read: same size, and the kernel's clock has not moved.
 */
static void others_change_at_once(void)
{
	struct pool_record record;
	int fd, missed = 0;
	char value[16];

	begin();
	pool_set(&pool, "k", "start");
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	for (int i = 0; i < 500; i++) {
		snprintf(value, sizeof(value), "ours%d", i);
		pool_set(&pool, "k", value);
		snprintf(value, sizeof(value), "them%d", i);
		put_record(&record, "k", value);
		CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
		missed += strcmp(got("k"), value) != 0;
		value[0] = 'T';
		put_record(&record, "k", value);
		CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
		missed += strcmp(got("k"), value) != 0;
	}
	CHECK_INT(missed, 0);
	close(fd);
	end();
}

/*
 * The kernel's clock stands still, as it does between two ticks, for a change
 * that is made after the index was built.
 */
static void others_change_in_one_tick(void)
{
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT } };
	struct pool_record record;
	int fd;

	begin();
	append("k", "1");
	clock_gettime(CLOCK_REALTIME, &times[1]);
	times[1].tv_sec += 3600;
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	CHECK_TEXT(got("k"), "1");
	fd = open(scratch_path(FILE_NAME), O_WRONLY);
	put_record(&record, "k", "2");
	CHECK(pwrite(fd, &record, sizeof(record), 0) == sizeof(record));
	close(fd);
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), times, 0);
	CHECK_TEXT(got("k"), "2");
	end();
}

static void others_truncate(void)
{
	begin();
	pool_set(&pool, "a", "1");
	pool_set(&pool, "b", "2");
	CHECK_INT(truncate(scratch_path(FILE_NAME), 0), 0);
	CHECK_TEXT(seen(), "");
	CHECK_INT(pool_set(&pool, "c", "3"), 1);
	CHECK_TEXT(seen(), "c=3");
	end();
}

static void others_replace(void)
{
	struct pool_record record;

	begin();
	pool_set(&pool, "a", "1");
	put_record(&record, "b", "2");
	scratch_write("new", &record, sizeof(record));
	CHECK_INT(rename(scratch_path("new"), scratch_path(FILE_NAME)), 0);
	CHECK_TEXT(seen(), "b=2");
	CHECK_INT(unlink(scratch_path(FILE_NAME)), 0);
	CHECK_TEXT(seen(), "");
	CHECK_INT(pool_delete(&pool, "b"), -ENOENT);
	CHECK_INT(file_size(), -1);
	CHECK_INT(pool_set(&pool, "c", "3"), 1);
	CHECK_TEXT(seen(), "c=3");
	end();
}

static void inode_is_stable(void)
{
	struct stat before, after;

	begin();
	pool_set(&pool, "a", "1");
	stat(scratch_path(FILE_NAME), &before);
	pool_set(&pool, "a", "2");
	pool_set(&pool, "b", "1");
	pool_delete(&pool, "a");
	stat(scratch_path(FILE_NAME), &after);
	CHECK_INT(after.st_ino, before.st_ino);
	end();
}

static void partial_record(void)
{
	struct pool_record records[2];

	begin();
	put_record(&records[0], "a", "1");
	memset(&records[1], 'x', sizeof(records[1]));
	scratch_write(FILE_NAME, records, POOL_RECORD_SIZE + 700);
	CHECK_TEXT(seen(), "a=1");
	CHECK(scratch_logged("partial record of 700 bytes"));
	CHECK_INT(pool_set(&pool, "b", "2"), 1);
	CHECK_TEXT(seen(), "a=1 b=2");
	CHECK_INT(file_size(), 2 * POOL_RECORD_SIZE);
	scratch_write(FILE_NAME, records, 700);
	CHECK_TEXT(seen(), "");
	end();
}

static void bad_records(void)
{
	struct pool_record r[7];

	begin();
	put_record(&r[0], "a", "1");
	memset(&r[1], 0, sizeof(r[1]));			/* no key */
	put_record(&r[2], "", "v");
	memset(r[2].key, 'k', sizeof(r[2].key));	/* no NUL */
	put_record(&r[3], "bad\xff", "v");		/* not UTF-8 */
	put_record(&r[4], "badvalue", "\xc3(");
	put_record(&r[5], "endless", "");
	memset(r[5].value, 'v', sizeof(r[5].value));
	put_record(&r[6], "z", "9");
	scratch_write(FILE_NAME, r, sizeof(r));

	CHECK_TEXT(seen(), "a=1 z=9");
	CHECK(scratch_logged("3 of 7 records have no usable key"));
	CHECK(scratch_logged("2 of 4 pairs"));
	CHECK_INT(pool_get(&pool, "badvalue", &(const char *){ NULL }), -EBADMSG);
	/* A change leaves what it does not understand as it is. */
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK_INT(file_size(), 6 * POOL_RECORD_SIZE);
	CHECK_INT(pool_set(&pool, "badvalue", "good"), 0);
	CHECK_INT(pool_delete(&pool, "endless"), 0);
	CHECK_TEXT(seen(), "badvalue=good z=9");
	CHECK_INT(file_size(), 5 * POOL_RECORD_SIZE);
	end();
}

/* A record holds 511 letters, a message only 255: not for the host. */
static void too_long_for_the_wire(void)
{
	char key[POOL_KEY_SIZE] = "", value[POOL_VALUE_SIZE] = "";

	begin();
	memset(key, 'k', 256);
	memset(value, 'v', 1024);
	append(key, "1");
	append("b", value);
	append("c", "3");
	CHECK_TEXT(seen(), "c=3");
	CHECK_TEXT(got("b"), value);
	CHECK_INT(pool_set(&pool, key, "x"), -EMSGSIZE);
	CHECK_INT(pool_set(&pool, "x", value), -EMSGSIZE);
	key[255] = 0;
	value[1023] = 0;
	CHECK_INT(pool_set(&pool, key, value), 1);
	CHECK_TEXT(got(key), value);
	end();
}

static void refused_text(void)
{
	char key[600] = "", value[2100] = "";

	begin();
	CHECK_INT(pool_set(&pool, "", "v"), -EINVAL);
	CHECK(strstr(pool_why(&pool), "empty"));
	CHECK_INT(pool_set(&pool, "\xff", "v"), -EILSEQ);
	CHECK_INT(pool_set(&pool, "k", "\xed\xa0\x80"), -EILSEQ);
	for (int i = 0; i < 171; i++)
		strcat(key, "€");	/* 513 bytes, 171 units */
	for (int i = 0; i < 683; i++)
		strcat(value, "€");	/* 2049 bytes, 683 units */
	CHECK_INT(pool_set(&pool, key, "v"), -EMSGSIZE);
	CHECK_INT(pool_set(&pool, "k", value), -EMSGSIZE);
	CHECK(strstr(pool_why(&pool), "2049 bytes"));
	CHECK_INT(file_size(), -1);
	key[510] = 0;
	value[2046] = 0;
	CHECK_INT(pool_set(&pool, key, value), 1);
	CHECK_TEXT(got(key), value);
	end();
}

static void modes(void)
{
	struct stat st;
	mode_t old = umask(077);

	begin();
	pool_set(&pool, "a", "1");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mode & 07777, 0644);
	chmod(scratch_path(FILE_NAME), 0600);
	pool_set(&pool, "a", "2");
	pool_delete(&pool, "a");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mode & 07777, 0600);
	umask(old);
	end();
}

static void start_touches_nothing(void)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000, .tv_nsec = 5 } };
	struct stat st;

	begin();
	append("a", "1");
	utimensat(AT_FDCWD, scratch_path(FILE_NAME), old, 0);
	CHECK_INT(pool_create(&pool), 0);
	CHECK_TEXT(got("a"), "1");
	CHECK_TEXT(seen(), "a=1");
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mtim.tv_sec, 1000);
	CHECK_INT(st.st_mtim.tv_nsec, 5);
	CHECK_INT(pool_set(&pool, "", "bad"), -EINVAL);
	CHECK_INT(pool_delete(&pool, "none"), -ENOENT);
	stat(scratch_path(FILE_NAME), &st);
	CHECK_INT(st.st_mtim.tv_sec, 1000);
	end();
}

static void missing_directory(void)
{
	char dir[192];

	begin();
	pool_exit(&pool);
	strcpy(dir, scratch_path("hyperv"));
	pool_init(&pool, dir, 1);
	CHECK_TEXT(seen(), "");
	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(got("a"), "1");
	pool_exit(&pool);
	strcpy(dir, scratch_path("not/there"));
	pool_init(&pool, dir, 1);
	CHECK_INT(pool_set(&pool, "a", "1"), -ENOTDIR);
	CHECK(strstr(pool_why(&pool), "create the directory"));
	end();
}

static void strange_files(void)
{
	begin();
	CHECK_INT(mkfifo(scratch_path(FILE_NAME), 0600), 0);
	CHECK_INT(pool_load(&pool), -EMEDIUMTYPE);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), "is a FIFO"));
	unlink(scratch_path(FILE_NAME));

	CHECK_INT(mkdir(scratch_path(FILE_NAME), 0700), 0);
	CHECK_INT(pool_set(&pool, "a", "1"), -EMEDIUMTYPE);
	CHECK(strstr(pool_why(&pool), "is a directory"));
	rmdir(scratch_path(FILE_NAME));

	scratch_write("target", "", 0);
	CHECK_INT(symlink("target", scratch_path(FILE_NAME)), 0);
	CHECK_INT(pool_load(&pool), -ELOOP);
	CHECK_INT(pool_set(&pool, "a", "1"), -ELOOP);
	CHECK(strstr(pool_why(&pool), "symbolic link"));
	CHECK_INT(scratch_read("target", &(char){ 0 }, 1), 0);
	unlink(scratch_path(FILE_NAME));

	CHECK_INT(pool_set(&pool, "a", "1"), 1);
	CHECK_TEXT(got("a"), "1");
	end();
}

/* A process of a user that takes a lock and keeps it until it is killed. */
static pid_t hold(uid_t user, int flock_mode, int posix_type)
{
	int ready[2];
	char byte;
	pid_t pid;

	CHECK_INT(pipe(ready), 0);
	pid = fork();
	if (!pid) {
		struct flock lock = { .l_type = posix_type };
		int fd;

		if (user != geteuid() && (setgid(user) || setuid(user)))
			_exit(1);
		fd = open(scratch_path(FILE_NAME), posix_type == F_WRLCK ? O_RDWR : O_RDONLY);
		if (flock_mode && flock(fd, flock_mode))
			_exit(1);
		if (posix_type >= 0 && fcntl(fd, F_SETLK, &lock))
			_exit(1);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(0);
	}
	close(ready[1]);
	CHECK_INT(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void release(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void check_bound(int flock_mode, int posix_type, int want_set)
{
	uint64_t start;
	pid_t pid;

	begin();
	pool.file.wait_ms = 300;
	pool_set(&pool, "a", "1");
	pid = hold(geteuid(), flock_mode, posix_type);

	start = clock_ms();
	CHECK_INT(pool_set(&pool, "a", "2"), want_set);
	CHECK(clock_ms() - start >= 250 && clock_ms() - start < 1500);
	if (want_set < 0) {
		char who[32];

		snprintf(who, sizeof(who), "process %d", pid);
		CHECK(strstr(pool_why(&pool), who));
	}
	/* Reading goes on all the same, also for a new reader. */
	CHECK_TEXT(got("a"), want_set < 0 ? "1" : "2");
	reopen();
	CHECK_TEXT(got("a"), want_set < 0 ? "1" : "2");
	CHECK(clock_ms() - start < 3000);

	release(pid);
	CHECK_INT(pool_set(&pool, "a", "3"), 0);
	end();
}

static void bound_flock_ex(void)
{
	check_bound(LOCK_EX, -1, -ETIMEDOUT);
}

/* A process that takes and gives back many locks of its own, until it is killed. */
static pid_t churn_locks(void)
{
	pid_t pid = fork();
	int fds[50];

	if (pid)
		return pid;
	/* It never rests: it shall not outlive a test that crashes. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 50; i++) {
		char name[16];

		snprintf(name, sizeof(name), "lock%d", i);
		fds[i] = open(scratch_path(name), O_RDWR | O_CREAT, 0600);
	}
	for (;;) {
		for (int i = 0; i < 50; i++)
			flock(fds[i], LOCK_EX);
		for (int i = 0; i < 50; i++)
			flock(fds[i], LOCK_UN);
	}
}

/*
 * An exclusive lock of a user who may not write: it delays once, and hardly
 * again, also while others keep the system's list of locks moving.
 */
static void check_stranger(void)
{
	uint64_t start;
	pid_t stranger, churner;

	chmod(scratch_dir, 0755);
	pool.file.wait_ms = 500;
	pool_set(&pool, "a", "1");
	stranger = hold(65534, LOCK_EX, -1);
	churner = churn_locks();
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK(scratch_logged("has kept a reader's lock"));
	start = clock_ms();
	for (int i = 0; i < 30; i++)
		CHECK_INT(pool_set(&pool, "a", "3"), 0);
	CHECK_INT(pool_delete(&pool, "a"), 0);
	CHECK(clock_ms() - start < 31 * 500 / 2);
	release(churner);
	release(stranger);
}

static void stranger_flock_ex(void)
{
	if (geteuid()) {
		tap_skip("needs root");
		return;
	}
	begin();
	check_stranger();
	end();
}

/* Have the scratch directory on an overlayfs of two file systems, seen by this process only. */
static int mount_overlay(void)
{
	char options[512];

	mkdir(scratch_path("lower"), 0755);
	mkdir(scratch_path("upper"), 0755);
	snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s,workdir=%s",
		 scratch_path("lower"), scratch_path("upper/files"), scratch_path("upper/work"));
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", scratch_path("upper"), "tmpfs", 0, NULL))
		return -errno;
	if (mkdir(scratch_path("upper/files"), 0755) || mkdir(scratch_path("upper/work"), 0755) ||
	    mount("overlay", scratch_dir, "overlay", 0, options)) {
		int err = -errno;

		umount2(scratch_path("upper"), MNT_DETACH);
		return err;
	}
	return 0;
}

/* There stat(2) tells other numbers than the list of locks. */
static void stranger_on_overlay(void)
{
	scratch_begin();
	if (mount_overlay()) {
		tap_skip("needs root, and overlayfs");
		scratch_end();
		return;
	}
	CHECK_INT(pool_init(&pool, scratch_dir, 1), 0);
	check_stranger();
	pool_exit(&pool);
	umount2(scratch_dir, MNT_DETACH);
	umount2(scratch_path("upper"), MNT_DETACH);
	scratch_end();
}

static void bound_flock_sh(void)
{
	check_bound(LOCK_SH, -1, 0);
}

static void bound_posix_write(void)
{
	check_bound(0, F_WRLCK, -ETIMEDOUT);
}

static void bound_posix_read(void)
{
	check_bound(0, F_RDLCK, 0);
}

/* A lock that is held for a moment only is waited for. */
static void waits_for_a_writer(void)
{
	pid_t pid, killer;

	begin();
	pool_set(&pool, "a", "1");
	pid = hold(geteuid(), LOCK_EX, F_WRLCK);
	killer = fork();
	if (!killer) {
		usleep(100000);	/* sleep: the pool waits by then; sooner or later is right, too */
		kill(pid, SIGKILL);
		_exit(0);
	}
	CHECK_INT(pool_set(&pool, "a", "2"), 0);
	CHECK_TEXT(got("a"), "2");
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
	end();
}

/* Both locks are given back, whatever happened. */
static void locks_are_released(void)
{
	const char *value;
	int fd;

	begin();
	pool_set(&pool, "a", "1");
	pool_delete(&pool, "none");
	pool_get(&pool, "a", &value);
	pool_set(&pool, "a", "2");
	fd = open(scratch_path(FILE_NAME), O_RDWR);
	CHECK_INT(flock(fd, LOCK_EX | LOCK_NB), 0);
	CHECK_INT(fcntl(fd, F_OFD_SETLK, &(struct flock){ .l_type = F_WRLCK }), 0);
	close(fd);
	end();
}

/* Several processes at once: each appends its keys and changes a shared one. */
static void storm(void)
{
	enum { WRITERS = 4, KEYS = 50 };
	const char *value;
	char key[32];
	int status;

	begin();
	pool_create(&pool);
	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		reopen();
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "w%d-%d", w, i);
			if (pool_set(&pool, key, key) != 1 ||
			    pool_set(&pool, "shared", key) < 0)
				_exit(1);
			if (i % 5 == 0 && pool_delete(&pool, key))
				_exit(1);
		}
		_exit(0);
	}
	for (int w = 0; w < WRITERS; w++) {
		wait(&status);
		CHECK_INT(status, 0);
	}
	for (int w = 0; w < WRITERS; w++) {
		for (int i = 0; i < KEYS; i++) {
			snprintf(key, sizeof(key), "w%d-%d", w, i);
			CHECK_INT(pool_get(&pool, key, &value), i % 5 ? 0 : -ENOENT);
		}
	}
	CHECK_INT(file_size(), (WRITERS * KEYS * 4 / 5 + 1) * POOL_RECORD_SIZE);
	end();
}

/* Bytes that this process has read ("rchar") or written ("wchar") so far. */
static long io_so_far(const char *what)
{
	FILE *f = fopen("/proc/self/io", "r");
	char name[16];
	long bytes = -1, found;

	while (f && fscanf(f, "%15[^:]: %ld\n", name, &found) == 2)
		if (!strcmp(name, what))
			bytes = found;
	if (f)
		fclose(f);
	return bytes;
}

/* 2,000 records: the index is built once, and again only when others change the file. */
static void reads_and_writes_little(void)
{
	char key[16];
	long before;

	begin();
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "k%d", i);
		append(key, "v");
	}
	CHECK_TEXT(got("k0"), "v");
	pool_set(&pool, "k0", "w");
	before = io_so_far("rchar");
	CHECK(before > 2000 * POOL_RECORD_SIZE);
	for (int i = 0; i < 2000; i += 50) {
		snprintf(key, sizeof(key), "k%d", i);
		CHECK_TEXT(got(key), i ? "v" : "w");
	}
	CHECK(io_so_far("rchar") - before < 1000);

	/* A record for an update, none for an addition; and the journal's look back. */
	before = io_so_far("rchar");
	CHECK_INT(pool_set(&pool, "k7", "x"), 0);
	CHECK_INT(pool_set(&pool, "added", "x"), 1);
	CHECK(io_so_far("rchar") - before < POOL_RECORD_SIZE + 2000);
	before = io_so_far("wchar");
	CHECK_INT(pool_set(&pool, "k7", "y"), 0);
	CHECK_INT(pool_delete(&pool, "k3"), 0);
	CHECK(io_so_far("wchar") - before < 2 * POOL_RECORD_SIZE + 1000);

	before = io_so_far("rchar");
	append("theirs", "v");
	CHECK_TEXT(got("theirs"), "v");
	CHECK(io_so_far("rchar") - before > 2000 * POOL_RECORD_SIZE);
	end();
}

static const struct tap_case cases[] = {
	{ "set, change and get", set_get },
	{ "a record is exact, zeros to its end", records_are_exact },
	{ "a change leaves nothing of what was in the record", old_bytes_are_cleaned },
	{ "delete keeps the order of the others", delete_keeps_order },
	{ "delete takes all duplicates, over many records", delete_many },
	{ "delete keeps records of one key in order, in a large pool, too", delete_keeps_pieces },
	{ "random changes: order within a key, and index and file agree", random_changes },
	{ "limits on keys and bytes", limits },
	{ "a sparse file of 1 GiB hides nothing; a larger one is refused", huge_sparse_file },
	{ "something strange in the journal's place", journal_strange },
	{ "of duplicates the last counts, and all are enumerated", duplicates },
	{ "records that others append are seen and kept", others_append },
	{ "a change by others is seen even in the same tick", others_change_at_once },
	{ "a change by others is seen when the file's time is the same", others_change_in_one_tick },
	{ "others may truncate the file at any time", others_truncate },
	{ "others may replace or remove the file", others_replace },
	{ "the inode stays", inode_is_stable },
	{ "a partial last record is ignored, and gives way", partial_record },
	{ "bad records hide no others, and stay", bad_records },
	{ "what a message cannot hold is not shown to the host, nor stored",
	  too_long_for_the_wire },
	{ "what a record cannot hold is refused whole", refused_text },
	{ "mode 0644 when created whatever the umask, kept afterwards", modes },
	{ "reading and refusing leave the file's time alone", start_touches_nothing },
	{ "a missing directory is made, a missing path is told", missing_directory },
	{ "a FIFO, a directory, a symbolic link in the file's place", strange_files },
	{ "a flock for writing that is never released delays for the bound", bound_flock_ex },
	{ "a flock of a user who may not write delays once", stranger_flock_ex },
	{ "the same on overlayfs, whose files have two names", stranger_on_overlay },
	{ "a flock for reading that is never released delays for the bound", bound_flock_sh },
	{ "a POSIX write lock that is never released delays for the bound", bound_posix_write },
	{ "a POSIX read lock that is never released delays for the bound", bound_posix_read },
	{ "a lock that is released in time is waited for", waits_for_a_writer },
	{ "no lock is left behind", locks_are_released },
	{ "four writers at once lose nothing", storm },
	{ "an unchanged file is not read again, and only what changes is written",
	  reads_and_writes_little },
};

TAP_MAIN("pool", cases)
