// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool file of a given size: kvp-fill FILE COUNT
 *
 * Keys key00000, key00001 and so on, as any program would write them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
	struct {
		char key[512];
		char value[2048];
	} record;
	int count = argc == 3 ? atoi(argv[2]) : 0;
	FILE *f = count > 0 ? fopen(argv[1], "w") : NULL;

	for (int i = 0; f && i < count; i++) {
		memset(&record, 0, sizeof(record));
		snprintf(record.key, sizeof(record.key), "key%05d", i);
		strcpy(record.value, "value");
		if (fwrite(&record, sizeof(record), 1, f) != 1)
			break;
	}
	if (!f || ferror(f) || fclose(f)) {
		perror("kvp-fill FILE COUNT");
		return 1;
	}
	return 0;
}
