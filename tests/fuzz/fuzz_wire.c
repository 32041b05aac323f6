// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wire codec: any bytes as a text or a value of any type and size. What it
 * accepts goes back as it came, but for what is behind the first NUL.
 */
#include <string.h>

#include "dir.h"
#include "util/utf.h"
#include "wire/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void round_trip(const uint8_t *in, uint32_t size, size_t room)
{
	char text[TEXT_VALUE_SIZE];
	uint8_t back[2048];
	ssize_t back_size, got = wire_get_text(in, size, room, text, sizeof(text));

	if (got < 0)
		return;
	MUST(strlen(text) == (size_t)got && size <= room);
	back_size = wire_put_text(text, back, sizeof(back));
	MUST(back_size == utf8_units(text, got) * 2 + 2);
	MUST(!memcmp(in, back, back_size - 2));
	if (!wire_text_oddity(in, size))
		MUST(back_size == (ssize_t)size && !memcmp(in, back, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t message[2048];
	char text[TEXT_VALUE_SIZE];
	uint32_t type, size;
	uint8_t back[2048];
	ssize_t got;

	if (len < 8)
		return 0;
	type = wire_get_le32(data);
	size = wire_get_le32(data + 4);
	data += 8;
	len -= 8;
	memset(message, 0, sizeof(message));
	memcpy(message, data, len < sizeof(message) ? len : sizeof(message));
	got = wire_get_value(type, message, size, sizeof(message), text, sizeof(text));
	if (got >= 0)
		MUST(utf8_units(text, got) >= 0);
	round_trip(message, size, sizeof(message));
	round_trip(message, size % 2050, sizeof(message));
	/* Any text for the wire. */
	memset(text, 0, sizeof(text));
	memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
	got = wire_put_text(text, back, sizeof(back));
	if (got >= 0)
		round_trip(back, got, sizeof(back));
	return 0;
}
