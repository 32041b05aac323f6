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
#include "hv_kvp.h"
#include "msg.h"
#include "sysfs.h"
#include "xact.h"

/**
 * struct kvp_file - a service's open file
 * @xact: the transaction; one reference is the file's
 * @lock: guards what follows; nobody waits for a request under it
 * @hello: the driver's hello, to be read before any request; hdr.len is 0 when
 *	there is none
 * @ready: the service's hello was accepted
 * @in: what is being written
 * @out: what is being read
 */
struct kvp_file {
	struct kvp_xact *xact;
	struct mutex lock; /* see above */
	struct hvkvp_hello hello;
	bool ready;
	u8 in[HVKVP_MAX_MESSAGE] __aligned(8);
	u8 out[HVKVP_MAX_MESSAGE] __aligned(8);
};

static bool readable(struct kvp_file *f)
{
	return READ_ONCE(f->hello.hdr.len) || kvp_xact_readable(f->xact);
}

static int cdev_open(struct inode *inode, struct file *file)
{
	/* misc_open() holds its lock, so kvp_cdev_remove() waits for us. */
	struct kvp_cdev *cdev = container_of(file->private_data,
					     struct kvp_cdev, misc);
	struct kvp_file *f;
	int err;

	if ((file->f_mode & (FMODE_READ | FMODE_WRITE)) !=
	    (FMODE_READ | FMODE_WRITE))
		return -EINVAL;

	f = kvzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;

	err = kvp_xact_own(cdev->xact);
	if (err)
		goto free_file;

	kvp_xact_get(cdev->xact);
	f->xact = cdev->xact;
	mutex_init(&f->lock);
	file->private_data = f;
	return stream_open(inode, file);

free_file:
	kvfree(f);
	return err;
}

static int cdev_release(struct inode *inode, struct file *file)
{
	struct kvp_file *f = file->private_data;

	kvp_xact_disown(f->xact);
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

/* Read the message that waits. Return: its bytes, an error, 0 if none waits. */
static ssize_t read_message(struct kvp_file *f, struct iov_iter *to)
{
	ssize_t n;

	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
	n = read_hello(f, to);
	if (!n)
		n = read_request(f, to);
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
		if (kvp_xact_is_gone(f->xact))
			return -ENODEV;
		n = read_message(f, to);
		if (n)
			return n;
		if (!wait)
			return -EAGAIN;
		if (wait_event_interruptible(f->xact->wait,
					     readable(f) ||
					     kvp_xact_is_gone(f->xact)))
			return -ERESTARTSYS;
	}
}

static int take_hello(struct kvp_file *f, const struct hvkvp_hello *theirs)
{
	u32 timeout_ms = kvp_xact_timeout(f->xact->params) * MSEC_PER_SEC;

	if (f->ready)
		return -EPROTO;

	f->ready = kvp_msg_make_hello(theirs, timeout_ms, &f->hello);
	if (f->ready)
		kvp_xact_attach(f->xact);
	wake_up_interruptible(&f->xact->wait);
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

	if (mutex_lock_interruptible(&f->lock))
		return -ERESTARTSYS;
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
	__poll_t events = EPOLLOUT | EPOLLWRNORM;

	poll_wait(file, &f->xact->wait, wait);
	if (kvp_xact_is_gone(f->xact))
		return EPOLLHUP | EPOLLERR;
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
	.llseek		= noop_llseek,
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
