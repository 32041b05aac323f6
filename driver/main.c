// SPDX-License-Identifier: GPL-2.0-only
/*
 * hv_kvp: Hyper-V key-value pair exchange (Data Exchange)
 *
 * Binds the VMBus device of the KVP integration component. Opening and closing
 * happen here; packets go from chan.c to xact.c, and from there through cdev.c
 * to a service in user space.
 */
#include <linux/atomic.h>
#include <linux/hyperv.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "cdev.h"
#include "chan.h"
#include "compat.h"
#include "params.h"
#include "xact.h"

/* There is one node, so only one device can be bound; a host offers one. */
static atomic_t bound = ATOMIC_INIT(0);

/**
 * struct kvp - a bound device
 * @xact: the transaction; owns one reference
 * @chan: the channel
 * @cdev: the device node
 */
struct kvp {
	struct kvp_xact *xact;
	struct kvp_chan chan;
	struct kvp_cdev cdev;
};

static int kvp_probe(struct hv_device *hv,
		     const struct hv_vmbus_device_id *id)
{
	struct kvp *kvp;
	int err;

	if (atomic_xchg(&bound, 1)) {
		dev_err(&hv->device, "another KVP device is bound already\n");
		return -EBUSY;
	}

	kvp = kzalloc(sizeof(*kvp), GFP_KERNEL);
	if (!kvp) {
		err = -ENOMEM;
		goto unbind;
	}

	kvp->xact = kvp_xact_create(&kvp_chan_ops, &kvp->chan, kvp_params);
	if (!kvp->xact) {
		err = -ENOMEM;
		goto free_kvp;
	}

	kvp_chan_init(&kvp->chan, hv, kvp->xact);
	err = kvp_chan_open(&kvp->chan);
	if (err) {
		dev_err(&hv->device, "cannot open the channel: %d\n", err);
		goto put_xact;
	}

	/* After the channel: an open() must find it usable. */
	err = kvp_cdev_add(&kvp->cdev, kvp->xact, &hv->device);
	if (err) {
		dev_err(&hv->device, "cannot create /dev/%s: %d\n",
			HVKVP_DEVICE_NAME, err);
		goto close_chan;
	}

	hv_set_drvdata(hv, kvp);
	return 0;

close_chan:
	kvp_chan_close(&kvp->chan, true);
put_xact:
	kvp_xact_put(kvp->xact);
free_kvp:
	kfree(kvp);
unbind:
	atomic_set(&bound, 0);
	return err;
}

static void kvp_remove(struct hv_device *hv)
{
	struct kvp *kvp = hv_get_drvdata(hv);

	kvp_cdev_remove(&kvp->cdev);
	kvp_chan_close(&kvp->chan, true);
	kvp_xact_put(kvp->xact);
	kfree(kvp);
	atomic_set(&bound, 0);
}

static int __maybe_unused kvp_remove_int(struct hv_device *hv)
{
	kvp_remove(hv);
	return 0;
}

static int kvp_suspend(struct hv_device *hv)
{
	struct kvp *kvp = hv_get_drvdata(hv);

	kvp_chan_close(&kvp->chan, false);
	return 0;
}

static int kvp_resume(struct hv_device *hv)
{
	struct kvp *kvp = hv_get_drvdata(hv);

	/* A host that refuses now may not do so later: the device stays. */
	kvp_chan_resume(&kvp->chan);
	return 0;
}

static const struct hv_vmbus_device_id kvp_ids[] = {
	{ HV_KVP_GUID },
	{ }
};
MODULE_DEVICE_TABLE(vmbus, kvp_ids);

static struct hv_driver kvp_driver = {
	.name		= "hv_kvp",
	.id_table	= kvp_ids,
	.probe		= kvp_probe,
	.remove		= KVP_COMPAT_REMOVE(kvp_remove, kvp_remove_int),
	.suspend	= kvp_suspend,
	.resume		= kvp_resume,
};

static int __init kvp_init(void)
{
	return vmbus_driver_register(&kvp_driver);
}
module_init(kvp_init);

static void __exit kvp_exit(void)
{
	vmbus_driver_unregister(&kvp_driver);
}
module_exit(kvp_exit);

MODULE_DESCRIPTION("Hyper-V key-value pair exchange");
MODULE_VERSION("0.1.0");
MODULE_LICENSE("GPL");
