// SPDX-License-Identifier: GPL-2.0-only
/*
 * The transaction, see xact.h. fsm.c decides; this file carries it out.
 */
#include <linux/bits.h>
#include <linux/dev_printk.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "hv_kvp_msg.h"
#include "msg.h"
#include "trace.h"
#include "xact.h"

/* Retry interval of a full ring. */
#define RESEND_DELAY_MS		10

/* The minor of a service that knows HVKVP_AGAIN. */
#define AGAIN_SINCE		3

/* Packets per run; a host that floods the ring must not monopolize the CPU. */
#define PUMP_BUDGET		64

static void act(struct kvp_xact *x, enum kvp_event event);

static void timer_stop(struct kvp_xact *x)
{
	cancel_delayed_work(&x->timer);
}

static void timer_start(struct kvp_xact *x, unsigned long delay)
{
	timer_stop(x);
	schedule_delayed_work(&x->timer, delay);
}

/* Start the hold time, within which a service has to attach. */
static void hold_from_now(struct kvp_xact *x)
{
	x->hold_until_ns = ktime_get_ns() +
			   (u64)READ_ONCE(x->params->hold_timeout) *
			   NSEC_PER_SEC;
}

/* A repeated negotiation does not restart the hold time. */
static void hold(struct kvp_xact *x)
{
	u64 now = ktime_get_ns();

	timer_start(x, x->hold_until_ns > now ?
		       nsecs_to_jiffies(x->hold_until_ns - now) : 0);
}

/* Add an event to the feed of each monitor; @pkt may be NULL. */
static void notify(struct kvp_xact *x, u64 id, enum hvkvp_what what,
		   const struct kvp_packet *pkt)
{
	struct kvp_feed *feed;

	lockdep_assert_held(&x->lock);
	list_for_each_entry(feed, &x->feeds, link)
		kvp_feed_add(feed, id, what, pkt ? pkt->ic : NULL,
			     pkt ? pkt->len : 0);
}

/* A request can be read; before the hello of the service it cannot. */
static void wake_service(struct kvp_xact *x)
{
	if (x->attached)
		wake_up_interruptible_poll(&x->wait, EPOLLIN | EPOLLRDNORM);
}

/* Record the outcome of the request, for late replies. */
static void end_request(struct kvp_xact *x, int error)
{
	x->ended[x->ended_count++ % HVKVP_HISTORY] = (struct kvp_outcome) {
		.id = x->id,
		.error = error,
	};
}

/* The error for a reply to any request but the current one. */
static int late_error(const struct kvp_xact *x, u64 id)
{
	unsigned int i;

	for (i = 0; i < HVKVP_HISTORY; i++)
		if (id && x->ended[i].id == id)
			return x->ended[i].error;
	return -ENOENT;
}

static void close_now(struct kvp_xact *x)
{
	act(x, KVP_EV_CLOSE);
	notify(x, 0, HVKVP_CLOSED, NULL);
}

/* The ring is unusable: close the transaction until the channel opens again. */
static void reset(struct kvp_xact *x, const char *what, int err)
{
	dev_warn_ratelimited(x->dev, "%s: %d; the channel is opened again\n",
			     what, err);
	x->counters[KVP_CNT_RESETS]++;
	x->next.len = 0;
	close_now(x);
	x->ops->reset(x->channel);
}

static void send(struct kvp_xact *x)
{
	int err = x->ops->send(x->channel, &x->now);

	trace_hv_kvp_answer(x->id, x->now.ic, x->now.len,
			    ktime_get_ns() - x->begun_ns, err);
	if (err == -EAGAIN) {
		x->counters[KVP_CNT_RING_FULL]++;
		timer_start(x, msecs_to_jiffies(RESEND_DELAY_MS));
		return;
	}
	if (!err)
		notify(x, x->id, HVKVP_SENT, &x->now);
	x->counters[err ? KVP_CNT_UNSENT : x->answer]++;
	act(x, KVP_EV_SENT);
	if (err && err != -ENODEV)
		reset(x, "cannot write to the ring", err);
}

static void answer(struct kvp_xact *x, u32 status)
{
	x->now.len = kvp_ic_answer(x->now.ic, x->view.body_len, status);
	send(x);
}

static void agree(struct kvp_xact *x)
{
	x->now.len = kvp_ic_negotiate(x->now.ic,
				      READ_ONCE(x->params->max_framework),
				      READ_ONCE(x->params->max_message),
				      &x->agreed);
	if (x->agreed.valid)
		dev_info_ratelimited(x->dev, "negotiated framework %u.%u, KVP %u.%u\n",
				     x->agreed.fw.major, x->agreed.fw.minor,
				     x->agreed.msg.major, x->agreed.msg.minor);
	else
		dev_warn_ratelimited(x->dev, "the host offers no version that this driver supports\n");
	x->answer = KVP_CNT_NEGOTIATIONS;
	send(x);
}

static void deliver(struct kvp_xact *x)
{
	unsigned int seconds = kvp_xact_timeout(x->params);

	x->counters[KVP_CNT_REQUESTS]++;
	x->deadline_ns = x->begun_ns + (u64)seconds * NSEC_PER_SEC;
	timer_start(x, seconds * HZ);
	trace_hv_kvp_request(x->id, x->view.operation, x->view.pool,
			     x->view.body_len);
	wake_service(x);
}

static void fail(struct kvp_xact *x)
{
	dev_warn_ratelimited(x->dev, "request %llu (operation %u, pool %u) expired: %s\n",
			     x->id, x->view.operation, x->view.pool,
			     x->attached ? "no reply from the service" :
					   "no service is attached");
	end_request(x, -ETIMEDOUT);
	x->answer = KVP_CNT_EXPIRED;
	notify(x, x->id, HVKVP_EXPIRED, NULL);
	answer(x, HVKVP_E_FAIL);
}

static void perform(struct kvp_xact *x, enum kvp_action action)
{
	switch (action) {
	case KVP_ACT_REJECT:
	case KVP_ACT_NOTHING:
	case KVP_ACT_DEFER:
		break;
	case KVP_ACT_HOLD:
		hold(x);
		break;
	case KVP_ACT_AGREE:
		timer_stop(x);
		agree(x);
		break;
	case KVP_ACT_DELIVER:
		deliver(x);
		break;
	case KVP_ACT_REDELIVER:
		wake_service(x);
		break;
	case KVP_ACT_REFUSE:
		x->answer = KVP_CNT_REFUSED;
		answer(x, x->view.status);
		break;
	case KVP_ACT_ANSWER:
		timer_stop(x);
		end_request(x, -ENOENT);
		x->answer = KVP_CNT_ANSWERED;
		send(x);
		break;
	case KVP_ACT_FAIL:
		fail(x);
		break;
	case KVP_ACT_RESEND:
		send(x);
		break;
	case KVP_ACT_WITHDRAW:
		timer_stop(x);
		if (x->view.verdict == KVP_IC_REQUEST) {
			end_request(x, -ECANCELED);
			x->counters[KVP_CNT_WITHDRAWN]++;
		}
		notify(x, x->id, HVKVP_WITHDRAWN, NULL);
		break;
	case KVP_ACT_ABANDON:
		timer_stop(x);
		if (x->view.verdict == KVP_IC_REQUEST)
			x->counters[KVP_CNT_WITHDRAWN]++;
		notify(x, x->id, HVKVP_WITHDRAWN, NULL);
		break;
	case KVP_ACT_FINISH:
		timer_stop(x);
		break;
	}
}

static void act(struct kvp_xact *x, enum kvp_event event)
{
	struct kvp_step step = kvp_fsm_next(x->state, event);

	lockdep_assert_held(&x->lock);
	trace_hv_kvp_event(x->id, x->state, event, step.next, step.action);
	WRITE_ONCE(x->state, step.next);
	perform(x, step.action);
}

static void log_invalid(struct kvp_xact *x, const struct kvp_ic_view *view)
{
	if (view->field)
		dev_warn_ratelimited(x->dev, "packet from the host %s: invalid %s %#x\n",
				     view->verdict == KVP_IC_DROP ? "dropped" :
								    "refused",
				     view->field, view->value);
}

/* Each oddity is logged once: a host that has one has it in each packet. */
static void tolerate(struct kvp_xact *x, unsigned int oddities)
{
	unsigned int fresh = oddities & ~x->oddities, i;

	if (!oddities)
		return;
	x->counters[KVP_CNT_TOLERATED]++;
	x->oddities |= oddities;
	for (i = 0; i < KVP_IC_ODD_COUNT; i++)
		if (fresh & BIT(i))
			dev_info(x->dev, "packet from the host accepted in spite of: %s (logged once)\n",
				 kvp_ic_oddity_name(i));
}

/* Discard the packet in @next, which cannot be answered. */
static void drop(struct kvp_xact *x, const struct kvp_ic_view *view)
{
	trace_hv_kvp_packet(0, x->next.ic, x->next.len, view);
	notify(x, 0, HVKVP_RECEIVED, &x->next);
	x->next.len = 0;
	x->counters[KVP_CNT_DROPPED]++;
}

static const enum kvp_event events[] = {
	[KVP_IC_NEGOTIATE] = KVP_EV_NEGOTIATE,
	[KVP_IC_REQUEST] = KVP_EV_REQUEST,
	[KVP_IC_REFUSE] = KVP_EV_REFUSE,
};

static bool must_wait(const struct kvp_xact *x, enum kvp_ic_verdict verdict)
{
	return kvp_fsm_next(x->state, events[verdict]).action == KVP_ACT_DEFER;
}

/* Start the transaction of the packet in @next. */
static void begin(struct kvp_xact *x, const struct kvp_ic_view *view)
{
	swap(x->now, x->next);
	x->next.len = 0;
	x->view = *view;
	x->id++;
	x->repeated = false;
	x->begun_ns = ktime_get_ns();
	trace_hv_kvp_packet(x->id, x->now.ic, x->now.len, view);
	notify(x, x->id, HVKVP_RECEIVED, &x->now);
	tolerate(x, view->oddities);
	if (view->verdict == KVP_IC_REQUEST)
		kvp_ic_fill(x->now.ic, view);

	act(x, events[view->verdict]);
	if (view->verdict == KVP_IC_NEGOTIATE && x->attached)
		act(x, KVP_EV_ATTACH);
}

/* Process packets until the ring is empty or one has to wait. */
static void pump(struct kvp_xact *x)
{
	struct kvp_ic_view view;
	int budget = PUMP_BUDGET, err;

	lockdep_assert_held(&x->lock);
	while (x->state != KVP_ST_CLOSED) {
		if (!budget--) {
			schedule_work(&x->again);
			return;
		}
		err = x->next.len ? 0 : x->ops->recv(x->channel, &x->next);
		if (err)
			reset(x, "cannot read the ring", err);
		if (!x->next.len)
			return;

		kvp_ic_parse(x->next.ic, x->next.len, &x->agreed, &view);
		/* A negotiation withdraws the packet before it. */
		if (view.verdict == KVP_IC_NEGOTIATE)
			act(x, KVP_EV_CANCEL);
		if (view.verdict != KVP_IC_DROP && must_wait(x, view.verdict))
			return;

		log_invalid(x, &view);
		if (view.verdict == KVP_IC_DROP)
			drop(x, &view);
		else
			begin(x, &view);
	}
}

static void timed_out(struct work_struct *work)
{
	struct kvp_xact *x = container_of(to_delayed_work(work),
					  struct kvp_xact, timer);

	spin_lock_bh(&x->lock);
	/* The timer may have been restarted after this run began. */
	if (!delayed_work_pending(&x->timer)) {
		act(x, KVP_EV_TIMEOUT);
		pump(x);
	}
	spin_unlock_bh(&x->lock);
}

static void pump_again(struct work_struct *work)
{
	kvp_xact_pump(container_of(work, struct kvp_xact, again));
}

struct kvp_xact *kvp_xact_create(const struct kvp_xact_ops *ops, void *channel,
				 const struct kvp_xact_params *params)
{
	struct kvp_xact *x = kzalloc(sizeof(*x), GFP_KERNEL);

	if (!x)
		return NULL;
	x->now.ic = kvmalloc(KVP_XACT_PACKET_SIZE, GFP_KERNEL);
	x->next.ic = kvmalloc(KVP_XACT_PACKET_SIZE, GFP_KERNEL);
	if (!x->now.ic || !x->next.ic)
		goto free_packets;

	kref_init(&x->ref);
	spin_lock_init(&x->lock);
	init_waitqueue_head(&x->wait);
	INIT_LIST_HEAD(&x->feeds);
	INIT_DELAYED_WORK(&x->timer, timed_out);
	INIT_WORK(&x->again, pump_again);
	x->ops = ops;
	x->channel = channel;
	x->params = params;
	x->state = KVP_ST_CLOSED;
	/* Starting at the time keeps ids unique across a rescind. */
	x->id = ktime_get_ns();
	return x;

free_packets:
	kvfree(x->next.ic);
	kvfree(x->now.ic);
	kfree(x);
	return NULL;
}

static void destroy(struct kref *ref)
{
	struct kvp_xact *x = container_of(ref, struct kvp_xact, ref);

	kvfree(x->next.ic);
	kvfree(x->now.ic);
	kfree(x);
}

void kvp_xact_get(struct kvp_xact *x)
{
	kref_get(&x->ref);
}

void kvp_xact_put(struct kvp_xact *x)
{
	kref_put(&x->ref, destroy);
}

void kvp_xact_open(struct kvp_xact *x, struct device *dev)
{
	spin_lock_bh(&x->lock);
	x->dev = dev;
	x->next.len = 0;
	memset(&x->agreed, 0, sizeof(x->agreed));
	hold_from_now(x);
	act(x, KVP_EV_OPEN);
	notify(x, 0, HVKVP_OPENED, NULL);
	pump(x);
	spin_unlock_bh(&x->lock);
}

void kvp_xact_close(struct kvp_xact *x, bool gone)
{
	struct kvp_feed *feed;

	spin_lock_bh(&x->lock);
	if (x->state != KVP_ST_CLOSED)
		close_now(x);
	if (gone) {
		WRITE_ONCE(x->gone, true);
		wake_up_interruptible(&x->wait);
		list_for_each_entry(feed, &x->feeds, link)
			wake_up_interruptible(&feed->wait);
	}
	spin_unlock_bh(&x->lock);

	/* KVP_ST_CLOSED starts neither. */
	cancel_delayed_work_sync(&x->timer);
	cancel_work_sync(&x->again);
}

void kvp_xact_pump(struct kvp_xact *x)
{
	spin_lock_bh(&x->lock);
	pump(x);
	spin_unlock_bh(&x->lock);
}

int kvp_xact_own(struct kvp_xact *x)
{
	int err = 0;

	spin_lock_bh(&x->lock);
	if (x->gone)
		err = -ENODEV;
	else if (x->owned)
		err = -EBUSY;
	else
		x->owned = true;
	spin_unlock_bh(&x->lock);
	return err;
}

void kvp_xact_attach(struct kvp_xact *x, u16 minor)
{
	spin_lock_bh(&x->lock);
	WRITE_ONCE(x->attached, true);
	x->minor = minor;
	notify(x, 0, HVKVP_ATTACHED, NULL);
	act(x, KVP_EV_ATTACH);
	pump(x);
	spin_unlock_bh(&x->lock);
}

void kvp_xact_disown(struct kvp_xact *x)
{
	spin_lock_bh(&x->lock);
	if (x->attached)
		notify(x, 0, HVKVP_DETACHED, NULL);
	x->owned = false;
	WRITE_ONCE(x->attached, false);
	hold_from_now(x);
	if (x->state == KVP_ST_TAKEN)
		x->repeated = true;
	act(x, KVP_EV_DETACH);
	spin_unlock_bh(&x->lock);
}

int kvp_xact_add_feed(struct kvp_xact *x, struct kvp_feed *feed)
{
	int err = 0;

	spin_lock_bh(&x->lock);
	if (x->gone) {
		err = -ENODEV;
	} else if (x->feed_count == HVKVP_MONITORS) {
		err = -EUSERS;
	} else {
		list_add_tail(&feed->link, &x->feeds);
		x->feed_count++;
	}
	spin_unlock_bh(&x->lock);
	return err;
}

void kvp_xact_remove_feed(struct kvp_xact *x, struct kvp_feed *feed)
{
	spin_lock_bh(&x->lock);
	list_del(&feed->link);
	x->feed_count--;
	spin_unlock_bh(&x->lock);
}

u32 kvp_xact_peek(struct kvp_xact *x, struct hvkvp_request *req)
{
	u16 flags = 0;
	u32 len = 0;

	spin_lock_bh(&x->lock);
	if (x->repeated && x->minor >= AGAIN_SINCE)
		flags = HVKVP_AGAIN;
	if (x->attached && x->state == KVP_ST_QUEUED)
		len = kvp_msg_make_request(x->id, flags, x->deadline_ns,
					   &x->agreed, x->now.ic->body,
					   x->view.body_len, req);
	spin_unlock_bh(&x->lock);
	return len;
}

void kvp_xact_take(struct kvp_xact *x, u64 id)
{
	spin_lock_bh(&x->lock);
	if (x->id == id && x->state == KVP_ST_QUEUED) {
		act(x, KVP_EV_TAKE);
		notify(x, id, HVKVP_TAKEN, NULL);
	}
	spin_unlock_bh(&x->lock);
}

/* Check a reply against the current request. Return: 0 or its error. */
static int check_reply(const struct kvp_xact *x,
		       const struct hvkvp_reply *reply)
{
	if (x->gone)
		return -ENODEV;
	if (x->state != KVP_ST_TAKEN || reply->hdr.id != x->id)
		return late_error(x, reply->hdr.id);
	if (reply->body_len && reply->body_len != x->view.body_len)
		return -EMSGSIZE;
	if (!reply->body_len && reply->status == HVKVP_S_OK &&
	    kvp_ic_returns_data(x->view.operation))
		return -ENODATA;
	return 0;
}

int kvp_xact_reply(struct kvp_xact *x, const struct hvkvp_reply *reply)
{
	int err;

	spin_lock_bh(&x->lock);
	err = check_reply(x, reply);
	if (!err) {
		memcpy(x->now.ic->body, reply->body, reply->body_len);
		x->now.len = kvp_ic_answer(x->now.ic, x->view.body_len,
					   reply->status);
		act(x, KVP_EV_REPLY);
		pump(x);
	} else if (err == -ETIMEDOUT || err == -ECANCELED) {
		x->counters[KVP_CNT_LATE]++;
	}
	trace_hv_kvp_reply(reply->hdr.id, reply->status, reply->body_len, err);
	spin_unlock_bh(&x->lock);
	return err;
}

bool kvp_xact_readable(const struct kvp_xact *x)
{
	return READ_ONCE(x->attached) && READ_ONCE(x->state) == KVP_ST_QUEUED;
}

bool kvp_xact_is_gone(const struct kvp_xact *x)
{
	return READ_ONCE(x->gone);
}

void kvp_xact_snapshot(struct kvp_xact *x, struct kvp_snapshot *snap)
{
	spin_lock_bh(&x->lock);
	snap->state = x->state;
	snap->owned = x->owned;
	snap->attached = x->attached;
	snap->agreed = x->agreed;
	memcpy(snap->counters, x->counters, sizeof(snap->counters));
	spin_unlock_bh(&x->lock);
}
