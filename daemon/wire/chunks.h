/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Long values in pieces: the three conventions that are in use
 *
 *   ignition    KEY0, KEY1, ...: pieces of 990 bytes (libhvee, Ignition; their
 *               KEY ends in a dot)
 *   cloud-init  KEY|0, KEY|1, ...: up to what the host can read of a value
 *   azure       KEY, KEY, ...: records with the same key, 1022 bytes each, in
 *               the order of the file (azure-init)
 *
 * A piece never ends in the middle of a character. Pure: no allocation, no state.
 */
#ifndef HVKVP_WIRE_CHUNKS_H
#define HVKVP_WIRE_CHUNKS_H

#include <stddef.h>

/**
 * enum chunk_style - a convention
 */
enum chunk_style {
	CHUNK_IGNITION,
	CHUNK_CLOUD_INIT,
	CHUNK_AZURE,
	CHUNK_STYLES,
};

/**
 * chunk_style_parse() - a convention by its name
 * @name: as a person writes it
 *
 * Return: enum chunk_style, or -1.
 */
int chunk_style_parse(const char *name);

/**
 * chunk_style_name() - its name
 * @style: convention
 *
 * Return: text.
 */
const char *chunk_style_name(enum chunk_style style);

/**
 * chunk_key() - the key of a piece
 * @style: convention
 * @key: of the whole value
 * @index: of the piece, from 0
 * @out: gets the key
 * @size: bytes of @out
 *
 * Return: 0, or -EMSGSIZE if it does not fit.
 */
int chunk_key(enum chunk_style style, const char *key, unsigned int index, char *out, size_t size);

/**
 * chunk_length() - where the next piece ends
 * @style: convention
 * @text: UTF-8, what is left of the value
 *
 * Return: bytes of the piece; 0 at the end of @text.
 */
size_t chunk_length(enum chunk_style style, const char *text);

#endif /* HVKVP_WIRE_CHUNKS_H */
