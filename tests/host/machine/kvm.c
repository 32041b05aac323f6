// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvm.c - open /dev/kvm, and say what a machine lacks if it cannot be used
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "machine/machine.h"

/* What the machine cannot do without, and where it comes from. */
static const struct {
	int cap;
	const char *name;
	const char *remedy;
} required[] = {
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP", "an x86 KVM is needed" },
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", "an x86 KVM is needed" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", "Linux 4.13 or later is needed" },
	{ KVM_CAP_HYPERV, "KVM_CAP_HYPERV", "a kernel with CONFIG_KVM_HYPERV=y is needed" },
	{ KVM_CAP_HYPERV_SYNIC2, "KVM_CAP_HYPERV_SYNIC2",
	  "a kernel with CONFIG_KVM_HYPERV=y is needed" },
	{ KVM_CAP_HYPERV_CPUID, "KVM_CAP_HYPERV_CPUID", "Linux 5.0 or later is needed" },
};

int kvm_ioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : ret;
}

int kvm_ioctl_num(int fd, unsigned long request, unsigned long arg)
{
	return kvm_ioctl(fd, request, (void *)arg);
}

static int open_device(char *err, size_t errlen)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int ret = fd < 0 ? -errno : fd;

	if (ret >= 0)
		return ret;
	if (ret == -ENOENT)
		snprintf(err, errlen, "/dev/kvm is missing: load kvm-intel or kvm-amd, "
			 "or run inside the emulated level 1");
	else
		snprintf(err, errlen, "/dev/kvm cannot be opened (%s): is the hardware's "
			 "virtualization on, and may you use the device?", strerror(-ret));
	return ret;
}

static int check_caps(int fd, char *err, size_t errlen)
{
	if (kvm_ioctl_num(fd, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
		snprintf(err, errlen, "/dev/kvm has not API version %d", KVM_API_VERSION);
		return -ENOTSUP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(required); i++) {
		if (kvm_ioctl_num(fd, KVM_CHECK_EXTENSION, required[i].cap) > 0)
			continue;
		snprintf(err, errlen, "/dev/kvm lacks %s: %s", required[i].name,
			 required[i].remedy);
		return -ENOTSUP;
	}
	return 0;
}

int kvm_open(char *err, size_t errlen)
{
	int fd = open_device(err, errlen);
	int ret;

	if (fd < 0)
		return fd;
	ret = check_caps(fd, err, errlen);
	if (ret < 0) {
		close(fd);
		return ret;
	}
	return fd;
}
