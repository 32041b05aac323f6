// SPDX-License-Identifier: GPL-2.0-only
/*
 * aml.c - ACPI machine language, written term by term
 */
#include "machine/aml.h"

#include <string.h>

#define OP_ZERO			0x00
#define OP_ONE			0x01
#define OP_NAME			0x08
#define OP_BYTE			0x0a
#define OP_WORD			0x0b
#define OP_DWORD		0x0c
#define OP_STRING		0x0d
#define OP_SCOPE		0x10
#define OP_BUFFER		0x11
#define OP_PACKAGE		0x12
#define OP_EXTENDED		0x5b
#define OP_DEVICE		0x82	/* after OP_EXTENDED */

#define SEGMENT			4
/* A package length in its two-byte form, which reaches far enough for our tables. */
#define LENGTH_SIZE		2
#define LENGTH_MAX		0xfff
#define LENGTH_TWO_BYTES	0x40

#define RES_IO			0x47
#define RES_IO_DECODE16		0x01
#define RES_EXT_IRQ		0x89
#define RES_IRQ_CONSUMER	0x01
#define RES_IRQ_EDGE		0x02
#define RES_END			0x79

void aml_bytes(struct aml *aml, const void *data, size_t len)
{
	if (len > aml->size - aml->len) {
		aml->full = true;
		return;
	}
	memcpy(aml->buf + aml->len, data, len);
	aml->len += len;
}

void aml_u8(struct aml *aml, u8 value)
{
	aml_bytes(aml, &value, sizeof(value));
}

void aml_u16(struct aml *aml, u16 value)
{
	aml_bytes(aml, &value, sizeof(value));
}

void aml_u32(struct aml *aml, u32 value)
{
	aml_bytes(aml, &value, sizeof(value));
}

void aml_u64(struct aml *aml, u64 value)
{
	aml_bytes(aml, &value, sizeof(value));
}

static size_t open_length(struct aml *aml)
{
	size_t mark = aml->len;

	aml_u16(aml, 0);
	return mark;
}

void aml_close(struct aml *aml, size_t mark)
{
	size_t len = aml->len - mark;

	if (aml->full || len > LENGTH_MAX) {
		aml->full = true;
		return;
	}
	aml->buf[mark] = LENGTH_TWO_BYTES | (len & 0xf);
	aml->buf[mark + 1] = len >> 4;
}

static void path(struct aml *aml, const char *name)
{
	char segment[SEGMENT] = { '_', '_', '_', '_' };

	if (*name == '\\')
		aml_u8(aml, *name++);
	memcpy(segment, name, strnlen(name, SEGMENT));
	aml_bytes(aml, segment, SEGMENT);
}

size_t aml_scope(struct aml *aml, const char *name)
{
	size_t mark;

	aml_u8(aml, OP_SCOPE);
	mark = open_length(aml);
	path(aml, name);
	return mark;
}

size_t aml_device(struct aml *aml, const char *name)
{
	size_t mark;

	aml_u8(aml, OP_EXTENDED);
	aml_u8(aml, OP_DEVICE);
	mark = open_length(aml);
	path(aml, name);
	return mark;
}

size_t aml_package(struct aml *aml, u8 elements)
{
	size_t mark;

	aml_u8(aml, OP_PACKAGE);
	mark = open_length(aml);
	aml_u8(aml, elements);
	return mark;
}

void aml_name(struct aml *aml, const char *name)
{
	aml_u8(aml, OP_NAME);
	path(aml, name);
}

void aml_integer(struct aml *aml, u32 value)
{
	if (value <= 1) {
		aml_u8(aml, value ? OP_ONE : OP_ZERO);
	} else if (value <= 0xff) {
		aml_u8(aml, OP_BYTE);
		aml_u8(aml, value);
	} else if (value <= 0xffff) {
		aml_u8(aml, OP_WORD);
		aml_u16(aml, value);
	} else {
		aml_u8(aml, OP_DWORD);
		aml_u32(aml, value);
	}
}

void aml_string(struct aml *aml, const char *text)
{
	aml_u8(aml, OP_STRING);
	aml_bytes(aml, text, strlen(text) + 1);
}

static u32 hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* Three letters of five bits and four hexadecimal digits, most significant byte first. */
void aml_eisa_id(struct aml *aml, const char *id)
{
	u32 packed = 0;

	for (int i = 0; i < 3; i++)
		packed = packed << 5 | ((id[i] - '@') & 0x1f);
	for (int i = 3; i < 7; i++)
		packed = packed << 4 | hex_digit(id[i]);
	aml_u8(aml, OP_DWORD);
	aml_u32(aml, __builtin_bswap32(packed));
}

static void io_resource(struct aml *aml, u16 port, u8 ports)
{
	aml_u8(aml, RES_IO);
	aml_u8(aml, RES_IO_DECODE16);
	aml_u16(aml, port);	/* lowest base */
	aml_u16(aml, port);	/* highest base */
	aml_u8(aml, 1);		/* alignment */
	aml_u8(aml, ports);
}

static void irq_resource(struct aml *aml, u32 gsi)
{
	aml_u8(aml, RES_EXT_IRQ);
	aml_u16(aml, 6);	/* bytes that follow */
	aml_u8(aml, RES_IRQ_CONSUMER | RES_IRQ_EDGE);
	aml_u8(aml, 1);		/* one interrupt */
	aml_u32(aml, gsi);
}

void aml_resources(struct aml *aml, u16 port, u8 ports, u32 gsi)
{
	u8 buf[32];
	struct aml res = { .buf = buf, .size = sizeof(buf) };
	size_t mark;

	io_resource(&res, port, ports);
	if (gsi != AML_NO_IRQ)
		irq_resource(&res, gsi);
	aml_u8(&res, RES_END);
	aml_u8(&res, 0);	/* no checksum */

	aml_u8(aml, OP_BUFFER);
	mark = open_length(aml);
	aml_integer(aml, res.len);
	aml_bytes(aml, res.buf, res.len);
	aml_close(aml, mark);
}
