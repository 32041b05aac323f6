// SPDX-License-Identifier: GPL-2.0-only
/*
 * A text that grows.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/strbuf.h"

void strbuf_printf(struct strbuf *buffer, const char *format, ...)
{
	char *grown, *more;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&more, format, ap);
	va_end(ap);
	if (n < 0) {
		buffer->failed = 1;
		return;
	}
	grown = realloc(buffer->text, buffer->len + n + 1);
	if (grown) {
		memcpy(grown + buffer->len, more, n + 1);
		buffer->text = grown;
		buffer->len += n;
	} else {
		buffer->failed = 1;
	}
	free(more);
}

void strbuf_free(struct strbuf *buffer)
{
	free(buffer->text);
	memset(buffer, 0, sizeof(*buffer));
}
