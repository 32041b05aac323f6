// SPDX-License-Identifier: GPL-2.0-only
/*
 * The power: cut, and on again.
 */
#include "machine/vm.h"
#include "vmbus/bus_priv.h"

void bus_power_off(struct vmbus *bus)
{
	struct device *dev;

	if (bus->off)
		return;
	bus->off = true;
	vm_power_off(bus->vm);
	for (dev = bus->devices; dev; dev = dev->next)
		if (dev->ops && dev->ops->power_off)
			dev->ops->power_off(dev);
	bus_event_add(bus, BUS_POWER_OFF, NULL, 0, NULL);
}

void vmbus_power_off(struct vmbus *bus, u32 after_us)
{
	pthread_mutex_lock(&bus->lock);
	if (after_us)
		bus_put_off(bus, 0, BUS_DO_POWER_OFF, after_us);
	else
		bus_power_off(bus);
	pthread_mutex_unlock(&bus->lock);
}

bool vmbus_is_off(struct vmbus *bus)
{
	bool off;

	pthread_mutex_lock(&bus->lock);
	off = bus->off;
	pthread_mutex_unlock(&bus->lock);
	return off;
}

bool vmbus_power_on(struct vmbus *bus, char *err, size_t errlen)
{
	bool good;

	vmbus_power_off(bus, 0);
	/* Without the lock, which a virtual CPU on its way out may wait for. */
	vm_join(bus->vm);
	pthread_mutex_lock(&bus->lock);
	bus_reset(bus);
	bus->ntimers = 0;
	bus->off = false;
	good = vm_power_on(bus->vm, err, errlen);
	pthread_mutex_unlock(&bus->lock);
	return good;
}
