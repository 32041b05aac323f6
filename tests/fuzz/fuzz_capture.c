// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures: any file is read or refused, and each packet that is read can be described and written.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dir.h"
#include "hvkvp/capture.h"
#include "hvkvp/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void use(FILE *out, struct capture_packet *packet)
{
	json_t *words = packet_describe(packet->bytes, packet->len);

	MUST(words);
	json_decref(words);
	MUST(strlen(packet->channel->name) < sizeof(packet->channel->name));
	if (packet->full_len < packet->len)
		packet->full_len = packet->len;
	MUST(!capture_write(out, packet));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct capture_packet packet;
	struct capture_reader reader;
	FILE *file, *out;
	int ret;

	if (!len)
		return 0;
	file = fmemopen((void *)data, len, "r");
	out = fopen("/dev/null", "w");
	MUST(file && out);
	MUST(!capture_reader_init(&reader, file));
	while ((ret = capture_read(&reader, &packet)) > 0)
		use(out, &packet);
	MUST(!ret || (ret == -EBADMSG && reader.error[0]));
	capture_reader_exit(&reader);
	fclose(out);
	fclose(file);
	return 0;
}
