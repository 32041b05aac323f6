// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of site facts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "facts/site.h"
#include "util/paths.h"

bool site_facts_add(struct site_facts *facts, const struct site_record *record)
{
	unsigned int at = 0;
	struct site_record *copy;

	while (at < facts->count && strcmp(facts->record[at]->key, record->key) < 0)
		at++;
	if (at < facts->count && !strcmp(facts->record[at]->key, record->key)) {
		*facts->record[at] = *record;
		return true;
	}
	if (facts->count == SITE_FACTS_MAX)
		return false;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return false;
	*copy = *record;
	memmove(facts->record + at + 1, facts->record + at,
		(facts->count - at) * sizeof(facts->record[0]));
	facts->record[at] = copy;
	facts->count++;
	return true;
}

int site_facts_find(const struct site_facts *facts, const char *key)
{
	for (unsigned int i = 0; facts && i < facts->count; i++)
		if (!strcmp(facts->record[i]->key, key))
			return i;
	return -1;
}

void site_facts_remove(struct site_facts *facts, const char *key)
{
	int at = site_facts_find(facts, key);

	if (at < 0)
		return;
	free(facts->record[at]);
	facts->count--;
	memmove(facts->record + at, facts->record + at + 1,
		(facts->count - at) * sizeof(facts->record[0]));
}

void site_facts_clear(struct site_facts *facts)
{
	for (unsigned int i = 0; i < facts->count; i++)
		free(facts->record[i]);
	facts->count = 0;
}

static bool make_folder(const char *path)
{
	char *folder = strndup(path, strrchr(path, '/') - path);
	bool made = folder && !mkdir(folder, 0755);

	free(folder);
	return made;
}

int site_facts_save(const struct site_facts *facts, const char *path)
{
	char *temporary;
	int err = 0;
	FILE *out;

	if (!facts->count)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	if (asprintf(&temporary, "%s.new", path) < 0)
		return -ENOMEM;
	/* Never through a link that someone else has put there. */
	unlink(temporary);
	out = fopen(temporary, "wxe");
	/* Without systemd there is no runtime directory before it is needed. */
	if (!out && errno == ENOENT && make_folder(path))
		out = fopen(temporary, "wxe");
	if (!out) {
		err = -errno;
		free(temporary);
		return err;
	}
	for (unsigned int i = 0; i < facts->count; i++)
		fwrite(facts->record[i], sizeof(*facts->record[i]), 1, out);
	if (ferror(out))
		err = -EIO;
	if (fclose(out) && !err)
		err = -errno;
	if (!err && rename(temporary, path))
		err = -errno;
	if (err)
		unlink(temporary);
	free(temporary);
	return err;
}

int site_facts_load(struct site_facts *facts, const char *path)
{
	struct site_record record;
	FILE *in = fopen(path, "re");

	if (!in)
		return errno == ENOENT ? 0 : -errno;
	while (fread(&record, sizeof(record), 1, in) == 1) {
		record.key[sizeof(record.key) - 1] = 0;
		record.value[sizeof(record.value) - 1] = 0;
		if (!record.key[0] || !site_facts_add(facts, &record))
			break;
	}
	fclose(in);
	return 0;
}

void site_facts_path(const char *state_dir, char *path, size_t size)
{
	snprintf(path, size, "%s/" SITE_FACTS_FILE,
		 strcmp(state_dir, STATE_DIR) ? state_dir : STATE_DIR_VOLATILE);
}
