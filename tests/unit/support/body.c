// SPDX-License-Identifier: GPL-2.0-only
/*
 * KVP bodies as a host makes and reads them.
 */
#include <string.h>

#include "support/body.h"

void body_put32(uint8_t *p, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		p[i] = value >> 8 * i;
}

uint32_t body_get32(const uint8_t *p)
{
	return p[0] | p[1] << 8 | p[2] << 16 | (uint32_t)p[3] << 24;
}

void body_make(struct body *body, int operation, int pool)
{
	memset(body->bytes, 0, sizeof(body->bytes));
	body->bytes[0] = operation;
	body->bytes[1] = pool;
	body->len = operation < 4 ? BODY_EXCHANGE : BODY_IP;
}

void body_get(struct body *body, int pool, const char16_t *key, size_t key_size)
{
	body_make(body, 0, pool);
	body_put32(body->bytes + 8, key_size);
	memcpy(body->bytes + 16, key, key_size);
}

void body_set(struct body *body, int pool, const char16_t *key, size_t key_size,
	      const char16_t *value, size_t value_size)
{
	body_get(body, pool, key, key_size);
	body->bytes[0] = 1;
	body_put32(body->bytes + 4, 1);
	body_put32(body->bytes + 12, value_size);
	memcpy(body->bytes + 528, value, value_size);
}

void body_delete(struct body *body, int pool, const char16_t *key, size_t key_size)
{
	body_make(body, 2, pool);
	body_put32(body->bytes + 4, key_size);
	memcpy(body->bytes + 8, key, key_size);
}

void body_enumerate(struct body *body, int pool, uint32_t index)
{
	body_make(body, 3, pool);
	body_put32(body->bytes + 4, index);
}
