// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mistakes made on purpose, to see that the debug kernel notices them: a check
 * that never fails proves nothing. Write a mistake's name to
 * /sys/module/planted/parameters/mistake.
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

#define SIZE	64

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);

/* The compiler must neither see through it nor warn of it. */
static char *alloc(void)
{
	char *p = kzalloc(SIZE, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	return p;
}

static int use_after_free(void)
{
	char *p = alloc();

	if (!p)
		return -ENOMEM;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	return READ_ONCE(p[1]) ? 0 : 0;
}

static int out_of_bounds(void)
{
	char *p = alloc();
	size_t at = SIZE;

	if (!p)
		return -ENOMEM;
	OPTIMIZER_HIDE_VAR(at);
	WRITE_ONCE(p[at], 1);
	kfree(p);
	return 0;
}

static int double_free(void)
{
	char *p = alloc();

	if (!p)
		return -ENOMEM;
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	return 0;
}

static int wide_shift(void)
{
	int by = 40, one = 1;

	OPTIMIZER_HIDE_VAR(by);
	one <<= by;
	OPTIMIZER_HIDE_VAR(one);
	return 0;
}

static int sleep_in_atomic(void)
{
	char *p;

	spin_lock(&spin);
	p = alloc();
	spin_unlock(&spin);
	kfree(p);
	return 0;
}

static void nothing(struct timer_list *timer)
{
}

static int free_running_timer(void)
{
	struct timer_list *timer = kzalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return -ENOMEM;
	timer_setup(timer, nothing, 0);
	mod_timer(timer, jiffies + HZ * 60);
	kfree(timer);
	return 0;
}

/* Nothing holds it: the next scan of kmemleak has no pointer to it. */
static int leak(void)
{
	int i;

	for (i = 0; i < 8; i++)
		if (!alloc())
			return -ENOMEM;
	return 0;
}

/* lockdep stops at the first report of anything: the first one to be made. */
static int lock_inversion(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
	return 0;
}

static DEFINE_SPINLOCK(unsafe);
static DECLARE_COMPLETION(taken);

static void take_unsafe(struct timer_list *timer)
{
	spin_lock(&unsafe);
	spin_unlock(&unsafe);
	complete(&taken);
}

static DEFINE_TIMER(softirq, take_unsafe);

/* A lock that a softirq takes, too, must not be taken while softirqs are enabled. */
static int softirq_unsafe(void)
{
	spin_lock(&unsafe);
	spin_unlock(&unsafe);
	reinit_completion(&taken);
	mod_timer(&softirq, jiffies + 1);
	wait_for_completion(&taken);
	return 0;
}

/* Long enough for many turns of both sides, on one processor as well. */
#define RACE_TIME	(5 * HZ)

/* Have both functions run side by side. */
static noinline int race(int (*other)(void *), void (*this)(unsigned long until))
{
	struct task_struct *task = kthread_run(other, NULL, "planted");

	if (IS_ERR(task))
		return PTR_ERR(task);
	this(jiffies + RACE_TIME);
	return kthread_stop(task);
}

static unsigned int shared, seen, flag;

static int racing_stores_other(void *unused)
{
	while (!kthread_should_stop()) {
		shared++;
		cond_resched();
	}
	return 0;
}

static noinline void racing_stores_this(unsigned long until)
{
	while (time_before(jiffies, until)) {
		shared++;
		cond_resched();
	}
}

static int racing_stores(void)
{
	return race(racing_stores_other, racing_stores_this);
}

/*
 * What @flag announces may become visible after it on a weakly ordered processor:
 * on one that is not, there is no race. Sides take turns: @flag is odd while it is
 * the reader's.
 */
static int barrier_other(void *unused)
{
	while (!kthread_should_stop()) {
		/* See @shared as the other side left it. */
		unsigned int turn = smp_load_acquire(&flag);

		if (turn & 1) {
			/* Long enough for the other side to be seen at its late store. */
			for (int i = 0; i < 100; i++) {
				seen += shared;
				barrier();
			}
			/* Not before what this turn has done. */
			smp_store_release(&flag, turn + 1);
		}
		cond_resched();
	}
	return 0;
}

static noinline void missing_barrier_this(unsigned long until)
{
	while (time_before(jiffies, until)) {
		/* See @shared as the other side left it. */
		unsigned int turn = smp_load_acquire(&flag);

		if (!(turn & 1)) {
			shared++;
			WRITE_ONCE(flag, turn + 1);
		}
		cond_resched();
	}
}

static int missing_barrier(void)
{
	return race(barrier_other, missing_barrier_this);
}

/* The same without a mistake: a report of it would be wrong. */
static noinline void no_mistake_this(unsigned long until)
{
	while (time_before(jiffies, until)) {
		/* See @shared as the other side left it. */
		unsigned int turn = smp_load_acquire(&flag);

		if (!(turn & 1)) {
			shared++;
			/* Not before what this turn has done. */
			smp_store_release(&flag, turn + 1);
		}
		cond_resched();
	}
}

static int no_mistake(void)
{
	return race(barrier_other, no_mistake_this);
}

static const struct {
	const char *name;
	int (*make)(void);
} mistakes[] = {
	{ "lock_inversion",	lock_inversion },
	{ "use_after_free",	use_after_free },
	{ "out_of_bounds",	out_of_bounds },
	{ "double_free",	double_free },
	{ "wide_shift",		wide_shift },
	{ "sleep_in_atomic",	sleep_in_atomic },
	{ "free_running_timer",	free_running_timer },
	{ "leak",		leak },
	{ "softirq_unsafe",	softirq_unsafe },
	{ "racing_stores",	racing_stores },
	{ "missing_barrier",	missing_barrier },
	{ "no_mistake",		no_mistake },
};

static int make_mistake(const char *name, const struct kernel_param *param)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mistakes); i++)
		if (sysfs_streq(name, mistakes[i].name))
			return mistakes[i].make();
	return -EINVAL;
}

static const struct kernel_param_ops mistake_ops = {
	.set = make_mistake,
};

module_param_cb(mistake, &mistake_ops, NULL, 0200);
MODULE_PARM_DESC(mistake, "Write a name to make that mistake");

/* A module with parameters and no functions of its own would do nothing at all. */
static int __init planted_init(void)
{
	return 0;
}
module_init(planted_init);

static void __exit planted_exit(void)
{
}
module_exit(planted_exit);

MODULE_DESCRIPTION("Mistakes that a debug kernel must notice");
MODULE_LICENSE("GPL");
