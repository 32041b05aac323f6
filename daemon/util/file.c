// SPDX-License-Identifier: GPL-2.0-only
/*
 * Small files.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/file.h"
#include "util/log.h"

/* No configuration file that is worth keeping is larger. */
#define FILE_MAX (1 << 20)

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= n;
	}
	return 0;
}

static int make_folders(const char *path)
{
	char part[FILE_SET_PATH];

	for (const char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
		snprintf(part, sizeof(part), "%.*s", (int)(slash - path), path);
		if (mkdir(part, 0755) && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* A rename is on the disk when its folder is. */
static void sync_folder(const char *path)
{
	char folder[FILE_SET_PATH];
	const char *slash = strrchr(path, '/');
	int fd;

	snprintf(folder, sizeof(folder), "%.*s", slash > path ? (int)(slash - path) : 1, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd);
	close(fd);
}

static int replace(const char *path, mode_t mode, const struct stat *old,
		   const char *text, size_t len)
{
	char scratch[FILE_SET_PATH + 16];
	const char *slash = strrchr(path, '/');
	int fd, err;

	/* A leading dot: no manager takes it for a configuration file. */
	snprintf(scratch, sizeof(scratch), "%.*s/.%s.hvkvpd~", (int)(slash - path), path,
		 slash + 1);
	/* What a killed run has left would be "file exists", in a folder that is read-only, too. */
	if (unlink(scratch) && errno == EROFS)
		return -errno;
	fd = open(scratch, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = write_all(fd, text, len);
	/* Only where needed: a sandbox may not allow it at all. */
	if (!err && old && (old->st_uid != geteuid() || old->st_gid != getegid()) &&
	    fchown(fd, old->st_uid, old->st_gid))
		err = -errno;
	if (!err && fchmod(fd, old ? old->st_mode & 07777 : mode))
		err = -errno;
	if (!err && fsync(fd))
		err = -errno;
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(scratch, path))
		err = -errno;
	if (err)
		unlink(scratch);
	else
		sync_folder(path);
	return err;
}

/* @text: NULL removes the file. */
static int put(const struct file_set *files, const char *path, mode_t mode,
	       const struct stat *old, const char *text, size_t len)
{
	int err;

	if (text)
		err = replace(path, mode, old, text, len);
	else
		err = unlink(path) ? -errno : 0;
	return err == -EROFS && files->outside ? files->outside(path, mode, text, files->data) : err;
}

/* Return: the contents, to be freed, or NULL with @err set. */
static char *read_all(const char *path, size_t *len, int *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = NULL;
	struct stat st;
	ssize_t n;

	*len = 0;
	*err = 0;
	if (fd < 0) {
		*err = -errno;
		return NULL;
	}
	if (fstat(fd, &st))
		*err = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
		*err = -EFBIG;
	else
		text = malloc(st.st_size + 1);
	if (!*err && !text)
		*err = -ENOMEM;
	while (!*err && *len < (size_t)st.st_size) {
		n = read(fd, text + *len, st.st_size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			*err = -errno;
		if (n <= 0)
			break;
		*len += n;
	}
	close(fd);
	if (*err) {
		free(text);
		return NULL;
	}
	text[*len] = 0;
	return text;
}

int file_set_write(struct file_set *files, const char *path, mode_t mode,
		   const char *text, size_t len)
{
	char real[PATH_MAX], *before;
	size_t before_len;
	struct stat st;
	int err;

	if (files->count == FILE_SET_MAX)
		return -ENOSPC;
	if (realpath(path, real))
		path = real;
	if (!path[0] || strlen(path) >= FILE_SET_PATH)
		return -ENAMETOOLONG;
	before = read_all(path, &before_len, &err);
	if (err && err != -ENOENT)
		return err;
	if (before ? text && before_len == len && !memcmp(before, text, len) : !text) {
		free(before);
		return 0;
	}
	if (before && stat(path, &st)) {
		err = -errno;
		free(before);
		return err;
	}
	err = before ? 0 : make_folders(path);
	if (!err)
		err = put(files, path, mode, before ? &st : NULL, text, len);
	else if (err == -EROFS && files->outside)
		err = files->outside(path, mode, text, files->data);
	/* Also of one that failed: a program outside may have done it before its time was up. */
	memcpy(files->file[files->count].path, path, strlen(path) + 1);
	files->file[files->count].text = before;
	files->file[files->count].len = before_len;
	files->file[files->count].mode = before ? st.st_mode & 07777 : 0;
	files->count++;
	return err;
}

static bool has_contents(const char *path, const char *text, size_t len)
{
	size_t now_len;
	int err;
	char *now = read_all(path, &now_len, &err);
	bool same = now ? text && now_len == len && !memcmp(now, text, len) :
			  !text && err == -ENOENT;

	free(now);
	return same;
}

void file_set_restore(struct file_set *files)
{
	while (files->count) {
		unsigned int i = --files->count;
		const char *path = files->file[i].path;
		char *text = files->file[i].text;
		int err = has_contents(path, text, files->file[i].len) ? 0 :
			  put(files, path, files->file[i].mode, NULL, text, files->file[i].len);

		if (err)
			log_err("%s: cannot be put back as it was: %s", path, strerror(-err));
		free(text);
	}
}

void file_set_keep(struct file_set *files)
{
	while (files->count)
		free(files->file[--files->count].text);
}

/* A regular file, as those of /proc and /sys are: from a FIFO, the daemon would read for ever. */
static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -EMEDIUMTYPE;
}

bool file_is_regular(const char *path)
{
	struct stat st;

	return !stat(path, &st) && S_ISREG(st.st_mode);
}

int file_read(const char *path, char *text, size_t size)
{
	int fd = open_regular(path);
	size_t len = 0;
	ssize_t n = 0;

	text[0] = 0;
	if (fd < 0)
		return fd;
	while (len < size - 1) {
		n = read(fd, text + len, size - 1 - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += n;
	}
	n = n < 0 ? -errno : (ssize_t)len;
	close(fd);
	text[len] = 0;
	return n;
}

bool file_lines(const char *path, bool (*line)(char *line, void *data), void *data)
{
	char *text = NULL;
	bool stopped = false;
	size_t size = 0;
	ssize_t len;
	int fd = open_regular(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !f)
		close(fd);
	while (f && !stopped && (len = getline(&text, &size, f)) >= 0) {
		if (len && text[len - 1] == '\n')
			text[len - 1] = 0;
		stopped = line(text, data);
	}
	free(text);
	if (f)
		fclose(f);
	return stopped;
}

bool file_line_value(const char *text, const char *key, char *value, size_t size)
{
	size_t key_len = strlen(key), len;

	value[0] = 0;
	for (const char *line = text; *line; line += strcspn(line, "\n")) {
		line += *line == '\n';
		if (strncmp(line, key, key_len) || line[key_len] != '=')
			continue;
		line += key_len + 1;
		len = strcspn(line, "\n");
		if (len >= size)
			len = size - 1;
		memcpy(value, line, len);
		value[len] = 0;
		return true;
	}
	return false;
}
