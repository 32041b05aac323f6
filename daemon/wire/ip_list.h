/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists of addresses in a UTF-16 field: "192.0.2.1;2001:db8::1"
 *
 * Addresses are ASCII, so a list is read and written unit by unit, with no
 * conversion in between. Pure.
 */
#ifndef HVKVP_WIRE_IP_LIST_H
#define HVKVP_WIRE_IP_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest element of a list, an IPv6 address with an IPv4 tail, and its NUL. */
#define IP_LIST_ELEMENT_SIZE 48

/**
 * struct ip_list - a list that is being read
 * @at: next unit
 * @end: behind the last unit; the text's NUL is there
 */
struct ip_list {
	const uint8_t *at;
	const uint8_t *end;
};

/**
 * ip_list_open() - begin to read a field
 * @list: the object
 * @field: UTF-16LE, need not be aligned
 * @units: of the field
 *
 * Return: false if there is no NUL in the field.
 */
bool ip_list_open(struct ip_list *list, const uint8_t *field, size_t units);

/**
 * ip_list_next() - the next element
 * @list: the object
 * @element: gets it, ASCII with a NUL
 *
 * Blanks around an element are skipped.
 *
 * Return: 1; 0 at the end; -1 if the element is empty, longer than any address,
 * or not ASCII.
 */
int ip_list_next(struct ip_list *list, char element[IP_LIST_ELEMENT_SIZE]);

/**
 * struct ip_list_out - a list that is being written
 * @field: UTF-16LE, zero
 * @units: of the field
 * @used: units written
 */
struct ip_list_out {
	uint8_t *field;
	size_t units;
	size_t used;
};

/**
 * ip_list_fits() - is there room for an element?
 * @list: the object
 * @element: ASCII
 */
bool ip_list_fits(const struct ip_list_out *list, const char *element);

/**
 * ip_list_add() - append an element
 * @list: the object
 * @element: ASCII
 *
 * Return: false, and nothing is written, if it does not fit with a NUL.
 */
bool ip_list_add(struct ip_list_out *list, const char *element);

#endif /* HVKVP_WIRE_IP_LIST_H */
