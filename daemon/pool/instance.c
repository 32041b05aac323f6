// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long what was written stays in the page cache.
 */
#include <limits.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pool/instance.h"

#ifndef XFS_SUPER_MAGIC	/* headers before 5.6 */
#define XFS_SUPER_MAGIC	0x58465342
#endif

static bool read_boot(uint8_t *id)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char text[40] = "";
	unsigned int byte;
	char *at = text;

	if (f && !fgets(text, sizeof(text), f))
		text[0] = 0;
	if (f)
		fclose(f);
	for (int i = 0; i < 16; i++) {
		at += *at == '-';
		if (sscanf(at, "%2x", &byte) != 1)
			return false;
		id[i] = byte;
		at += 2;
	}
	return true;
}

/* The directory of a file system on one block device has the device's name. */
static bool name_by_device(char *path, size_t size, const char *type, dev_t dev)
{
	char link[64], target[PATH_MAX];
	const char *name;
	ssize_t len;

	snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(dev), minor(dev));
	len = readlink(link, target, sizeof(target) - 1);
	if (len <= 0)
		return false;
	target[len] = 0;
	name = strrchr(target, '/');
	return name && snprintf(path, size, "/sys/fs/%s%s", type, name) < (int)size;
}

/* That of btrfs, which can be on several, has its UUID. */
static bool name_by_uuid(char *path, size_t size, int fd)
{
	struct btrfs_ioctl_fs_info_args info = { 0 };
	size_t len;

	if (ioctl(fd, BTRFS_IOC_FS_INFO, &info))
		return false;
	len = snprintf(path, size, "/sys/fs/btrfs/");
	for (int i = 0; i < BTRFS_FSID_SIZE && len < size; i++)
		len += snprintf(path + len, size - len, "%s%02x",
				i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", info.fsid[i]);
	return len < size;
}

/* The number of the mount, or 0. */
static uint64_t mount_number(int fd)
{
	char path[PATH_MAX];
	struct stat st, sys;
	struct statfs fs;
	bool named;

	if (fstatfs(fd, &fs) || fstat(fd, &st))
		return 0;
	switch ((unsigned long)fs.f_type) {
	case EXT4_SUPER_MAGIC:	/* also ext2 and ext3 */
		named = name_by_device(path, sizeof(path), "ext4", st.st_dev);
		break;
	case XFS_SUPER_MAGIC:
		named = name_by_device(path, sizeof(path), "xfs", st.st_dev);
		break;
	case F2FS_SUPER_MAGIC:
		named = name_by_device(path, sizeof(path), "f2fs", st.st_dev);
		break;
	case BTRFS_SUPER_MAGIC:
		named = name_by_uuid(path, sizeof(path), fd);
		break;
	default:
		named = false;
	}
	return named && !stat(path, &sys) ? sys.st_ino : 0;
}

void pool_instance_read(struct pool_instance *instance, int fd)
{
	uint64_t number;

	*instance = (struct pool_instance){ 0 };
	instance->known = read_boot(instance->id);
	if (!instance->known)
		return;
	number = mount_number(fd);
	/* The boot's id is random: with a small number in it it stays one of its own. */
	for (size_t i = 0; i < sizeof(number); i++)
		instance->id[i] ^= number >> 8 * i;
}

bool pool_instance_same(const struct pool_instance *instance, const uint8_t *id)
{
	return instance->known && !memcmp(instance->id, id, sizeof(instance->id));
}
