// SPDX-License-Identifier: GPL-2.0-only
/*
 * boot.c - load a bzImage and enter it in 64-bit mode
 *
 * Facts: Documentation/arch/x86/boot.rst ("64-bit boot protocol") and zero-page.rst.
 */
#include <asm/bootparam.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/layout.h"
#include "machine/machine.h"

#define PAGE		4096ull
#define SECTOR		512
#define HEADER_OFFSET	0x1f1			/* of the setup header, in file and zero page */
#define HEADER_MAGIC	0x53726448		/* "HdrS" */
#define MIN_PROTOCOL	0x020c			/* the first one with a 64-bit entry point */
#define ENTRY_64	0x200			/* from the start of the protected-mode kernel */
#define LOADER_OTHER	0xff

#define E820_USABLE	1
#define E820_RESERVED	2

#define PTE_PRESENT	0x001ull
#define PTE_WRITE	0x002ull
#define PTE_HUGE	0x080ull
#define DIRECTORIES	4			/* 1 GiB each: the first 4 GiB, by 2 MiB pages */
#define ENTRIES		512

#define GDT_CODE64	0x00af9b000000ffffull
#define GDT_DATA	0x00cf93000000ffffull
#define SELECTOR_CODE	0x10
#define SELECTOR_DATA	0x18

#define CR0_PE		0x00000001ull
#define CR0_ET		0x00000010ull
#define CR0_PG		0x80000000ull
#define CR4_PAE		0x00000020ull
#define EFER_LME	0x00000100ull
#define EFER_LMA	0x00000400ull
#define FLAGS_FIXED	0x0000000000000002ull

/*
 * A console that gets warnings and worse: each character costs an exit or two, and
 * with all messages the boot takes 1.5 times as long. No waiting after a panic. No
 * work for hardware that the machine has not got, nor for a processor's flaws and
 * ciphers that no test is about. Code stays where System.map says. What is appended
 * wins.
 */
static const char default_cmdline[] =
	"console=ttyS0,115200 loglevel=5 panic=-1 mitigations=off random.trust_cpu=on pci=off "
	"cryptomgr.notests nokaslr";

/**
 * struct image - a file that is open for loading
 * @path: its name, for messages
 */
struct image {
	const char *path;
	int fd;
	u64 size;
};

static int image_open(struct image *image, const char *path, char *err, size_t errlen)
{
	struct stat st;
	int ret = 0;

	image->path = path;
	image->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (image->fd < 0 || fstat(image->fd, &st) < 0) {
		ret = -errno;
		snprintf(err, errlen, "cannot read %s (%s)", path, strerror(-ret));
	} else if (!S_ISREG(st.st_mode) || !st.st_size) {
		ret = -EINVAL;
		snprintf(err, errlen, "%s is empty or not a file", path);
	} else {
		image->size = st.st_size;
	}
	if (ret < 0 && image->fd >= 0)
		close(image->fd);
	return ret;
}

static int image_read(const struct image *image, u64 offset, void *to, u64 len, char *err,
		      size_t errlen)
{
	while (len) {
		ssize_t n = pread(image->fd, to, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			snprintf(err, errlen, "cannot read %s (%s)", image->path,
				 n < 0 ? strerror(errno) : "it ends too early");
			return -EIO;
		}
		to = (u8 *)to + n;
		offset += n;
		len -= n;
	}
	return 0;
}

static int check_header(const struct image *image, const struct setup_header *hdr, char *err,
			size_t errlen)
{
	if (hdr->header != HEADER_MAGIC) {
		snprintf(err, errlen, "%s is not a bzImage", image->path);
		return -ENOEXEC;
	}
	if (hdr->version < MIN_PROTOCOL || !(hdr->xloadflags & XLF_KERNEL_64)) {
		snprintf(err, errlen, "%s is not an x86-64 kernel of Linux 3.8 or later",
			 image->path);
		return -ENOEXEC;
	}
	return 0;
}

static int load_kernel(struct vm *vm, const struct image *image, struct setup_header *hdr,
		       char *err, size_t errlen)
{
	u64 skip, room;
	void *to;
	int ret;

	ret = image_read(image, HEADER_OFFSET, hdr, sizeof(*hdr), err, errlen);
	if (ret < 0)
		return ret;
	ret = check_header(image, hdr, err, errlen);
	if (ret < 0)
		return ret;
	skip = (hdr->setup_sects ? hdr->setup_sects + 1 : 5) * SECTOR;
	if (skip >= image->size) {
		snprintf(err, errlen, "%s is cut off", image->path);
		return -ENOEXEC;
	}
	/* It unpacks itself in place and wants init_size bytes for that. */
	room = image->size - skip;
	if (room < hdr->init_size)
		room = hdr->init_size;
	to = hdr->pref_address >= LAYOUT_HIGH ? vm_mem(vm, hdr->pref_address, room) : NULL;
	if (!to) {
		snprintf(err, errlen, "%s needs %llu MiB of RAM from %#llx: give the guest more",
			 image->path, (unsigned long long)room >> 20,
			 (unsigned long long)hdr->pref_address);
		return -ENOMEM;
	}
	return image_read(image, skip, to, image->size - skip, err, errlen);
}

/* As high as the kernel can reach, where nothing of its own will be. */
static int load_initrd(struct vm *vm, const struct image *image, struct setup_header *hdr,
		       char *err, size_t errlen)
{
	u64 end = vm->ram_size, low = hdr->pref_address + hdr->init_size;

	if (end > (u64)hdr->initrd_addr_max + 1)
		end = (u64)hdr->initrd_addr_max + 1;
	if (image->size > end || ((end - image->size) & ~(PAGE - 1)) < low) {
		snprintf(err, errlen, "%s (%llu MiB) does not fit into %llu MiB of RAM",
			 image->path, (unsigned long long)image->size >> 20,
			 (unsigned long long)vm->ram_size >> 20);
		return -ENOMEM;
	}
	hdr->ramdisk_image = (end - image->size) & ~(PAGE - 1);
	hdr->ramdisk_size = image->size;
	return image_read(image, 0, vm->ram + hdr->ramdisk_image, image->size, err, errlen);
}

static int write_cmdline(struct vm *vm, const char *append, struct setup_header *hdr, char *err,
			 size_t errlen)
{
	char *to = vm_mem(vm, LAYOUT_CMDLINE, LAYOUT_CMDLINE_SIZE);
	size_t max = LAYOUT_CMDLINE_SIZE - 1;
	int n;

	if (max > hdr->cmdline_size)
		max = hdr->cmdline_size;
	n = snprintf(to, LAYOUT_CMDLINE_SIZE, "%s%s%s", default_cmdline, append ? " " : "",
		     append ? append : "");
	if (n < 0 || (size_t)n > max) {
		snprintf(err, errlen, "the kernel's command line is %d bytes long, it takes %zu",
			 n, max);
		return -E2BIG;
	}
	hdr->cmd_line_ptr = LAYOUT_CMDLINE;
	return 0;
}

static void write_zero_page(struct vm *vm, const struct setup_header *hdr, u64 rsdp)
{
	const struct boot_e820_entry map[] = {
		{ 0, LAYOUT_LOW_END, E820_USABLE },
		{ LAYOUT_LOW_END, LAYOUT_HIGH - LAYOUT_LOW_END, E820_RESERVED },
		{ LAYOUT_HIGH, vm->ram_size - LAYOUT_HIGH, E820_USABLE },
	};
	struct boot_params *params = vm_mem(vm, LAYOUT_ZERO_PAGE, sizeof(*params));

	memset(params, 0, sizeof(*params));
	params->hdr = *hdr;
	params->hdr.type_of_loader = LOADER_OTHER;
	params->acpi_rsdp_addr = rsdp;
	params->e820_entries = ARRAY_SIZE(map);
	memcpy(params->e820_table, map, sizeof(map));
}

/* All of the low 4 GiB, each address to itself. */
static void write_page_tables(struct vm *vm)
{
	u64 *pml4 = vm_mem(vm, LAYOUT_PAGE_TABLES, (2 + DIRECTORIES) * PAGE);
	u64 *pdpt = pml4 + ENTRIES;
	u64 *pd = pdpt + ENTRIES;

	memset(pml4, 0, 2 * PAGE);
	pml4[0] = (LAYOUT_PAGE_TABLES + PAGE) | PTE_PRESENT | PTE_WRITE;
	for (u64 i = 0; i < DIRECTORIES; i++)
		pdpt[i] = (LAYOUT_PAGE_TABLES + (2 + i) * PAGE) | PTE_PRESENT | PTE_WRITE;
	for (u64 i = 0; i < DIRECTORIES * ENTRIES; i++)
		pd[i] = i << 21 | PTE_HUGE | PTE_PRESENT | PTE_WRITE;
}

static void write_gdt(struct vm *vm)
{
	const u64 gdt[] = { 0, 0, GDT_CODE64, GDT_DATA };

	memcpy(vm_mem(vm, LAYOUT_GDT, sizeof(gdt)), gdt, sizeof(gdt));
}

/*
 * All the firmware there is. With hardware-reduced ACPI Linux reboots by EFI, and
 * without that by jumping here in real mode: out 6 to the reset port, then halt.
 */
static void write_firmware(struct vm *vm)
{
	static const u8 code[] = {
		0xb0, LAYOUT_RESET_VALUE,			/* mov al, value */
		0xba, LAYOUT_RESET & 0xff, LAYOUT_RESET >> 8,	/* mov dx, port */
		0xee,						/* out dx, al */
		0xf4,						/* hlt */
		0xeb, 0xfd,					/* jmp to the hlt */
	};

	memcpy(vm_mem(vm, LAYOUT_RESET_VECTOR, sizeof(code)), code, sizeof(code));
}

int boot_load(struct vm *vm, const struct vm_config *cfg, char *err, size_t errlen)
{
	struct setup_header hdr;
	struct image image;
	u64 rsdp;
	int ret;

	ret = image_open(&image, cfg->kernel, err, errlen);
	if (ret < 0)
		return ret;
	ret = load_kernel(vm, &image, &hdr, err, errlen);
	close(image.fd);
	if (ret < 0)
		return ret;
	if (cfg->initrd) {
		ret = image_open(&image, cfg->initrd, err, errlen);
		if (ret < 0)
			return ret;
		ret = load_initrd(vm, &image, &hdr, err, errlen);
		close(image.fd);
		if (ret < 0)
			return ret;
	}
	ret = write_cmdline(vm, cfg->append, &hdr, err, errlen);
	if (ret < 0)
		return ret;
	rsdp = acpi_write(vm, vm->nr_cpus);
	if (!rsdp) {
		snprintf(err, errlen, "the ACPI tables do not fit below 1 MiB");
		return -ENOSPC;
	}
	write_zero_page(vm, &hdr, rsdp);
	write_page_tables(vm);
	write_gdt(vm);
	write_firmware(vm);
	vm->entry = hdr.pref_address + ENTRY_64;
	return 0;
}

static struct kvm_segment segment(u16 selector, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = code ? 11 : 3,	/* execute/read or read/write, accessed */
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

int boot_set_regs(struct vcpu *vcpu)
{
	struct kvm_regs regs = {
		.rip = vcpu->vm->entry,
		.rsi = LAYOUT_ZERO_PAGE,
		.rsp = LAYOUT_STACK,
		.rflags = FLAGS_FIXED,
	};
	struct kvm_sregs sregs;
	int ret;

	ret = kvm_ioctl(vcpu->fd, KVM_GET_SREGS, &sregs);
	if (ret < 0)
		return ret;
	sregs.cs = segment(SELECTOR_CODE, true);
	sregs.ds = sregs.es = sregs.ss = segment(SELECTOR_DATA, false);
	sregs.fs = sregs.gs = sregs.ds;
	sregs.gdt.base = LAYOUT_GDT;
	sregs.gdt.limit = 4 * sizeof(u64) - 1;
	sregs.cr0 = CR0_PE | CR0_ET | CR0_PG;
	sregs.cr3 = LAYOUT_PAGE_TABLES;
	sregs.cr4 = CR4_PAE;
	sregs.efer = EFER_LME | EFER_LMA;
	ret = kvm_ioctl(vcpu->fd, KVM_SET_SREGS, &sregs);
	if (ret < 0)
		return ret;
	return kvm_ioctl(vcpu->fd, KVM_SET_REGS, &regs);
}
