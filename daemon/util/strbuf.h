/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A text that grows
 */
#ifndef HVKVP_UTIL_STRBUF_H
#define HVKVP_UTIL_STRBUF_H

#include <stddef.h>

/**
 * struct strbuf - a text that grows
 * @text: the text with a NUL; owned; NULL while it is empty
 * @len: bytes without the NUL
 * @failed: memory ran out
 */
struct strbuf {
	char *text;
	size_t len;
	int failed;
};

/** strbuf_printf() - append to a text, like printf(3). */
void strbuf_printf(struct strbuf *buffer, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** strbuf_free() - empty a text. */
void strbuf_free(struct strbuf *buffer);

#endif /* HVKVP_UTIL_STRBUF_H */
