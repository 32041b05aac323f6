// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters, see params.h.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/moduleparam.h>

#include "params.h"
#include "xact.h"

static struct kvp_xact_params params = {
	.request_timeout = 30,
	.hold_timeout = 55,
	.max_framework = 3,
	.max_message = 5,
};

const struct kvp_xact_params *const kvp_params = &params;

/**
 * struct kvp_range - a parameter and its valid values
 * @value: the parameter
 * @min: lowest valid value
 * @max: highest valid value
 */
struct kvp_range {
	unsigned int *value;
	unsigned int min;
	unsigned int max;
};

static int set_range(const char *text, const struct kernel_param *param)
{
	const struct kvp_range *range = param->arg;
	unsigned int value;
	int err;

	err = kstrtouint(text, 0, &value);
	if (err)
		return err;
	if (value < range->min || value > range->max) {
		pr_warn("hv_kvp: %s=%u is not within %u to %u\n", param->name,
			value, range->min, range->max);
		return -EINVAL;
	}
	WRITE_ONCE(*range->value, value);
	return 0;
}

static int get_range(char *text, const struct kernel_param *param)
{
	const struct kvp_range *range = param->arg;

	return sprintf(text, "%u\n", READ_ONCE(*range->value));
}

static const struct kernel_param_ops range_ops = {
	.set = set_range,
	.get = get_range,
};

/* A request with no time at all would always fail. */
static const struct kvp_range request_timeout = {
	&params.request_timeout, 1, KVP_XACT_TIMEOUT_MAX
};
module_param_cb(request_timeout, &range_ops, (void *)&request_timeout, 0644);
MODULE_PARM_DESC(request_timeout,
		 "Seconds until the driver answers a request with E_FAIL: 1 to 86400 (30)");

static const struct kvp_range hold_timeout = {
	&params.hold_timeout, 0, KVP_XACT_TIMEOUT_MAX
};
module_param_cb(hold_timeout, &range_ops, (void *)&hold_timeout, 0644);
MODULE_PARM_DESC(hold_timeout,
		 "Seconds that the host's negotiation waits for a service: 0 to 86400 (55)");

static const struct kvp_range max_framework = { &params.max_framework, 1, 3 };
module_param_cb(max_framework, &range_ops, (void *)&max_framework, 0644);
MODULE_PARM_DESC(max_framework,
		 "Highest framework major version to negotiate: 1 to 3 (3)");

static const struct kvp_range max_message = { &params.max_message, 1, 5 };
module_param_cb(max_message, &range_ops, (void *)&max_message, 0644);
MODULE_PARM_DESC(max_message,
		 "Highest KVP major version to negotiate: 1 to 5 (5)");
