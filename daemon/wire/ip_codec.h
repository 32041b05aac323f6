/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of GET_IP and SET_IP <-> struct ip_config
 *
 * Text up to KVP 4.0, binary from 5.0. Pure: no bus, no allocation, no state.
 * Bodies are struct hvkvp_msg_ip_text and struct hvkvp_msg_ip_binary, read and
 * written byte by byte; they need not be aligned.
 *
 * Decoding is strict: lists have no empty element (but may end with one ';', and
 * have blanks around elements, as some tools write them), addresses and subnets are as many, counts are within
 * their arrays, masks have no holes, a text ends within its field.
 *
 * Encoding fills each list up to the last element that fits completely, and
 * leaves zeros everywhere else. Addresses and their subnets stay in step. The
 * operation, the pool and the adapter's id are the caller's.
 */
#ifndef HVKVP_WIRE_IP_CODEC_H
#define HVKVP_WIRE_IP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/ip_config.h"

/* The first KVP version whose IP bodies are binary. */
#define IP_WIRE_BINARY_MAJOR 5

/**
 * ip_codec_size() - least size of an IP body
 * @msg_major: agreed KVP version
 */
static inline size_t ip_codec_size(unsigned int msg_major)
{
	return msg_major >= IP_WIRE_BINARY_MAJOR ? HVKVP_IP_BINARY_USED : HVKVP_IP_SIZE;
}

/**
 * ip_codec_adapter() - which adapter a body is about
 * @body: at least ip_codec_size() bytes
 * @msg_major: agreed KVP version
 * @text: gets the id as UTF-8, IP_ADAPTER_SIZE bytes are enough
 *
 * Return: NULL, or what is wrong with it.
 */
const char *ip_codec_adapter(const uint8_t *body, unsigned int msg_major, char *text);

/**
 * ip_codec_families() - which addresses a body is about
 * @body: at least ip_codec_size() bytes
 * @msg_major: agreed KVP version
 *
 * Return: HVKVP_FAMILY_* mask, not checked.
 */
uint8_t ip_codec_families(const uint8_t *body, unsigned int msg_major);

/**
 * ip_codec_decode() - what a SET_IP asks for
 * @body: at least ip_codec_size() bytes
 * @msg_major: agreed KVP version
 * @config: filled in; undefined after a failure
 *
 * With DHCP the lists are not read: they mean nothing then.
 *
 * Return: NULL, or what is wrong, in words.
 */
const char *ip_codec_decode(const uint8_t *body, unsigned int msg_major,
			   struct ip_config *config);

/**
 * ip_codec_encode() - the answer to a GET_IP
 * @config: what to report
 * @msg_major: agreed KVP version
 * @asked: the request's body; its adapter id is returned
 * @body: gets the answer from byte 2 on, ip_codec_size() bytes; zero before
 *
 * Return: false if something had to be left off.
 */
bool ip_codec_encode(const struct ip_config *config, unsigned int msg_major,
		    const uint8_t *asked, uint8_t *body);

/* The two codecs by themselves; contracts as above. */
const char *ip_text_decode(const uint8_t *body, struct ip_config *config);
bool ip_text_encode(const struct ip_config *config, uint8_t *body);
const char *ip_binary_decode(const uint8_t *body, struct ip_config *config);
bool ip_binary_encode(const struct ip_config *config, uint8_t *body);

#endif /* HVKVP_WIRE_IP_CODEC_H */
