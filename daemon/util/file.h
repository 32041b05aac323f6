/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small files: reading one, and replacing several as one change that can be
 * rolled back
 *
 * A change is a set of files. Each is written beside its place, synced and
 * renamed, so that a reader, or a machine that loses power, finds the old file or
 * the new one. Until file_set_keep() the old contents are remembered.
 */
#ifndef HVKVP_UTIL_FILE_H
#define HVKVP_UTIL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define FILE_SET_MAX	8
#define FILE_SET_PATH	512

/**
 * file_set_outside_fn - write or remove a file where this process itself may not
 * @path: its path
 * @mode: of a new file; a file that is there keeps its mode and owner
 * @text: its contents, with a NUL; NULL removes the file
 * @data: of the caller
 *
 * Atomic and durable, as file_set_write(), and it creates missing folders.
 *
 * Return: 0 or -errno.
 */
typedef int file_set_outside_fn(const char *path, mode_t mode, const char *text,
				const void *data);

/**
 * struct file_set - files that were changed
 * @outside: asked where a folder is read-only for this process; may be NULL
 * @data: for @outside
 * @count: of them
 * @file: path, mode, and contents before; @text is NULL if it was not there
 */
struct file_set {
	file_set_outside_fn *outside;
	const void *data;
	unsigned int count;
	struct {
		char path[FILE_SET_PATH];
		char *text;
		size_t len;
		mode_t mode;
	} file[FILE_SET_MAX];
};

/**
 * file_set_write() - create or replace a file
 * @files: remembers what was there
 * @path: its path; missing folders are created. A symbolic link is followed: what
 *	it points to is replaced
 * @mode: of a new file; a file that is there keeps its mode and owner
 * @text: its contents, with a NUL behind them; NULL removes the file
 * @len: of @text
 *
 * Nothing is written if the file has these contents already.
 *
 * Return: 0; or -errno: then file_set_restore() puts back what may have been written.
 */
int file_set_write(struct file_set *files, const char *path, mode_t mode,
		   const char *text, size_t len);

/** file_set_restore() - put back what was there, the last change first. */
void file_set_restore(struct file_set *files);

/** file_set_keep() - the change is good: forget what was there. */
void file_set_keep(struct file_set *files);

/**
 * file_is_regular() - is there a file, or a link to one?
 * @path: its path
 *
 * Return: false also for a folder, a FIFO or a device.
 */
bool file_is_regular(const char *path);

/**
 * file_read() - read a small file
 * @path: its path
 * @text: gets it, with a NUL; "" if it cannot be read
 * @size: bytes of @text; a longer file is cut
 *
 * Return: bytes without the NUL, or -errno; -EMEDIUMTYPE if it is no regular file.
 */
int file_read(const char *path, char *text, size_t size);

/**
 * file_lines() - the lines of a file, one after the other
 * @path: its path
 * @line: gets each line without its end, may change it, and returns true to stop;
 *	@data is its second argument
 * @data: of the caller
 *
 * A line of any length is given whole.
 *
 * Return: true if @line stopped it; false at the end of the file, or if it cannot
 * be read, or is no regular file.
 */
bool file_lines(const char *path, bool (*line)(char *line, void *data), void *data);

/**
 * file_line_value() - a value of a "KEY=value" file
 * @text: the file
 * @key: at the start of a line
 * @value: gets what is behind its '=', to the end of the line; cut if too long
 * @size: bytes of @value
 *
 * Return: false, and an empty value, if there is no such line.
 */
bool file_line_value(const char *text, const char *key, char *value, size_t size);

#endif /* HVKVP_UTIL_FILE_H */
