/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Site facts: items that an administrator or an appliance adds to pool "auto"
 *
 * Each file NAME of a directory, /etc/hyperv/facts.d, is an item with that key. Its
 * text is the value, or, if it is executable, its output. kvp_pool(5) is the manual.
 *
 * Reading them takes as long as their programs do. So site_facts_gather() runs in
 * processes of their own, one for the files and one for the programs, and passes records
 * on. These are those of a pool file, and a file of them is also how other programs get
 * the facts that the daemon has.
 */
#ifndef HVKVP_FACTS_SITE_H
#define HVKVP_FACTS_SITE_H

#include <stdbool.h>
#include <stddef.h>

#define SITE_FACTS_DIR		"/etc/hyperv/facts.d"

/* Limits of a directory and of its items. */
#define SITE_FACTS_MAX		64
#define SITE_FACTS_LIMIT_MS	10000
#define SITE_FACTS_OUTPUT	8192

/* Of the file with the facts that the daemon has, beside the state. */
#define SITE_FACTS_FILE		"facts"

#define SITE_KEY_SIZE		512
#define SITE_VALUE_SIZE		2048

/**
 * struct site_record - an item, or the end
 * @key: NUL-terminated; "" at the end
 * @value: NUL-terminated; SITE_PROGRAM: what the program of that name says, which no file
 *	can have in it
 */
struct site_record {
	char key[SITE_KEY_SIZE];
	char value[SITE_VALUE_SIZE];
};

#define SITE_PROGRAM	"\001"

/**
 * enum site_part - what of a directory is read
 * @SITE_FILES: the files, and the names of the programs; takes no time
 * @SITE_PROGRAMS: what the programs say
 */
enum site_part {
	SITE_FILES,
	SITE_PROGRAMS,
};

/**
 * struct site_facts - the items of a directory
 * @count: of them
 * @record: by position, in the order of their names
 */
struct site_facts {
	unsigned int count;
	struct site_record *record[SITE_FACTS_MAX];
};

/**
 * site_facts_candidate() - can a name be that of a fact?
 * @name: in the directory
 *
 * Return: false for hidden files and backups.
 */
bool site_facts_candidate(const char *name);

/**
 * struct site_gather - how to read a directory
 * @dir: the directory; one that is missing is empty
 * @part: of it
 * @limit_ms: for each program, milliseconds
 * @reader: a pipe; once nobody reads it any more, the program is killed; -1: none
 * @emit: gets each record, the end too, and returns false to stop
 * @data: for @emit
 */
struct site_gather {
	const char *dir;
	enum site_part part;
	unsigned int limit_ms;
	int reader;
	bool (*emit)(const struct site_record *record, void *data);
	void *data;
};

/**
 * site_facts_gather() - read a directory, or run its programs
 * @gather: what and how
 *
 * What cannot be used is logged, with one line for each file, up to SITE_COMPLAINTS. Blocks
 * until the last program has ended.
 *
 * Return: false if @emit has stopped it.
 */
bool site_facts_gather(const struct site_gather *gather);

#define SITE_COMPLAINTS	20

/**
 * site_facts_add() - add an item, or give it a new value
 * @facts: the list
 * @record: copied
 *
 * Return: false if the list is full, or memory is short.
 */
bool site_facts_add(struct site_facts *facts, const struct site_record *record);

/**
 * site_facts_find() - the position of an item
 * @facts: the list; NULL: an empty one
 * @key: exact
 *
 * Return: the position or -1.
 */
int site_facts_find(const struct site_facts *facts, const char *key);

/** site_facts_remove() - remove and free the item with the key @key, if there is one. */
void site_facts_remove(struct site_facts *facts, const char *key);

/** site_facts_clear() - remove and free all items. */
void site_facts_clear(struct site_facts *facts);

/**
 * site_facts_save() - write the items to a file, atomically
 * @facts: the list; without an item the file is removed
 * @path: of the file, absolute; its folder is created if it is missing
 *
 * Return: 0 or -errno.
 */
int site_facts_save(const struct site_facts *facts, const char *path);

/**
 * site_facts_load() - read a file of site_facts_save()
 * @facts: an empty list
 * @path: of the file
 *
 * Return: 0, also if there is no such file; -errno.
 */
int site_facts_load(struct site_facts *facts, const char *path);

/**
 * site_facts_path() - where a daemon saves its items
 * @state_dir: of the daemon
 * @path: gets the path
 * @size: bytes of @path
 */
void site_facts_path(const char *state_dir, char *path, size_t size);

#endif /* HVKVP_FACTS_SITE_H */
