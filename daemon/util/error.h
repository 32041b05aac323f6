/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why something failed, as a sentence
 *
 * A function that can fail returns -errno, and leaves in the object of its caller what is wrong,
 * where, and what to do about it.
 */
#ifndef HVKVP_UTIL_ERROR_H
#define HVKVP_UTIL_ERROR_H

/**
 * struct error - a reason
 * @text: the sentence; "" if there is none
 */
struct error {
	char text[512];
};

/**
 * error_set() - keep a reason
 * @error: gets it
 * @err: what to return
 * @format: printf(3) format
 *
 * Return: @err.
 */
__attribute__((format(printf, 3, 4)))
int error_set(struct error *error, int err, const char *format, ...);

/**
 * error_set_errno() - keep what errno means for a file, with the remedy
 * @error: gets it
 * @path: of the file
 * @what: that cannot be done, "read it"
 *
 * Return: -errno.
 */
int error_set_errno(struct error *error, const char *path, const char *what);

/**
 * error_clear() - there is no reason
 * @error: the object
 */
static inline void error_clear(struct error *error)
{
	error->text[0] = 0;
}

#endif /* HVKVP_UTIL_ERROR_H */
