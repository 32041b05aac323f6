/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Configuration files that are replaced as a whole, and can be put back
 *
 * A change is a set of files. Each is written beside its place, synced and
 * renamed, so that a reader, or a machine that loses power, finds the old file or
 * the new one. Until ip_files_keep() the old contents are remembered.
 */
#ifndef HVKVP_IP_FILE_H
#define HVKVP_IP_FILE_H

#include <stddef.h>
#include <sys/types.h>

#define IP_FILES_MAX	4
#define IP_FILE_PATH	512

/**
 * struct ip_text_buffer - a text that grows
 * @text: the text with a NUL; owned; NULL while it is empty
 * @len: bytes without the NUL
 * @failed: memory ran out
 */
struct ip_text_buffer {
	char *text;
	size_t len;
	int failed;
};

/** ip_print() - append to a text, like printf(3). */
void ip_print(struct ip_text_buffer *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** ip_print_free() - empty a text. */
void ip_print_free(struct ip_text_buffer *buffer);

/**
 * struct ip_files - files that were changed
 * @count: of them
 * @file: path, mode, and contents before; @text is NULL if it was not there
 */
struct ip_files {
	unsigned int count;
	struct {
		char path[IP_FILE_PATH];
		char *text;
		size_t len;
		mode_t mode;
	} file[IP_FILES_MAX];
};

/**
 * ip_files_write() - create or replace a file
 * @files: remembers what was there
 * @path: its path; missing folders are created. A symbolic link is followed: what
 *	it points to is replaced
 * @mode: of a new file; a file that is there keeps its mode and owner
 * @text: its contents; NULL removes the file
 * @len: of @text
 *
 * Nothing is written if the file has these contents already.
 *
 * Return: 0 or -errno; then the file is as it was.
 */
int ip_files_write(struct ip_files *files, const char *path, mode_t mode,
		   const char *text, size_t len);

/** ip_files_restore() - put back what was there, the last change first. */
void ip_files_restore(struct ip_files *files);

/** ip_files_keep() - the change is good: forget what was there. */
void ip_files_keep(struct ip_files *files);

#endif /* HVKVP_IP_FILE_H */
