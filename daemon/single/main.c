// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both programs in one file, which is hvkvpd if it is called so.
 */
#include <stddef.h>
#include <string.h>

#include "single/programs.h"

int main(int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : "";
	const char *slash = strrchr(path, '/');

	if (!strcmp(slash ? slash + 1 : path, "hvkvpd"))
		return hvkvpd_main(argc, argv);
	return hvkvp_main(argc, argv);
}
