// SPDX-License-Identifier: GPL-2.0-only
/*
 * The journal's reader: any bytes as a journal, beside a small pool. Checksums are
 * put right first, or nothing would ever get past them.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "dir.h"
#include "pool/journal_format.h"
#include "pool/pool.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void mend(uint8_t *bytes, size_t len, uint64_t ino)
{
	size_t at = JOURNAL_FIRST;
	uint32_t seq = 1;

	while (at + sizeof(struct journal_entry) <= len) {
		struct journal_entry entry;
		size_t left = len - at;

		memcpy(&entry, bytes + at, sizeof(entry));
		entry.magic = JOURNAL_ENTRY_MAGIC;
		entry.epoch = 1;
		entry.seq = seq++;
		entry.ino = ino;
		entry.sum = 0;
		entry.before %= 64;
		entry.after %= 64;
		if (entry.len > left || entry.len < sizeof(entry) || !(entry.len & 7))
			entry.len = left;
		memcpy(bytes + at, &entry, sizeof(entry));
		entry.sum = journal_sum(JOURNAL_SUM_START, bytes + at, entry.len);
		memcpy(bytes + at, &entry, sizeof(entry));
		at += entry.len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct pool_record records[3] = { { "a", "1" }, { "b", "2" }, { "c", "3" } };
	size_t size = JOURNAL_FIRST + len;
	uint8_t *bytes = calloc(1, size);
	struct pool pool;
	struct stat st;
	char path[128];

	fuzz_put(".kvp_pool_1", (const uint8_t *)records, sizeof(records));
	strcat(strcpy(path, fuzz_dir()), "/.kvp_pool_1");
	MUST(!stat(path, &st));
	memcpy(bytes + JOURNAL_FIRST, data, len);
	mend(bytes, size, st.st_ino);
	fuzz_put(".kvp_pool_1.journal", bytes, size);
	free(bytes);
	pool_init(&pool, fuzz_dir(), 1);
	pool_create(&pool);
	pool_load(&pool);
	MUST(pool_set(&pool, "fuzz", "value") >= 0 || pool_why(&pool)[0]);
	pool_exit(&pool);
	return 0;
}
