/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long what was written stays in the page cache
 *
 * It stays until the kernel ends, or the file system is unmounted: a disk that failed and was mounted
 * again has lost it within one boot. An instance is a mount in a boot. The kernel's boot_id identifies
 * the boot, the inode number of the file system's directory in sysfs the mount: the kernel makes this
 * directory at each mount, and counts the numbers up.
 */
#ifndef HVKVP_POOL_INSTANCE_H
#define HVKVP_POOL_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct pool_instance - a mount in a boot
 * @id: a number of its own
 * @known: @id is valid
 */
struct pool_instance {
	uint8_t id[16];
	bool known;
};

/**
 * pool_instance_read() - in which instance is the file system of a file?
 * @instance: filled in
 * @fd: the file
 *
 * ext4, xfs, f2fs and btrfs have such a directory. On others, and where /sys is not mounted, all
 * mounts in one boot are the same instance. Without /proc it is not known.
 */
void pool_instance_read(struct pool_instance *instance, int fd);

/**
 * pool_instance_same() - are both known, and the same?
 * @instance: one
 * @id: the other one, as it was recorded
 *
 * Return: true if what was written in @id is in the page cache of @instance.
 */
bool pool_instance_same(const struct pool_instance *instance, const uint8_t *id);

#endif /* HVKVP_POOL_INSTANCE_H */
