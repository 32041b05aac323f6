/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The files of a change, before any of them is written
 *
 * Network managers and records add what they want to have on the disk; then it is
 * either written as one change, or shown as the difference to what is there.
 */
#ifndef HVKVP_IP_FILES_H
#define HVKVP_IP_FILES_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "util/strbuf.h"
#include "util/sysroot.h"

struct file_set;
struct ip_system;

#define IP_FILES_MAX	8
#define IP_FILES_PATH	SYSROOT_PATH_SIZE

/* The first line of every file that hvkvpd writes for a network manager. */
#define IP_FILES_BANNER "# Addresses that the Hyper-V host set, written by hvkvpd. " \
			"\"hvkvp ip undo\" takes them back.\n"

/**
 * struct ip_files - files to be written or removed
 * @count: of them
 * @target: the user's file that is changed, without the root; ""
 * @failed: there were too many, or memory ran out
 * @file: path without the root, mode of a new file, the contents; @remove: it is to go
 */
struct ip_files {
	unsigned int count;
	char target[IP_FILES_PATH];
	bool failed;
	struct ip_files_entry {
		char path[IP_FILES_PATH];
		mode_t mode;
		bool remove;
		struct strbuf text;
	} file[IP_FILES_MAX];
};

/**
 * ip_files_add() - add a file
 * @files: the object
 * @mode: of a new file
 * @format: of the path, without the root
 *
 * Return: its text, to be appended to; never NULL.
 */
struct strbuf *ip_files_add(struct ip_files *files, mode_t mode, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** ip_files_remove() - a file is to be removed, if it is there. */
void ip_files_remove(struct ip_files *files, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ip_files_write() - write and remove the files
 * @files: the object
 * @system: the machine
 * @set: remembers what was there
 *
 * Return: 0 or -errno; the reason has been logged.
 */
int ip_files_write(const struct ip_files *files, const struct ip_system *system,
		   struct file_set *set);

/**
 * ip_files_diff() - print what would change on the disk
 * @files: the object
 * @system: the machine
 * @out: where to
 *
 * Lines that go with "-", new ones with "+", below the name of the file.
 */
void ip_files_diff(const struct ip_files *files, const struct ip_system *system, FILE *out);

/** ip_files_free() - free all texts. */
void ip_files_free(struct ip_files *files);

/**
 * ip_files_read() - read a whole file of the machine
 * @system: the machine
 * @path: without the root
 *
 * Return: its text, to be freed; NULL if it cannot be read.
 */
char *ip_files_read(const struct ip_system *system, const char *path);

#endif /* HVKVP_IP_FILES_H */
