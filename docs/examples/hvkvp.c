// SPDX-License-Identifier: GPL-2.0-only
/*
 * An example of libhvkvp: count in pool guest, and print what changes in it for a second.
 *
 *   cc -o example hvkvp.c $(pkg-config --cflags --libs libhvkvp)
 *   ./example [STATE-DIRECTORY]
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hvkvp.h>

static int print_pair(void *data, const char *key, const char *value)
{
	(void)data;
	printf("%s=%s\n", key, value);
	return 0;
}

/* Add one, while others may do the same. Return: 0 or -errno. */
static int count(struct hvkvp *kvp)
{
	struct hvkvp_transaction *transaction;
	const char *value;
	char *old, new[16];
	int err;

	do {
		err = hvkvp_get(kvp, HVKVP_POOL_GUEST, "count", &value);
		if (err && err != -ENOENT)
			return err;
		old = err ? NULL : strdup(value);
		snprintf(new, sizeof(new), "%d", old ? atoi(old) + 1 : 1);
		err = hvkvp_begin(kvp, HVKVP_POOL_GUEST, &transaction);
		if (!err)
			err = hvkvp_transaction_expect(transaction, "count", old);
		if (!err)
			err = hvkvp_transaction_set(transaction, "count", new);
		if (!err)
			err = hvkvp_commit(transaction);
		else
			hvkvp_abort(transaction);
		free(old);
	} while (err == -ECANCELED);
	return err;
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int print_changes(struct hvkvp *kvp)
{
	struct pollfd poll_fd = { .fd = hvkvp_watch_fd(kvp), .events = POLLIN };
	const long end = now_ms() + 1000;
	struct hvkvp_watch_event event;
	long left;
	int ret, wait;

	do {
		while ((ret = hvkvp_watch_next(kvp, &event, sizeof(event))) > 0)
			if (!event.lost)
				printf("%s: %s -> %s\n", event.key,
				       event.old_value ? event.old_value : "(none)",
				       event.new_value ? event.new_value : "(none)");
		left = end - now_ms();
		wait = hvkvp_watch_timeout(kvp);
		if (!ret && left > 0)
			poll(&poll_fd, 1, wait < 0 || wait > left ? left : wait);
	} while (!ret && left > 0);
	return ret;
}

int main(int argc, char **argv)
{
	struct hvkvp *kvp;
	int err = hvkvp_open(&kvp, argc > 1 ? argv[1] : NULL);

	if (err) {
		fprintf(stderr, "example: %s\n", strerror(-err));
		return 1;
	}
	err = hvkvp_watch(kvp, 1 << HVKVP_POOL_GUEST);
	if (err >= 0)
		err = count(kvp);
	if (!err)
		err = hvkvp_each(kvp, HVKVP_POOL_GUEST, print_pair, NULL);
	if (!err)
		err = print_changes(kvp);
	if (err < 0)
		fprintf(stderr, "example: %s\n", hvkvp_error(kvp));
	hvkvp_close(kvp);
	return err < 0;
}
