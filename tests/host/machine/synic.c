// SPDX-License-Identifier: GPL-2.0-only
/*
 * synic.c - messages, event flags and interrupts of the synthetic interrupt controller
 *
 * A message slot holds one message. The guest frees it by writing type 0, and
 * if it finds "pending" set, says so with an end-of-message register write. KVM
 * reports that write on the resample eventfd of the interrupt's irqfd. A thread
 * waits for it, but only while a queue is not empty: KVM signals the eventfd at
 * every end of interrupt too, and waking up for each would cost more than the
 * events themselves. A late interrupt (disturb.h) is a timer of the same thread.
 *
 * A KVM whose I/O APIC is not used refuses resample eventfds, and reports no end of
 * a message: a timer takes the eventfd's place, and the thread looks at the slot.
 *
 * Numbers: TLFS chapter "Virtual Interrupts"; KVM's api.rst for KVM_IRQFD,
 * KVM_SET_GSI_ROUTING and KVM_EXIT_HYPERV.
 */
#include "machine/synic.h"

#include <errno.h>
#include <linux/kvm.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "machine/disturb.h"
#include "machine/layout.h"
#include "machine/machine.h"

/* The one interrupt source that has an interrupt route: VMBus' messages and events. */
#define ROUTED_SINT	2

#define ENABLED		1ull
#define PAGE_MASK	(~0xfffull)
#define SLOT_SIZE	256
#define PENDING		1u		/* of a message's flags */
/* The guest never has more than a few in flight; past this it has stopped taking them. */
#define QUEUE_MAX	1024
/* How often a slot is looked at where its end is not reported */
#define LOOK_NS		1000000L

/**
 * struct message - a message slot in the guest's page, and an entry of the queue
 * @type: 0 while the slot is free
 * @size: bytes of payload
 * @flags: PENDING while more wait behind it
 * @sender: port id of the sender; not checked by guests
 */
struct message {
	u32 type;
	u8 size;
	u8 flags;
	u16 reserved;
	u64 sender;
	u8 payload[SYNIC_PAYLOAD_MAX];
};

_Static_assert(sizeof(struct message) == SLOT_SIZE, "a message fills its slot");

/**
 * struct queued - a message that waits for its slot
 */
struct queued {
	struct queued *next;
	struct message message;
};

/**
 * struct synic_vp - the SynIC of one virtual CPU
 * @lock: guards all of it
 * @events, @messages: the guest's pages, NULL while they are off
 * @head, @tail, @length: messages that wait, in order
 * @irqfd: raises the interrupt
 * @endfd: readable at the end of a message, and of an interrupt; or a timer
 * @latefd: a timer, for an interrupt that comes later
 * @armed: the thread listens to @endfd
 * @lost: an interrupt was lost: the next flag or message raises one, whatever is there already
 */
struct synic_vp {
	pthread_mutex_t lock;
	u8 *events;
	u8 *messages;
	struct queued *head;
	struct queued **tail;
	unsigned int length;
	int irqfd;
	int endfd;
	int latefd;
	bool armed;
	bool lost;
};

/* What the thread was woken for, beside the number of the virtual CPU. */
#define WOKEN_BY_END	0u
#define WOKEN_LATE	1u
#define WOKEN_TO_STOP	2u
#define WOKEN(what, vp)	((u64)(what) << 32 | (vp))

/**
 * struct synic - the SynICs of a machine
 * @epoll: what the thread waits on; @stopfd ends it
 */
struct synic {
	struct vm *vm;
	const struct synic_ops *ops;
	void *ctx;
	int epoll;
	int stopfd;
	pthread_t thread;
	bool started;
	struct synic_vp vps[VM_MAX_CPUS];
};

int synic_enable_vcpu(struct vcpu *vcpu)
{
	struct kvm_enable_cap cap = { .cap = KVM_CAP_HYPERV_SYNIC2 };

	return kvm_ioctl(vcpu->fd, KVM_ENABLE_CAP, &cap);
}

void synic_attach(struct vm *vm, const struct synic_ops *ops, void *ctx)
{
	vm->synic->ops = ops;
	vm->synic->ctx = ctx;
}

void synic_attached(const struct vm *vm, const struct synic_ops **ops, void **ctx)
{
	*ops = vm->synic ? vm->synic->ops : NULL;
	*ctx = vm->synic ? vm->synic->ctx : NULL;
}

u16 synic_post(struct vm *vm, u32 connection, u32 type, const void *payload, u32 len)
{
	const struct synic *synic = vm->synic;

	if (!synic->ops)
		return HV_STATUS_INVALID_CONNECTION_ID;
	return synic->ops->post_message(synic->ctx, connection, type, payload, len);
}

u16 synic_signal(struct vm *vm, u32 connection, u16 flag)
{
	const struct synic *synic = vm->synic;

	if (!synic->ops)
		return HV_STATUS_INVALID_CONNECTION_ID;
	return synic->ops->signal_event(synic->ctx, connection, flag);
}

static void raise_now(struct synic_vp *vp)
{
	const u64 one = 1;

	vp->lost = false;
	/* It cannot fail: the counter is read by KVM at once. */
	if (write(vp->irqfd, &one, sizeof(one)) < 0)
		perror("irqfd");
}

static void raise_interrupt(struct synic *synic, struct synic_vp *vp, enum disturb_kind kind)
{
	struct disturb_plan plan;
	struct itimerspec when = { 0 };

	if (!disturb_take(synic->vm, kind, &plan)) {
		raise_now(vp);
	} else if (plan.fail) {
		vp->lost = true;
	} else {
		when.it_value.tv_sec = plan.delay_us / 1000000;
		when.it_value.tv_nsec = plan.delay_us % 1000000 * 1000L + 1;
		timerfd_settime(vp->latefd, 0, &when, NULL);
	}
}

static struct message *slot_of(struct synic_vp *vp)
{
	return (struct message *)(vp->messages + ROUTED_SINT * SLOT_SIZE);
}

static bool slot_is_free(struct synic_vp *vp)
{
	return __atomic_load_n(&slot_of(vp)->type, __ATOMIC_SEQ_CST) == 0;
}

/* The type goes last: it is what the guest looks at. */
static void fill_slot(struct synic *synic, struct synic_vp *vp, const struct message *message,
		      bool more)
{
	struct message *slot = slot_of(vp);

	slot->size = message->size;
	slot->reserved = 0;
	slot->sender = message->sender;
	memcpy(slot->payload, message->payload, message->size);
	__atomic_store_n(&slot->flags, more ? PENDING : 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&slot->type, message->type, __ATOMIC_SEQ_CST);
	raise_interrupt(synic, vp, DISTURB_MESSAGE);
}

static void drop_queue(struct synic_vp *vp)
{
	while (vp->head) {
		struct queued *q = vp->head;

		vp->head = q->next;
		free(q);
	}
	vp->tail = &vp->head;
	vp->length = 0;
}

static void listen_for_end(struct synic *synic, struct synic_vp *vp, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0,
				     .data.u64 = WOKEN(WOKEN_BY_END, vp - synic->vps) };
	const struct itimerspec never = { 0 }, look = { { .tv_nsec = LOOK_NS }, { .tv_nsec = LOOK_NS } };
	u64 stale;

	if (vp->armed == on)
		return;
	vp->armed = on;
	if (synic->vm->split)
		timerfd_settime(vp->endfd, 0, on ? &look : &never, NULL);
	if (on && read(vp->endfd, &stale, sizeof(stale)) < 0 && errno != EAGAIN)
		perror("endfd");
	epoll_ctl(synic->epoll, EPOLL_CTL_MOD, vp->endfd, &event);
}

/* Deliver what can be. Called with the lock held, after every change that matters. */
static void pump(struct synic *synic, struct synic_vp *vp)
{
	while (vp->head) {
		struct queued *q = vp->head;

		if (!slot_is_free(vp)) {
			if (vp->lost)
				raise_interrupt(synic, vp, DISTURB_MESSAGE);
			listen_for_end(synic, vp, true);
			__atomic_fetch_or(&slot_of(vp)->flags, PENDING, __ATOMIC_SEQ_CST);
			/* The guest may have freed it before it could see the flag. */
			if (!slot_is_free(vp))
				return;
		}
		vp->head = q->next;
		if (!vp->head)
			vp->tail = &vp->head;
		vp->length--;
		fill_slot(synic, vp, &q->message, vp->head);
		free(q);
	}
	listen_for_end(synic, vp, false);
}

int synic_send(struct vm *vm, u32 vp_index, u32 sint, u32 type, const void *payload, u32 len)
{
	struct synic *synic = vm->synic;
	struct synic_vp *vp;
	struct queued *q;
	int ret = 0;

	if (vp_index >= vm->nr_cpus || sint != ROUTED_SINT || !type || len > SYNIC_PAYLOAD_MAX)
		return -EINVAL;
	vp = &synic->vps[vp_index];
	q = calloc(1, sizeof(*q));
	if (!q)
		return -ENOMEM;
	q->message.type = type;
	q->message.size = len;
	memcpy(q->message.payload, payload, len);

	pthread_mutex_lock(&vp->lock);
	if (!vp->messages) {
		ret = -ENOTCONN;
	} else if (vp->length >= QUEUE_MAX) {
		ret = -ENOBUFS;
	} else {
		*vp->tail = q;
		vp->tail = &q->next;
		vp->length++;
		q = NULL;
		pump(synic, vp);
	}
	pthread_mutex_unlock(&vp->lock);
	free(q);
	return ret;
}

int synic_set_flag(struct vm *vm, u32 vp_index, u32 sint, u32 flag)
{
	const u8 bit = 1u << flag % 8;
	struct synic_vp *vp;
	int ret = 0;

	if (vp_index >= vm->nr_cpus || sint != ROUTED_SINT || flag >= SYNIC_FLAGS)
		return -EINVAL;
	vp = &vm->synic->vps[vp_index];
	pthread_mutex_lock(&vp->lock);
	if (!vp->events) {
		ret = -ENOTCONN;
	} else {
		u8 *byte = vp->events + ROUTED_SINT * SLOT_SIZE + flag / 8;

		if (!(__atomic_fetch_or(byte, bit, __ATOMIC_SEQ_CST) & bit) || vp->lost)
			raise_interrupt(vm->synic, vp, DISTURB_EVENT);
	}
	pthread_mutex_unlock(&vp->lock);
	return ret;
}

void synic_set_pages(struct vm *vm, u32 vp_index, u64 control, u64 event_page, u64 message_page)
{
	struct synic *synic = vm->synic;
	struct synic_vp *vp = &synic->vps[vp_index];
	bool on = control & ENABLED;

	pthread_mutex_lock(&vp->lock);
	vp->events = on && (event_page & ENABLED) ?
		     vm_mem(vm, event_page & PAGE_MASK, ~PAGE_MASK + 1) : NULL;
	vp->messages = on && (message_page & ENABLED) ?
		       vm_mem(vm, message_page & PAGE_MASK, ~PAGE_MASK + 1) : NULL;
	/* A guest that disables the page takes no more messages: drop the queue. */
	if (!vp->messages)
		drop_queue(vp);
	pump(synic, vp);
	pthread_mutex_unlock(&vp->lock);
}

static void *synic_thread(void *arg)
{
	struct synic *synic = arg;

	pthread_setname_np(pthread_self(), "synic");
	for (;;) {
		struct epoll_event event;
		struct synic_vp *vp;
		u64 count;

		if (epoll_wait(synic->epoll, &event, 1, -1) < 1)
			continue;
		if (event.data.u64 >> 32 == WOKEN_TO_STOP)
			return NULL;
		vp = &synic->vps[(u32)event.data.u64];
		pthread_mutex_lock(&vp->lock);
		if (event.data.u64 >> 32 == WOKEN_LATE) {
			if (read(vp->latefd, &count, sizeof(count)) > 0)
				raise_now(vp);
		} else if (read(vp->endfd, &count, sizeof(count)) > 0) {
			pump(synic, vp);
		}
		pthread_mutex_unlock(&vp->lock);
	}
}

/* KVM forgets its default routes with ours: the serial ports' are among them. */
static int set_routes(struct vm *vm)
{
	struct kvm_irq_routing *routing;
	struct kvm_irq_routing_entry *entry;
	int ret;

	routing = calloc(1, sizeof(*routing) +
			    (LAYOUT_IOAPIC_PINS + VM_MAX_CPUS) * sizeof(*entry));
	if (!routing)
		return -ENOMEM;
	entry = routing->entries;
	for (u32 pin = 0; !vm->split && pin < LAYOUT_IOAPIC_PINS; pin++, entry++) {
		entry->gsi = pin;
		entry->type = KVM_IRQ_ROUTING_IRQCHIP;
		entry->u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		entry->u.irqchip.pin = pin;
	}
	for (u32 i = 0; i < vm->nr_cpus; i++, entry++) {
		entry->gsi = LAYOUT_SINT_GSI + i;
		entry->type = KVM_IRQ_ROUTING_HV_SINT;
		entry->u.hv_sint.vcpu = i;
		entry->u.hv_sint.sint = ROUTED_SINT;
	}
	routing->nr = entry - routing->entries;
	ret = kvm_ioctl(vm->fd, KVM_SET_GSI_ROUTING, routing);
	free(routing);
	return ret;
}

static int init_vp(struct synic *synic, u32 index)
{
	struct synic_vp *vp = &synic->vps[index];
	struct epoll_event event = { .data.u64 = WOKEN(WOKEN_BY_END, index) };
	struct epoll_event late = { .events = EPOLLIN, .data.u64 = WOKEN(WOKEN_LATE, index) };
	struct kvm_irqfd irqfd = { 0 };
	const bool split = synic->vm->split;

	vp->irqfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vp->endfd = split ? timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK) :
			    eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	vp->latefd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (vp->irqfd < 0 || vp->endfd < 0 || vp->latefd < 0)
		return -errno;
	if (epoll_ctl(synic->epoll, EPOLL_CTL_ADD, vp->endfd, &event) < 0 ||
	    epoll_ctl(synic->epoll, EPOLL_CTL_ADD, vp->latefd, &late) < 0)
		return -errno;
	irqfd.fd = vp->irqfd;
	irqfd.gsi = LAYOUT_SINT_GSI + index;
	if (!split) {
		irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
		irqfd.resamplefd = vp->endfd;
	}
	return kvm_ioctl(synic->vm->fd, KVM_IRQFD, &irqfd);
}

static int start_thread(struct synic *synic)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = WOKEN(WOKEN_TO_STOP, 0) };
	int ret;

	synic->stopfd = eventfd(0, EFD_CLOEXEC);
	if (synic->stopfd < 0 ||
	    epoll_ctl(synic->epoll, EPOLL_CTL_ADD, synic->stopfd, &event) < 0)
		return -errno;
	ret = pthread_create(&synic->thread, NULL, synic_thread, synic);
	synic->started = ret == 0;
	return -ret;
}

static int init(struct synic *synic, const char **step)
{
	int ret;

	*step = "epoll_create";
	synic->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (synic->epoll < 0)
		return -errno;
	*step = "KVM_SET_GSI_ROUTING";
	ret = set_routes(synic->vm);
	if (ret < 0)
		return ret;
	*step = "KVM_IRQFD";
	for (u32 i = 0; i < synic->vm->nr_cpus; i++) {
		ret = init_vp(synic, i);
		if (ret < 0)
			return ret;
	}
	*step = "starting its thread";
	return start_thread(synic);
}

struct synic *synic_new(struct vm *vm, char *err, size_t errlen)
{
	struct synic *synic = calloc(1, sizeof(*synic));
	const char *step;
	int ret;

	if (!synic) {
		snprintf(err, errlen, "out of memory");
		return NULL;
	}
	synic->vm = vm;
	synic->epoll = -1;
	synic->stopfd = -1;
	for (u32 i = 0; i < VM_MAX_CPUS; i++) {
		struct synic_vp *vp = &synic->vps[i];

		pthread_mutex_init(&vp->lock, NULL);
		vp->tail = &vp->head;
		vp->irqfd = -1;
		vp->endfd = -1;
		vp->latefd = -1;
	}
	ret = init(synic, &step);
	if (ret < 0) {
		snprintf(err, errlen, "SynIC: %s failed (%s)", step, strerror(-ret));
		synic_free(synic);
		return NULL;
	}
	return synic;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void synic_free(struct synic *synic)
{
	const u64 one = 1;

	if (!synic)
		return;
	if (synic->started && write(synic->stopfd, &one, sizeof(one)) > 0)
		pthread_join(synic->thread, NULL);
	for (u32 i = 0; i < VM_MAX_CPUS; i++) {
		struct synic_vp *vp = &synic->vps[i];

		drop_queue(vp);
		close_fd(vp->irqfd);
		close_fd(vp->endfd);
		close_fd(vp->latefd);
		pthread_mutex_destroy(&vp->lock);
	}
	close_fd(synic->stopfd);
	close_fd(synic->epoll);
	free(synic);
}
