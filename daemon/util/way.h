/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Watching the way that a path takes: each folder and each symbolic link on it
 *
 * A watch of a file and its folder does not tell that the path leads to another one: a link on the
 * way may be switched, and a folder be renamed. Mounts are not told: /proc/self/mountinfo does that.
 */
#ifndef HVKVP_UTIL_WAY_H
#define HVKVP_UTIL_WAY_H

#include <stddef.h>

/**
 * way_watch() - be told when a path leads to another place
 * @fd: of inotify_init1(2)
 * @path: absolute; resolved as the kernel does, also its last component
 * @end: gets the path without links of what it leads to, or of the first thing that is missing;
 *	NULL: not needed
 * @size: bytes of @end; PATH_MAX is always enough
 *
 * What is removed, replaced or renamed itself on the way makes an event, and nothing else in its
 * folder does: IN_DELETE_SELF, IN_MOVE_SELF, of a link also IN_ATTRIB. A file or folder that is
 * removed while a process has it open makes it late, when that closes it. Watches are added with
 * IN_MASK_ADD; use that, too, for another watch of one of these things by the same @fd.
 *
 * When something is missing, nothing tells that it appears: watch the folder of @end for that, and
 * then look whether it is still missing. A file where a folder has to be counts as missing.
 *
 * Return: 0; 1 if something is missing; -ELOOP if there are more links than the kernel follows, each
 * of which is watched; -EAGAIN if things on the way change all the time; other -errno.
 */
int way_watch(int fd, const char *path, char *end, size_t size);

#endif /* HVKVP_UTIL_WAY_H */
