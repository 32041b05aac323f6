/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the pcapng format (draft-ietf-opsawg-pcapng) that captures use
 */
#ifndef HVKVP_HVKVP_PCAPNG_H
#define HVKVP_HVKVP_PCAPNG_H

/* Types of blocks. */
#define PCAPNG_SECTION		0x0a0d0d0aU
#define PCAPNG_INTERFACE	1U
#define PCAPNG_PACKET		6U

#define PCAPNG_MAGIC		0x1a2b3c4dU
#define PCAPNG_MAJOR		1U

/* A block is a type, a length, contents, and the length again. Sizes are in bytes. */
#define PCAPNG_BLOCK_HEAD	8U
#define PCAPNG_BLOCK_MIN	12U
#define PCAPNG_SECTION_HEAD	16U	/* contents before the options */
#define PCAPNG_INTERFACE_HEAD	8U
#define PCAPNG_PACKET_HEAD	20U
#define PCAPNG_OPTION_HEAD	4U

/* Everything is padded to 4 bytes. */
#define PCAPNG_PADDED(len)	(((len) + 3) / 4 * 4)

/* Options. */
#define PCAPNG_OPT_END		0U
#define PCAPNG_OPT_APPLICATION	4U	/* of a section: what wrote it */
#define PCAPNG_OPT_NAME		2U	/* of an interface */
#define PCAPNG_OPT_RESOLUTION	9U	/* of an interface: decimal exponent of a tick */
#define PCAPNG_OPT_FLAGS	2U	/* of a packet */
#define PCAPNG_OPT_LOST		4U	/* of a packet */
#define PCAPNG_OPT_ID		5U	/* of a packet */

#define PCAPNG_DIRECTION	3U	/* bits of the flags */
#define PCAPNG_INBOUND		1U
#define PCAPNG_OUTBOUND		2U

#define PCAPNG_NANOSECONDS	9U

#endif /* HVKVP_HVKVP_PCAPNG_H */
