/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * As much of a kernel as the driver's files without a bus need, in user space;
 * included before all else.
 *
 * One thread: a lock is a check that it is held where it should be. Time stands
 * still and timers wait until the fuzzer moves them.
 */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <endian.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define le16_to_cpu(x)		le16toh(x)
#define le32_to_cpu(x)		le32toh(x)
#define cpu_to_le16(x)		htole16(x)
#define cpu_to_le32(x)		htole32(x)

#define BIT(n)			(1UL << (n))
#define U32_MAX			UINT32_MAX
#define max(a, b)		((a) > (b) ? (a) : (b))
#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))
#define BUILD_BUG_ON(bad)	_Static_assert(!(bad), #bad)
#define READ_ONCE(x)		(*(volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, value)	(*(volatile typeof(x) *)&(x) = (value))
#define WARN_ON_ONCE(bad)	MUST(!(bad))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define struct_size(p, member, n) \
	(offsetof(typeof(*(p)), member) + (n) * sizeof((p)->member[0]))
#define swap(a, b)		do { typeof(a) t = (a); (a) = (b); (b) = t; } while (0)
#define min(a, b)		((a) < (b) ? (a) : (b))
#define min_t(type, a, b)	min((type)(a), (type)(b))
#define __aligned(n)		__attribute__((aligned(n)))

/* Memory. What is not asked to be zero is not. */
#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define kzalloc(size, gfp)	calloc(1, size)
#define kvzalloc(size, gfp)	calloc(1, size)
#define kvmalloc(size, gfp)	malloc(size)
#define kfree(p)		free(p)
#define kvfree(p)		free(p)

/* Locks. */
typedef struct { bool held; } spinlock_t;
#define spin_lock_init(l)	((l)->held = false)
#define spin_lock_bh(l)		do { MUST(!(l)->held); (l)->held = true; } while (0)
#define spin_unlock_bh(l)	do { MUST((l)->held); (l)->held = false; } while (0)
#define lockdep_assert_held(l)	MUST((l)->held)

struct kref { unsigned int count; };
#define kref_init(k)		((k)->count = 1)
#define kref_get(k)		((k)->count++)
#define kref_put(k, release) \
	do { MUST((k)->count); if (!--(k)->count) release(k); } while (0)

/* Lists. */
struct list_head { struct list_head *next, *prev; };
#define INIT_LIST_HEAD(l)	((l)->next = (l)->prev = (l))
#define list_empty(l)		((l)->next == (l))
#define list_for_each_entry(pos, head, member)				\
	for (pos = container_of((head)->next, typeof(*pos), member);	\
	     &pos->member != (head);					\
	     pos = container_of(pos->member.next, typeof(*pos), member))

static inline void list_add_tail(struct list_head *new, struct list_head *head)
{
	new->prev = head->prev;
	new->next = head;
	head->prev->next = new;
	head->prev = new;
}

static inline void list_del(struct list_head *entry)
{
	entry->prev->next = entry->next;
	entry->next->prev = entry->prev;
}

/* Queues of bytes. */
struct kfifo { u8 *data; u32 size, in, out; };

static inline int kfifo_init(struct kfifo *f, void *data, u32 size)
{
	*f = (struct kfifo) { .data = data, .size = size };
	return size & (size - 1) ? -EINVAL : 0;
}

#define kfifo_avail(f)		((f)->size - ((f)->in - (f)->out))
#define kfifo_is_empty(f)	((f)->in == (f)->out)

static inline u32 kfifo_in(struct kfifo *f, const void *from, u32 len)
{
	u32 at = f->in % f->size, first = min(len, f->size - at);

	MUST(len <= kfifo_avail(f));
	memcpy(f->data + at, from, first);
	memcpy(f->data, (const u8 *)from + first, len - first);
	f->in += len;
	return len;
}

static inline u32 kfifo_out_peek(struct kfifo *f, void *to, u32 len)
{
	u32 at = f->out % f->size, first;

	len = min(len, f->in - f->out);
	first = min(len, f->size - at);
	memcpy(to, f->data + at, first);
	memcpy((u8 *)to + first, f->data, len - first);
	return len;
}

static inline u32 kfifo_out(struct kfifo *f, void *to, u32 len)
{
	len = kfifo_out_peek(f, to, len);
	f->out += len;
	return len;
}

/* Time and timers. */
#define HZ			250
#define NSEC_PER_SEC		1000000000ULL
#define nsecs_to_jiffies(n)	((n) / (NSEC_PER_SEC / HZ))
#define msecs_to_jiffies(m)	((m) * HZ / 1000 + 1)

extern u64 fuzz_now_ns;
#define ktime_get_ns()		fuzz_now_ns

struct work_struct { void (*run)(struct work_struct *work); bool queued; };
struct delayed_work { struct work_struct work; bool pending; };
#define INIT_WORK(w, f)		((w)->run = (f), (w)->queued = false)
#define schedule_work(w)	((w)->queued = true)
#define cancel_work_sync(w)	((w)->queued = false)
#define to_delayed_work(w)	container_of(w, struct delayed_work, work)
#define INIT_DELAYED_WORK(w, f)	((w)->work.run = (f), (w)->pending = false)
#define schedule_delayed_work(w, delay) ((void)(delay), (w)->pending = true)
#define cancel_delayed_work(w)	((w)->pending = false)
#define cancel_delayed_work_sync(w) ((w)->pending = false)
#define delayed_work_pending(w)	((w)->pending)

typedef struct { int woken; } wait_queue_head_t;
#define init_waitqueue_head(w)	((w)->woken = 0)
#define wake_up_interruptible(w) ((w)->woken++)
#define wake_up_interruptible_poll(w, events) ((w)->woken++)
#define EPOLLIN			1U
#define EPOLLRDNORM		0x40U

/* Words of the log: nobody reads them, but they must be there. */
struct device { int none; };
#define fuzz_print(dev, ...) \
	do { MUST(dev); MUST(snprintf(NULL, 0, __VA_ARGS__) > 0); } while (0)
#define dev_dbg			fuzz_print
#define dev_info		fuzz_print
#define dev_info_ratelimited	fuzz_print
#define dev_warn_ratelimited	fuzz_print

/* Tracepoints: instead of driver/trace.h. */
#define KVP_TRACE_H
#define trace_hv_kvp_packet(id, pkt, len, view)	((void)(view))
#define trace_hv_kvp_answer(id, pkt, len, latency, err) ((void)(latency))
#define trace_hv_kvp_request(id, op, pool, len)	((void)(id))
#define trace_hv_kvp_reply(id, status, len, err) ((void)(id))
#define trace_hv_kvp_event(id, state, event, next, action) ((void)(id))

#endif /* FUZZ_KERNEL_H */
