// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store where there is no pwritev2(): old emulators and C libraries.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "c/tap.h"
#include "pool/pool.h"
#include "support/scratch.h"

/* From here on pwritev2() is a call that the kernel does not know. */
static bool forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwritev2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof(code) / sizeof(*code), .filter = code };

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* Return: 0, or the number of what went wrong; 99 where there are no filters. */
static int change(void)
{
	const char *value;
	struct pool pool;
	struct stat st;

	if (!forbid())
		return 99;
	if (pool_init(&pool, scratch_dir, 1))
		return 1;
	if (pool_set(&pool, "a", "1") != 1 || pool_set(&pool, "b", "2") != 1)
		return 2;
	/* In its place, though the file was appended to. */
	if (pool_set(&pool, "a", "3") || pool_set(&pool, "c", "4") != 1)
		return 3;
	if (pool_checkpoint(&pool) || stat(scratch_path(".kvp_pool_1"), &st) ||
	    st.st_size != 3 * POOL_RECORD_SIZE)
		return 4;
	pool_exit(&pool);
	if (pool_init(&pool, scratch_dir, 1) || pool_get(&pool, "a", &value) || strcmp(value, "3") ||
	    pool_get(&pool, "b", &value) || strcmp(value, "2") ||
	    pool_get(&pool, "c", &value) || strcmp(value, "4"))
		return 5;
	pool_exit(&pool);
	return 0;
}

static void no_pwritev2(void)
{
	int status;
	pid_t pid;

	scratch_begin();
	pid = fork();
	if (!pid)
		_exit(change());
	CHECK_INT(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 99)
		tap_skip("this kernel has no seccomp filters");
	else
		CHECK_INT(status, 0);
	scratch_end();
}

static const struct tap_case cases[] = {
	{ "without pwritev2() pairs are appended, and changed in their place", no_pwritev2 },
};

TAP_MAIN("append", cases)
