// SPDX-License-Identifier: GPL-2.0-only
/*
 * rtc.c - the battery-backed clock (MC146818 register numbers)
 *
 * Linux polls "update in progress" until it clears: a port that reads 0xff costs
 * it 12 s of boot. Ours is never in an update.
 */
#include "machine/rtc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#define REG_CENTURY	0x32
#define STATUS_A	0x26	/* usual divider and rate, no update in progress */
#define STATUS_B	0x02	/* 24 hours, BCD */
#define STATUS_D	0x80	/* battery good */

/**
 * struct rtc - the clock
 * @index: register that the data port shows
 */
struct rtc {
	atomic_uchar index;
};

struct rtc *rtc_new(void)
{
	return calloc(1, sizeof(struct rtc));
}

void rtc_free(struct rtc *rtc)
{
	free(rtc);
}

void rtc_select(struct rtc *rtc, u8 value)
{
	rtc->index = value & 0x7f;	/* bit 7 is the NMI mask */
}

static u8 bcd(int n)
{
	return (n / 10 % 10) << 4 | n % 10;
}

u8 rtc_read(struct rtc *rtc)
{
	time_t now = time(NULL);
	u8 index = rtc->index;
	struct tm tm;

	gmtime_r(&now, &tm);
	switch (index) {
	case 0x00:
		return bcd(tm.tm_sec);
	case 0x02:
		return bcd(tm.tm_min);
	case 0x04:
		return bcd(tm.tm_hour);
	case 0x06:
		return bcd(tm.tm_wday + 1);
	case 0x07:
		return bcd(tm.tm_mday);
	case 0x08:
		return bcd(tm.tm_mon + 1);
	case 0x09:
		return bcd(tm.tm_year % 100);
	case REG_CENTURY:
		return bcd((tm.tm_year + 1900) / 100);
	case 0x0a:
		return STATUS_A;
	case 0x0b:
		return STATUS_B;
	case 0x0d:
		return STATUS_D;
	default:
		return 0;
	}
}
