// SPDX-License-Identifier: GPL-2.0-only
/*
 * State and counters, see sysfs.h.
 */
#include <linux/device.h>
#include <linux/kernel.h>
#include <linux/stddef.h>

#include "cdev.h"
#include "sysfs.h"
#include "xact.h"

/* misc_deregister() waits for readers, so the transaction is there. */
static void snapshot(struct device *dev, struct kvp_snapshot *snap)
{
	struct kvp_cdev *cdev = container_of(dev_get_drvdata(dev),
					     struct kvp_cdev, misc);

	kvp_xact_snapshot(cdev->xact, snap);
}

static ssize_t state_show(struct device *dev, struct device_attribute *attr,
			  char *buf)
{
	static const char * const names[KVP_ST_COUNT] = {
		[KVP_ST_CLOSED] = "closed",
		[KVP_ST_IDLE] = "idle",
		[KVP_ST_HELD] = "held",
		[KVP_ST_QUEUED] = "queued",
		[KVP_ST_TAKEN] = "taken",
		[KVP_ST_SENDING] = "sending",
	};
	struct kvp_snapshot snap;

	snapshot(dev, &snap);
	return sysfs_emit(buf, "%s\n", names[snap.state]);
}
static DEVICE_ATTR_RO(state);

static ssize_t service_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct kvp_snapshot snap;

	snapshot(dev, &snap);
	return sysfs_emit(buf, "%s\n", snap.attached ? "ready" :
				       snap.owned ? "open" : "none");
}
static DEVICE_ATTR_RO(service);

static ssize_t show_version(char *buf, bool valid,
			    const struct kvp_ic_version *version)
{
	if (!valid)
		return sysfs_emit(buf, "none\n");
	return sysfs_emit(buf, "%u.%u\n", version->major, version->minor);
}

static ssize_t framework_version_show(struct device *dev,
				      struct device_attribute *attr, char *buf)
{
	struct kvp_snapshot snap;

	snapshot(dev, &snap);
	return show_version(buf, snap.agreed.valid, &snap.agreed.fw);
}
static DEVICE_ATTR_RO(framework_version);

static ssize_t message_version_show(struct device *dev,
				    struct device_attribute *attr, char *buf)
{
	struct kvp_snapshot snap;

	snapshot(dev, &snap);
	return show_version(buf, snap.agreed.valid, &snap.agreed.msg);
}
static DEVICE_ATTR_RO(message_version);

static struct attribute *state_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_service.attr,
	&dev_attr_framework_version.attr,
	&dev_attr_message_version.attr,
	NULL
};

static const struct attribute_group state_group = {
	.attrs = state_attrs,
};

static ssize_t counter_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	struct dev_ext_attribute *ext = container_of(attr,
						     struct dev_ext_attribute,
						     attr);
	struct kvp_snapshot snap;

	snapshot(dev, &snap);
	return sysfs_emit(buf, "%llu\n", snap.counters[(uintptr_t)ext->var]);
}

#define COUNTER(name, counter)						\
static struct dev_ext_attribute counter_##name = {			\
	.attr = __ATTR(name, 0444, counter_show, NULL),			\
	.var = (void *)(uintptr_t)(counter),				\
}

COUNTER(negotiations, KVP_CNT_NEGOTIATIONS);
COUNTER(requests, KVP_CNT_REQUESTS);
COUNTER(answered, KVP_CNT_ANSWERED);
COUNTER(expired, KVP_CNT_EXPIRED);
COUNTER(withdrawn, KVP_CNT_WITHDRAWN);
COUNTER(refused, KVP_CNT_REFUSED);
COUNTER(unsent, KVP_CNT_UNSENT);
COUNTER(tolerated, KVP_CNT_TOLERATED);
COUNTER(dropped, KVP_CNT_DROPPED);
COUNTER(late, KVP_CNT_LATE);
COUNTER(ring_full, KVP_CNT_RING_FULL);
COUNTER(resets, KVP_CNT_RESETS);

static struct attribute *counter_attrs[] = {
	&counter_negotiations.attr.attr,
	&counter_requests.attr.attr,
	&counter_answered.attr.attr,
	&counter_expired.attr.attr,
	&counter_withdrawn.attr.attr,
	&counter_refused.attr.attr,
	&counter_unsent.attr.attr,
	&counter_tolerated.attr.attr,
	&counter_dropped.attr.attr,
	&counter_late.attr.attr,
	&counter_ring_full.attr.attr,
	&counter_resets.attr.attr,
	NULL
};

static const struct attribute_group counter_group = {
	.name = "statistics",
	.attrs = counter_attrs,
};

const struct attribute_group *kvp_sysfs_groups[] = {
	&state_group,
	&counter_group,
	NULL
};
