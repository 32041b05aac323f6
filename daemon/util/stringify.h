/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers of the code in its texts: a limit is stated once
 */
#ifndef HVKVP_UTIL_STRINGIFY_H
#define HVKVP_UTIL_STRINGIFY_H

#define STRINGIFY_EXPANDED(number) #number

/** STRINGIFY() - a constant as a string; it is a macro for a plain number, without a suffix. */
#define STRINGIFY(number) STRINGIFY_EXPANDED(number)

#endif /* HVKVP_UTIL_STRINGIFY_H */
