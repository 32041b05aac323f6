// SPDX-License-Identifier: GPL-2.0-only
/*
 * Prints the frequency of this machine's time stamp counter in kHz. The machine that QEMU emulates
 * reads the same counter.
 */
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <x86intrin.h>

#define TRIES	50

struct sample {
	uint64_t ticks;
	uint64_t ns;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Counter and clock at one moment: of several tries the one that nothing interrupted. */
static struct sample take(void)
{
	struct sample best = { 0 };
	uint64_t shortest = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = now(), ticks = __rdtsc(), took = now() - before;

		if (took < shortest) {
			shortest = took;
			best = (struct sample){ ticks, before + took / 2 };
		}
	}
	return best;
}

int main(void)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	struct sample first = take(), last;

	nanosleep(&pause, NULL);	/* sleep: the time that is measured */
	last = take();
	printf("%llu\n", (unsigned long long)((last.ticks - first.ticks) * 1000000 / (last.ns - first.ns)));
	return 0;
}
