/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rtc.h - the battery-backed clock: read-only time of day, in UTC
 */
#ifndef HOST_RTC_H
#define HOST_RTC_H

#include "util/types.h"

struct rtc;

/** rtc_new() - make a clock. Return: it, or NULL when out of memory. */
struct rtc *rtc_new(void);
void rtc_free(struct rtc *rtc);

/** rtc_select() - the guest writes the index port */
void rtc_select(struct rtc *rtc, u8 value);

/** rtc_read() - the guest reads the data port; what it writes there is ignored */
u8 rtc_read(struct rtc *rtc);

#endif
