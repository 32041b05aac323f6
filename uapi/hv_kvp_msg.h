/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * KVP messages as the Hyper-V host defines them
 *
 * A packet of the channel's rings (struct hvkvp_packet) is a pipe header, an IC
 * header and a body. The body of a KVP message, from the KVP header on, also
 * travels in struct hvkvp_request and struct hvkvp_reply (hv_kvp.h). Everything
 * is little-endian.
 *
 * In messages strings are UTF-16, terminated by a NUL; their sizes are in bytes and include
 * it. The same buffer carries the request and its answer: the guest fills in
 * what was asked for.
 *
 * SET, DELETE and ENUMERATE are alike in every KVP message version. IP
 * operations carry text up to version 4.0 and binary addresses from 5.0.
 */
#ifndef _UAPI_HV_KVP_MSG_H
#define _UAPI_HV_KVP_MSG_H

#include <linux/types.h>

/* A packet: a pipe header and an integration-component (IC) header, in bytes. */
#define HVKVP_PIPE_HDR_SIZE	8U
#define HVKVP_IC_HDR_SIZE	20U
#define HVKVP_PACKET_OVERHEAD	(HVKVP_PIPE_HDR_SIZE + HVKVP_IC_HDR_SIZE)

#define HVKVP_PIPE_DATA		1

#define HVKVP_IC_FLAG_TRANSACTION 0x01
#define HVKVP_IC_FLAG_REQUEST	0x02
#define HVKVP_IC_FLAG_RESPONSE	0x04

/**
 * enum hvkvp_ic_type - what the body of a packet is
 * @HVKVP_IC_TYPE_NEGOTIATE: versions that the host offers, or the guest took
 * @HVKVP_IC_TYPE_KVP: a KVP message
 */
enum hvkvp_ic_type {
	HVKVP_IC_TYPE_NEGOTIATE	= 0,
	HVKVP_IC_TYPE_KVP	= 2,
};

/**
 * struct hvkvp_packet - a packet as it travels in the ring, behind the packet
 *	descriptor
 * @pipe_type: HVKVP_PIPE_DATA
 * @pipe_len: bytes behind the pipe header
 * @fw_major: framework version; 0.0 in a negotiation
 * @fw_minor: likewise
 * @type: enum hvkvp_ic_type
 * @msg_major: message version; 0.0 in a negotiation
 * @msg_minor: likewise
 * @body_len: bytes of @body
 * @status: HRESULT of an answer
 * @transaction: chosen by the host; the answer has the same
 * @flags: HVKVP_IC_FLAG_*
 * @reserved: zero
 * @body: as @type says
 */
struct hvkvp_packet {
	__le32 pipe_type;
	__le32 pipe_len;
	__le16 fw_major;
	__le16 fw_minor;
	__le16 type;
	__le16 msg_major;
	__le16 msg_minor;
	__le16 body_len;
	__le32 status;
	__u8 transaction;
	__u8 flags;
	__u8 reserved[2];
	__u8 body[];
};

/**
 * struct hvkvp_negotiation - the body of a negotiation
 * @fw_count: framework versions; they come first
 * @msg_count: message versions; an answer has one of each, or none at all
 * @reserved: zero
 * @version: all of them
 * @version.major: of major.minor
 * @version.minor: likewise
 */
struct hvkvp_negotiation {
	__le16 fw_count;
	__le16 msg_count;
	__le32 reserved;
	struct {
		__le16 major;
		__le16 minor;
	} version[];
};

/* Room for a key and for a value on the wire, in bytes, NUL included. */
#define HVKVP_KEY_SIZE		512
#define HVKVP_VALUE_SIZE	2048

/* Room in an IP message: elements of the text form are UTF-16 units. */
#define HVKVP_ADAPTER_ID_UNITS	128
#define HVKVP_IP_TEXT_UNITS	1024
#define HVKVP_GATEWAY_TEXT_UNITS 512
#define HVKVP_ADDR_MAX		64
#define HVKVP_GATEWAY_MAX	5

/* The header of a KVP message, and the sizes of its bodies (header included). */
#define HVKVP_MSG_HDR_SIZE	2
#define HVKVP_EXCHANGE_SIZE	2580
#define HVKVP_IP_SIZE		7428
#define HVKVP_IP_BINARY_USED	3716

/**
 * enum hvkvp_operation - what the host wants
 * @HVKVP_OP_GET: the value of a key
 * @HVKVP_OP_SET: create or change a pair
 * @HVKVP_OP_DELETE: remove a pair
 * @HVKVP_OP_ENUMERATE: the pair at an index
 * @HVKVP_OP_GET_IP: the addresses of an adapter
 * @HVKVP_OP_SET_IP: give an adapter addresses
 */
enum hvkvp_operation {
	HVKVP_OP_GET		= 0,
	HVKVP_OP_SET		= 1,
	HVKVP_OP_DELETE		= 2,
	HVKVP_OP_ENUMERATE	= 3,
	HVKVP_OP_GET_IP		= 4,
	HVKVP_OP_SET_IP		= 5,
};

#define HVKVP_OP_COUNT		6

/**
 * enum hvkvp_pool - who owns a set of pairs
 * @HVKVP_POOL_EXTERNAL: written by the host's administrator
 * @HVKVP_POOL_GUEST: written in the guest, read by the host
 * @HVKVP_POOL_AUTO: facts about the guest, made up by the service
 * @HVKVP_POOL_PARAMETER: facts about the host, written by it at each boot
 *	("Guest\Parameter", auto external)
 * @HVKVP_POOL_INTERNAL: a file in the guest; never on the wire
 */
enum hvkvp_pool {
	HVKVP_POOL_EXTERNAL	= 0,
	HVKVP_POOL_GUEST	= 1,
	HVKVP_POOL_AUTO		= 2,
	HVKVP_POOL_PARAMETER	= 3,
	HVKVP_POOL_INTERNAL	= 4,
};

#define HVKVP_POOL_WIRE_COUNT	4
#define HVKVP_POOL_COUNT	5

/**
 * enum hvkvp_value_type - what a value is (the numbers of the Windows registry)
 * @HVKVP_REG_SZ: a string
 * @HVKVP_REG_EXPAND_SZ: a string with environment variables in it
 * @HVKVP_REG_DWORD: four bytes
 * @HVKVP_REG_QWORD_LINUX: eight bytes, by the number that Linux has always had
 *	for it; no host sends it
 * @HVKVP_REG_QWORD: eight bytes
 */
enum hvkvp_value_type {
	HVKVP_REG_SZ		= 1,
	HVKVP_REG_EXPAND_SZ	= 2,
	HVKVP_REG_DWORD		= 4,
	HVKVP_REG_QWORD_LINUX	= 8,
	HVKVP_REG_QWORD		= 11,
};

/* Address families of an IP message, a mask. */
#define HVKVP_FAMILY_NONE	0x00
#define HVKVP_FAMILY_V4		0x01
#define HVKVP_FAMILY_V6		0x02

/* Origins of an address in the binary form. */
#define HVKVP_ORIGIN_UNKNOWN	0
#define HVKVP_ORIGIN_OTHER	1
#define HVKVP_ORIGIN_STATIC	2

/* Answers: HRESULTs that a KVP host knows. */
#define HVKVP_S_OK		0x00000000U
#define HVKVP_E_FAIL		0x80004005U
#define HVKVP_E_INVALIDARG	0x80070057U
#define HVKVP_E_NOT_SUPPORTED	0x80070032U
#define HVKVP_E_GUID_NOTFOUND	0x80041002U
#define HVKVP_NO_MORE_ITEMS	0x80070103U

/**
 * struct hvkvp_exchange_value - a value by its key
 * @type: enum hvkvp_value_type
 * @key_size: bytes of @key
 * @value_size: bytes of @value
 * @key: UTF-16LE
 * @value: as @type says
 */
struct hvkvp_exchange_value {
	__le32 type;
	__le32 key_size;
	__le32 value_size;
	__u8 key[HVKVP_KEY_SIZE];
	__u8 value[HVKVP_VALUE_SIZE];
};

/**
 * struct hvkvp_msg_exchange - GET and SET
 * @operation: HVKVP_OP_GET or HVKVP_OP_SET
 * @pool: enum hvkvp_pool
 * @pad: zero
 * @data: the pair; in a GET the host fills in the key, the guest the rest
 * @tail: unused, up to HVKVP_EXCHANGE_SIZE
 */
struct hvkvp_msg_exchange {
	__u8 operation;
	__u8 pool;
	__u16 pad;
	struct hvkvp_exchange_value data;
	__u8 tail[4];
};

/**
 * struct hvkvp_msg_delete - DELETE
 * @operation: HVKVP_OP_DELETE
 * @pool: enum hvkvp_pool
 * @pad: zero
 * @key_size: bytes of @key
 * @key: UTF-16LE
 * @tail: unused, up to HVKVP_EXCHANGE_SIZE
 */
struct hvkvp_msg_delete {
	__u8 operation;
	__u8 pool;
	__u16 pad;
	__le32 key_size;
	__u8 key[HVKVP_KEY_SIZE];
	__u8 tail[2060];
};

/**
 * struct hvkvp_msg_enumerate - ENUMERATE
 * @operation: HVKVP_OP_ENUMERATE
 * @pool: enum hvkvp_pool
 * @pad: zero
 * @index: of the pair, from 0; the host counts up until it gets an error
 * @data: filled in by the guest
 */
struct hvkvp_msg_enumerate {
	__u8 operation;
	__u8 pool;
	__u16 pad;
	__le32 index;
	struct hvkvp_exchange_value data;
};

/**
 * struct hvkvp_msg_ip_text - GET_IP and SET_IP up to KVP 4.0
 * @operation: HVKVP_OP_GET_IP or HVKVP_OP_SET_IP
 * @pool: HVKVP_POOL_GUEST
 * @adapter_id: MAC address (GET_IP) or device instance GUID (SET_IP)
 * @family: HVKVP_FAMILY_*
 * @dhcp: not 0 if the addresses come, or are to come, by DHCP
 * @addresses: joined by ';'
 * @subnets: likewise: dotted masks, or IPv6 prefix lengths
 * @gateways: likewise
 * @dns: likewise
 *
 * Packed: the UTF-16 text starts right behind the two bytes of the header.
 */
struct hvkvp_msg_ip_text {
	__u8 operation;
	__u8 pool;
	__le16 adapter_id[HVKVP_ADAPTER_ID_UNITS];
	__u8 family;
	__u8 dhcp;
	__le16 addresses[HVKVP_IP_TEXT_UNITS];
	__le16 subnets[HVKVP_IP_TEXT_UNITS];
	__le16 gateways[HVKVP_GATEWAY_TEXT_UNITS];
	__le16 dns[HVKVP_IP_TEXT_UNITS];
} __attribute__((packed));

/**
 * struct hvkvp_msg_ip_binary - GET_IP and SET_IP from KVP 5.0
 * @operation: HVKVP_OP_GET_IP or HVKVP_OP_SET_IP
 * @pool: HVKVP_POOL_GUEST
 * @pad: zero
 * @v4_count: used elements of @v4 and @v4_mask
 * @v6_count: used elements of @v6 and @v6_prefix
 * @v4_gateway_count: used elements of @v4_gateway
 * @v6_gateway_count: used elements of @v6_gateway
 * @v4_dns_count: used elements of @v4_dns
 * @v6_dns_count: used elements of @v6_dns
 * @adapter_id: as in the text form
 * @family: HVKVP_FAMILY_*
 * @dhcp: as in the text form
 * @pad2: zero
 * @v4: addresses, network byte order like all addresses here
 * @v6: addresses
 * @v4_mask: subnet masks
 * @v6_prefix: prefix lengths
 * @v4_gateway: default gateways
 * @v6_gateway: default gateways
 * @v4_dns: name servers
 * @v6_dns: name servers
 * @origin: HVKVP_ORIGIN_* of the v4 addresses, then, with no gap, of the v6
 *	addresses
 * @tail: unused, up to HVKVP_IP_SIZE
 */
struct hvkvp_msg_ip_binary {
	__u8 operation;
	__u8 pool;
	__u16 pad;
	__le32 v4_count;
	__le32 v6_count;
	__le32 v4_gateway_count;
	__le32 v6_gateway_count;
	__le32 v4_dns_count;
	__le32 v6_dns_count;
	__le16 adapter_id[HVKVP_ADAPTER_ID_UNITS];
	__u8 family;
	__u8 dhcp;
	__u16 pad2;
	__u8 v4[HVKVP_ADDR_MAX][4];
	__u8 v6[HVKVP_ADDR_MAX][16];
	__u8 v4_mask[HVKVP_ADDR_MAX][4];
	__le32 v6_prefix[HVKVP_ADDR_MAX];
	__u8 v4_gateway[HVKVP_GATEWAY_MAX][4];
	__u8 v6_gateway[HVKVP_GATEWAY_MAX][16];
	__u8 v4_dns[HVKVP_ADDR_MAX][4];
	__u8 v6_dns[HVKVP_ADDR_MAX][16];
	__le16 origin[2 * HVKVP_ADDR_MAX];
	__u8 tail[HVKVP_IP_SIZE - HVKVP_IP_BINARY_USED];
};

#endif /* _UAPI_HV_KVP_MSG_H */
