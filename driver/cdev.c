// SPDX-License-Identifier: GPL-2.0-only
/*
 * The character device, see cdev.h.
 */
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "cdev.h"
#include "feed.h"
#include "hv_kvp.h"
#include "msg.h"
#include "sysfs.h"
#include "xact.h"

/**
 * struct kvp_file - an open file
 * @xact: the transaction; the file owns one reference
 * @feed: events of a monitor; NULL in a service's file
 * @lock: guards the members below; not held while waiting for a message
 * @hello: the driver's hello, read before any other message; hdr.len is 0 if
 *	there is none
 * @ready: the service's hello was accepted
 * @in: buffer of write()
 * @out: buffer of read()
 */
struct kvp_file {
	struct kvp_xact *xact;
	struct kvp_feed *feed;
	struct mutex lock; /* see above */
	struct hvkvp_hello hello;
	bool ready;
	u8 in[HVKVP_MAX_MESSAGE] __aligned(8);
	u8 out[HVKVP_MAX_MESSAGE] __aligned(8);
};

static bool readable(struct kvp_file *f)
{
	if (READ_ONCE(f->hello.hdr.len))
		return true;
	return f->feed ? !kvp_feed_is_empty(f->feed) :
			 kvp_xact_readable(f->xact);
}

static wait_queue_head_t *wait_queue(struct kvp_file *f)
{
	return f->feed ? &f->feed->wait : &f->xact->wait;
}

static void make_hello(struct kvp_file *f)
{
	kvp_msg_make_hello(kvp_xact_timeout(f->xact->params) * MSEC_PER_SEC,
			   &f->hello);
}

static int open_service(struct kvp_file *f)
{
	return kvp_xact_own(f->xact);
}

static int open_monitor(struct kvp_file *f)
{
	int err;

	f->feed = kvp_feed_create();
	if (!f->feed)
		return -ENOMEM;
	make_hello(f);
	err = kvp_xact_add_feed(f->xact, f->feed);
	if (err)
		kvp_feed_destroy(f->feed);
	return err;
}

static int cdev_open(struct inode *inode, struct file *file)
{
	/* Called under the lock of misc_open(): kvp_cdev_remove() waits. */
	struct kvp_cdev *cdev = container_of(file->private_data,
					     struct kvp_cdev, misc);
	struct kvp_file *f;
	int err;

	if (!(file->f_mode & FMODE_READ))
		return -EINVAL;

	f = kvzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;

	f->xact = cdev->xact;
	mutex_init(&f->lock);
	err = file->f_mode & FMODE_WRITE ? open_service(f) : open_monitor(f);
	if (err) {
		kvfree(f);
		return err;
	}

	kvp_xact_get(f->xact);
	file->private_data = f;
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

static int cdev_release(struct inode *inode, struct file *file)
{
	struct kvp_file *f = file->private_data;

	if (f->feed) {
		kvp_xact_remove_feed(f->xact, f->feed);
		kvp_feed_destroy(f->feed);
	} else {
		kvp_xact_disown(f->xact);
	}
	kvp_xact_put(f->xact);
	kvfree(f);
	return 0;
}

/* Copy a message out. Return: its bytes or an error. */
static ssize_t copy_out(const void *msg, u32 len, struct iov_iter *to)
{
	if (iov_iter_count(to) < len)
		return -EMSGSIZE;
	if (copy_to_iter(msg, len, to) != len)
		return -EFAULT;
	return len;
}

static ssize_t read_hello(struct kvp_file *f, struct iov_iter *to)
{
	ssize_t n;

	if (!f->hello.hdr.len)
		return 0;
	n = copy_out(&f->hello, sizeof(f->hello), to);
	if (n > 0)
		WRITE_ONCE(f->hello.hdr.len, 0);
	return n;
}

/* The request stays queued until all of it has reached the reader's memory. */
static ssize_t read_request(struct kvp_file *f, struct iov_iter *to)
{
	struct hvkvp_request *req = (void *)f->out;
	u32 len = kvp_xact_peek(f->xact, req);
	ssize_t n;

	if (!len)
		return 0;
	n = copy_out(req, len, to);
	if (n > 0)
		kvp_xact_take(f->xact, req->hdr.id);
	return n;
}

/* Likewise, an event stays queued. */
static ssize_t read_event(struct kvp_file *f, struct iov_iter *to)
{
	u32 len = kvp_feed_peek(f->feed, f->out);
	ssize_t n;

	if (!len)
		return 0;
	n = copy_out(f->out, len, to);
	if (n > 0)
		kvp_feed_drop(f->feed, f->out);
	return n;
}

/* Return: 0; -EAGAIN if RWF_NOWAIT forbids to wait, -ERESTARTSYS on a signal. */
static int lock_file(struct kvp_file *f, const struct kiocb *iocb)
{
	if (iocb->ki_flags & IOCB_NOWAIT)
		return mutex_trylock(&f->lock) ? 0 : -EAGAIN;
	return mutex_lock_interruptible(&f->lock) ? -ERESTARTSYS : 0;
}

/* Read one message. Return: its bytes, an error, 0 if none is queued. */
static ssize_t read_message(struct kvp_file *f, const struct kiocb *iocb,
			    struct iov_iter *to)
{
	ssize_t n = lock_file(f, iocb);

	if (n)
		return n;
	n = read_hello(f, to);
	if (!n)
		n = f->feed ? read_event(f, to) : read_request(f, to);
	mutex_unlock(&f->lock);
	return n;
}

static ssize_t cdev_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct kvp_file *f = iocb->ki_filp->private_data;
	bool wait = !(iocb->ki_filp->f_flags & O_NONBLOCK) &&
		    !(iocb->ki_flags & IOCB_NOWAIT);
	ssize_t n;

	for (;;) {
		n = read_message(f, iocb, to);
		if (n)
			return n;
		if (kvp_xact_is_gone(f->xact))
			return -ENODEV;
		if (!wait)
			return -EAGAIN;
		if (wait_event_interruptible(*wait_queue(f),
					     readable(f) ||
					     kvp_xact_is_gone(f->xact)))
			return -ERESTARTSYS;
	}
}

static int take_hello(struct kvp_file *f, const struct hvkvp_hello *theirs)
{
	if (f->ready)
		return -EPROTO;

	make_hello(f);
	f->ready = kvp_msg_is_compatible(theirs);
	if (f->ready)
		kvp_xact_attach(f->xact, theirs->minor);
	wake_up_interruptible_poll(&f->xact->wait, EPOLLIN | EPOLLRDNORM);
	return 0;
}

static int take_message(struct kvp_file *f, size_t len)
{
	int type = kvp_msg_check(f->in, len);

	if (type < 0)
		return type;
	if (type == HVKVP_HELLO)
		return take_hello(f, (void *)f->in);
	if (!f->ready)
		return -EPROTO;
	return kvp_xact_reply(f->xact, (void *)f->in);
}

static ssize_t cdev_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct kvp_file *f = iocb->ki_filp->private_data;
	size_t len = iov_iter_count(from);
	int err;

	if (kvp_xact_is_gone(f->xact))
		return -ENODEV;
	if (len > sizeof(f->in))
		return -EINVAL;

	err = lock_file(f, iocb);
	if (err)
		return err;
	if (copy_from_iter_full(f->in, len, from))
		err = take_message(f, len);
	else
		err = -EFAULT;
	mutex_unlock(&f->lock);
	return err ? err : len;
}

static __poll_t cdev_poll(struct file *file, poll_table *wait)
{
	struct kvp_file *f = file->private_data;
	__poll_t events = f->feed ? 0 : EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, wait_queue(f), wait);
	if (kvp_xact_is_gone(f->xact))
		events = EPOLLHUP | EPOLLERR;
	if (readable(f))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

static const struct file_operations cdev_fops = {
	.owner		= THIS_MODULE,
	.open		= cdev_open,
	.release	= cdev_release,
	.read_iter	= cdev_read_iter,
	.write_iter	= cdev_write_iter,
	.poll		= cdev_poll,
};

int kvp_cdev_add(struct kvp_cdev *cdev, struct kvp_xact *xact,
		 struct device *parent)
{
	cdev->xact = xact;
	cdev->misc = (struct miscdevice) {
		.minor	= MISC_DYNAMIC_MINOR,
		.name	= HVKVP_DEVICE_NAME,
		.fops	= &cdev_fops,
		.parent	= parent,
		.groups	= kvp_sysfs_groups,
		.mode	= 0600,
	};
	return misc_register(&cdev->misc);
}

void kvp_cdev_remove(struct kvp_cdev *cdev)
{
	misc_deregister(&cdev->misc);
}
