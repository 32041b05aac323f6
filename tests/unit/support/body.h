/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * KVP bodies as a host makes and reads them, by offsets and not by the headers
 */
#ifndef UNIT_BODY_H
#define UNIT_BODY_H

#include <stddef.h>
#include <stdint.h>
#include <uchar.h>

#define BODY_EXCHANGE	2580
#define BODY_IP		7428

/**
 * struct body - a message body
 * @bytes: the body
 * @len: bytes used
 */
struct body {
	uint8_t bytes[8192];
	uint32_t len;
};

/* u"" literal and its size in bytes with the NUL. */
#define U(literal) (literal), sizeof(literal)

void body_put32(uint8_t *p, uint32_t value);
uint32_t body_get32(const uint8_t *p);

/* An empty body of an operation, of its usual size. */
void body_make(struct body *body, int operation, int pool);
void body_set(struct body *body, int pool, const char16_t *key, size_t key_size,
	      const char16_t *value, size_t value_size);
void body_get(struct body *body, int pool, const char16_t *key, size_t key_size);
void body_delete(struct body *body, int pool, const char16_t *key, size_t key_size);
void body_enumerate(struct body *body, int pool, uint32_t index);

#endif /* UNIT_BODY_H */
