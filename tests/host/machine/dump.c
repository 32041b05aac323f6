// SPDX-License-Identifier: GPL-2.0-only
/*
 * dump.c - the guest as an ELF core
 *
 *	ELF header, program headers    one of notes, one for each run of mapped pages
 *	notes                          registers of each processor, the kernel's VMCOREINFO
 *	RAM                            as it is; pages of zeros are holes of the file
 *
 * Program headers share the RAM: a page may be mapped several times. The file only
 * grows, so that whoever follows it (level 1's relay) sees nothing that changes later.
 *
 * Numbers: elf.h; the layout of a processor's registers: the kernel's struct elf_prstatus.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/procfs.h>
#include <unistd.h>

#include "machine/debug.h"
#include "machine/machine.h"
#include "machine/pagetable.h"

#define RUNS_MAX	60000	/* e_phnum has 16 bits */
#define PAGE		4096u
#define CR4_LA57	(1ull << 12)
#define INFO_NAME	"VMCOREINFO"
#define INFO_MAX	PAGE

/**
 * struct core - what is written
 * @notes: @notes_len bytes
 * @runs: @nruns runs
 */
struct core {
	struct vm *vm;
	int fd;
	u64 at;
	u8 notes[VM_MAX_CPUS * 512 + INFO_MAX + 512];
	size_t notes_len;
	struct page_run *runs;
	unsigned int nruns;
};

static size_t padded(size_t len)
{
	return (len + 3) & ~3u;
}

static void add_note(struct core *core, const char *name, u32 type, const void *data, u32 len)
{
	const Elf64_Nhdr head = { .n_namesz = strlen(name) + 1, .n_descsz = len, .n_type = type };
	u8 *at = core->notes + core->notes_len;
	const size_t all = sizeof(head) + padded(head.n_namesz) + padded(len);

	if (all > sizeof(core->notes) - core->notes_len)
		return;
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), name, head.n_namesz);
	memcpy(at + sizeof(head) + padded(head.n_namesz), data, len);
	core->notes_len += all;
}

static int add_processor(struct core *core, unsigned int vcpu)
{
	struct elf_prstatus status = { .pr_pid = vcpu + 1 };
	struct debug_regs r;
	unsigned long long to[27];
	int ret = debug_get_regs(core->vm, vcpu, &r);

	if (ret < 0)
		return ret;
	/* r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs flags rsp ss, bases, ds ... */
	memcpy(to, (unsigned long long[]){
		r.gpr[15], r.gpr[14], r.gpr[13], r.gpr[12], r.gpr[6], r.gpr[1], r.gpr[11],
		r.gpr[10], r.gpr[9], r.gpr[8], r.gpr[0], r.gpr[2], r.gpr[3], r.gpr[4], r.gpr[5],
		~0ull, r.rip, r.segment[0], r.rflags, r.gpr[7], r.segment[1], r.fs_base, r.gs_base,
		r.segment[2], r.segment[3], r.segment[4], r.segment[5] }, sizeof(to));
	_Static_assert(sizeof(to) == sizeof(status.pr_reg), "27 registers");
	memcpy(&status.pr_reg, to, sizeof(to));
	add_note(core, "CORE", NT_PRSTATUS, &status, sizeof(status));
	return 0;
}

/* The kernel keeps a whole note in its memory, for kdump. */
static void add_vmcoreinfo(struct core *core)
{
	static const char start[] = INFO_NAME "\0\0OSRELEASE=";
	const struct vm *vm = core->vm;
	const size_t head = sizeof(Elf64_Nhdr), name = padded(sizeof(INFO_NAME));
	const u8 *end = vm->ram + vm->ram_size;
	const u8 *at = vm->ram;

	while ((at = memmem(at, end - at, start, sizeof(start) - 1))) {
		Elf64_Nhdr note = { 0 };

		if (at - vm->ram >= (ptrdiff_t)head)
			memcpy(&note, at - head, head);
		if (note.n_namesz == sizeof(INFO_NAME) && note.n_descsz <= INFO_MAX &&
		    note.n_descsz <= (u64)(end - at) - name) {
			add_note(core, INFO_NAME, note.n_type, at + name, note.n_descsz);
			return;
		}
		at++;
	}
}

static int find_runs(struct core *core)
{
	struct debug_regs regs;
	int ret = debug_get_regs(core->vm, 0, &regs);

	if (ret < 0)
		return ret;
	core->runs = calloc(RUNS_MAX, sizeof(*core->runs));
	if (!core->runs)
		return -ENOMEM;
	core->nruns = pagetable_runs(core->vm->ram, core->vm->ram_size, regs.cr3,
				     regs.cr4 & CR4_LA57 ? 5 : 4, core->runs, RUNS_MAX - 1);
	/* Before the kernel has its own tables: RAM where it is. */
	if (!core->nruns)
		core->runs[core->nruns++] = (struct page_run){ 0, 0, core->vm->ram_size };
	return 0;
}

static int put(struct core *core, const void *data, size_t len)
{
	const u8 *from = data;

	while (len) {
		ssize_t n = pwrite(core->fd, from, len, core->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		from += n;
		len -= n;
		core->at += n;
	}
	return 0;
}

static int put_headers(struct core *core, u64 ram_at)
{
	const u64 notes_at = sizeof(Elf64_Ehdr) + (core->nruns + 1) * sizeof(Elf64_Phdr);
	const Elf64_Ehdr ehdr = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_CORE, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
		.e_phoff = sizeof(ehdr), .e_ehsize = sizeof(ehdr),
		.e_phentsize = sizeof(Elf64_Phdr), .e_phnum = core->nruns + 1,
	};
	Elf64_Phdr phdr = { .p_type = PT_NOTE, .p_offset = notes_at, .p_filesz = core->notes_len,
			    .p_memsz = core->notes_len };
	int ret;

	ret = put(core, &ehdr, sizeof(ehdr));
	if (ret >= 0)
		ret = put(core, &phdr, sizeof(phdr));
	for (unsigned int i = 0; i < core->nruns && ret >= 0; i++) {
		const struct page_run *run = &core->runs[i];

		phdr = (Elf64_Phdr){ .p_type = PT_LOAD, .p_flags = PF_R | PF_W | PF_X,
				     .p_offset = ram_at + run->gpa, .p_vaddr = run->address,
				     .p_paddr = run->gpa, .p_filesz = run->len, .p_memsz = run->len };
		ret = put(core, &phdr, sizeof(phdr));
	}
	return ret < 0 ? ret : put(core, core->notes, core->notes_len);
}

static bool is_zero(const u8 *page)
{
	return !page[0] && !memcmp(page, page + 1, PAGE - 1);
}

static int put_ram(struct core *core, u64 ram_at)
{
	const struct vm *vm = core->vm;
	int ret = 0;

	for (u64 gpa = 0; gpa < vm->ram_size && ret >= 0; gpa += PAGE) {
		/* The last page is written in any case: it makes the file as long as it is. */
		if (is_zero(vm->ram + gpa) && gpa + PAGE < vm->ram_size)
			continue;
		core->at = ram_at + gpa;
		ret = put(core, vm->ram + gpa, PAGE);
	}
	return ret;
}

static int write_core(struct core *core)
{
	u64 ram_at;
	int ret = 0;

	for (unsigned int i = 0; i < core->vm->nr_cpus && ret >= 0; i++)
		ret = add_processor(core, i);
	if (ret < 0)
		return ret;
	add_vmcoreinfo(core);
	ret = find_runs(core);
	if (ret < 0)
		return ret;
	ram_at = sizeof(Elf64_Ehdr) + (core->nruns + 1) * sizeof(Elf64_Phdr) + core->notes_len;
	ram_at = (ram_at + PAGE - 1) / PAGE * PAGE;
	ret = put_headers(core, ram_at);
	return ret < 0 ? ret : put_ram(core, ram_at);
}

int debug_dump(struct vm *vm, const char *path, char *err, unsigned int errlen)
{
	struct core *core = calloc(1, sizeof(*core));
	int ret = core ? 0 : -ENOMEM;

	if (core) {
		core->vm = vm;
		core->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		ret = core->fd < 0 ? -errno : write_core(core);
		if (core->fd >= 0 && close(core->fd) < 0 && ret >= 0)
			ret = -errno;
		free(core->runs);
		free(core);
	}
	if (ret < 0)
		snprintf(err, errlen, "cannot write a dump to %s (%s)", path, strerror(-ret));
	return ret;
}
