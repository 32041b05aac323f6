// SPDX-License-Identifier: GPL-2.0-only
/*
 * Both programs in one file. It is hvkvpd where its name begins so, as hvkvpd.distrib does, and -hvkvpd of a
 * login shell; and hvkvp under any other name.
 */
#include <stddef.h>
#include <string.h>

#include "single/programs.h"

int main(int argc, char **argv)
{
	const char *path = argc > 0 ? argv[0] : "";
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (!strncmp(name + (name[0] == '-'), "hvkvpd", strlen("hvkvpd")))
		return hvkvpd_main(argc, argv);
	return hvkvp_main(argc, argv);
}
