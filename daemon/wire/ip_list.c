// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists of addresses in a UTF-16 field. Pure.
 */
#include <string.h>

#include "wire/ip_list.h"

static unsigned int unit_at(const uint8_t *at)
{
	return at[0] | at[1] << 8;
}

bool ip_list_open(struct ip_list *list, const uint8_t *field, size_t units)
{
	list->at = field;
	list->end = field;
	for (size_t i = 0; i < units; i++, list->end += 2)
		if (!unit_at(list->end))
			return true;
	return false;
}

int ip_list_next(struct ip_list *list, char element[IP_LIST_ELEMENT_SIZE])
{
	bool blank = false, skipped = false;
	size_t len = 0;

	if (list->at == list->end)
		return 0;
	for (; list->at < list->end; list->at += 2) {
		unsigned int unit = unit_at(list->at);

		if (unit == ';')
			break;
		/* Blanks around an element are not part of it. */
		if (unit == ' ') {
			skipped = true;
			blank |= len > 0;
			continue;
		}
		if (blank || unit < ' ' || unit > '~' || len == IP_LIST_ELEMENT_SIZE - 1)
			return -1;
		element[len++] = unit;
	}
	/* Blanks behind the last separator are no element; nothing between two is one. */
	if (!len)
		return skipped && list->at == list->end ? 0 : -1;
	element[len] = 0;
	if (list->at < list->end)
		list->at += 2;
	return 1;
}

bool ip_list_fits(const struct ip_list_out *list, const char *element)
{
	return list->used + (list->used != 0) + strlen(element) < list->units;
}

bool ip_list_add(struct ip_list_out *list, const char *element)
{
	if (!ip_list_fits(list, element))
		return false;
	if (list->used)
		list->field[2 * list->used++] = ';';
	while (*element)
		list->field[2 * list->used++] = *element++;
	return true;
}
