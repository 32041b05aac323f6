/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aml.h - ACPI machine language, written term by term
 *
 * Each function appends one term of the grammar (ACPI specification, chapter
 * "ACPI Machine Language Specification"). Terms that contain others return a
 * mark, to be given to aml_close() after their contents. Running out of room is
 * remembered, so only the end must be checked.
 */
#ifndef HOST_AML_H
#define HOST_AML_H

#include <stdbool.h>
#include <stddef.h>

#include "util/types.h"

/**
 * struct aml - a buffer being filled
 * @buf: @size bytes, of which @len are written
 * @full: something did not fit: the result is useless
 */
struct aml {
	u8 *buf;
	size_t size;
	size_t len;
	bool full;
};

/* Raw little-endian bytes, for table headers and resources as well */
void aml_u8(struct aml *aml, u8 value);
void aml_u16(struct aml *aml, u16 value);
void aml_u32(struct aml *aml, u32 value);
void aml_u64(struct aml *aml, u64 value);
void aml_bytes(struct aml *aml, const void *data, size_t len);

/* Containers; @path has segments of one to four characters, at most a leading '\\' */
size_t aml_scope(struct aml *aml, const char *path);
size_t aml_device(struct aml *aml, const char *name);
size_t aml_package(struct aml *aml, u8 elements);
void aml_close(struct aml *aml, size_t mark);

/** aml_name() - Name (@name, ...): a value must follow */
void aml_name(struct aml *aml, const char *name);

/* Values */
void aml_integer(struct aml *aml, u32 value);
void aml_string(struct aml *aml, const char *text);
/** aml_eisa_id() - a seven-character id such as "PNP0501" */
void aml_eisa_id(struct aml *aml, const char *id);

/** AML_NO_IRQ - for aml_resources() */
#define AML_NO_IRQ	0xffffffffu

/**
 * aml_resources() - a resource template: an I/O range, and an edge-triggered,
 * active-high interrupt unless @gsi is AML_NO_IRQ
 */
void aml_resources(struct aml *aml, u16 port, u8 ports, u32 gsi);

#endif
