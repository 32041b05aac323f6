// SPDX-License-Identifier: GPL-2.0-only
/*
 * A worker, see worker.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hvkvpd/rate.h"
#include "hvkvpd/worker.h"
#include "ip/system.h"
#include "util/log.h"

/* More than the daemon ever has open. */
#define OLD_KERNEL_FDS 1024

/**
 * struct result - what comes back from a worker
 * @status: of the answer; no slow operation returns data
 * @rate: the limit on changes, with this one counted
 * @tolerated: likewise; its texts are at the same place in the daemon
 */
struct result {
	uint32_t status;
	struct change_rate rate;
	struct tolerated tolerated;
};

int worker_keep_only(int fd)
{
	const int lowest = STDERR_FILENO + 1;

	/* Not for the programs that it starts, either. Refused if it is there already. */
	dup3(fd, lowest, O_CLOEXEC);
	/* Kernels before 5.9 do not have it. */
	if (syscall(SYS_close_range, lowest + 1, ~0U, 0)) {
		for (int other = lowest + 1; other < OLD_KERNEL_FDS; other++)
			close(other);
	}
	log_forked();
	return lowest;
}

static _Noreturn void work(const struct dispatch *dispatch, const struct dispatch_request *request,
			   int fd)
{
	static struct dispatch_reply reply;
	struct dispatch own = *dispatch;
	struct result result = { 0 };
	struct ip_system system;

	fd = worker_keep_only(fd);
	/* Signals that stop the daemon stay blocked here: a change is finished or rolled back. */
	if (own.ip) {
		/* The notifications of the cache belong to the daemon. */
		system = *own.ip;
		system.cache = NULL;
		own.ip = &system;
	}
	dispatch_handle(&own, request, &reply);
	result.status = reply.status;
	if (own.rate)
		result.rate = *own.rate;
	if (own.tolerated)
		result.tolerated = *own.tolerated;
	_exit(write(fd, &result, sizeof(result)) != sizeof(result));
}

int worker_start(struct worker *worker, const struct dispatch *dispatch,
		 const struct dispatch_request *request)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(fds[0]);
		close(fds[1]);
		return err;
	}
	if (!pid) {
		close(fds[0]);
		work(dispatch, request, fds[1]);
	}
	close(fds[1]);
	worker->pid = pid;
	worker->fd = fds[0];
	return 0;
}

void worker_finish(struct worker *worker, const struct dispatch *dispatch,
		   struct dispatch_reply *reply)
{
	struct result result;
	int state = 0;
	ssize_t n;

	do {
		n = read(worker->fd, &result, sizeof(result));
	} while (n < 0 && errno == EINTR);
	close(worker->fd);
	while (waitpid(worker->pid, &state, 0) < 0 && errno == EINTR)
		;
	*worker = (struct worker){ .fd = -1 };
	reply->body_len = 0;
	if (n == sizeof(result)) {
		reply->status = result.status;
		if (dispatch->rate)
			*dispatch->rate = result.rate;
		if (dispatch->tolerated)
			*dispatch->tolerated = result.tolerated;
		return;
	}
	reply->status = HVKVP_E_FAIL;
	if (WIFSIGNALED(state))
		log_err("the process that carried out a request was ended by signal %d",
			WTERMSIG(state));
	else
		log_err("the process that carried out a request gave no answer");
}
