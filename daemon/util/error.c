// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why something failed, as a sentence.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "util/error.h"

int error_set(struct error *error, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(error->text, sizeof(error->text), format, ap);
	va_end(ap);
	return err;
}

static const char *remedy(int err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
		return "; run as root, and look for the immutable attribute (lsattr)";
	case EROFS:
		return "; remount it for writing or choose another --state-dir";
	case ENOSPC:
	case EDQUOT:
		return "; free some space there";
	case EIO:
		return "; check the disk";
	case ENOENT:
		return "; create the directory or choose another --state-dir";
	case ENOTDIR:
		return "; choose another --state-dir";
	default:
		return "";
	}
}

int error_set_errno(struct error *error, const char *path, const char *what)
{
	int err = -errno;

	return error_set(error, err, "%s: cannot %s: %s%s", path, what, strerror(-err), remedy(err));
}
